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
// flat file, and of one RMA or order in XML, in bytes of UTF-8.
const maxRecord = 1 << 20

// Options say what is known of a file besides its bytes. The zero value is
// ready for use.
type Options struct {
	// Name is the name of the file for errors. Defaults to "report".
	Name string

	// Charset names the character set of a file that lies on a disk, such as
	// "windows-1252". It goes before ContentType; a byte order mark goes before
	// both. A name not known here is an error.
	Charset string

	// ContentType is the media type that came with the download, such as
	// "text/plain;charset=Cp1252". It names the character set. One that is
	// empty, or names no character set known here, leaves that to the bytes.
	ContentType string

	// Marketplace is where the report comes from, as Amazon's marketplace ID, a
	// country code, or its name: "A1VC38T7YXB528", "JP", "Amazon.co.jp". It
	// decides only what the file leaves open: for Japan, that text which is not
	// UTF-8 is Shift_JIS; for the US and Canada, that a settlement's 01/02/06
	// begins with the month. For others, no such custom is known.
	Marketplace string

	// Aliases translate headers that Amazon wrote in another language to the
	// documented names, such as "Bestellnummer" to "Order ID". They go before the
	// names known here.
	Aliases map[string]string

	// MaxErrors is how many bad rows end the reading: behind the last of them
	// comes an error that wraps ErrTooManyErrors. Zero is no limit.
	MaxErrors int

	// Progress, if not nil, is called now and then while rows are read, and at
	// the end, in the goroutine that reads.
	Progress func(Progress)
}

func (o *Options) name() string {
	if o.Name == "" {
		return "report"
	}
	return o.Name
}

// Progress is how far the reading of a file came.
type Progress struct {
	Bytes int64 // of the file as it was given, so packed ones of one that is packed
	Rows  int   // given so far, without the bad ones
	Bad   int
}

// Reader reads the rows of one report. It is used up by reading, and is not for
// use from several goroutines at once.
type Reader[T any] struct {
	schema  *schema[T]
	layout  *layout
	source  source
	text    *content
	dialect dialect
	name    string
	typ     Type
	accept  func(*T, *RowError) (bad *RowError, given bool) // what it does with a row, good or bad; nil: every row is given
	options Options
	rows    int
	bad     int
	err     error // ends the reading
}

// source gives the rows of a file as text, until io.EOF. After a *RowError it
// goes on. The cells are the source's own and valid until the next call; with
// keep, their text holds on to no more memory than the row needs.
type source interface {
	next(keep bool) (record, error)
}

// record is a row as text.
type record struct {
	line  int
	cells []cell // those that are not blank
}

type cell struct {
	*slot
	text string
}

// newReader opens a file of the given schema, up to its first row.
func newReader[T any](r io.Reader, o Options, s *schema[T]) (*Reader[T], error) {
	if r == nil {
		return nil, fmt.Errorf("%s: no file given", o.name())
	}
	l, err := s.layout(o.Aliases)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.name(), err)
	}
	t, seen, err := open(r, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.name(), err)
	}
	in := &Reader[T]{schema: s, layout: l, text: t, name: o.name(), typ: s.types[0], options: o}
	if seen.among(s.types) {
		in.typ = seen.kind.typ
	}
	if err := in.open(seen); err != nil {
		return nil, fmt.Errorf("%s: %w", in.name, err)
	}
	if o.Progress != nil {
		t.progress = func() { o.Progress(in.Progress()) }
	}
	return in, nil
}

// open reads up to the first row, unless the file is another report.
func (r *Reader[T]) open(seen sighting) (err error) {
	rep := r.schema.report
	if found := seen.refusal(rep); found != "" {
		return wrongReport(rep, found)
	}
	switch {
	case seen.format == FormatXML:
		r.source, err = openXML(r.text, rep, seen.among(rep.types), r.layout)
		return err
	case seen.format == FormatComma && seen.kind != nil && seen.kind.format == FormatComma:
		r.source, err = openComma(r.text, r.layout)
	default:
		r.source, err = openFlat(r.text, rep, r.layout, r.fits)
	}
	if err != nil {
		return err
	}
	if missing := r.layout.missing(rep.required); len(missing) > 0 {
		return wrongReport(rep, seen.lacking(rep, missing, r.layout.header))
	}
	return nil
}

// Next reads the next row into row, whose Extra it uses again: what the call
// before gave is over with this one. It returns io.EOF after the last row. After
// a [*RowError], row holds what could be read of the bad row, which is not
// reliable, and the next call goes on behind it. Any other error is the end of
// what can be read, and is returned again by later calls.
//
// It is the way to read a large file without garbage. The text in row is cut out
// of a larger piece of the file: to keep little of it for long, use
// [Reader.All], or strings.Clone.
func (r *Reader[T]) Next(row *T) error {
	if row == nil {
		return fmt.Errorf("%s: Next: no row given to fill", r.name)
	}
	return r.next(row, false)
}

