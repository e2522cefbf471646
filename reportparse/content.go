package reportparse

import (
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/transform"
)

const (
	blockSize = 64 << 10 // bytes that are taken up at once, and by which a character set is guessed
	stride    = 1 << 20  // bytes between two reports of progress
)

// content is a file as UTF-8 without byte order mark and control characters. It
// comes in strings, so that what is cut out of them costs no copy and stays
// valid for as long as it is used.
type content struct {
	file     *input    // as it was given
	in       io.Reader // unpacked
	raw      []byte    // read, and not yet given
	err      error     // ends the file
	charset  charset
	fallback *charset // to guess at, if the file is not UTF-8; nil: the charset is certain
	decoder  transform.Transformer
	decoded  [4 << 10]byte
	ahead    string  // given to look at, and to be given again
	marks    []int32 // where TAB, LF and CR are in what more found last
	replaced int     // U+FFFD in what was given
	progress func()  // nil: nobody asks
	unasked  int     // bytes since the last report of progress
}

// more is rest with the text behind it, at least half as much as rest is long
// if the file has it. Behind the end it is rest alone, with the error that ended
// the file, io.EOF if that was all. The first rest is empty.
func (t *content) more(rest string) (string, error) {
	if text := t.ahead; text != "" {
		t.ahead = ""
		return text, nil
	}
	t.marks = t.marks[:0]
	for {
		t.fill(max(blockSize, len(rest)/2))
		if len(t.raw) == 0 {
			return rest, t.err
		}
		var text strings.Builder
		text.Grow(len(rest) + len(t.raw))
		text.WriteString(rest)
		t.give(&text)
		if text.Len() > len(rest) {
			return text.String(), nil
		}
	}
}

// fill reads until there are size bytes to give, or the file ends.
func (t *content) fill(size int) {
	const patience = 100 // with a reader that gives nothing
	t.raw = slices.Grow(t.raw, max(0, size-len(t.raw)))
	for idle := 0; len(t.raw) < size && t.err == nil; {
		n, err := t.in.Read(t.raw[len(t.raw):size])
		t.raw, t.err = t.raw[:len(t.raw)+n], err
		t.unasked += n
		if idle++; n > 0 {
			idle = 0
		}
		if idle == patience && err == nil {
			t.err = io.ErrNoProgress
		}
	}
	if t.unasked >= stride && t.progress != nil {
		t.unasked = 0
		t.progress()
	}
}

// give decodes what was read. What it cannot decode yet waits for what is
// behind it.
func (t *content) give(text *strings.Builder) {
	raw := t.raw
	var n int
	n, t.marks = t.charset.same(raw, text.Len(), t.marks)
	if n < len(raw) && t.fallback != nil {
		raw = raw[:t.guess()]
	}
	text.Write(raw[:n])
	for short := true; short && n < len(raw); {
		to, from, err := t.decoder.Transform(t.decoded[:], raw[n:], t.err != nil)
		t.mend(text, t.decoded[:to])
		n += from
		short = errors.Is(err, transform.ErrShortDst)
	}
	t.raw = t.raw[:copy(t.raw, t.raw[n:])]
}

// guess finds the character set of a file that does not say it, and returns how
// much of what was read can be decoded by now: only the ASCII, if the first other
// byte comes so late that the next block is better to guess by.
func (t *content) guess() int {
	if first := ascii(t.raw); first > blockSize/2 {
		return first
	}
	set := *t.fallback
	if isUTF8(t.raw, t.err != nil) {
		set = inUTF8
	}
	t.use(set)
	t.fallback = nil
	return len(t.raw)
}

func (t *content) use(c charset) {
	t.charset, t.decoder = c, c.NewDecoder()
}

// mend drops the control characters from UTF-8.
func (t *content) mend(text *strings.Builder, b []byte) {
	for len(b) > 0 {
		var n int
		n, t.marks = cleanUTF8(b, text.Len(), t.marks)
		text.Write(b[:n])
		r, size := utf8.DecodeRune(b[n:])
		if r == utf8.RuneError && size > 0 {
			t.replaced++
			text.WriteRune(r)
		}
		b = b[n+size:]
	}
}
