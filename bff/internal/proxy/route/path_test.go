package route

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

var (
	goodPaths = []string{
		"/", "/a", "/a/", "/a/b/", "/a.b", "/...", "/.well-known/jwks.json", "/a/..b", "/a;x=1", "/a/;x/b",
		"/a%20b", "/a%2Fb", "/a%2fb/", "/a%3Bb", "/%E2%82%AC", "/%e9", "/%c0", "/%25", "/%252e%252e", "/a/%2F/b", "/%f8", "/%f8%88", "/%fc%84", "/gr%fc%dfe",
		"/a|b", "/a[0]", "/a^b", `/a"b`, "/a:b@c!$&'()*+,=", "/%EF%BC%81", "/caf%C3%A9",
		"/%C2%BD", "/cafe%CC%81", "/%E3%81%8B%E3%82%99%EF%BC%9F", "/%EF%BC%A1%EF%BC%83", "/a%EF%BC%9Bb", "/%CD%BE", "/%F0%9F%98%80", "/%E3%80%82",
	}
	badPaths = []string{
		"", "a", "*", "http://h/a", "//", "//a", "/a//b", "/a//", "/.", "/..", "/./a", "/../a", "/a/..", "/a/.", "/a/../b",
		"/%2e", "/%2E%2e/a", "/a/.%2e/b", "/..;x/b", "/.;/b", "/a/..;", "/..%3Bx/b", "/..%2fa", "/a%2f..", "/a%2F..%2Fb", "/a%2f.%2fb", "/a%2f..;x%2fb",
		`/a\b`, "/a%5cb", "/a%5C..%5Cb", "/%61dmin", "/%41", "/%30", "/%2d", "/%7E", "/%5f",
		"/%00", "/a%0d%0a", "/%1f", "/%7f", "/a\x00", "/a\tb", "/a b", "/a#b", "/a?b", "/\x7f",
		"/%", "/%2", "/%zz", "/%u002e", "/%-1", "/a%2g",
		"/é", "/\xff", "/．．/a", "/%c0%ae", "/%C0%AF", "/%c1%9c", "/%e0%80%ae", "/%f0%80%80%ae", "/%f8%80%80%80%ae", "/a%F8%87%BF%BF%BF", "/%fc%80%80%80%80%af", "/%fc%83",
		"/%EF%BC%8E%EF%BC%8E/a", "/%ef%bc%8fa", "/a%ef%bc%bcb", "/%ef%bc%852e",
		"/%E2%80%A4%E2%80%A4/a", "/%E2%80%A5", "/a/%E2%80%A5/b", "/%EF%B9%92.", "/..%EF%BC%9Bx/b", "/..%CD%BEx", "/a/..%ef%b9%94", "/%E2%84%80", "/%EF%B9%A8", "/%EF%B9%AA2e",
		"/%E2%80%A6", "/%E2%92%88", "/a%E2%80%A4.%2fb",
	}
)

func TestCheckPath(t *testing.T) {
	for _, p := range goodPaths {
		if err := CheckPath(p); err != nil {
			t.Errorf("CheckPath(%q) = %v, want nil", p, err)
		}
	}
	for _, p := range badPaths {
		if err := CheckPath(p); !errors.Is(err, ErrBadPath) {
			t.Errorf("CheckPath(%q) = %v, want ErrBadPath", p, err)
		}
	}
}

func TestRawPath(t *testing.T) {
	for _, tt := range []struct{ uri, want string }{
		{"/a?b", "/a"}, {"/a%2Fb", "/a%2Fb"}, {`/a"b|?x`, `/a"b|`}, {"/", "/"}, {"/?", "/"},
		{"http://h/a", ""}, {"*", ""}, {"h:443", ""},
	} {
		got, err := RawPath(&http.Request{RequestURI: tt.uri})
		if got != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("RawPath(%q) = %q, %v; want %q", tt.uri, got, err, tt.want)
		}
	}
	got, err := RawPath(&http.Request{URL: &url.URL{Path: "/a/b"}})
	if got != "/a/b" || err != nil {
		t.Errorf("RawPath of a made request = %q, %v", got, err)
	}
}

// Refused is every character that NFKC turns into a dot, a slash, a backslash or a
// percent sign, and no other: a list by hand was incomplete.
func TestCheckPathRefusesWhatNormalisesToSeparators(t *testing.T) {
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		bad := strings.ContainsAny(norm.NFKC.String(string(r)), `%./\`)
		if err := CheckPath("/a" + url.PathEscape(string(r)) + "b"); (err != nil) != bad {
			t.Errorf("%U %q: %v, want refused %v", r, r, err, bad)
		}
	}
}
