// Package textfile reads text as editors and shells write it, and writes files
// that survive a power cut.
package textfile

import (
	"bytes"
	"errors"
)

var byteOrderMark = []byte("\xef\xbb\xbf")

// errUTF16 covers UTF-32, which begins like it.
var errUTF16 = errors.New("the text is UTF-16, not UTF-8; save it as UTF-8 (in PowerShell: Out-File -Encoding utf8)")

// UTF8 gives text without the byte order mark that Windows editors write in front
// of it, which used to be part of the first word. Text in UTF-16, which they
// write as well, is refused by name.
func UTF8(text []byte) ([]byte, error) {
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) ||
		len(text) >= 4 && (text[0] == 0) != (text[1] == 0) && (text[2] == 0) != (text[3] == 0) { // without a mark
		return nil, errUTF16
	}
	return bytes.TrimPrefix(text, byteOrderMark), nil
}
