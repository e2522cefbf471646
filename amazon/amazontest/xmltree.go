package amazontest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// Codes of a document that is refused as a whole.
const (
	codeMalformed  = 5000  // not as the schema wants it
	codeAfterEnd   = 5001  // something follows the closing tag
	codeIllFormed  = 50001 // not XML
	deepestElement = 16    // the schemas need eight
)

// malformed tells why a document is refused as a whole.
type malformed struct {
	code int
	text string
}

// node is an XML element.
type node struct {
	name  string
	attrs []xml.Attr
	text  string
	kids  []*node
	line  int
}

const schemaInstance = "http://www.w3.org/2001/XMLSchema-instance"

// parse reads a document as strictly as a validating parser would: nothing
// before the declaration or after the root, no namespaces, no document type.
func parse(doc []byte) (*node, *malformed) {
	if !bytes.HasPrefix(doc, []byte("<?xml ")) {
		return nil, &malformed{codeIllFormed, "the envelope is ill-formed at line 1, column 1: want <?xml, with nothing before it"}
	}
	d := xml.NewDecoder(bytes.NewReader(doc))
	var root *node
	var open []*node
	for first := true; ; first = false {
		tok, err := d.Token()
		line, column := d.InputPos()
		if errors.Is(err, io.EOF) {
			break
		}
		ill := func(format string, args ...any) (*node, *malformed) {
			return nil, &malformed{codeIllFormed, fmt.Sprintf("the envelope is ill-formed at line %d, column %d: ", line, column) + fmt.Sprintf(format, args...)}
		}
		ended := root != nil && len(open) == 0
		if ended && err != nil {
			return nil, &malformed{codeAfterEnd, fmt.Sprintf("line %d: something follows the end of the envelope", line)}
		}
		if err != nil {
			return ill("%v", err)
		}
		switch tok := tok.(type) {
		case xml.ProcInst:
			if (tok.Target == "xml") != first {
				return ill("the XML declaration stands first, and once")
			}
		case xml.Directive:
			return ill("a document type is not allowed")
		case xml.CharData:
			switch {
			case len(open) > 0:
				open[len(open)-1].text += string(tok)
			case len(bytes.TrimSpace(tok)) > 0:
				return nil, &malformed{codeAfterEnd, fmt.Sprintf("line %d: text outside the envelope", line)}
			}
		case xml.StartElement:
			if ended {
				return nil, &malformed{codeAfterEnd, fmt.Sprintf("line %d: element %s follows the end of the envelope", line, tok.Name.Local)}
			}
			n := &node{name: tok.Name.Local, attrs: slices.Clone(tok.Attr), line: line}
			if tok.Name.Space != "" {
				n.name = tok.Name.Space + ":" + tok.Name.Local
			}
			if name := repeated(tok.Attr); name != "" {
				return ill("attribute %s stands twice", name)
			}
			if root == nil {
				root = n
			} else {
				parent := open[len(open)-1]
				parent.kids = append(parent.kids, n)
			}
			if open = append(open, n); len(open) > deepestElement {
				return nil, &malformed{codeMalformed, fmt.Sprintf("line %d: elements are nested deeper than any schema allows", line)}
			}
		case xml.EndElement:
			open = open[:len(open)-1]
		}
	}
	if root == nil {
		return nil, &malformed{codeIllFormed, "the envelope is ill-formed: it has no elements"}
	}
	return root, nil
}

func repeated(attrs []xml.Attr) string {
	seen := map[xml.Name]bool{}
	for _, a := range attrs {
		if seen[a.Name] {
			return a.Name.Local
		}
		seen[a.Name] = true
	}
	return ""
}

// check walks a tree along its schema. It keeps the first thing that is wrong
// and goes on, so that the walk reads like the schema.
type check struct{ first *malformed }

func (c *check) bad(n *node, format string, args ...any) {
	if c.first == nil {
		c.first = &malformed{codeMalformed, fmt.Sprintf("line %d, element %s: ", n.line, n.name) + fmt.Sprintf(format, args...)}
	}
}

// sequence is the content of an element whose children stand in a fixed order.
type sequence struct {
	*check
	of   *node
	rest []*node
}

// in opens an element that has no text and no attributes of its own.
func (c *check) in(n *node) *sequence {
	if strings.TrimSpace(n.text) != "" {
		c.bad(n, "text between its elements")
	}
	if len(n.attrs) > 0 {
		c.bad(n, "attribute %s is not allowed", n.attrs[0].Name.Local)
	}
	return &sequence{c, n, n.kids}
}

// maybe takes the next child if it has this name; nil: it has not.
func (s *sequence) maybe(name string) *node {
	if len(s.rest) == 0 || s.rest[0].name != name {
		return nil
	}
	n := s.rest[0]
	s.rest = s.rest[1:]
	return n
}

// need takes the next child, which must have this name.
func (s *sequence) need(name string) *node {
	n := s.maybe(name)
	if n == nil {
		s.bad(s.of, "%s, want %s", s.next(), name)
		return &node{name: name, line: s.of.line}
	}
	return n
}

// all takes the next children as long as they have this name.
func (s *sequence) all(name string) []*node {
	var ns []*node
	for n := s.maybe(name); n != nil; n = s.maybe(name) {
		ns = append(ns, n)
	}
	return ns
}

func (s *sequence) end() {
	if len(s.rest) > 0 {
		s.bad(s.of, "%s, want its end", s.next())
	}
}

func (s *sequence) next() string {
	if len(s.rest) == 0 {
		return "it ends"
	}
	return "found " + s.rest[0].name
}

// text reads an element that has text only, of a form; "" for nil.
func (c *check) text(n *node, form *regexp.Regexp, want string) string {
	if n == nil {
		return ""
	}
	if len(n.attrs) > 0 {
		c.bad(n, "attribute %s is not allowed", n.attrs[0].Name.Local)
	}
	return c.content(n, form, want)
}

func (c *check) content(n *node, form *regexp.Regexp, want string) string {
	if len(n.kids) > 0 {
		c.bad(n, "found %s, want %s", n.kids[0].name, want)
	}
	if !form.MatchString(n.text) {
		c.bad(n, "found %.60q, want %s", n.text, want)
		return ""
	}
	return n.text
}

// word reads an element whose text is one of a list; "" for nil.
func (c *check) word(n *node, list []string) string {
	w := c.text(n, anything, "text")
	if n != nil && !slices.Contains(list, w) {
		c.bad(n, "found %.60q, want one of %s", w, strings.Join(list, ", "))
		return ""
	}
	return w
}

var anything = regexp.MustCompile(`(?s)^.*$`)
