package reportparse

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

var (
	// ErrWrongReport is wrapped by the error for a file that is not the report
	// it was given as; the error says what the file is instead.
	ErrWrongReport = errors.New("wrong report")

	// ErrEmpty is wrapped by the error for a file without any text. A file with
	// only a header is not empty: it is a report without rows.
	ErrEmpty = errors.New("the file is empty")

	// ErrTooManyErrors is wrapped by the error that ends the reading at
	// Options.MaxErrors.
	ErrTooManyErrors = errors.New("too many bad rows")
)

// RowError is what is wrong with one row of a report. The rows after it can
// still be read.
type RowError struct {
	File     string // name of the file, as in Options
	Line     int    // where the row begins, counted from 1
	Column   string // documented name of the column; empty: the row as a whole
	Value    string // the cell, cut to 60 characters; empty: blank
	Expected string // what should stand there

	// BreaksOff says that the file ends within the row: the row is half there, and
	// rows behind it may be missing.
	BreaksOff bool

	// Raw is the line of a flat file, cut to 4 KiB, if its cells could not be
	// told apart, to mend it by hand; it is empty for a line over 1 MiB. It may
	// hold a buyer's data and is not part of the text of the error.
	Raw string
}

func (e *RowError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: line %d: ", e.File, e.Line)
	switch {
	case e.Column == "":
	case e.Value == "":
		fmt.Fprintf(&b, "%s is blank, ", e.Column)
	default:
		fmt.Fprintf(&b, "%s is %q, ", e.Column, e.Value)
	}
	fmt.Fprintf(&b, "expected %s", e.Expected)
	return b.String()
}

func wrongReport(rep report, found string) error {
	return fmt.Errorf("%s; give %s: %w", found, rep.title, ErrWrongReport)
}

// maxRaw bounds RowError.Raw.
const maxRaw = 4 << 10

// cut is a copy of at most the first bytes of s, in whole characters.
func cut(s string, most int) string {
	if len(s) > most {
		for !utf8.RuneStart(s[most]) {
			most--
		}
		s = s[:most]
	}
	return strings.Clone(s)
}

// clip is a copy of what an error quotes, bounded.
func clip(s string) string {
	const most = 60
	n := 0
	for i := range s {
		if n == most {
			return s[:i] + "…"
		}
		n++
	}
	return strings.Clone(s)
}
