package reportparse

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// tag is the start or the end of an element, with the text in front of it, which
// follows the tag before. An empty element is a start and an end.
type tag struct {
	name string // without its prefix
	text string // entities and CDATA resolved, comments left out
	end  bool
}

// attribute is one of a start tag.
type attribute struct {
	name   string // without its prefix
	prefix string // with its colon
	value  string
}

// maxDepth is how many elements may be open within each other.
const maxDepth = 32

// tagReader splits XML into tags. It knows what reports use: elements,
// attributes, text, CDATA, the entities of XML and HTML, comments and processing
// instructions. It refuses what it does not know, such as a DOCTYPE, and what
// encoding/xml refuses; prefixes stand for no name space. Its errors say where
// and why, and what to do.
//
// Strings are cut out of the file wherever they stand there as they are.
type tagReader struct {
	attributes []attribute // of the start tag last read, valid until the next one

	text   *content
	window string // of the text
	at     int    // read so far of the window
	err    error  // behind the window

	start   int // of what was read last, in the window
	counted int // how much of the window lines has
	lines   int // ended before

	open  []openElement
	empty bool   // an empty element was started, and its end is to be given
	used  int    // bytes since renew
	buf   []byte // text in several pieces
}

type openElement struct {
	name   string // without its prefix
	prefix string // with its colon
}

func newTagReader(t *content) *tagReader { return &tagReader{text: t} }

// errMore ends the reading of what the window holds only a part of.
var errMore = errors.New("the window ends here")

// next returns the next tag; io.EOF behind the last one if all elements are
// closed.
func (r *tagReader) next() (tag, error) {
	if r.empty {
		r.empty = false
		return tag{name: r.pop(), end: true}, nil
	}
	r.buf = r.buf[:0]
	var text string // in one piece as it stands in the file; else in buf
	for {
		var name, piece string // what s begins with
		var size int
		var err error
		s := r.window[r.at:]
		switch {
		case s == "", s == "<":
			err = errMore
		case s[0] != '<':
			piece, size, err = r.characters(s)
		case s[1] == '/':
			name, size, err = r.endTag(s)
		case s[1] == '?':
			size, err = instruction(s)
		case s[1] == '!':
			piece, size, err = special(s)
		default:
			name, size, err = r.startTag(s)
		}
		r.start = r.at
		if r.used += size; err != nil || r.used > maxRecord {
			if err := r.stop(err); err != nil {
				return tag{}, err
			}
			continue
		}
		r.at += size
		switch {
		case name != "":
			if len(r.buf) > 0 {
				text = string(r.buf)
			}
			return tag{name, text, s[1] == '/'}, nil
		case text == "" && len(r.buf) == 0:
			text = piece
		case piece != "":
			if len(r.buf) == 0 {
				r.buf = append(r.buf, text...)
			}
			r.buf = append(r.buf, piece...)
		}
	}
}

// stop says why the reading cannot go on, or takes up more text so that it can.
func (r *tagReader) stop(err error) error {
	switch {
	case err == nil:
		return r.tooLong()
	case errors.Is(err, errMore):
		return r.fill()
	}
	return fmt.Errorf("line %d: %w", r.line(), err)
}

// depth counts the elements that are open: with that of a start, without that of
// an end.
func (r *tagReader) depth() int { return len(r.open) }

// renew begins to count anew the bytes that an element may be long.
func (r *tagReader) renew() { r.used = 0 }

// line is where the tag last read begins.
func (r *tagReader) line() int {
	r.lines += strings.Count(r.window[r.counted:r.start], "\n")
	r.counted = r.start
	return r.lines + 1
}

// fill takes up more text, of which an element has no more than it may.
func (r *tagReader) fill() error {
	rest := r.window[r.at:]
	switch {
	case r.err == io.EOF && rest == "" && len(r.open) == 0:
		return io.EOF
	case r.err == io.EOF:
		return r.cut()
	case r.err != nil:
		r.start = len(r.window)
		return fmt.Errorf("line %d: %w", r.line(), r.err)
	case r.used+len(rest) > maxRecord:
		return r.tooLong()
	}
	r.line()
	r.window, r.err = r.text.more(rest)
	r.at, r.start, r.counted = 0, 0, 0
	return nil
}

// cut is the error for a file that ends too early.
func (r *tagReader) cut() error {
	r.start = len(r.window)
	return fmt.Errorf("line %d: the file ends before its XML does; download it again: %w", r.line(), io.ErrUnexpectedEOF)
}

func (r *tagReader) tooLong() error {
	return fmt.Errorf("line %d: an element is longer than %d bytes; the file is damaged or no report", r.line(), maxRecord)
}

