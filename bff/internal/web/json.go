package web

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/textfile"
)

const maxBody = 64 << 10

// bodyDeadline is the time that a client has to send a body this small. Tests
// shorten it.
var bodyDeadline = 10 * time.Second

// field is one member of a request body.
type field struct {
	name     string
	into     any // *string or *bool; a pointer to one stays nil when there is no such member
	required bool
}

func required(name string, into any) field { return field{name, into, true} }
func optional(name string, into any) field { return field{name, into, false} }

// readJSON reads a body that must be one JSON object with these members and
// no others. It is strict because Echo's Bind is not: it
// takes forms (which other sites can post), ignores what follows the JSON,
// takes the last of two equal keys and folds case ("Role" set role).
func readJSON(c echo.Context, fields ...field) error {
	body, err := readBody(c)
	if err != nil {
		return err
	}
	members, unknown, err := readMembers(body, fields)
	if err != nil {
		// Without the cause: it quotes the body, and a body is never logged.
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return problem(codeMalformedJSON, "A member is given twice.")
		}
		return problem(codeMalformedJSON, "Send one JSON object.")
	}
	wrong := map[string]string{}
	for _, name := range unknown[:min(len(unknown), maxNamed)] {
		wrong[printable(name)] = "There is no such field here."
	}
	for _, f := range fields {
		value, ok := members[f.name]
		switch {
		case !ok && f.required:
			wrong[f.name] = "This is required."
		case ok:
			if message := f.decode(value); message != "" {
				wrong[f.name] = message
			}
		}
	}
	if len(wrong) > 0 {
		detail := "Some fields need another look."
		if len(unknown) > maxNamed {
			detail = fmt.Sprintf("Some fields need another look; of those that do not exist here the first %d are named.", maxNamed)
		}
		return &refusal.Error{Code: refusal.ValidationFailed, Detail: detail, Fields: wrong}
	}
	return nil
}

// maxNamed bounds the unknown fields that a response names: one named thousands
// and was 262 KB long.
const maxNamed = 10

// readMembers reads one JSON object: the values of the members that have a
// field, and the names of others, one more than maxNamed at most.
func readMembers(body []byte, fields []field) (members map[string]jsontext.Value, unknown []string, err error) {
	d := jsontext.NewDecoder(bytes.NewReader(body))
	if d.PeekKind() != '{' {
		return nil, nil, errNoObject
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, nil, err
	}
	members = map[string]jsontext.Value{}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return nil, nil, err
		}
		key := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return nil, nil, err
		}
		switch {
		case slices.ContainsFunc(fields, func(f field) bool { return f.name == key }):
			members[key] = value.Clone()
		case len(unknown) <= maxNamed:
			unknown = append(unknown, key)
		}
	}
	if _, err := d.ReadToken(); err != nil { // the closing brace, or a syntax error
		return nil, nil, err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, nil, errNoObject
	}
	return members, unknown, nil
}

var errNoObject = errors.New("not one JSON object")

// readOptionalJSON is readJSON for an endpoint whose body may be left out. A
// chunked body may turn out to be empty: behind a proxy that speaks HTTP/2 to
// the browser, that is what "no body" looks like.
func readOptionalJSON(c echo.Context, fields ...field) error {
	r := c.Request()
	if r.ContentLength < 0 {
		peeked := bufio.NewReader(r.Body)
		if _, err := peeked.Peek(1); errors.Is(err, io.EOF) {
			return nil
		}
		r.Body = struct {
			io.Reader
			io.Closer
		}{peeked, r.Body}
	}
	if r.ContentLength == 0 {
		return nil
	}
	return readJSON(c, fields...)
}

func (f field) decode(value jsontext.Value) string {
	var kinds []jsontext.Kind
	var message string
	switch f.into.(type) {
	case *string, **string:
		kinds, message = []jsontext.Kind{'"'}, "This must be a string."
	case *bool, **bool:
		kinds, message = []jsontext.Kind{'t', 'f'}, "This must be true or false."
	default:
		panic(fmt.Sprintf("field %q reads into a %T", f.name, f.into))
	}
	for _, k := range kinds {
		if value.Kind() == k && json.Unmarshal(value, f.into) == nil {
			return ""
		}
	}
	return message
}

func readBody(c echo.Context) ([]byte, error) {
	r := c.Request()
	mediaType, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := params["charset"]
	if err != nil || mediaType != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8") ||
		r.Header.Get("Content-Encoding") != "" || len(r.Header.Values("Content-Type")) != 1 {
		return nil, problem(codeUnsupportedMedia, "Send Content-Type: application/json, in UTF-8 and not compressed.")
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &refusal.Error{Code: codeBodyTooLarge, Detail: "Send at most 64 KiB.", Cause: err}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, &refusal.Error{Code: codeRequestTimeout, Detail: "The body took too long.", Cause: err}
	case err != nil:
		return nil, &refusal.Error{Code: codeMalformedJSON, Detail: "The body did not arrive whole.", Cause: err}
	}
	if body, err = textfile.UTF8(body); err != nil { // a byte order mark may be ignored (RFC 8259 §8.1)
		return nil, problem(codeMalformedJSON, "Send UTF-8.")
	}
	// The whole body has arrived: its deadline must not cancel a handler that hashes.
	_ = http.NewResponseController(c.Response()).SetReadDeadline(time.Time{})
	return body, nil
}

// limitBodyTime gives the client bodyDeadline to send the rest of its body, against
// clients that drip: 64 KiB take less than ten seconds. The deadline stays when the
// body is not read to its end, because net/http reads the rest before it sends a
// response. The kernel keeps it, by the machine's clock. Errors mean a writer
// without deadlines (a test's).
func limitBodyTime(c echo.Context) {
	if c.Request().ContentLength != 0 {
		_ = http.NewResponseController(c.Response()).SetReadDeadline(time.Now().Add(bodyDeadline))
	}
}
