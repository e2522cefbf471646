package reportparse

import (
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"
)

// flatFile is a report as lines of cells.
type flatFile struct {
	lines  lineReader
	header []cell // as a row of its own
	slots  []slot
	row    []cell
	stray  int // position of the column behind which a TAB may stray; -1: not in this file
	fits   func(record) bool
}

func openFlat(t *content, rep report, l *layout, fits func(record) bool) (*flatFile, error) {
	f := &flatFile{lines: lineReader{text: t}, fits: fits}
	var line string
	var header []string
	for header == nil {
		next, long, err := f.lines.next()
		switch {
		case err == io.EOF:
			return nil, ErrEmpty
		case err != nil:
			return nil, fmt.Errorf("header: %w", err)
		case long:
			return nil, wrongReport(rep, fmt.Sprintf("line %d is longer than %d bytes and no header", f.lines.number, maxRecord))
		}
		line = strings.Clone(next) // names outlive the text
		header = cells(line)
	}
	for i, name := range header {
		label := name
		if name == "" {
			label = fmt.Sprintf("column %d", i+1)
		}
		f.slots = append(f.slots, l.add(name, label))
	}
	if found := foreignHeader(header, l.missing(rep.required)); found != "" {
		return nil, wrongReport(rep, found)
	}
	f.stray = slices.IndexFunc(f.slots, func(s slot) bool { return s.name == rep.strayTab[0] })
	for i, name := range rep.strayTab {
		if f.stray >= 0 && (f.stray+i >= len(f.slots) || f.slots[f.stray+i].name != name) {
			f.stray = -1
		}
	}
	f.split(line)
	f.header = slices.Clone(f.row)
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
		n := f.split(line)
		switch {
		case len(f.row) == 0 && strings.TrimSpace(line) == "", slices.Equal(f.row, f.header):
		case n > len(f.slots):
			return f.realign(line)
		default:
			return record{f.lines.number, f.row}, nil
		}
	}
}

// ahead gives the rows of the next block, and takes none of them.
func (f *flatFile) ahead(yield func(record) bool) {
	var end error
	for end == nil && len(f.lines.rest) < blockSize {
		f.lines.rest, end = f.lines.text.more(f.lines.rest) // an error comes again
	}
	lines := f.lines
	for lines.rest != "" {
		line := lines.rest
		if at, size := lines.end(); at >= 0 {
			line, lines.rest = lines.rest[:at], lines.rest[at+size:]
		} else if lines.rest = ""; end != io.EOF {
			return // in the middle of a line
		}
		if f.split(line) <= len(f.slots) && !yield(record{cells: f.row}) {
			return
		}
	}
}

// split puts the cells of a line that are not blank into f.row, and returns how
// many cells there are, also beyond those of the header.
func (f *flatFile) split(line string) int {
	f.row = f.row[:0]
	n, start := 0, 0
	for at := 0; at < len(line); at += 8 {
		for tabs := zeros(word(line[at:]) ^ '\t'*ones); tabs != 0; tabs &= tabs - 1 {
			end := at + bits.TrailingZeros64(tabs)/8
			f.put(n, line[start:end])
			n, start = n+1, end+1
		}
	}
	f.put(n, line[start:])
	return n + 1
}

func (f *flatFile) put(column int, text string) {
	if text = trim(text); text != "" && column < len(f.slots) {
		f.row = append(f.row, cell{f.slots[column], text})
	}
}

// trim is strings.TrimSpace for texts that seldom need it.
func trim(s string) string {
	if s == "" || beyondSpace(s[0]) && beyondSpace(s[len(s)-1]) {
		return s
	}
	return strings.TrimSpace(s)
}

// beyondSpace tells the ASCII that is no white space.
func beyondSpace(c byte) bool { return ' ' < c && c < utf8.RuneSelf }

// realign reads a row of more cells than the header has, if exactly one way to
// leave out blank cells makes all others fit: those at the end, or those behind
// the column in which TABs have been seen to stray. The columns behind that one
// must then be where they belong, which the one of few values shows.
func (f *flatFile) realign(line string) (record, error) {
	row := cells(line)
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
			Raw:      cut(line, maxRaw),
		}
	}
	return readings[0], nil
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
