package reportparse

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
)

// maxRecord bounds the memory that one row may take: the length of a line of a
// flat file, and of one RMA in XML, in bytes of UTF-8.
const maxRecord = 1 << 20

// Options say what is known of a file besides its bytes. The zero value is
// ready for use.
type Options struct {
	// Name is the name of the file for errors. Defaults to "report".
	Name string

	// ContentType is the media type that came with the download, such as
	// "text/plain;charset=Cp1252". It names the character set. One that is
	// empty, or names no character set known here, leaves that to the bytes.
	ContentType string

	// Aliases translate headers that Amazon wrote in another language to the
	// documented names, such as "Bestellnummer" to "Order ID".
	Aliases map[string]string
}

// Reader reads the rows of one report. It is used up by reading, and is not for
// use from several goroutines at once.
type Reader[T any] struct {
	schema   *schema[T]
	layout   *layout
	source   source
	name     string
	replaced int
	err      error // ends the reading
}

// source gives the rows of a file as text, until io.EOF. After a *RowError it
// goes on.
type source interface {
	next() (record, error)
}

// record is a row as text.
type record struct {
	line  int
	cells []cell // those that are not blank
}

type cell struct {
	slot
	text string
}

// newReader opens a file of the given schema, up to its first row.
func newReader[T any](r io.Reader, o Options, s *schema[T]) (*Reader[T], error) {
	if o.Name == "" {
		o.Name = "report"
	}
	l, err := s.layout(o.Aliases)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Name, err)
	}
	text, isXML, err := open(r, o.ContentType, s.report)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Name, err)
	}
	in := &Reader[T]{schema: s, layout: l, name: o.Name}
	if isXML {
		in.source, err = openXML(text, s.report, l)
	} else {
		in.source, err = openFlat(text, s.report, l, s.fits)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Name, err)
	}
	return in, nil
}

// Next reads the next row into row. It returns io.EOF after the last one. After
// a [*RowError], row holds what could be read of the bad row, which is not
// reliable, and the next call goes on behind it. Any other error is the end of
// what can be read, and is returned again by later calls.
func (r *Reader[T]) Next(row *T) error {
	var blank T
	*row = blank
	if r.err != nil {
		return r.err
	}
	rec, err := r.source.next()
	if err == nil {
		for _, c := range rec.cells {
			r.replaced += strings.Count(c.text, "\uFFFD")
		}
		if bad := r.schema.decode(rec, row); bad != nil {
			err = bad
		}
	}
	var bad *RowError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &bad):
		bad.File = r.name
		r.schema.begin(row, bad.Line)
		return bad
	case err == io.EOF:
		r.err = io.EOF
	default:
		r.err = fmt.Errorf("%s: %w", r.name, err)
	}
	return r.err
}

// All gives the rows that are left, each with a nil error, and each bad row with
// its [*RowError], as from [Reader.Next]. A file that cannot be read to its end
// gives another error last.
func (r *Reader[T]) All() iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			var row T
			err := r.Next(&row)
			if err == io.EOF || !yield(row, err) || r.err != nil {
				return
			}
		}
	}
}

// Columns lists the documented columns that the file has, by their documented
// names, in the order of the file. A flat file has them all from the beginning.
// XML tells of an element only where it stands, so there they are the columns
// met so far: ask after the rows.
func (r *Reader[T]) Columns() []string { return slices.Clone(r.layout.found) }

// Unknown lists the other columns that the file has, as it spells them; for XML
// those met so far, by their path, such as "item_details/color". A name that
// comes again, or stands for a column already there, is followed by a number, as
// in "Category (2)", and one that is blank is "column 7".
func (r *Reader[T]) Unknown() []string { return slices.Clone(r.layout.unknown) }

// Has tells whether the file has a column, in any spelling ("tracking id"), so
// that a blank value can be told from one that the file does not mention. For
// XML it tells whether the element was met so far.
func (r *Reader[T]) Has(column string) bool { return r.layout.has(column) }

// Replaced counts the characters, in the cells read so far, that could not be
// decoded and are now U+FFFD. If there are any, the content type named the wrong
// character set or the file was damaged before.
func (r *Reader[T]) Replaced() int { return r.replaced }
