package web

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// The responses used to say nothing but "not well-formed HTTP/1.1".
func TestUnreadProblemsSayWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		status int
		fault  error
		code   string
		says   []string
	}{
		{431, nil, "header_too_large", []string{"cookies", "64 KiB"}},
		{400, nil, "malformed_request", []string{"not well-formed HTTP/1.1"}},
		{505, nil, "malformed_request", []string{"Send HTTP/1.1"}},
		{501, nil, "malformed_request", []string{"only chunked"}},
		{417, errors.New("the fault"), "malformed_request", []string{"only 100-continue"}},
		{400, errors.New(`the "fault"`), "malformed_request", []string{`could be read in two ways (the "fault").`}},
		{408, nil, "request_timeout", []string{"did not arrive in time"}},
	} {
		response := UnreadProblem(tt.status, tt.fault)
		br := bufio.NewReader(bytes.NewReader(response))
		res, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(tt.status, err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(tt.status, err)
		}
		var p problemBody
		if err := json.Unmarshal(body, &p); err != nil || string(p.Code) != tt.code || p.Status != tt.status || res.StatusCode != tt.status ||
			p.Title != problems[p.Code].title || p.Type != "urn:gatehouse:problem:"+tt.code {
			t.Errorf("%d %v: %s %+v", tt.status, tt.fault, body, err)
		}
		for _, want := range tt.says {
			if !strings.Contains(p.Detail, want) {
				t.Errorf("%d %v: the detail lacks %q: %s", tt.status, tt.fault, want, p.Detail)
			}
		}
		if !res.Close {
			t.Errorf("%d: the connection stays open", tt.status)
		}
		for name, want := range map[string]string{
			"Content-Type": "application/problem+json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY", "Content-Security-Policy": apiCSP,
		} {
			if got := res.Header[name]; len(got) != 1 || got[0] != want {
				t.Errorf("%d: %s is %q, want %q", tt.status, name, got, want)
			}
		}
	}
}
