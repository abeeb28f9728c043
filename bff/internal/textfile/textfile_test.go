package textfile

import "testing"

func TestByteOrderMarks(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "a": "a", "\xef\xbb\xbf": "", "\xef\xbb\xbfroutes:": "routes:", "\xef\xbb": "\xef\xbb",
		"\xef\xbb\xbf\xef\xbb\xbfa": "\xef\xbb\xbfa", // one is a mark, the second is text
		"a\xef\xbb\xbf":             "a\xef\xbb\xbf", "caf\xc3\xa9": "caf\xc3\xa9", "caf\xe9": "caf\xe9", "\x00": "\x00", "a\x00b": "a\x00b",
	} {
		if got, err := UTF8([]byte(text)); err != nil || string(got) != want {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
	for name, text := range map[string]string{
		"UTF-16LE": "\xff\xfer\x00o\x00", "UTF-16BE": "\xfe\xff\x00r\x00o", "UTF-32LE": "\xff\xfe\x00\x00r\x00\x00\x00",
		"UTF-16LE, no mark": "r\x00o\x00", "UTF-16BE, no mark": "\x00r\x00o", "empty with a mark": "\xff\xfe",
	} {
		if got, err := UTF8([]byte(text)); err == nil {
			t.Errorf("%s: %q", name, got)
		}
	}
}
