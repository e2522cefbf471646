package reportparse

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"mime"
	"regexp"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
)

var declaration = regexp.MustCompile(`^\s*<\?xml\s[^>]*encoding\s*=\s*["']([^"'>]*)["']`)

// decode gives a file as UTF-8, without byte order mark and control characters.
func decode(raw *bufio.Reader, o Options) (io.Reader, error) {
	given := byName(o.Charset)
	if given == nil && o.Charset != "" {
		return nil, fmt.Errorf("charset %q: expected one of utf-8, windows-1252, iso-8859-1, shift_jis, or none to go by the bytes", clip(o.Charset))
	}
	if given == nil {
		given = charset(o.ContentType)
	}
	head, _ := raw.Peek(headSize)
	var in io.Reader
	if bom, size := byteOrderMark(head); bom != nil {
		_, _ = raw.Discard(size)
		in = transform.NewReader(raw, bom.NewDecoder())
	} else if given != nil {
		in = transform.NewReader(raw, given.NewDecoder())
	} else if m := declaration.FindSubmatch(head); m != nil && byName(string(m[1])) != nil {
		in = transform.NewReader(raw, byName(string(m[1])).NewDecoder())
	} else {
		in = &guessed{raw: raw}
	}
	return transform.NewReader(in, runes.Remove(runes.Predicate(control))), nil
}

// control tells the characters that no cell means, and that XML forbids.
func control(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
}

func byteOrderMark(head []byte) (encoding.Encoding, int) {
	switch {
	case bytes.HasPrefix(head, []byte("\xEF\xBB\xBF")):
		return unicode.UTF8, 3
	case bytes.HasPrefix(head, []byte("\xFF\xFE")):
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), 2
	case bytes.HasPrefix(head, []byte("\xFE\xFF")):
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), 2
	}
	return nil, 0
}

// charset is the one that a content type names; nil: none known here.
func charset(contentType string) encoding.Encoding {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil
	}
	return byName(params["charset"])
}

// byName knows the names met in downloads, some of which are Java's. Files said
// to be ISO-8859-1 use the characters that only Windows-1252 has.
func byName(name string) encoding.Encoding {
	switch fold(name) {
	case "utf8":
		return unicode.UTF8
	case "cp1252", "windows1252", "latin1", "iso88591":
		return charmap.Windows1252
	case "sjis", "shiftjis", "cp932", "ms932", "windows31j":
		return japanese.ShiftJIS
	}
	return nil
}

// guessed passes ASCII on, which means the same in both, until the first other
// byte shows whether the rest is UTF-8 or Windows-1252.
type guessed struct {
	raw  *bufio.Reader
	rest io.Reader
}

func (g *guessed) Read(p []byte) (int, error) {
	if g.rest != nil {
		return g.rest.Read(p)
	}
	b, err := g.raw.Peek(min(len(p), windowSize))
	n := bytes.IndexFunc(b, func(r rune) bool { return r >= utf8.RuneSelf })
	if n < 0 {
		n = len(b)
	}
	if n > 0 {
		n, _ = g.raw.Discard(copy(p, b[:n]))
		return n, nil
	}
	if len(b) == 0 {
		return 0, err
	}
	b, _ = g.raw.Peek(windowSize)
	g.rest = transform.NewReader(g.raw, guess(b).NewDecoder())
	return g.rest.Read(p)
}

// guess goes by the majority, so that one title cut in the middle of a character
// does not spoil all the others.
func guess(b []byte) encoding.Encoding {
	good, bad := 0, 0
	for cut := len(b) == windowSize; len(b) > 0; {
		if cut && !utf8.FullRune(b) {
			break
		}
		r, size := utf8.DecodeRune(b)
		switch {
		case size > 1:
			good++
		case r == utf8.RuneError:
			bad++
		}
		b = b[size:]
	}
	if good > bad {
		return unicode.UTF8
	}
	return charmap.Windows1252
}
