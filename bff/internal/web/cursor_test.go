package web

import (
	"encoding/base64"
	"errors"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
)

func TestCursorIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	read := func(text string) (auth.Position, error) {
		target := "/api/admin/users?" + url.Values{"cursor": {text}}.Encode()
		return readCursor(echo.New().NewContext(httptest.NewRequest("GET", target, nil), httptest.NewRecorder()))
	}
	for _, want := range []auth.Position{
		{At: time.UnixMilli(0).UTC(), ID: "a"},
		{At: time.UnixMilli(-5).UTC(), ID: "a.b.c"},
		{At: time.UnixMilli(1_767_225_600_123).UTC(), ID: "key"},
		{Key: "ada.lovelace@mail.example.com"}, // in a search, among the addresses that begin with the text
		{Key: "."},
	} {
		got, err := read(*cursor(want))
		if err != nil || got != want {
			t.Errorf("%+v becomes %+v, %v", want, got, err)
		}
	}
	if cursor(auth.Position{}) != nil {
		t.Error("there is a cursor after the last page")
	}
	for _, text := range []string{"x", "%", "a2V5Lg", base64.RawURLEncoding.EncodeToString([]byte("key")), base64.RawURLEncoding.EncodeToString([]byte("1.")), base64.RawURLEncoding.EncodeToString([]byte("KEY.a"))} {
		refused := new(refusal.Error)
		if at, err := read(text); !errors.As(err, &refused) || refused.Code != refusal.ValidationFailed {
			t.Errorf("%q is taken for %+v, %v", text, at, err)
		}
	}
}
