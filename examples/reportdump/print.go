package main

import (
	"bytes"
	"io"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// printer prints the rows of one file, and with end what it still holds.
type printer interface {
	row(v reflect.Value) error
	end() error
}

// lines prints each row as a line of JSON.
type lines struct {
	w      io.Writer
	fields []field
	*objects
}

func (l lines) row(v reflect.Value) error {
	l.buf.Reset()
	if err := l.objects.row(v, l.fields); err != nil {
		return err
	}
	l.buf.WriteByte('\n')
	_, err := l.w.Write(l.buf.Bytes())
	return err
}

func (lines) end() error { return nil }

const (
	lookAhead = 500 // rows that decide on the columns of a table and their widths
	widest    = 40  // characters of a cell
)

// table prints rows below each other. It holds the first ones, to see which
// columns they fill and how wide those are. When a later one fills another
// column, the heads are printed again.
type table struct {
	w      io.Writer
	fields []field
	order  []string       // all columns there could be
	widths map[string]int // of those there are
	held   [][]cell       // not yet printed
	begun  bool
	line   []byte
}

func newTable(w io.Writer, fields []field) *table {
	return &table{w: w, fields: fields, order: paths(fields, ""), widths: map[string]int{}}
}

func (t *table) row(v reflect.Value) error {
	cells := appendCells(nil, v, t.fields, "")
	for i := range cells {
		cells[i].text = shown(cells[i].text)
	}
	t.held = append(t.held, cells)
	if !t.begun && len(t.held) < lookAhead {
		return nil
	}
	return t.end()
}

func (t *table) end() error {
	columns := len(t.widths)
	for _, cells := range t.held {
		t.widen(cells)
	}
	if len(t.widths) > columns {
		if err := t.printHeads(); err != nil {
			return err
		}
	}
	for _, cells := range t.held {
		if err := t.print(cells); err != nil {
			return err
		}
	}
	t.held = t.held[:0]
	return nil
}

// widen makes room for the cells of a row. Once the table has begun, it is only
// for columns that were not there.
func (t *table) widen(cells []cell) {
	for _, c := range cells {
		width, there := t.widths[c.path]
		if there && t.begun {
			continue
		}
		if !there && !slices.Contains(t.order, c.path) {
			t.order = append(t.order, c.path)
		}
		t.widths[c.path] = max(width, utf8.RuneCountInString(shown(c.path)), utf8.RuneCountInString(c.text))
	}
}

func (t *table) printHeads() error {
	t.line = t.line[:0]
	if t.begun {
		t.line = append(t.line, '\n')
	}
	t.begun = true
	for _, path := range t.order {
		t.append(path, shown(path))
	}
	return t.flush()
}

func (t *table) print(cells []cell) error {
	texts := make(map[string]string, len(cells))
	for _, c := range cells {
		texts[c.path] = c.text
	}
	t.line = t.line[:0]
	for _, path := range t.order {
		t.append(path, texts[path])
	}
	return t.flush()
}

// append adds a text to the line, as wide as its column. A column that no row
// has filled yet has no width and is left out.
func (t *table) append(path, text string) {
	width := t.widths[path]
	if width == 0 {
		return
	}
	t.line = append(t.line, text...)
	t.line = append(t.line, strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text))+2)...)
}

func (t *table) flush() error {
	_, err := t.w.Write(append(bytes.TrimRight(t.line, " "), '\n'))
	return err
}

// shown is a text as a terminal may see it: cut, and of characters that print.
func shown(text string) string {
	if utf8.RuneCountInString(text) > widest {
		text = string([]rune(text)[:widest-1]) + "…"
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}
