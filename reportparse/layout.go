package reportparse

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// schema says how the cells of a kind of report become rows.
type schema[T any] struct {
	report
	columns []column[T]
	begin   func(row *T, line int)
	extra   func(row *T, name, text string)
	check   func(*T) (column, expected string) // what a row must have; expected is empty if it has it
	aligned func(*T) bool                      // whether the columns of few values hold one of them
}

// report is what must be known to open a file.
type report struct {
	title    string     // what it is, and how to get it
	required [][]string // documented columns, of each group at least one
	strayTab [3]string  // neighbours: a TAB may stray behind the first, and the third proves it
	shape    xmlShape
}

// column is a documented column.
type column[T any] struct {
	name string
	also []string // other names of the same
	set  func(row *T, d *dialect, text string) (expected string)
}

// slot is where the cells of a column of the file go: to a documented column by
// its position in the schema, or, at -1, among the extras.
type slot struct {
	column int
	name   string
}

// layout is what columns a file has.
type layout struct {
	names   []string       // documented
	index   map[string]int // by folded name and alias
	taken   []bool         // documented columns found
	found   []string
	unknown []string
	count   map[string]int // uses of a folded label
}

// layout refuses an alias for a column that is not documented.
func (s *schema[T]) layout(aliases map[string]string) (*layout, error) {
	l := &layout{index: map[string]int{}, count: map[string]int{}, taken: make([]bool, len(s.columns))}
	for i, c := range s.columns {
		l.names = append(l.names, c.name)
		for _, name := range append(c.also, c.name) {
			l.index[fold(name)] = i
		}
	}
	for alias, name := range aliases {
		i := slices.IndexFunc(l.names, func(n string) bool { return fold(n) == fold(name) })
		if i < 0 || fold(alias) == "" {
			return nil, fmt.Errorf("alias %q for %q: expected one of the columns %s", alias, name, strings.Join(l.names, ", "))
		}
		l.index[fold(alias)] = i
	}
	return l, nil
}

// add takes up a column of the file. The first of several with the same meaning
// is the documented one; label is how the others are known.
func (l *layout) add(name, label string) slot {
	l.count[fold(label)]++
	if i, ok := l.index[fold(name)]; ok && !l.taken[i] {
		l.taken[i] = true
		l.found = append(l.found, l.names[i])
		return slot{i, l.names[i]}
	}
	if n := l.count[fold(label)]; n > 1 {
		label = fmt.Sprintf("%s (%d)", label, n)
	}
	l.unknown = append(l.unknown, label)
	return slot{-1, label}
}

func (l *layout) has(name string) bool {
	if i, ok := l.index[fold(name)]; ok {
		return l.taken[i]
	}
	return slices.ContainsFunc(l.unknown, func(u string) bool { return fold(u) == fold(name) })
}

// missing lists the groups of which the file has no column.
func (l *layout) missing(required [][]string) []string {
	var out []string
	for _, group := range required {
		if !slices.ContainsFunc(group, l.has) {
			out = append(out, strings.Join(group, " or "))
		}
	}
	return out
}

// absent lists the documented columns that the file lacks.
func (l *layout) absent() []string {
	var out []string
	for i, name := range l.names {
		if !l.taken[i] {
			out = append(out, name)
		}
	}
	return out
}

// decode fills a row. It reads on behind a bad cell and returns the first one.
func (s *schema[T]) decode(rec record, d *dialect, row *T) *RowError {
	s.begin(row, rec.line)
	var bad *RowError
	for i := range rec.cells {
		c := &rec.cells[i]
		if c.column < 0 {
			s.extra(row, c.name, c.text)
			continue
		}
		if expected := s.columns[c.column].set(row, d, c.text); expected != "" && bad == nil {
			bad = &RowError{Line: rec.line, Column: c.name, Value: clip(c.text), Expected: expected}
		}
	}
	if bad == nil {
		if column, expected := s.check(row); expected != "" {
			bad = &RowError{Line: rec.line, Column: column, Expected: expected}
		}
	}
	return bad
}

func addExtra(extra *map[string]string, name, text string) {
	if *extra == nil {
		*extra = map[string]string{}
	}
	(*extra)[name] = text
}

// fold reduces a name to its letters and digits, without case and accents.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, norm.NFD.String(name))
}
