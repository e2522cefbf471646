package reportparse

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// xmlShape says what the elements of a report in an AmazonEnvelope mean.
type xmlShape struct {
	messageTypes []string // of which the file has one
	records      []string // children of Message
	item         string   // child of a record, each a row
	groups       []string // children of a record whose children are columns of their own name

	// elements gives columns to elements by their path within the record, such
	// as "FulfillmentData/Address/City"; those that are not named here go to the
	// column of their own name, if they are children of the record, the item or a
	// group. An attribute is an element behind an @: "Item/Price@currency".
	elements map[string]string

	// pairs are elements that name what their amount is: "Item/ItemPrice/Component"
	// with Type "Principal" is taken as "Item/ItemPrice/Principal".
	pairs []pair
}

type pair struct{ element, name, value string }

const maxPaths = 1000 // different elements in a file

// xmlFile is a report as XML.
type xmlFile struct {
	dec    *xml.Decoder
	bound  *boundedReader
	shape  xmlShape
	layout *layout
	slots  map[string]slot // by path within the record
	path   []string        // open elements around the records
	items  []record        // of the record last read, still to be given
	shared []cell          // what that record says about all its items
}

func openXML(t *content, rep report, l *layout) (*xmlFile, error) {
	x := &xmlFile{
		bound:  &boundedReader{r: &textReader{text: t}, left: maxRecord},
		shape:  rep.shape,
		layout: l,
		slots:  map[string]slot{},
	}
	x.dec = xml.NewDecoder(x.bound)
	// The text is UTF-8 by now, whatever the declaration says it was.
	x.dec.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	x.dec.Entity = xml.HTMLEntity

	var messageType strings.Builder
	for {
		tok, err := x.dec.Token()
		if err != nil {
			return nil, x.broken(err)
		}
		at := strings.Join(x.path, "/")
		switch t := tok.(type) {
		case xml.StartElement:
			if at == "AmazonEnvelope" && t.Name.Local == "Message" {
				return nil, wrongReport(rep, "the file is an AmazonEnvelope without a MessageType")
			}
			if err := x.enter(t); err != nil {
				return nil, err
			}
		case xml.CharData:
			if at == "AmazonEnvelope/MessageType" {
				messageType.Write(t)
			}
		case xml.EndElement:
			x.path = x.path[:len(x.path)-1]
			if at != "AmazonEnvelope/MessageType" {
				continue
			}
			if name := strings.TrimSpace(messageType.String()); !slices.ContainsFunc(rep.shape.messageTypes, func(t string) bool { return fold(t) == fold(name) }) {
				return nil, wrongReport(rep, fmt.Sprintf("the file is XML with the MessageType %q", clip(name)))
			}
			return x, nil
		}
	}
}

func (x *xmlFile) next(_ bool) (record, error) {
	for len(x.items) == 0 {
		if err := x.advance(); err != nil {
			return record{}, err
		}
	}
	rec := x.items[0]
	x.items = x.items[1:]
	rec.cells = append(rec.cells, x.shared...)
	return rec, nil
}

// advance reads up to the end of the next record, or of the file.
func (x *xmlFile) advance() error {
	for {
		tok, err := x.dec.Token()
		if err == io.EOF {
			return err
		}
		if err != nil {
			return x.broken(err)
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if len(x.path) == 0 {
				return fmt.Errorf("line %d: expected the end of the file after AmazonEnvelope, found the element %s; give one report at a time", x.line(), clip(t.Name.Local))
			}
			if slices.Equal(x.path, []string{"AmazonEnvelope", "Message"}) && slices.Contains(x.shape.records, t.Name.Local) {
				return x.readRecord()
			}
			if err := x.enter(t); err != nil {
				return err
			}
		case xml.EndElement:
			x.path = x.path[:len(x.path)-1]
			if len(x.path) <= 2 {
				x.bound.left = maxRecord
			}
		}
	}
}

