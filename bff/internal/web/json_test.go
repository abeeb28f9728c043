package web

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
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
		code                    auth.Code
		fields                  []string
	}{
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
		{"missing", jsonType, `{}`, auth.CodeValidationFailed, []string{"email"}},
		{"case folded", jsonType, `{"Email":"a"}`, auth.CodeValidationFailed, []string{"Email", "email"}},
		{"folded by Unicode", jsonType, `{"email":"a","\u212Aey":1}`, auth.CodeValidationFailed, []string{"?ey"}},
		{"unknown", jsonType, `{"email":"a","role":"admin"}`, auth.CodeValidationFailed, []string{"role"}},
		{"number for a string", jsonType, `{"email":1}`, auth.CodeValidationFailed, []string{"email"}},
		{"null for a string", jsonType, `{"email":null}`, auth.CodeValidationFailed, []string{"email"}},
		{"list for a string", jsonType, `{"email":["a"]}`, auth.CodeValidationFailed, []string{"email"}},
		{"string for a bool", jsonType, `{"email":"a","remember":"true"}`, auth.CodeValidationFailed, []string{"remember"}},
		{"everything at once", jsonType, `{"email":1,"remember":1,"x":1}`, auth.CodeValidationFailed, []string{"email", "remember", "x"}},
		{"too large", jsonType, `{"email":"` + strings.Repeat("a", maxBody) + `"}`, codeBodyTooLarge, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readPosted(tt.contentType, tt.body)
			var e *auth.Error
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
