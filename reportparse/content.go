package reportparse

import (
	"io"
	"strings"
)

// blockSize is how much text is taken up at once.
const blockSize = 64 << 10

// content is a file as UTF-8 without byte order mark and control characters. It
// comes in strings, so that what is cut out of them costs no copy and stays
// valid for as long as it is used.
type content struct {
	in       io.Reader // decoded
	ahead    string    // given to look at, and to be given again
	buf      []byte
	read     int64 // bytes of the file, packed as it is
	replaced int   // U+FFFD in what was given
	err      error // ends the text
}

// more is rest with the text behind it, at least as much again as rest is long
// if the file has it. Behind the end it is rest alone, with the error that ended
// the file, io.EOF if that was all.
func (t *content) more(rest string) (string, error) {
	if t.ahead != "" {
		rest, t.ahead = rest+t.ahead, ""
		return rest, nil
	}
	if t.err != nil {
		return rest, t.err
	}
	size := max(blockSize, len(rest))
	if cap(t.buf) < size {
		t.buf = make([]byte, size)
	}
	n := 0
	for n < size && t.err == nil {
		var got int
		got, t.err = t.in.Read(t.buf[n:size])
		n += got
	}
	if n == 0 {
		return rest, t.err
	}
	got := string(t.buf[:n])
	t.replaced += strings.Count(got, "\uFFFD")
	return rest + got, nil
}
