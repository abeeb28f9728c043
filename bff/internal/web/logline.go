package web

import (
	"context"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"
)

// LogLines takes the lines of requests, encoded as JSON. Lines of level WARN
// and above are followed by a call of Flush.
type LogLines interface {
	io.Writer
	Flush()
}

// logLine is one request, for the log. Empty strings are left out.
type logLine struct {
	at        time.Time
	level     slog.Level
	method    string
	route     string
	status    int
	took      time.Duration
	request   string
	ip        string
	user      string
	trace     string
	err       string
	brokenOff bool
}

var lineBuffers = sync.Pool{New: func() any { return new(make([]byte, 0, 512)) }}

// writeLogLine is slog's LogAttrs without finding out from which line of the
// source it is called.
func (s *Server) writeLogLine(ctx context.Context, l *logLine) {
	if !s.log.Enabled(ctx, l.level) {
		return
	}
	if s.logLines == nil {
		var space [10]slog.Attr // for every attribute there is, on the stack
		record := slog.NewRecord(l.at, l.level, "request", 0)
		record.AddAttrs(l.attrs(space[:0])...)
		_ = s.log.Handler().Handle(ctx, record) // there is no other place to say that the log is broken
		return
	}
	buf := lineBuffers.Get().(*[]byte)
	*buf = l.appendJSON((*buf)[:0])
	_, _ = s.logLines.Write(*buf)
	lineBuffers.Put(buf)
	if l.level >= slog.LevelWarn {
		s.logLines.Flush()
	}
}

func (l *logLine) milliseconds() float64 { return float64(l.took.Microseconds()) / 1000 }

// attrs is the line for slog. Its order is that of appendJSON.
func (l *logLine) attrs(space []slog.Attr) []slog.Attr {
	attrs := append(space,
		slog.String("method", l.method),
		slog.String("route", l.route),
		slog.Int("status", l.status),
		slog.Float64("ms", l.milliseconds()),
		slog.String("request", l.request),
		slog.String("ip", l.ip),
	)
	for _, optional := range [...][2]string{{"user", l.user}, {"trace", l.trace}, {"error", l.err}} {
		if optional[1] != "" {
			attrs = append(attrs, slog.String(optional[0], optional[1]))
		}
	}
	if l.brokenOff {
		attrs = append(attrs, slog.Bool("broken_off", true))
	}
	return attrs
}

// appendJSON is slog.JSONHandler's line of attrs, byte for byte, without its
// record, its attributes and its reflection: a line costs a quarter of that.
func (l *logLine) appendJSON(b []byte) []byte {
	b = append(b, `{"time":"`...)
	b = l.at.AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","level":"`...)
	b = append(b, l.level.String()...)
	b = append(b, `","msg":"request","method":`...)
	b = appendQuoted(b, l.method)
	b = append(b, `,"route":`...)
	b = appendQuoted(b, l.route)
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(l.status), 10)
	b = append(b, `,"ms":`...)
	b = strconv.AppendFloat(b, l.milliseconds(), 'f', -1, 64)
	b = append(b, `,"request":`...)
	b = appendQuoted(b, l.request)
	b = append(b, `,"ip":`...)
	b = appendQuoted(b, l.ip)
	if l.user != "" {
		b = appendQuoted(append(b, `,"user":`...), l.user)
	}
	if l.trace != "" {
		b = appendQuoted(append(b, `,"trace":`...), l.trace)
	}
	if l.err != "" {
		b = appendQuoted(append(b, `,"error":`...), l.err)
	}
	if l.brokenOff {
		b = append(b, `,"broken_off":true`...)
	}
	return append(b, '}', '\n')
}

// appendQuoted writes s as a JSON string (RFC 8259 §7). An error may quote what
// a client or an upstream sent: a line break in it would begin a forged line.
func appendQuoted(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			switch {
			case r == utf8.RuneError && size == 1:
				b = append(append(b, s[from:i]...), `\ufffd`...)
			case r == '\u2028', r == '\u2029': // line ends to JavaScript
				b = append(append(b, s[from:i]...), `\u202`...)
				b = append(b, hex[r&0xf])
			default:
				i += size
				continue
			}
			i += size
			from = i
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			b = append(b, `\u00`...)
			b = append(b, hex[c>>4], hex[c&0xf])
		}
		i++
		from = i
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}
