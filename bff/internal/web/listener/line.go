package listener

import "bytes"

const (
	maxLineStart = 128 // longer than every line that frames a message
	maxLineEnd   = 9   // "HTTP/1.1\r"
)

// lineSample keeps the parts of a line that the checker needs, however long the
// line is and in whatever pieces it arrives.
type lineSample struct {
	start   [maxLineStart]byte
	end     [maxLineEnd]byte
	size    int  // of the whole line
	strayCR bool // a carriage return before the end
}

func (l *lineSample) reset() { l.size, l.strayCR = 0, false }

func (l *lineSample) appendPiece(piece []byte) {
	if len(piece) == 0 {
		return
	}
	cr := bytes.IndexByte(piece, '\r')
	l.strayCR = l.strayCR || l.endsInCR() || cr >= 0 && cr < len(piece)-1
	if l.size < maxLineStart {
		copy(l.start[l.size:], piece)
	}
	if k := len(piece); k < maxLineEnd {
		copy(l.end[:], l.end[k:])
		copy(l.end[maxLineEnd-k:], piece)
	} else {
		copy(l.end[:], piece[k-maxLineEnd:])
	}
	l.size += len(piece)
}

func (l *lineSample) endsInCR() bool { return l.size > 0 && l.end[maxLineEnd-1] == '\r' }

// endsInCRLF is called at the line feed.
func (l *lineSample) endsInCRLF() bool { return l.endsInCR() && !l.strayCR }

// truncated reports whether the line is longer than text.
func (l *lineSample) truncated() bool { return l.size-1 > maxLineStart }

// text is the line without its carriage return, or its first maxLineStart bytes.
func (l *lineSample) text() []byte { return l.start[:min(l.size-1, maxLineStart)] }

// lastBytes are the eight bytes before the carriage return.
func (l *lineSample) lastBytes() []byte { return l.end[:maxLineEnd-1] }
