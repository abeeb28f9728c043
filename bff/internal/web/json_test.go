package web

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
)

type posted struct {
	Email    string
	Remember bool
}

func readPosted(contentType, body string) (posted, error) {
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	var in posted
	err := readJSON(echo.New().NewContext(r, httptest.NewRecorder()), required("email", &in.Email), optional("remember", &in.Remember))
	return in, err
}

const jsonType = "application/json"

func TestStrictJSON(t *testing.T) {
	for _, tt := range []struct {
		name, contentType, body string
		want                    posted
	}{
		{"all", jsonType, `{"email":"a","remember":true}`, posted{"a", true}},
		{"optional left out", jsonType, `{"email":"a"}`, posted{Email: "a"}},
		{"white space around", jsonType, " \n{ \"email\" : \"a\" }\n", posted{Email: "a"}},
		{"charset", "application/json; charset=UTF-8", `{"email":"a"}`, posted{Email: "a"}},
		{"upper case type", "Application/JSON", `{"email":"a"}`, posted{Email: "a"}},
		{"byte order mark", jsonType, "\ufeff" + `{"email":"a"}`, posted{Email: "a"}},
		{"escapes", jsonType, `{"email":"\u0061\ud83d\ude00"}`, posted{Email: "a😀"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := readPosted(tt.contentType, tt.body); err != nil || got != tt.want {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestStrictJSONRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, contentType, body string
		code                    refusal.Code
		fields                  []string
	}{
		{"two byte order marks", jsonType, "\ufeff\ufeff" + `{"email":"a"}`, codeMalformedJSON, nil},
		{"only a byte order mark", jsonType, "\ufeff", codeMalformedJSON, nil},
		{"UTF-16", jsonType, "\xff\xfe{\x00}\x00", codeMalformedJSON, nil},
		{"form", "application/x-www-form-urlencoded", "email=a", codeUnsupportedMedia, nil},
		{"text, which any site can post", "text/plain", `{"email":"a"}`, codeUnsupportedMedia, nil},
		{"no type", "", `{"email":"a"}`, codeUnsupportedMedia, nil},
		{"another charset", "application/json; charset=utf-16", `{"email":"a"}`, codeUnsupportedMedia, nil},
		{"a type that starts the same", "application/jsonp", `{"email":"a"}`, codeUnsupportedMedia, nil},
		{"empty", jsonType, ``, codeMalformedJSON, nil},
		{"cut", jsonType, `{"email":"a"`, codeMalformedJSON, nil},
		{"null", jsonType, `null`, codeMalformedJSON, nil},
		{"list", jsonType, `[]`, codeMalformedJSON, nil},
		{"string", jsonType, `"a"`, codeMalformedJSON, nil},
		{"something behind it", jsonType, `{"email":"a"}{}`, codeMalformedJSON, nil},
		{"key twice", jsonType, `{"email":"a","email":"b"}`, codeMalformedJSON, nil},
		{"key twice, once escaped", jsonType, `{"email":"a","\u0065mail":"b"}`, codeMalformedJSON, nil},
		{"invalid UTF-8", jsonType, "{\"email\":\"\xff\"}", codeMalformedJSON, nil},
		{"lone surrogate", jsonType, `{"email":"\ud800"}`, codeMalformedJSON, nil},
		{"comment", jsonType, `{"email":"a"/**/}`, codeMalformedJSON, nil},
		{"missing", jsonType, `{}`, refusal.ValidationFailed, []string{"email"}},
		{"case folded", jsonType, `{"Email":"a"}`, refusal.ValidationFailed, []string{"Email", "email"}},
		{"folded by Unicode", jsonType, `{"email":"a","\u212Aey":1}`, refusal.ValidationFailed, []string{"?ey"}},
		{"unknown", jsonType, `{"email":"a","role":"admin"}`, refusal.ValidationFailed, []string{"role"}},
		{"number for a string", jsonType, `{"email":1}`, refusal.ValidationFailed, []string{"email"}},
		{"null for a string", jsonType, `{"email":null}`, refusal.ValidationFailed, []string{"email"}},
		{"list for a string", jsonType, `{"email":["a"]}`, refusal.ValidationFailed, []string{"email"}},
		{"string for a bool", jsonType, `{"email":"a","remember":"true"}`, refusal.ValidationFailed, []string{"remember"}},
		{"everything at once", jsonType, `{"email":1,"remember":1,"x":1}`, refusal.ValidationFailed, []string{"email", "remember", "x"}},
		{"too large", jsonType, `{"email":"` + strings.Repeat("a", maxBody) + `"}`, codeBodyTooLarge, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readPosted(tt.contentType, tt.body)
			var e *refusal.Error
			if !errors.As(err, &e) || e.Code != tt.code {
				t.Fatalf("error %v, want %s", err, tt.code)
			}
			var fields []string
			for _, f := range append([]string{"Email", "email", "remember", "role", "x"}, "?ey") {
				if e.Fields[f] != "" {
					fields = append(fields, f)
				}
			}
			if len(fields) != len(e.Fields) || !cmp.Equal(fields, tt.fields) {
				t.Errorf("fields %v, want %v", e.Fields, tt.fields)
			}
		})
	}
}

// A sign-in with thousands of fields was answered with 262 KB.
func TestAnswerToAHostileBodyIsSmall(t *testing.T) {
	many := func(format string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, tt := range map[string]struct {
		body   string
		code   refusal.Code
		fields int
	}{
		"thousands of fields":          {`{"email":"a"` + many(`,"x%d":0`, 6000) + `}`, refusal.ValidationFailed, 10},
		"and those that are asked for": {`{` + many(`"x%d":0,`, 6000) + `"email":1,"remember":1}`, refusal.ValidationFailed, 12},
		"eleven":                       {`{"email":"a"` + many(`,"x%d":0`, 11) + `}`, refusal.ValidationFailed, 10},
		"ten":                          {`{"email":"a"` + many(`,"x%d":0`, 10) + `}`, refusal.ValidationFailed, 10},
		"one name of 60 KB":            {`{"email":"a","` + strings.Repeat("x", 60_000) + `":0}`, refusal.ValidationFailed, 1},
		"ten names of 6 KB":            {`{"email":"a"` + many(`,"`+strings.Repeat("x", 6000)+`%d":0`, 10) + `}`, refusal.ValidationFailed, 1}, // cut, they are one
		"names of quotes":              {`{"email":"a"` + many(`,"`+strings.Repeat(`\"`, 1000)+`%d":0`, 20) + `}`, refusal.ValidationFailed, 1},
		"names of controls":            {`{"email":"a"` + many(`,"%d`+strings.Repeat(`\u0001`, 500)+`":0`, 20) + `}`, refusal.ValidationFailed, 10},
		"one field thousands of times": {`{"email":"a"` + many(`,"x":%d`, 6000) + `}`, codeMalformedJSON, 0},
		"twice at the end":             {`{"email":"a"` + many(`,"x%d":0`, 3000) + `,"x0":1}`, codeMalformedJSON, 0},
		"broken after thousands":       {`{"email":"a"` + many(`,"x%d":0`, 3000) + `,}`, codeMalformedJSON, 0},
		"nested lists":                 {`{"email":` + strings.Repeat("[", 30_000) + strings.Repeat("]", 30_000) + `}`, codeMalformedJSON, 0},
		"nested in an unknown field":   {`{"email":"a","x":` + strings.Repeat("[", 30_000) + strings.Repeat("]", 30_000) + `}`, codeMalformedJSON, 0},
		"nested less":                  {`{"email":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, refusal.ValidationFailed, 1},
		"nested objects":               {strings.Repeat(`{"email":`, 7000), codeMalformedJSON, 0},
		"a list of thousands":          {`{"email":[` + many(`%d,`, 6000) + `0]}`, refusal.ValidationFailed, 1},
		"a long text":                  {`{"email":1,"remember":"` + strings.Repeat("x", 60_000) + `"}`, refusal.ValidationFailed, 2},
		"a long number":                {`{"email":` + strings.Repeat("9", 60_000) + `}`, refusal.ValidationFailed, 1},
		"a number that is none":        {`{"email":"a","x":` + strings.Repeat("9", 60_000) + `x}`, codeMalformedJSON, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/", strings.NewReader(tt.body))
			r.Header.Set("Content-Type", jsonType)
			v := &requestInfo{Context: r.Context()}
			w := httptest.NewRecorder()
			c := echo.New().NewContext(r.WithContext(v), w)
			var in posted
			err := readJSON(c, required("email", &in.Email), optional("remember", &in.Remember))
			var e *refusal.Error
			if !errors.As(err, &e) || e.Code != tt.code || len(e.Fields) != tt.fields {
				t.Fatalf("%v with %d fields, want %s with %d", err, len(e.Fields), tt.code, tt.fields)
			}
			new(Server).answerProblem(err, c)
			if n := w.Body.Len(); n == 0 || n > 4096 {
				t.Errorf("answered with %d bytes", n)
			}
			if len(err.Error()) > 200 {
				t.Errorf("the log gets %d bytes", len(err.Error()))
			}
		})
	}
}
