package sqlite

import (
	"context"
	"database/sql"
	"slices"
	"strings"
)

// maxStretches is how many parts a statement may have. SQLite takes 500.
const maxStretches = 64

// column is a column of an index, and the values of it that a query selects.
type column struct {
	name   string
	values []string
}

// oneOf names a column and some values of it, each once.
func oneOf[S ~string](name string, values ...S) column {
	c := column{name: name}
	for _, v := range slices.Compact(slices.Sorted(slices.Values(values))) {
		c.values = append(c.values, string(v))
	}
	return c
}

// stretches are the parts of an index whose first columns have these values, each
// part in the order of what the index has behind them. None when there would be
// too many.
func stretches(columns ...column) []filter {
	parts := []filter{{}}
	for _, c := range columns {
		if len(parts)*len(c.values) > maxStretches {
			return nil
		}
		var longer []filter
		for _, p := range parts {
			for _, v := range c.values {
				f := filter{conditions: slices.Clone(p.conditions), args: slices.Clone(p.args)}
				f.and(c.name+" = ?", v)
				longer = append(longer, f)
			}
		}
		parts = longer
	}
	return parts
}

// search is how a query finds its rows: those that it names, else stretches of an
// index, else all of them; and what else it asks of them.
type search struct {
	named filter
	index string
	parts []filter // stretches of the index
	rest  filter
	limit int
}

// by reads stretches of an index whose first columns have these values, and which
// has the order of the list behind them. It is for queries that name no rows.
func (s *search) by(index string, columns ...column) { s.among(index, stretches(columns...)) }

func (s *search) among(index string, parts []filter) {
	if !s.named.narrow {
		s.index, s.parts = index, parts
	}
	s.rest.narrow = s.named.narrow || len(parts) > 0
}

// query is the statement of a search. However long stretches are, no more of them is
// read than the limit.
func (t table[T]) query(s search) (string, []any) {
	columns := "SELECT version, body, " + t.order + " FROM " + t.name
	if len(s.parts) == 0 {
		f := s.named.with(s.rest)
		return f.query(columns, t.order, s.limit)
	}
	var parts []string
	var args []any
	for _, part := range s.parts {
		f := part.with(s.rest)
		parts = append(parts, columns+" INDEXED BY "+s.index+f.where())
		args = append(args, f.args...)
	}
	query := strings.Join(parts, " UNION ALL ") + " ORDER BY " + t.order
	if s.limit > 0 {
		query += " LIMIT ?"
		args = append(args, s.limit)
	}
	return query, args
}

// with has the conditions of another filter behind its own.
func (f filter) with(rest filter) filter {
	f.conditions = slices.Concat(f.conditions, rest.conditions)
	f.args = slices.Concat(f.args, rest.args)
	return f
}

// find returns the rows of a search, in the table's order.
func (t table[T]) find(ctx context.Context, q querier, s search) ([]T, error) {
	query, args := t.query(s)
	return collect(ctx, q, t.scanPlaced, query, args...)
}

// scanPlaced reads a row from its version and body, and the columns of the table's
// order after them.
func (t table[T]) scanPlaced(rows *sql.Rows) (T, error) {
	place := make([]any, 1+strings.Count(t.order, ","))
	for i := range place {
		place[i] = new(sql.RawBytes)
	}
	return t.scan(rows, place...)
}
