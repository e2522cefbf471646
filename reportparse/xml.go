package reportparse

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// xmlShape says what the elements of a report in an AmazonEnvelope mean.
type xmlShape struct {
	records []string // children of Message
	item    string   // child of a record, each a row
	groups  []string // children of a record whose children are columns of their own name

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

const (
	maxElements = 1000    // different ones in a file
	maxCells    = 1 << 20 // in all rows of one record, each of which has what is said about all
)

// xmlFile is a report as XML. Of each record it keeps what its items say, and
// what it says about all of them.
type xmlFile struct {
	report
	tags     *tagReader
	layout   *layout
	root     *element // the record
	elements int      // below root
	atRecord bool     // the start of a record was read
	other    string   // the first element of a Message that is no record

	items  []xmlItem // of the record last read
	given  int       // how many of them
	cells  []cell    // of the items
	shared []cell    // of the record outside of its items
	owned  bool      // their text is a copy
	row    []cell

	record int // running number of the record, or of the item, last read
	item   int
	inPair []found // what a pair holds that is not complete
}

// xmlItem is a row of a record.
type xmlItem struct {
	line int
	from int // its cells
}

// found is an element or attribute with its text.
type found struct {
	*element
	text string
}

// element is what is known of the elements, or attributes, of one path.
type element struct {
	name       string
	path       string // within the record
	parent     *element
	children   map[string]*element
	attributes map[string]*element
	attribute  bool

	order []*element // children as they were met first, which most records repeat
	turn  int        // which of them is likely to come next
	index int        // in the order of its parent

	item   bool     // a row
	inItem bool     // or its item itself
	holds  bool     // elements that are columns of their own name
	pair   *pair    // what it is; nil: no pair
	inPair *element // around it, or around the element that it is an attribute of

	slot   slot
	placed bool // slot is known, for the element came without children once
	times  int  // that it held text in a record, or in an item
	within int  // number of that record or item
}

// openXML reads up to the first record, or only up to the MessageType if the
// file is known by it. One that is not known is accepted if the record is: that
// of Prime returns is not documented.
func openXML(t *content, rep report, known bool, l *layout) (*xmlFile, error) {
	x := &xmlFile{report: rep, tags: newTagReader(t), layout: l, root: &element{holds: true}}
	unknown := "the file is an AmazonEnvelope without a MessageType"
	inMessage := false
	for {
		t, err := x.tags.next()
		if err == io.EOF {
			err = x.tags.cut()
		}
		if err != nil {
			return nil, err
		}
		switch depth := x.tags.depth(); {
		case depth == 1 && !t.end && t.name != "AmazonEnvelope":
			return nil, wrongReport(rep, fmt.Sprintf("the file is XML with the root element %s", clip(t.name)))
		case depth == 1 && t.end && t.name == "MessageType":
			if known {
				return x, nil
			}
			unknown = fmt.Sprintf("the file is XML with the MessageType %q", clip(strings.TrimSpace(t.text)))
		case depth == 2 && !t.end:
			inMessage = t.name == "Message"
		case inMessage && depth == 3 && !t.end && x.startsRecord(t):
			x.atRecord = true
			return x, nil
		case depth == 0, inMessage && depth == 1, inMessage && depth == 3 && !t.end && t.name != "MessageID":
			return nil, wrongReport(rep, unknown)
		}
	}
}

func (x *xmlFile) next(keep bool) (record, error) {
	for x.given == len(x.items) {
		if err := x.advance(); err != nil {
			return record{}, err
		}
	}
	if keep && !x.owned {
		x.own()
	}
	it, end := x.items[x.given], len(x.cells)
	x.given++
	if x.given < len(x.items) {
		end = x.items[x.given].from
	}
	x.row = append(append(x.row[:0], x.cells[it.from:end]...), x.shared...)
	return record{line: it.line, cells: x.row}, nil
}

// own copies the text of the record, so that its rows hold on to nothing else of
// the file.
func (x *xmlFile) own() {
	var b strings.Builder
	size := 0
	for _, cells := range [][]cell{x.cells, x.shared} {
		for _, c := range cells {
			size += len(c.text)
		}
	}
	b.Grow(size)
	for _, cells := range [][]cell{x.cells, x.shared} {
		for i, c := range cells {
			from := b.Len()
			b.WriteString(c.text)
			cells[i].text = b.String()[from:]
		}
	}
	x.owned = true
}

// advance reads up to the end of the next record, or of the file.
func (x *xmlFile) advance() error {
	for !x.atRecord {
		t, err := x.tags.next()
		if err == io.EOF && x.record == 0 {
			return without(x.report, x.other)
		}
		if err != nil {
			return err
		}
		depth := x.tags.depth()
		switch {
		case t.end && depth <= 2:
			x.tags.renew()
		case t.end:
		case depth == 1:
			return fmt.Errorf("line %d: expected the end of the file after AmazonEnvelope, found the element %s; give one report at a time", x.tags.line(), clip(t.name))
		case depth == 3 && x.tags.open[1].name == "Message":
			if x.atRecord = x.startsRecord(t); !x.atRecord && x.other == "" && t.name != "MessageID" {
				x.other = strings.Clone(t.name)
			}
		}
	}
	x.atRecord = false
	return x.readRecord()
}

// without is the end of a file without records: io.EOF, unless its Message has
// another element.
func without(rep report, other string) error {
	if other == "" {
		return io.EOF
	}
	return wrongReport(rep, fmt.Sprintf("Message has the element %s and no %s", clip(other), rep.shape.records[0]))
}

func (x *xmlFile) startsRecord(t tag) bool {
	if t.name == x.root.name {
		return true
	}
	if !containsFolded(x.shape.records, t.name) {
		return false
	}
	x.root.name = strings.Clone(t.name)
	return true
}

// readRecord reads a record whose start was just read. It is given only when it
// is complete, for the order ID may come last.
func (x *xmlFile) readRecord() error {
	x.items, x.given, x.owned = x.items[:0], 0, false
	x.cells, x.shared = x.cells[:0], x.shared[:0]
	x.record++
	start := x.tags.line()
	at := x.root
	at.turn = 0
	if err := x.readAttributes(at); err != nil {
		return err
	}
	for leaf := false; ; {
		t, err := x.tags.next()
		switch {
		case err != nil:
			return err
		case !t.end:
			if at, err = x.open(at, t.name); err != nil {
				return err
			}
			leaf = true
		case at != x.root:
			if err := x.close(at, t.text, leaf); err != nil {
				return err
			}
			at, leaf = at.parent, false
		default:
			x.tags.renew()
			if len(x.items) == 0 {
				x.items = append(x.items, xmlItem{line: start}) // reported as a row without its item
			}
			if len(x.cells)+len(x.items)*len(x.shared) > maxCells {
				return tooManyCells(start)
			}
			return nil
		}
	}
}

func tooManyCells(line int) error {
	return fmt.Errorf("line %d: the rows of one element have more than %d cells; the file is damaged or no report", line, maxCells)
}

func (x *xmlFile) open(parent *element, name string) (*element, error) {
	e, err := x.child(parent, name)
	if err != nil {
		return nil, err
	}
	e.turn = 0
	if e.item {
		x.item++
		x.items = append(x.items, xmlItem{line: x.tags.line(), from: len(x.cells)})
	}
	return e, x.readAttributes(e)
}

// close takes the text of an element, which means something only in a leaf.
func (x *xmlFile) close(e *element, text string, leaf bool) error {
	if leaf && !e.item {
		x.take(e, text)
	}
	if e.pair == nil {
		return nil
	}
	return x.closePair(e)
}

// readAttributes takes what the start of an element says besides its name space
// and its schema.
func (x *xmlFile) readAttributes(e *element) error {
	for _, a := range x.tags.attributes {
		if a.prefix == "xmlns:" || a.prefix == "xsi:" || a.name == "xmlns" {
			continue
		}
		to, err := x.attribute(e, a.name)
		if err != nil {
			return err
		}
		x.take(to, a.value)
	}
	return nil
}

// take puts a text where it belongs, which within a pair shows only at its end.
func (x *xmlFile) take(e *element, text string) {
	text = strings.TrimSpace(text)
	if e.inPair != nil {
		x.inPair = append(x.inPair, found{e, text})
		return
	}
	x.keep(e, text)
}

// closePair gives the value of a pair, and its attributes, the name that the
// pair says. Whatever else the pair holds stays what it is.
func (x *xmlFile) closePair(e *element) (err error) {
	name, value := e.children[e.pair.name], e.children[e.pair.value]
	named := slices.IndexFunc(x.inPair, func(f found) bool { return f.element == name && f.text != "" })
	for i, f := range x.inPair {
		to := f.element
		switch {
		case named < 0:
		case i == named:
			continue
		case f.element == value:
			to, err = x.child(e.parent, x.inPair[named].text)
		case f.attribute && f.parent == value:
			if to, err = x.child(e.parent, x.inPair[named].text); err == nil {
				to, err = x.attribute(to, f.name)
			}
		}
		if err != nil {
			return err
		}
		x.keep(to, f.text)
	}
	x.inPair = x.inPair[:0]
	return nil
}

// keep puts the text of an element among the cells. What an element says a
// second time is kept as an extra.
func (x *xmlFile) keep(e *element, text string) {
	if !e.placed {
		e.slot, e.placed = x.place(e), true
	}
	if text == "" {
		return
	}
	into, number := &x.shared, x.record
	if e.inItem {
		into, number = &x.cells, x.item
	}
	if e.within != number {
		e.within, e.times = number, 0
	}
	e.times++
	to := &e.slot
	if e.times > 1 {
		to = &slot{column: -1, name: fmt.Sprintf("%s (%d)", e.path, e.times), repeats: e.slot.column + 1}
	}
	*into = append(*into, cell{to, text})
}

// place gives an element its column. Paths that the shape names may share one,
// as the currencies of all amounts do.
func (x *xmlFile) place(e *element) slot {
	name := x.shape.elements[e.path]
	if i, ok := x.layout.index[fold(name)]; ok && x.layout.taken[i] {
		return slot{column: i, name: x.layout.names[i]}
	}
	if name == "" && e.parent.holds && !e.attribute {
		name = e.name
	}
	return x.layout.add(name, e.path)
}

// child is the element of a name within another one.
func (x *xmlFile) child(e *element, name string) (*element, error) {
	if e.turn < len(e.order) && e.order[e.turn].name == name {
		e.turn++
		return e.order[e.turn-1], nil
	}
	if known := e.children[name]; known != nil {
		e.turn = known.index + 1
		return known, nil
	}
	c, err := x.newElement(e, name, "/")
	if err != nil {
		return nil, err
	}
	if e.children == nil {
		e.children = map[string]*element{}
	}
	e.children[c.name] = c
	c.index = len(e.order)
	e.order = append(e.order, c)
	e.turn = len(e.order)

	top := e == x.root
	c.item = top && fold(name) == fold(x.shape.item)
	c.inItem = c.item || e.inItem
	c.holds = c.item || top && containsFolded(x.shape.groups, name)
	if i := slices.IndexFunc(x.shape.pairs, func(p pair) bool { return p.element == c.path }); i >= 0 {
		c.pair = &x.shape.pairs[i]
	}
	return c, nil
}

// attribute is the one of a name.
func (x *xmlFile) attribute(e *element, name string) (*element, error) {
	if known := e.attributes[name]; known != nil {
		return known, nil
	}
	a, err := x.newElement(e, name, "@")
	if err != nil {
		return nil, err
	}
	if e.attributes == nil {
		e.attributes = map[string]*element{}
	}
	e.attributes[a.name] = a
	a.attribute = true
	a.inItem = e.inItem
	return a, nil
}

// newElement makes an element that holds on to nothing of the file.
func (x *xmlFile) newElement(parent *element, name, separator string) (*element, error) {
	if x.elements == maxElements {
		return nil, fmt.Errorf("line %d: more than %d different elements; the file is damaged or no report", x.tags.line(), maxElements)
	}
	x.elements++
	e := &element{name: strings.Clone(name), parent: parent, inPair: parent.inPair}
	e.path = strings.TrimPrefix(parent.path+separator+e.name, "/")
	if parent.pair != nil {
		e.inPair = parent
	}
	return e, nil
}

func containsFolded(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return fold(n) == fold(name) })
}
