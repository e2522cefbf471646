package reportparse

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// flatFile is a report as lines of cells.
type flatFile struct {
	lines  lineReader
	header []string
	slots  []slot
	stray  int // position of the column behind which a TAB may stray; -1: not in this file
	fits   func(record) bool
}

func openFlat(t *content, rep report, l *layout, fits func(record) bool) (*flatFile, error) {
	f := &flatFile{lines: lineReader{text: t}, fits: fits}
	for f.header == nil {
		line, long, err := f.lines.next()
		switch {
		case err == io.EOF:
			return nil, ErrEmpty
		case err != nil:
			return nil, fmt.Errorf("header: %w", err)
		case long:
			return nil, wrongReport(rep, fmt.Sprintf("line %d is longer than %d bytes and no header", f.lines.number, maxRecord))
		}
		f.header = cells(line)
	}
	f.slots = l.addHeader(f.header)
	f.stray = slices.IndexFunc(f.slots, func(s slot) bool { return s.name == rep.strayTab[0] })
	for i, name := range rep.strayTab {
		if f.stray >= 0 && (f.stray+i >= len(f.slots) || f.slots[f.stray+i].name != name) {
			f.stray = -1
		}
	}
	return f, nil
}

func (f *flatFile) next(keep bool) (record, error) {
	for {
		line, long, err := f.lines.next()
		if err == io.EOF {
			return record{}, err
		}
		if err != nil {
			return record{}, fmt.Errorf("line %d: %w", f.lines.number, err)
		}
		if long {
			return record{}, &RowError{Line: f.lines.number, Expected: fmt.Sprintf("a line of at most %d bytes", maxRecord)}
		}
		if keep {
			line = strings.Clone(line)
		}
		row := cells(line)
		switch {
		case row == nil || slices.Equal(row, f.header):
		case len(row) > len(f.slots):
			return f.realign(line, row)
		default:
			return f.record(row), nil
		}
	}
}

// ahead gives the rows that are in memory already, and takes none of them.
func (f *flatFile) ahead(yield func(record) bool) {
	lines := f.lines
	lines.rest, _ = lines.text.more(lines.rest)
	f.lines.rest = lines.rest // an error comes again when they are read
	for lines.rest != "" {
		line := lines.rest
		if at, size := lines.end(); at >= 0 {
			line, lines.rest = lines.rest[:at], lines.rest[at+size:]
		} else if lines.rest = ""; lines.text.err == nil {
			return
		}
		if row := cells(line); len(row) <= len(f.slots) && !yield(f.record(row)) {
			return
		}
	}
}

func (f *flatFile) record(row []string) record {
	rec := record{line: f.lines.number}
	for i, text := range row {
		if text != "" {
			rec.cells = append(rec.cells, cell{f.slots[i], text})
		}
	}
	return rec
}

// realign reads a row of more cells than the header has, if exactly one way to
// leave out blank cells makes all others fit: those at the end, or those behind
// the column in which TABs have been seen to stray. The columns behind that one
// must then be where they belong, which the one of few values shows.
func (f *flatFile) realign(line string, row []string) (record, error) {
	surplus := len(row) - len(f.slots)
	var readings []record
	try := func(from int) []string {
		if strings.Join(row[from:from+surplus], "") != "" {
			return nil
		}
		return slices.Delete(slices.Clone(row), from, from+surplus)
	}
	if kept := try(len(f.slots)); kept != nil {
		readings = append(readings, f.record(kept))
	}
	if f.stray >= 0 {
		if kept := try(f.stray + 1); kept != nil && kept[f.stray+2] != "" {
			readings = append(readings, f.record(kept))
		}
	}
	readings = slices.DeleteFunc(readings, func(rec record) bool { return !f.fits(rec) })
	if len(readings) != 1 {
		return record{}, &RowError{
			Line:     f.lines.number,
			Expected: fmt.Sprintf("%d cells, as in the header, but there are %d; remove the TAB that is too many", len(f.slots), len(row)),
			Raw:      line,
		}
	}
	return readings[0], nil
}

// cells splits a line, without the white space around each cell. A blank line
// has none.
func cells(line string) []string {
	if strings.TrimSpace(line) == "" {
		return nil
	}
	out := strings.Split(line, "\t")
	for i := range out {
		out[i] = strings.TrimSpace(out[i])
	}
	return out
}

// lineReader splits text into lines and bounds their length.
type lineReader struct {
	text   *content
	rest   string // of the text taken up
	number int    // of the line last read, from 1
	ending string // as the first line ends, "\n" or "\r"; "": not yet known
}

// next returns a line without its end, or io.EOF. A line over the bound comes
// cut, and long. A lone CR ends lines only in a file whose first line ends with
// one; every other CR is white space.
func (l *lineReader) next() (line string, long bool, err error) {
	l.number++
	for {
		if end, size := l.end(); end >= 0 {
			line, l.rest = l.rest[:end], l.rest[end+size:]
			return line, long || len(line) > maxRecord, nil
		}
		if len(l.rest) > maxRecord {
			l.rest, long = l.rest[len(l.rest)-1:], true
		}
		l.rest, err = l.text.more(l.rest)
		if err == io.EOF && l.rest != "" {
			line, l.rest = l.rest, ""
			return line, long || len(line) > maxRecord, nil
		}
		if err != nil {
			return "", false, err
		}
	}
}

// end finds the end of the line that rest begins with, and how long the end is;
// -1 if there is none yet.
func (l *lineReader) end() (at, size int) {
	if l.ending != "" {
		return strings.IndexByte(l.rest, l.ending[0]), 1
	}
	at = strings.IndexAny(l.rest, "\r\n")
	switch {
	case at < 0, at == len(l.rest)-1 && l.rest[at] == '\r' && l.text.err == nil:
		return -1, 0
	case strings.HasPrefix(l.rest[at:], "\r\n"):
		l.ending = "\n"
		return at, 2
	}
	l.ending = l.rest[at : at+1]
	return at, 1
}