// All gives the rows that are left, each with a nil error, and each bad row with
// its [*RowError], as from [Reader.Next], but to keep. A file that cannot be
// read to its end gives another error last.
func (r *Reader[T]) All() iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var row, none T
		for {
			row = none // what the row before refers to is kept
			err := r.next(&row, true)
			if err == io.EOF || !yield(row, err) || r.err != nil && errors.Is(err, r.err) {
				return
			}
		}
	}
}

func (r *Reader[T]) next(row *T, keep bool) error {
	for {
		if r.err != nil {
			r.schema.begin(row, 0)
			return r.err
		}
		bad, err := r.read(row, keep)
		if err != nil {
			r.schema.begin(row, 0)
			return r.end(err)
		}
		if r.accept != nil {
			var given bool
			if bad, given = r.accept(row, bad); !given {
				continue
			}
		}
		if bad == nil {
			r.rows++
			return nil
		}
		r.bad++
		if r.options.MaxErrors > 0 && r.bad >= r.options.MaxErrors {
			_ = r.end(fmt.Errorf("line %d: %w: Options.MaxErrors is %d", bad.Line, ErrTooManyErrors, r.options.MaxErrors))
		}
		return bad
	}
}

// read takes the next row of the file, good or bad.
func (r *Reader[T]) read(row *T, keep bool) (*RowError, error) {
	rec, err := r.source.next(keep)
	bad, err := asRowError(err)
	switch {
	case err != nil:
		return nil, err
	case bad != nil:
		r.schema.begin(row, bad.Line)
	default:
		bad = r.schema.decode(rec, &r.dialect, row)
	}
	if bad == nil {
		return nil, nil
	}
	if r.beginsAnother(rec, bad) {
		return nil, fmt.Errorf("line %d: another header begins here, with other columns than the first; give one report at a time", bad.Line)
	}
	bad.File = r.name
	return bad, nil
}

// beginsAnother tells whether a bad row is a header, behind which cells would
// come under the wrong names.
func (r *Reader[T]) beginsAnother(rec record, bad *RowError) bool {
	line := bad.Raw
	if line == "" {
		texts := make([]string, len(rec.cells))
		for i, c := range rec.cells {
			texts[i] = c.text
		}
		line = strings.Join(texts, "\t")
	}
	return r.layout.header != nil && lookFlat(line, r.options.Aliases).confidence == ConfidenceHigh
}

// asRowError tells an error of one row from one that ends the reading.
func asRowError(err error) (*RowError, error) {
	if err == nil {
		return nil, nil
	}
	var bad *RowError
	if errors.As(err, &bad) {
		return bad, nil
	}
	return nil, err
}

func (r *Reader[T]) end(err error) error {
	r.err = err
	if err != io.EOF {
		r.err = fmt.Errorf("%s: %w", r.name, err)
	}
	if r.options.Progress != nil {
		r.options.Progress(r.Progress())
	}
	return r.err
}

// fits tells whether every cell of a row can stand in its column.
func (r *Reader[T]) fits(rec record) bool {
	var row T
	return r.schema.decode(rec, &r.dialect, &row) == nil && r.schema.aligned(&row)
}

// Columns lists the documented columns that the file has, by their documented
// names, in the order of the file. A flat file has them all from the beginning.
// XML tells of an element only where it stands, so there they are the columns
// met so far: ask after the rows.
func (r *Reader[T]) Columns() []string { return slices.Clone(r.layout.found) }

// MissingColumn is a column that a report of this type can have.
type MissingColumn struct {
	Name   string
	Advice string // how to get it, if that is known
}

// Missing lists the documented columns that the file does not have, in their
// documented order; for XML those not met so far. Nothing is known of what they
// would say: a column that is not there is not a no.
func (r *Reader[T]) Missing() []MissingColumn {
	var out []MissingColumn
	for i, c := range r.schema.columns {
		if !r.layout.taken[i] && !c.extra && (c.types == nil || slices.Contains(c.types, r.typ)) {
			out = append(out, MissingColumn{c.name, c.advice})
		}
	}
	return out
}

// Type is what the file was found to be.
func (r *Reader[T]) Type() Type { return r.typ }

// Unknown lists the other columns that the file has, as it spells them; for XML
// those met so far, by their path, such as "item_details/color". A name that
// comes again, or stands for a column already there, is followed by a number, as
// in "Category (2)", and one that is blank is "column 7".
func (r *Reader[T]) Unknown() []string { return slices.Clone(r.layout.unknown) }

// Has tells whether the file has a column, in any spelling ("tracking id"), so
// that a blank value can be told from one that the file does not mention. For
// XML it tells whether the element was met so far.
func (r *Reader[T]) Has(column string) bool { return r.layout.has(column) }

// Replaced counts the characters, in as much of the file as was read, that could
// not be decoded and are now U+FFFD. If there are any, the content type named
// the wrong character set or the file was damaged before. That there are none
// proves little: nearly every byte is a letter in Windows-1252.
func (r *Reader[T]) Replaced() int { return r.text.replaced }

// Progress is how far the reading came.
func (r *Reader[T]) Progress() Progress {
	return Progress{Bytes: r.text.file.read, Rows: r.rows, Bad: r.bad}
}
