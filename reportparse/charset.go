package reportparse

import (
	"bytes"
	"fmt"
	"mime"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
)

// charset is a character set.
type charset struct {
	encoding.Encoding
	same func(b []byte, base int, marks []int32) (n int, _ []int32) // how much is the same in clean UTF-8; as cleanASCII
}

var (
	inASCII   = charset{unicode.UTF8, cleanASCII} // as far as it goes
	inUTF8    = charset{unicode.UTF8, cleanUTF8}
	in1252    = charset{charmap.Windows1252, cleanASCII}
	inCP932   = charset{japanese.ShiftJIS, cleanASCII}
	inUTF16LE = charset{unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), nothing}
	inUTF16BE = charset{unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), nothing}
)

func nothing(_ []byte, _ int, marks []int32) (int, []int32) { return 0, marks }

// charsets are the names met in downloads, some of which are Java's, folded.
// Files said to be ISO-8859-1 use the characters that only Windows-1252 has;
// those said to be ASCII are left to their bytes. UTF-16 without a mark has the
// order of the network.
var charsets = map[string]*charset{
	"utf8":  &inUTF8,
	"utf16": &inUTF16BE, "utf16be": &inUTF16BE, "utf16le": &inUTF16LE,
	"windows1252": &in1252, "cp1252": &in1252, "iso88591": &in1252, "latin1": &in1252,
	"shiftjis": &inCP932, "sjis": &inCP932, "cp932": &inCP932, "ms932": &inCP932, "windows31j": &inCP932, "csshiftjis": &inCP932, "xsjis": &inCP932,
	"usascii": nil, "ascii": nil,
}

var declaration = regexp.MustCompile(`^\s*<\?xml\s[^>]*encoding\s*=\s*["']([^"'>]*)["']`)

// decide finds the character set of a file by its beginning and by what is said
// of it, or how to guess it, and leaves the byte order mark behind.
func (t *content) decide(head []byte, o Options) error {
	named, ok := charsets[fold(o.Charset)]
	if !ok && o.Charset != "" {
		return fmt.Errorf("charset %q: expected one of utf-8, utf-16, windows-1252, iso-8859-1, shift_jis, us-ascii, or none to go by the bytes", clip(o.Charset))
	}
	if named == nil {
		named = charsets[fold(charsetOf(o.ContentType))]
	}
	shown, mark := byteOrder(head)
	t.raw = t.raw[mark:]
	if shown != nil {
		named = shown
	}
	if m := declaration.FindSubmatch(head); m != nil && named == nil {
		named = charsets[fold(string(m[1]))]
		if named == &inUTF16BE || named == &inUTF16LE {
			named = nil // or it could not have been read
		}
	}
	if named != nil {
		t.use(*named)
		return nil
	}
	t.use(inASCII)
	t.fallback = &in1252
	switch strings.ToUpper(o.Marketplace) {
	case "JP", "A1VC38T7YXB528", "AMAZON.CO.JP":
		t.fallback = &inCP932
	}
	return nil
}

func charsetOf(contentType string) string {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return ""
	}
	return params["charset"]
}

// byteOrder tells the character sets that show in the first bytes of a file, and
// how long the mark is that shows them. UTF-16 shows without one, for every
// report begins with ASCII.
func byteOrder(head []byte) (shown *charset, mark int) {
	switch {
	case bytes.HasPrefix(head, []byte("\xEF\xBB\xBF")):
		return &inUTF8, 3
	case bytes.HasPrefix(head, []byte("\xFF\xFE")):
		return &inUTF16LE, 2
	case bytes.HasPrefix(head, []byte("\xFE\xFF")):
		return &inUTF16BE, 2
	}
	var zero [2]int // at even and at odd positions
	for i, b := range head {
		if b == 0 {
			zero[i%2]++
		}
	}
	switch most, few := len(head)*3/8, len(head)/16; {
	case zero[1] > most && zero[0] <= few:
		return &inUTF16LE, 0
	case zero[0] > most && zero[1] <= few:
		return &inUTF16BE, 0
	}
	return nil, 0
}

// isUTF8 goes by the majority, so that one title cut in the middle of a
// character does not spoil all the others.
func isUTF8(b []byte, whole bool) bool {
	good, bad := 0, 0
	for len(b) > 0 && (whole || utf8.FullRune(b)) {
		r, size := utf8.DecodeRune(b)
		switch {
		case size > 1:
			good++
		case r == utf8.RuneError:
			bad++
		}
		b = b[size:]
	}
	return good > bad
}
