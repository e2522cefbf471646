package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/refund/settlement"
	"github.com/takebackhq/takeback/store"
	"github.com/takebackhq/takeback/store/internal/rowcopy"
)

// table says how the rows of one noun are kept: the columns that queries need,
// and beside them the whole row as JSON and its version.
type table[T any] struct {
	name                    string
	order                   string // of lists
	insert, update, replace string
	columns                 func(T) []any
	version                 func(*T) *int64
	beside                  func(T) []step // what is written when a row is new or its settled columns changed; nil: nothing
}

// newTable describes a table whose first so many columns are its key. Those from
// settled on rarely change while a row lives: SQLite writes an index anew when one
// of its columns is set, be it to what it was, so an update does not set them as
// long as they are the same.
func newTable[T any](name string, keys int, moving, settled []string, order string, values func(T) []any, version func(*T) *int64) table[T] {
	columns := slices.Concat(moving, settled)
	n := len(columns)
	placeholders, sets, same := make([]string, n), make([]string, n), make([]string, n)
	for i, c := range columns {
		placeholders[i] = fmt.Sprintf("?%d", i+1)
		sets[i] = fmt.Sprintf("%s = ?%d", c, i+1)
		same[i] = "+" + sets[i]
	}
	wheres := append(slices.Clone(sets[:keys]), fmt.Sprintf("version = ?%d", n+2))
	body := fmt.Sprintf("body = ?%d", n+1)
	update := func(set, where []string) string {
		return fmt.Sprintf("UPDATE OR IGNORE %s SET %s, version = version + 1 WHERE %s",
			name, strings.Join(append(slices.Clone(set), body), ", "), strings.Join(where, " AND "))
	}
	return table[T]{
		name:  name,
		order: order,
		// Each takes the columns, the body, and the version that was read.
		insert: fmt.Sprintf("INSERT INTO %s (%s, body, version) VALUES (%s, ?%d, ?%d + 1) ON CONFLICT DO NOTHING",
			name, strings.Join(columns, ", "), strings.Join(placeholders, ", "), n+1, n+2),
		update:  update(sets[keys:len(moving)], slices.Concat(wheres, same[len(moving):])),
		replace: update(sets[keys:], wheres),
		columns: values,
		version: version,
	}
}

// put inserts or replaces rows by the rules for versions.
func (t table[T]) put(p *plan, rows ...T) error {
	for _, row := range rows {
		row = rowcopy.Of(row)
		read := *t.version(&row)
		*t.version(&row)++
		body, err := json.Marshal(row)
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		args := append(t.columns(row), string(body), read)
		write := step{stmt: t.replace, args: args, none: fmt.Errorf("%s %v read at version %d: %w", t.name, args[0], read, store.ErrConflict)}
		if t.beside != nil {
			write.then = t.beside(row)
		}
		if read == 0 {
			write.stmt = t.insert
			p.add(write)
		} else {
			p.add(step{stmt: t.update, args: args, otherwise: []step{write}})
		}
	}
	return nil
}

// list returns the rows that a filter selects, in the table's order.
func (t table[T]) list(ctx context.Context, q querier, f filter, limit int) ([]T, error) {
	query, args := f.query("SELECT version, body FROM "+t.name, t.order, limit)
	return collect(ctx, q, func(rows *sql.Rows) (T, error) { return t.scan(rows) }, query, args...)
}

// scan reads a row from its version and body, and what is selected after them.
func (t table[T]) scan(rows *sql.Rows, more ...any) (row T, err error) {
	var version int64
	var body []byte
	if err := rows.Scan(append([]any{&version, &body}, more...)...); err != nil {
		return row, fmt.Errorf("%s: %w", t.name, err)
	}
	if err := json.Unmarshal(body, &row); err != nil {
		return row, fmt.Errorf("%s: body: %w", t.name, err)
	}
	*t.version(&row) = version
	return row, nil
}

