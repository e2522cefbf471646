package reportparse

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxLines bounds how many lines a quoted cell may go over, so that one
// quotation mark too many does not take up the rows behind it.
const maxLines = 100

// commaFile is a report as comma-separated values, quoted as in RFC 4180.
type commaFile struct {
	lines  lineReader
	again  []line // taken up for a quoted cell that did not end, and still to be read
	header []string
	slots  []slot
	widths widths
}

type line struct {
	text   string
	number int
	long   bool
}

func openComma(t *content, l *layout) (*commaFile, error) {
	f := &commaFile{lines: lineReader{text: t}}
	for f.header == nil {
		first, err := f.line()
		if err != nil {
			return nil, fmt.Errorf("header: %w", err)
		}
		var expected string
		if f.header, expected = f.cells(first); expected != "" {
			return nil, fmt.Errorf("header: line %d: expected %s", first.number, expected)
		}
	}
	f.slots = l.addHeader(f.header)
	return f, nil
}

func (f *commaFile) next(keep bool) (record, error) {
	for {
		start, err := f.line()
		if err == io.EOF {
			return record{}, err
		}
		if err != nil {
			return record{}, fmt.Errorf("line %d: %w", start.number, err)
		}
		if keep {
			start.text = strings.Clone(start.text)
		}
		row, expected := f.cells(start)
		breaksOff := false
		if expected == "" && row != nil {
			expected = f.widths.add(len(row), len(f.slots), f.lines.open && len(f.again) == 0)
			breaksOff = expected != ""
		}
		if expected == "" && len(row) > len(f.slots) && strings.Join(row[len(f.slots):], "") != "" {
			expected = fmt.Sprintf("%d cells, as in the header, but there are %d; quote a cell that has a comma", len(f.slots), len(row))
		}
		if expected != "" {
			return record{}, &RowError{Line: start.number, Expected: expected, BreaksOff: breaksOff, Raw: cut(start.text, maxRaw)}
		}
		if slices.Equal(row, f.header) {
			continue
		}
		rec := record{line: start.number}
		for i, text := range row[:min(len(row), len(f.slots))] {
			if text != "" {
				rec.cells = append(rec.cells, cell{&f.slots[i], text})
			}
		}
		if len(rec.cells) > 0 {
			return rec, nil
		}
	}
}

func (f *commaFile) line() (line, error) {
	if len(f.again) > 0 {
		next := f.again[0]
		f.again = f.again[1:]
		return next, nil
	}
	text, long, err := f.lines.next()
	return line{strings.TrimSuffix(text, "\r"), f.lines.number, long}, err
}

// cells splits a row, without the white space around each cell. It takes up
// further lines as far as quoted cells go. A blank line has none. If something
// else is expected in the row, it ends with its first line, and the others are
// read again.
func (f *commaFile) cells(start line) (row []string, expected string) {
	if start.long {
		return nil, fmt.Sprintf("a line of at most %d bytes", maxRecord)
	}
	if strings.TrimSpace(start.text) == "" {
		return nil, ""
	}
	var taken []line
	rest, more := start.text, true
	for more {
		var text string
		if quoted, ok := strings.CutPrefix(strings.TrimLeft(rest, " "), `"`); ok {
			var ended bool
			text, rest, ended = f.quoted(quoted, &taken)
			rest = strings.TrimSpace(rest)
			if !ended || rest != "" && rest[0] != ',' {
				f.again = append(taken, f.again...)
				return nil, fmt.Sprintf("cell %d to end with a quotation mark, as it begins with one; write each within it twice", len(row)+1)
			}
			rest, more = strings.CutPrefix(rest, ",")
		} else {
			text, rest, more = strings.Cut(rest, ",")
		}
		row = append(row, strings.TrimSpace(text))
	}
	return row, ""
}

// quoted reads a cell behind its first quotation mark, and gives what is behind
// its last one in that line. The lines that it needs besides are added to taken.
func (f *commaFile) quoted(from string, taken *[]line) (text, rest string, ended bool) {
	var b strings.Builder
	for {
		before, behind, found := strings.Cut(from, `"`)
		b.WriteString(before)
		if found {
			if behind == "" || behind[0] != '"' {
				if len(*taken) > 0 {
					behind = strings.Clone(behind) // as next does for the first line
				}
				return b.String(), behind, true
			}
			b.WriteByte('"')
			from = behind[1:]
			continue
		}
		if len(*taken) == maxLines || b.Len() > maxRecord {
			return "", "", false
		}
		next, err := f.line()
		if err != nil {
			return "", "", false // the error comes again
		}
		*taken = append(*taken, next)
		if next.long {
			return "", "", false
		}
		b.WriteByte('\n')
		from = next.text
	}
}
