package web

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// asSlog is what slog's own encoder makes of a line.
func asSlog(l *logLine) string {
	var text bytes.Buffer
	record := slog.NewRecord(l.at, l.level, "request", 0)
	record.AddAttrs(l.attrs(nil)...)
	_ = slog.NewJSONHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}).Handle(context.Background(), record)
	return text.String()
}

var oddTexts = []string{
	"", "plain", `quoted " and \`, "two\nlines\r", "tab\tbell\abackspace\bfeed\f", "\x00\x1f\x7f", "<script>&amp;", "Zürich 🏛", "\xff\xfe cut \xf0\x9f",
	"\u2028 and \u2029", "\ufffd", strings.Repeat("é", 300),
}

func TestLogLineIsWhatSlogWrites(t *testing.T) {
	at := time.Date(2026, 11, 30, 23, 59, 59, 0, time.FixedZone("", 3600))
	for _, odd := range oddTexts {
		for _, l := range []logLine{
			{at: at, method: "GET", route: odd, status: 200, took: 1234567, request: odd, ip: "192.0.2.1"},
			{at: at.Add(120 * time.Millisecond), level: slog.LevelError, method: "-", route: "-", status: 502, request: "r", user: odd, err: odd, brokenOff: true},
			{at: at.Add(123456789).UTC(), level: slog.LevelDebug, method: "POST", route: "/", status: 101, took: -5 * time.Millisecond, trace: odd},
		} {
			if got, want := string(l.appendJSON(nil)), asSlog(&l); got != want {
				t.Errorf("got  %swant %s", got, want)
			}
		}
	}
}

func FuzzLogLineIsWhatSlogWrites(f *testing.F) {
	for i, odd := range oddTexts {
		f.Add(odd, int64(i)*1e9, int64(i)*1e5)
	}
	f.Fuzz(func(t *testing.T, text string, at, took int64) {
		l := logLine{at: time.Unix(0, at).UTC(), method: "GET", route: text, status: 404, took: time.Duration(took), request: text, ip: text, user: text, trace: text, err: text}
		got, want := string(l.appendJSON(nil)), asSlog(&l)
		if got != want {
			t.Errorf("got  %swant %s", got, want)
		}
		if strings.Count(got, "\n") != 1 {
			t.Errorf("more than one line: %q", got)
		}
	})
}

func BenchmarkLogLine(b *testing.B) {
	l := logLine{at: time.Date(2026, 11, 30, 12, 0, 0, 123456789, time.UTC), method: "GET", route: "/api/orders", status: 200, took: 1234567, request: strings.Repeat("R", 26), ip: "192.0.2.1", user: strings.Repeat("U", 26)}
	b.Run("by hand", func(b *testing.B) {
		line := make([]byte, 0, 512)
		b.ReportAllocs()
		for b.Loop() {
			line = l.appendJSON(line[:0])
		}
	})
	b.Run("slog", func(b *testing.B) {
		var out bytes.Buffer
		h := slog.NewJSONHandler(&out, nil)
		b.ReportAllocs()
		for b.Loop() {
			out.Reset()
			var space [10]slog.Attr
			record := slog.NewRecord(l.at, l.level, "request", 0)
			record.AddAttrs(l.attrs(space[:0])...)
			_ = h.Handle(b.Context(), record)
		}
	})
}