func damaged(reason string) error {
	return fmt.Errorf("the XML is damaged (%s); download it again", reason)
}

func (r *tagReader) characters(s string) (string, int, error) {
	size := 0
	for size < len(s) && byteKinds[s[size]]&kindMark == 0 {
		size++
	}
	if size < len(s) && s[size] == '<' {
		return s[:size], size, nil
	}
	if size = strings.IndexByte(s, '<'); size < 0 {
		if r.err != io.EOF || len(r.open) > 0 {
			return "", 0, errMore
		}
		size = len(s)
	}
	s = s[:size]
	if strings.Contains(s, "]]>") {
		return "", 0, damaged("]]> outside of CDATA")
	}
	text, err := resolve(s)
	return text, size, err
}

func (r *tagReader) startTag(s string) (string, int, error) {
	name, prefix, at, err := cutName(s, 1)
	if err != nil {
		return "", 0, err
	}
	r.attributes = r.attributes[:0]
	for at = skipSpace(s, at); at < len(s) && s[at] != '>' && s[at] != '/'; at = skipSpace(s, at) {
		if at, err = r.attribute(s, at); err != nil {
			return "", 0, err
		}
	}
	end, empty := strings.CutPrefix(s[at:], "/")
	switch {
	case end == "":
		return "", 0, errMore
	case end[0] != '>':
		return "", 0, damaged("/ within <" + clip(name))
	case len(r.open) == maxDepth:
		return "", 0, fmt.Errorf("elements are nested deeper than %d; the file is damaged or no report", maxDepth)
	}
	r.open = append(r.open, openElement{name, prefix})
	r.empty = empty
	return name, len(s) - len(end) + 1, nil
}

func (r *tagReader) attribute(s string, at int) (int, error) {
	name, prefix, at, err := cutName(s, at)
	if err != nil {
		return 0, err
	}
	at = skipSpace(s, at)
	if at == len(s) {
		return 0, errMore
	}
	if s[at] != '=' {
		return 0, damaged("attribute " + clip(name) + " without =")
	}
	at = skipSpace(s, at+1)
	if at == len(s) {
		return 0, errMore
	}
	quote := s[at]
	if quote != '"' && quote != '\'' {
		return 0, damaged("attribute " + clip(name) + " without quotation marks")
	}
	value := s[at+1:]
	end := strings.IndexByte(value, quote)
	if end >= 0 {
		value = value[:end]
	}
	switch {
	case strings.IndexByte(value, '<') >= 0:
		return 0, damaged("< in the attribute " + clip(name))
	case end < 0:
		return 0, errMore
	}
	value, err = resolve(value)
	r.attributes = append(r.attributes, attribute{name, prefix, value})
	return at + 1 + end + 1, err
}

func (r *tagReader) endTag(s string) (string, int, error) {
	var open openElement
	if n := len(r.open); n > 0 {
		open = r.open[n-1]
	}
	if rest, ok := strings.CutPrefix(s[2:], open.name); ok && open.name != "" && open.prefix == "" && strings.HasPrefix(rest, ">") {
		return r.pop(), 2 + len(open.name) + 1, nil
	}
	name, prefix, at, err := cutName(s, 2)
	if err != nil {
		return "", 0, err
	}
	at = skipSpace(s, at)
	switch {
	case at == len(s):
		return "", 0, errMore
	case s[at] != '>':
		return "", 0, damaged("more than a name in </" + clip(name) + ">")
	case len(r.open) == 0:
		return "", 0, damaged("</" + clip(name) + "> without a start")
	case open != openElement{name, prefix}:
		return "", 0, damaged("element <" + clip(open.prefix+open.name) + "> closed by </" + clip(prefix+name) + ">")
	}
	return r.pop(), at + 1, nil
}

func (r *tagReader) pop() string {
	last := len(r.open) - 1
	name := r.open[last].name
	r.open = r.open[:last]
	return name
}

// instruction skips a processing instruction or the declaration of XML, which
// encoding/xml judges: there is hardly more than one in a file.
func instruction(s string) (int, error) {
	end := strings.Index(s[2:], "?>")
	if end < 0 {
		return 0, errMore
	}
	size := 2 + end + 2
	return size, judge(s[:size])
}

// judge asks encoding/xml for its opinion of rare markup.
func judge(markup string) error {
	d := xml.NewDecoder(strings.NewReader(markup))
	// The text is UTF-8 by now, whatever the declaration says it was.
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	if _, err := d.RawToken(); err != nil {
		var syntax *xml.SyntaxError
		if errors.As(err, &syntax) {
			return damaged(clip(syntax.Msg))
		}
		return damaged(clip(err.Error()))
	}
	return nil
}