func (x *xmlFile) enter(t xml.StartElement) error {
	if len(x.path) == maxDepth {
		return fmt.Errorf("line %d: elements are nested deeper than %d; the file is damaged or no report", x.line(), maxDepth)
	}
	x.path = append(x.path, t.Name.Local)
	return nil
}

// readRecord reads a record whose start was just read. It is given only when it
// is complete, for the order ID may come last.
func (x *xmlFile) readRecord() error {
	outside := x.path
	defer func() { x.path = outside }()
	x.path = nil

	start := x.line()
	x.items, x.shared = nil, nil
	var (
		value strings.Builder
		leaf  bool                   // the element just opened had no child yet
		times = make(map[string]int) // uses of a path, within the item or outside of items
		items = make(map[string]int)
	)
	for {
		tok, err := x.dec.Token()
		if err != nil {
			return x.broken(err)
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if err := x.enter(t); err != nil {
				return err
			}
			value.Reset()
			leaf = true
			if len(x.path) == 1 && t.Name.Local == x.shape.item {
				x.items = append(x.items, record{line: x.line()})
				clear(items)
			}
		case xml.CharData:
			value.Write(t)
		case xml.EndElement:
			if len(x.path) == 0 {
				x.bound.left = maxRecord
				if len(x.items) == 0 {
					x.items = []record{{line: start}} // reported as a row without its item
				}
				return nil
			}
			inItem := x.path[0] == x.shape.item
			if leaf && !(inItem && len(x.path) == 1) {
				into, seen := &x.shared, times
				if inItem {
					into, seen = &x.items[len(x.items)-1].cells, items
				}
				if err := x.keep(into, seen, strings.TrimSpace(value.String())); err != nil {
					return err
				}
			}
			leaf = false
			x.path = x.path[:len(x.path)-1]
		}
	}
}

// keep puts the text of the element at x.path among cells. What an element says
// a second time is kept as an extra.
func (x *xmlFile) keep(cells *[]cell, seen map[string]int, text string) error {
	path := strings.Join(x.path, "/")
	to, ok := x.slots[path]
	if !ok {
		if len(x.slots) == maxPaths {
			return fmt.Errorf("line %d: more than %d different elements; the file is damaged or no report", x.line(), maxPaths)
		}
		name := ""
		if len(x.path) == 1 || len(x.path) == 2 && (x.path[0] == x.shape.item || slices.Contains(x.shape.groups, x.path[0])) {
			name = x.path[len(x.path)-1]
		}
		to = x.layout.add(name, path)
		x.slots[path] = to
	}
	if text == "" {
		return nil
	}
	seen[path]++
	if n := seen[path]; n > 1 {
		to = slot{-1, fmt.Sprintf("%s (%d)", path, n)}
	}
	*cells = append(*cells, cell{to, text})
	return nil
}

func (x *xmlFile) line() int {
	line, _ := x.dec.InputPos()
	return line
}

// broken says where and why the XML cannot be read on.
func (x *xmlFile) broken(err error) error {
	var syntax *xml.SyntaxError
	switch {
	case err == io.EOF, errors.As(err, &syntax) && syntax.Msg == "unexpected EOF":
		return fmt.Errorf("line %d: the file ends before its XML does; download it again: %w", x.line(), io.ErrUnexpectedEOF)
	case syntax != nil:
		return fmt.Errorf("line %d: the XML is damaged (%s); download it again", syntax.Line, clip(syntax.Msg))
	}
	return fmt.Errorf("line %d: %w", x.line(), err)
}

// boundedReader ends with an error when more is read than was left.
type boundedReader struct {
	r    io.Reader
	left int
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("an element is longer than %d bytes", maxRecord)
	}
	n, err := b.r.Read(p)
	b.left -= n
	return n, err
}

type textReader struct {
	text *content
	rest string
}

func (r *textReader) Read(p []byte) (n int, err error) {
	if r.rest == "" {
		r.rest, err = r.text.more("")
	}
	n = copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, err
}
