package reportparse

import "fmt"

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
	types    []Type     // that the schema reads
	required [][]string // documented columns, of each group at least one
	strayTab [3]string  // neighbours: a TAB may stray behind the first, and the third proves it
	shape    xmlShape
}

// column is a column that is known.
type column[T any] struct {
	name   string
	also   []string         // other names of the same
	text   func(*T) *string // the field of text that is taken as it stands; nil: see set
	set    func(row *T, d *dialect, text string) (expected string)
	single bool   // an amount that a row has once, or twice alike
	types  []Type // that have it; none: all that the schema reads
	extra  bool   // met in files, but nothing is missing without it
	advice string // how to get it into the file
}

// in says that only some of the types have a column.
func (c column[T]) in(types ...Type) column[T] { c.types = types; return c }

// seldom says that nothing is missing without a column.
func (c column[T]) seldom() column[T] { c.extra = true; return c }

// advise says how to get a column that is missing.
func (c column[T]) advise(advice string) column[T] { c.advice = advice; return c }

// several says that a row may have more amounts of a column than one, of which
// the others are extras.
func (c column[T]) several() column[T] { c.single = false; return c }

// decode fills a row. It reads on behind a bad cell and returns the first one.
func (s *schema[T]) decode(rec record, d *dialect, row *T) *RowError {
	s.begin(row, rec.line)
	var bad *RowError
	for i := range rec.cells {
		c := &rec.cells[i]
		if c.column < 0 {
			s.extra(row, c.name, c.text)
			if bad == nil && c.repeats != 0 {
				bad = s.repeated(rec, c)
			}
			continue
		}
		to := &s.columns[c.column]
		if to.text != nil {
			*to.text(row) = c.text
			continue
		}
		if expected := to.set(row, d, c.text); expected != "" && bad == nil {
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

// repeated refuses an amount that is there twice and not alike, for nobody knows
// which of the two counts.
func (s *schema[T]) repeated(rec record, c *cell) *RowError {
	if !s.columns[c.repeats-1].single {
		return nil
	}
	first := ""
	for i := range rec.cells {
		if rec.cells[i].column == c.repeats-1 {
			first = rec.cells[i].text
			break
		}
	}
	if first == c.text {
		return nil
	}
	return &RowError{Line: rec.line, Column: c.name, Value: clip(c.text), Expected: fmt.Sprintf("the same as in the first %s of the row, %q", s.columns[c.repeats-1].name, clip(first))}
}

func addExtra(extra *map[string]string, name, text string) {
	if *extra == nil {
		*extra = map[string]string{}
	}
	(*extra)[name] = text
}
