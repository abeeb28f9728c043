package socket

import (
	"encoding/binary"
	"strings"
)

// frames parses the frame headers of RFC 6455 §5.2 in a byte stream.
type frames struct {
	header  [14]byte
	have    int    // bytes of header so far
	payload uint64 // bytes of payload to come
}

func (f *frames) between() bool { return f.have == 0 && f.payload == 0 }

// next consumes p up to the end of the current frame at most, and returns how
// many bytes that were.
func (f *frames) next(p []byte) (n int) {
	for f.payload == 0 {
		if n == len(p) {
			return n
		}
		f.header[f.have] = p[n]
		f.have++
		n++
		if f.have < 2 || f.have < f.headerSize() {
			continue
		}
		f.payload = f.payloadSize()
		f.have = 0
		if f.payload == 0 {
			return n
		}
	}
	k := min(uint64(len(p)-n), f.payload)
	f.payload -= k
	return n + int(k)
}

func (f *frames) headerSize() int {
	size := 2
	switch f.header[1] & 0x7f {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	if f.header[1]&0x80 != 0 { // masked: forbidden for a server, but the key has its place
		size += 4
	}
	return size
}

func (f *frames) payloadSize() uint64 {
	switch length := f.header[1] & 0x7f; length {
	case 126:
		return uint64(binary.BigEndian.Uint16(f.header[2:]))
	case 127:
		return binary.BigEndian.Uint64(f.header[2:])
	default:
		return uint64(length)
	}
}

// CloseFrame makes a close frame (RFC 6455 §5.5.1). Its reason is cut to 123
// bytes.
func CloseFrame(code int, reason string) []byte {
	if len(reason) > 123 {
		reason = strings.ToValidUTF8(reason[:123], "")
	}
	frame := []byte{0x88, byte(2 + len(reason)), byte(code >> 8), byte(code)}
	return append(frame, reason...)
}