// special reads CDATA as text and skips a comment.
func special(s string) (string, int, error) {
	const comment, cdata = "<!--", "<![CDATA["
	switch {
	case strings.HasPrefix(s, comment):
		end := strings.Index(s[len(comment):], "--")
		if end < 0 || len(s) == len(comment)+end+2 {
			return "", 0, errMore
		}
		size := len(comment) + end + 3
		if s[size-1] != '>' {
			return "", 0, damaged("-- in a comment")
		}
		return "", size, nil
	case strings.HasPrefix(s, cdata):
		end := strings.Index(s, "]]>")
		if end < 0 {
			return "", 0, errMore
		}
		text := s[len(cdata):end]
		if strings.IndexByte(text, '\r') >= 0 {
			text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
		}
		return text, end + len("]]>"), nil
	case strings.HasPrefix(comment, s), strings.HasPrefix(cdata, s):
		return "", 0, errMore
	}
	return "", 0, errors.New("the XML has a DOCTYPE or another declaration with <!, which no report has and which is not read here; remove it, or download the report again")
}

// resolve gives text without entities, and with LF at the end of its lines.
func resolve(s string) (string, error) {
	if strings.HasPrefix(s, "\r\n") {
		s = s[1:]
	}
	if strings.IndexByte(s, '&') < 0 && strings.IndexByte(s, '\r') < 0 {
		return s, nil
	}
	var b strings.Builder
	for {
		at := strings.IndexAny(s, "&\r")
		if at < 0 {
			b.WriteString(s)
			return b.String(), nil
		}
		b.WriteString(s[:at])
		if s[at] == '\r' {
			b.WriteByte('\n')
			s = strings.TrimPrefix(s[at+1:], "\n")
			continue
		}
		name, behind, ended := strings.Cut(s[at+1:], ";")
		text, known := entity(name)
		if !ended || !known {
			// What follows may be a buyer's text and is not quoted.
			return "", damaged("& that begins no character entity known here")
		}
		b.WriteString(text)
		s = behind
	}
}

// entity is the text that a name between & and ; stands for. Control characters
// are dropped here as they are everywhere.
func entity(name string) (text string, ok bool) {
	digits, ok := strings.CutPrefix(name, "#")
	if !ok {
		if name == "apos" { // the one of XML's that HTML does not have
			return "'", true
		}
		text, ok = xml.HTMLEntity[name]
		return text, ok
	}
	base := 10
	if hex, ok := strings.CutPrefix(digits, "x"); ok {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 64)
	if err != nil || n > unicode.MaxRune {
		return "", false
	}
	if control(rune(n)) {
		return "", true
	}
	return string(rune(n)), true
}

// Kinds of bytes.
const (
	kindStart = 1 << iota // of names: letters and _
	kindLater             // in names: digits, - and .
	kindColon             // in names
	kindWide              // beyond ASCII, in names or not
	kindMark              // in text: not only text
	kindName  = kindStart | kindLater | kindColon | kindWide
)

var byteKinds = func() (kinds [256]byte) {
	for b := range kinds {
		switch {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', b == '_':
			kinds[b] = kindStart
		case '0' <= b && b <= '9', b == '-', b == '.':
			kinds[b] = kindLater
		case b == ':':
			kinds[b] = kindColon
		case b >= utf8.RuneSelf:
			kinds[b] = kindWide
		case b == '<', b == '&', b == ']', b == '\r':
			kinds[b] = kindMark
		}
	}
	return kinds
}()

// cutName reads the name at a place of s, and tells where it ends. The prefix is
// with its colon.
func cutName(s string, from int) (name, prefix string, end int, err error) {
	var met byte
	for end = from; end < len(s) && byteKinds[s[end]]&kindName != 0; end++ {
		met |= byteKinds[s[end]]
	}
	name = s[from:end]
	switch {
	case end == len(s):
		return "", "", 0, errMore
	case name == "" || byteKinds[name[0]] == kindLater:
		return "", "", 0, damaged("a tag or attribute without a name")
	case met&kindWide != 0:
		if err := judge("<" + name + "/>"); err != nil {
			return "", "", 0, err
		}
	}
	if met&kindColon == 0 {
		return name, "", end, nil
	}
	colon := strings.IndexByte(name, ':')
	switch {
	case strings.IndexByte(name[colon+1:], ':') >= 0:
		return "", "", 0, damaged("a name with two colons: " + clip(name))
	case colon == 0, colon == len(name)-1:
		return name, "", end, nil
	}
	return name[colon+1:], name[:colon+1], end, nil
}

func skipSpace(s string, at int) int {
	for at < len(s) && (s[at] == ' ' || s[at] == '\n' || s[at] == '\t' || s[at] == '\r') {
		at++
	}
	return at
}
