package socket

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// reads gives one piece for each Read, as far as the buffer allows, and notes
// how large the buffer was.
type reads struct {
	pieces []string
	end    error
	sizes  []int
}

func (r *reads) Read(p []byte) (int, error) {
	r.sizes = append(r.sizes, len(p))
	if len(r.pieces) == 0 {
		return 0, r.end
	}
	n := copy(p, r.pieces[0])
	if r.pieces[0] = r.pieces[0][n:]; r.pieces[0] == "" {
		r.pieces = r.pieces[1:]
	}
	return n, nil
}

func TestCopyQuietlyBorrowsALargeBufferForWhatIsLarge(t *testing.T) {
	const small, large = idleBuffer, burstBuffer
	some := func(n int) string { return strings.Repeat("0123456789", n/10+1)[:n] }
	for name, tt := range map[string]struct {
		pieces []string
		sizes  []int // the last one meets the end
	}{
		"nothing":       {nil, []int{small}},
		"an empty read": {[]string{"", "x"}, []int{small, small, small}},
		"short":         {[]string{"a", some(small - 1)}, []int{small, small, small}},
		"just filled":   {[]string{some(small), "b"}, []int{small, large, small}},
		"a short rest":  {[]string{some(small + 1), "b"}, []int{small, large, small, small}},
		"a long rest":   {[]string{some(2 * small), "b"}, []int{small, large, large, small}},
		"many fill it":  {[]string{some(small + 3*large + 7), "b"}, []int{small, large, large, large, large, small, small}},
		"one by one":    {[]string{some(5000), some(5000), some(5000), "b", some(5000)}, []int{small, large, large, large, large, small, large, large}},
	} {
		t.Run(name, func(t *testing.T) {
			src, want := &reads{pieces: slices.Clone(tt.pieces), end: io.EOF}, strings.Join(tt.pieces, "")
			var got bytes.Buffer
			n, err := copyQuietly(&got, src)
			if err != nil || n != int64(len(want)) || got.String() != want {
				t.Errorf("%d of %d bytes, %v", n, len(want), err)
			}
			if !slices.Equal(src.sizes, tt.sizes) {
				t.Errorf("read into %v, want %v", src.sizes, tt.sizes)
			}
		})
	}
}

// short takes half of what it is given and says nothing of it.
type short struct{ io.Writer }

func (w short) Write(p []byte) (int, error) { return w.Writer.Write(p[:len(p)/2]) }

func TestCopyQuietlyEndsAsCopyDoes(t *testing.T) {
	broken := errors.New("broken")
	for _, size := range []int{4, idleBuffer, idleBuffer + 4} {
		payload := strings.Repeat("x", size)
		for name, tt := range map[string]struct {
			wrap func(io.Reader) io.Reader
			to   func(io.Writer) io.Writer
			want error
		}{
			"end":               {nil, nil, nil},
			"end with the last": {iotest.DataErrReader, nil, nil},
			"read error":        {func(r io.Reader) io.Reader { return io.MultiReader(r, iotest.ErrReader(broken)) }, nil, broken},
			"write error":       {nil, func(io.Writer) io.Writer { w, r := io.Pipe(); w.CloseWithError(broken); return r }, broken},
			"short write":       {nil, func(w io.Writer) io.Writer { return short{w} }, io.ErrShortWrite},
		} {
			var got, copied bytes.Buffer
			run := func(into *bytes.Buffer, do func(io.Writer, io.Reader) (int64, error)) (int64, error) {
				var r io.Reader = strings.NewReader(payload)
				r = struct{ io.Reader }{r}
				if tt.wrap != nil {
					r = tt.wrap(r)
				}
				var w io.Writer = struct{ io.Writer }{into}
				if tt.to != nil {
					w = tt.to(w)
				}
				return do(w, r)
			}
			n, err := run(&got, copyQuietly)
			if !errors.Is(err, tt.want) || n != int64(got.Len()) {
				t.Errorf("%s at %d: %d of %d, %v", name, size, n, got.Len(), err)
			}
			if _, err := run(&copied, io.Copy); !errors.Is(err, tt.want) {
				t.Errorf("%s at %d: io.Copy itself ends with %v", name, size, err)
			}
		}
	}
}