// collect runs a query and reads all of its rows.
func collect[T any](ctx context.Context, q querier, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		row, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

// filter is the WHERE of a statement: its conditions, joined by "and".
//
// SQLite knows nothing of how many rows a company has, so a filter tells it which
// index to use: once a condition is narrow, wide columns stand with a plus sign,
// which keeps SQLite from their indexes, and so does the order of the list. Narrow
// conditions come first, except those on a column that an index has behind a wide
// one.
type filter struct {
	conditions []string
	args       []any
	narrow     bool
}

func (f *filter) and(condition string, args ...any) {
	f.conditions = append(f.conditions, condition)
	f.args = append(f.args, args...)
}

// few is a condition that selects few rows.
func (f *filter) few(condition string, args ...any) {
	f.and(condition, args...)
	f.narrow = true
}

// wide is a column of which one value has many rows.
func (f *filter) wide(column string) string {
	if f.narrow {
		return "+" + column
	}
	return column
}

// company selects one company; the empty one selects all.
func (f *filter) company(id order.CompanyID) {
	if id != "" {
		f.and(f.wide("company")+" = ?", string(id))
	}
}

// among selects some values of a wide column; none selects all.
func among[S ~string](f *filter, column string, values []S) {
	if len(values) > 0 {
		f.and(f.wide(column)+isListed, jsonText(values))
	}
}

// in selects some values of a narrow column; none selects all.
func in[S ~string](f *filter, column string, values []S) {
	if len(values) > 0 {
		f.few(column+isListed, jsonText(values))
	}
}

// isListed takes its values as one JSON argument, so that any number of them
// fits into a statement, and arePairs so for an account and a number.
const (
	isListed = " IN (SELECT value FROM json_each(?))"
	arePairs = " IN (SELECT value ->> 'Account', value ->> 'Number' FROM json_each(?))"
)

// orders selects Amazon orders; none selects all.
func (f *filter) orders(ids []order.AmazonID) {
	if len(ids) > 0 {
		f.few("(account, number)"+arePairs, jsonText(ids))
	}
}

// hostOrders selects host orders; none selects all.
func (f *filter) hostOrders(ids []order.ID) {
	if len(ids) > 0 {
		f.few("(company, host_order) IN (SELECT value ->> 'Company', value ->> 'Number' FROM json_each(?))", jsonText(ids))
	}
}

// settlements selects settlements; none selects all.
func (f *filter) settlements(ids []settlement.ID) {
	if len(ids) > 0 {
		f.few("(account, settlement)"+arePairs, jsonText(ids))
	}
}

// wantedBy selects rows of which something is wanted at that time or before; the
// zero time selects all.
func (f *filter) wantedBy(column string, at time.Time) {
	if !at.IsZero() {
		f.few(column+" <> '' AND "+column+" <= ?", instant(at))
	}
}

// wanted is an instant, or empty for the zero time: nothing is wanted.
func wanted(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return instant(at)
}

// after selects what a list has strictly after a place, which is a time and names
// that follow it; the zero place selects all. The columns are those of the list's
// order.
func (f *filter) after(columns string, at time.Time, names ...string) {
	if at.IsZero() && strings.Join(names, "") == "" {
		return
	}
	args := []any{instant(at)}
	for _, n := range names {
		args = append(args, n)
	}
	f.and("("+columns+") > (?"+strings.Repeat(", ?", len(names))+")", args...)
}

// where is the filter's part of a statement.
func (f *filter) where() string {
	if len(f.conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(f.conditions, " AND ")
}

func (f *filter) query(selectFrom, order string, limit int) (string, []any) {
	var b strings.Builder
	b.WriteString(selectFrom + f.where())
	if f.narrow {
		order = "+" + order
	}
	b.WriteString(" ORDER BY " + order)
	args := f.args
	if limit > 0 {
		b.WriteString(" LIMIT ?")
		args = append(args, limit)
	}
	return b.String(), args
}

// jsonText is a list of names as an argument for json_each.
func jsonText(v any) string {
	text, _ := json.Marshal(v) // strings always have a JSON form
	return string(text)
}

// layout writes an instant in UTC so that texts sort as times do.
const layout = "2006-01-02T15:04:05.000000000Z"

func instant(t time.Time) string { return t.UTC().Format(layout) }
