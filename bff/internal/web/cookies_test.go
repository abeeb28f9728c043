package web

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

func TestCookieAttributes(t *testing.T) {
	secure, local := newCookieJar(true), newCookieJar(false)
	for _, tt := range []struct {
		name  string
		write func(http.Header)
		want  []string
	}{
		{"https", func(h http.Header) { secure.set(h, &session.Cookies{Access: "a", Refresh: "r"}) }, []string{
			"__Host-access_token=a; Path=/; HttpOnly; Secure; SameSite=Strict",
			"__Host-refresh_token=r; Path=/; HttpOnly; Secure; SameSite=Strict",
		}},
		{"remembered", func(h http.Header) { secure.set(h, &session.Cookies{Access: "a", Refresh: "r", MaxAge: time.Hour}) }, []string{
			"__Host-access_token=a; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Strict",
			"__Host-refresh_token=r; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Strict",
		}},
		{"device", func(h http.Header) { secure.setDevice(h, "d") }, []string{
			"__Host-device=d; Path=/; Max-Age=31536000; HttpOnly; Secure; SameSite=Strict",
		}},
		{"cleared", secure.clear, []string{
			"__Host-access_token=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict",
			"__Host-refresh_token=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict",
		}},
		{"http on localhost", func(h http.Header) { local.set(h, &session.Cookies{Access: "a", Refresh: "r"}) }, []string{
			"access_token=a; Path=/; HttpOnly; SameSite=Strict",
			"refresh_token=r; Path=/; HttpOnly; SameSite=Strict",
		}},
		{"cleared on localhost", local.clear, []string{
			"access_token=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict",
			"refresh_token=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict",
		}},
		{"cleared, then set: one line a name", func(h http.Header) {
			h.Add("Set-Cookie", "theme=dark")
			local.clear(h)
			local.set(h, &session.Cookies{Access: "a", Refresh: "r"})
		}, []string{
			"theme=dark",
			"access_token=a; Path=/; HttpOnly; SameSite=Strict",
			"refresh_token=r; Path=/; HttpOnly; SameSite=Strict",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{}
			tt.write(h)
			if diff := cmp.Diff(tt.want, h["Set-Cookie"]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadingCookies(t *testing.T) {
	for _, tt := range []struct {
		name   string
		header []string
		want   presented
	}{
		{"none", nil, presented{}},
		{"both", []string{"access_token=a; refresh_token=r; theme=dark"}, presented{access: "a", refresh: "r", session: true}},
		{"access twice: it counts for nothing, the other one does",
			[]string{"access_token=a; access_token=b; refresh_token=r"}, presented{refresh: "r", session: true, doubled: []string{"access_token"}}},
		{"twice in two headers", []string{"refresh_token=r", "refresh_token=s"}, presented{session: true, doubled: []string{"refresh_token"}}},
		{"twice the same", []string{"access_token=a; access_token=a"}, presented{session: true, doubled: []string{"access_token"}}},
		{"names of https do not count on http", []string{"__Host-access_token=a"}, presented{}},
		{"twice, one of them malformed: net/http would not even see it",
			[]string{`access_token=a; access_token=a"b`}, presented{session: true, doubled: []string{"access_token"}}},
		{"malformed", []string{`access_token=a"b`}, presented{access: `a"b`, session: true}},
		{"empty", []string{"refresh_token="}, presented{session: true}},
		{"the device alone is no session", []string{"device=d"}, presented{device: "d"}},
		{"case matters", []string{"Access_Token=a"}, presented{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &http.Request{Header: http.Header{"Cookie": tt.header}}
			got := newCookieJar(false).read(r)
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(presented{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}
