package reportparse

import (
	"fmt"
	"io"
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
	widths widths
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
	f.slots = l.addHeader(header)
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
		case len(f.row) == 0 && strings.TrimSpace(line) == "", n <= len(f.slots) && slices.Equal(f.row, f.header):
		case n > len(f.slots):
			return f.realign(line)
		default:
			if expected := f.widths.add(n, len(f.slots), f.lines.open); expected != "" {
				return record{}, &RowError{Line: f.lines.number, Expected: expected, BreaksOff: true, Raw: cut(line, maxRaw)}
			}
			return record{f.lines.number, f.row}, nil
		}
	}
}

// widths tells rows that are cut off by the cells of those before them. A row may
// have fewer than the header, and in many files those behind the last that is not
// blank are missing. But where a file ends without a line end, with fewer cells than
// in any line before, it may break off, and the last cell be half of a number.
type widths struct{ least int } // cells of a row so far; 0: there was none

// add tells what is expected of a row that seems to be cut off.
func (w *widths) add(cells, columns int, open bool) (expected string) {
	if w.least == 0 {
		w.least = columns
	}
	if open && cells < w.least {
		return fmt.Sprintf("%d cells, but the file breaks off after %d; download it again, or end its last line if nothing is missing", w.least, cells)
	}
	w.least = min(w.least, cells)
	return ""
}

// ahead gives the rows of the next block, and takes none of them.
func (f *flatFile) ahead(yield func(record) bool) {
	var end error
	for end == nil && len(f.lines.block)-f.lines.start < blockSize {
		end = f.lines.more() // an error comes again
	}
	defer func(lines lineReader) { f.lines = lines }(f.lines)
	for {
		var line string
		if i := f.lines.end(); i >= 0 {
			line = f.lines.take(int(f.lines.marks[i]), i)
		} else if end == io.EOF && f.lines.start < len(f.lines.block) {
			line = f.lines.take(len(f.lines.block), len(f.lines.marks))
		} else {
			return
		}
		n := f.split(line)
		if n <= len(f.slots) && !slices.Equal(f.row, f.header) && !yield(record{cells: f.row}) {
			return
		}
	}
}

// split puts the cells of the line just read that are not blank into f.row, and
// returns how many cells there are, also beyond those of the header.
func (f *flatFile) split(line string) int {
	row, marks := f.row[:0], f.lines.inLine
	n, start := 0, 0
	for i := 0; i <= len(marks); i++ {
		end := len(line)
		if i < len(marks) {
			end = int(marks[i]) - f.lines.base
			if line[end] != '\t' {
				continue
			}
		}
		if start < end && n < len(f.slots) {
			text := line[start:end]
			if !isTrim(text) {
				text = strings.TrimSpace(text)
			}
			if text != "" {
				row = append(row, cell{&f.slots[n], text})
			}
		}
		n, start = n+1, end+1
	}
	f.row = row
	return n
}

// isTrim tells texts, not empty, that surely have no white space around them.
func isTrim(s string) bool { return beyondSpace(s[0]) && beyondSpace(s[len(s)-1]) }

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
			rec.cells = append(rec.cells, cell{&f.slots[i], text})
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
	block  string  // of the text
	marks  []int32 // where TAB, LF and CR are in it
	start  int     // of the line to come
	first  int     // of the marks that are not before start
	base   int     // of the line last read
	inLine []int32 // the marks in it
	number int     // of the line last read, from 1
	open   bool    // it has no end, since the file is over
	ending byte    // of the first line of text, LF or CR; 0: not yet known
}

// next returns a line without its end, or io.EOF. A line over the bound comes
// cut, and long. A lone CR ends lines only in a file whose first text ends with
// one; every other CR is white space.
func (l *lineReader) next() (line string, long bool, err error) {
	l.number++
	for {
		if i := l.end(); i >= 0 {
			line = l.take(int(l.marks[i]), i)
			return line, long || len(line) > maxRecord, nil
		}
		if len(l.block)-l.start > maxRecord {
			l.start, long = len(l.block)-1, true
		}
		err = l.more()
		if err == io.EOF && l.block != "" {
			l.open = true
			line = l.take(len(l.block), len(l.marks))
			return line, long || len(line) > maxRecord, nil
		}
		if err != nil {
			return "", false, err
		}
	}
}

// end is which of the marks ends the line to come; -1 if there is none yet.
func (l *lineReader) end() int {
	for i := l.first; i < len(l.marks); i++ {
		at := int(l.marks[i])
		switch c := l.block[at]; {
		case c == l.ending:
			return i
		case l.ending != 0 || c == '\t':
		case c == '\r' && at == len(l.block)-1:
			return -1 // behind it may come its LF
		case c == '\n' || l.block[at+1] != '\n':
			if strings.TrimSpace(l.block[l.start:at]) != "" {
				l.ending = c
			}
			return i
		}
	}
	return -1
}

// take cuts the line to come off.
func (l *lineReader) take(end, mark int) string {
	line := l.block[l.start:end]
	l.base, l.inLine = l.start, l.marks[l.first:mark]
	l.start, l.first = min(end+1, len(l.block)), min(mark+1, len(l.marks))
	return line
}

// more takes up more text, in place of what was cut off.
func (l *lineReader) more() error {
	block, err := l.text.more(l.block[l.start:])
	marks := l.marks[:0]
	for _, mark := range l.marks[l.first:] {
		if int(mark) >= l.start {
			marks = append(marks, mark-int32(l.start))
		}
	}
	l.marks, l.first = append(marks, l.text.marks...), 0
	l.block, l.start = block, 0
	return err
}
