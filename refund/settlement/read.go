package settlement

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/reportparse"
)

// AmazonFormat is the format of Amazon's own files: V2, V1 or XML.
const AmazonFormat = "Amazon Format"

// Rows are the rows of the settlements of a file; a [reportparse.SettlementReader]
// is one.
type Rows interface {
	// All gives the rows, and each that could not be read with its
	// *reportparse.RowError. Any other error is the end of what can be read.
	All() iter.Seq2[reportparse.SettlementRow, error]

	// Settlements tells of the settlements met; sums are complete at the end.
	Settlements() []reportparse.SettlementTotal

	// Type names the way in which the file counts its rows: the same settlement is
	// not imported from files of two types.
	Type() reportparse.Type
}

// Format reads a file of a host's own making.
type Format func(r io.Reader, o reportparse.Options) (Rows, error)

func readAmazon(r io.Reader, o reportparse.Options) (Rows, error) {
	return reportparse.Settlement(r, o)
}

// format finds a format by its name; empty is Amazon's.
func (c Config) format(name string) (Format, error) {
	if name == "" || name == AmazonFormat {
		return readAmazon, nil
	}
	if f, ok := c.Formats[name]; ok {
		return f, nil
	}
	known := append([]string{AmazonFormat}, slices.Sorted(maps.Keys(c.Formats))...)
	return nil, fmt.Errorf("format %q is unknown: want one of %q", name, known)
}

// maxRows bounds the rows of refunds that are kept in memory: 50 times as many as
// a large seller's settlement has rows of any kind.
const maxRows = 1_000_000

// ErrTooLarge refuses a file with more rows of refunds than a settlement can have.
var ErrTooLarge = errors.New("too many rows of refunds")

// file is what was read: the sales are counted only, and rows of refunds are kept
// until the end, since they are not sorted.
type file struct {
	format      reportparse.Type
	settlements []reportparse.SettlementTotal
	groups      map[string][]*group // by settlement, in the order of their first rows
	amounts     map[place]decimal.Decimal
	unread      map[string]map[string]bool // orders with rows that could not be read, by settlement
	bad         int
	badRows     []error
}

type place struct {
	settlement string
	row        int
}

// group is the rows that may be one booking.
type group struct {
	key  groupKey
	rows []groupRow
}

type groupKey struct {
	kind, order, item, sku, adjustment, merchantAdjustment string

	at time.Time
}

type groupRow struct {
	row     int
	amounts []reportparse.SettlementAmount
}

// read reads a file to its end. One that breaks off is refused: what it lacks may
// belong to what it has.
func read(rows Rows) (*file, error) {
	f := &file{
		format: rows.Type(), groups: map[string][]*group{},
		amounts: map[place]decimal.Decimal{}, unread: map[string]map[string]bool{},
	}
	type name struct {
		settlement string
		groupKey
	}
	found := map[name]*group{}
	for row, err := range rows.All() {
		var bad *reportparse.RowError
		switch {
		case errors.As(err, &bad) && !bad.BreaksOff:
			f.refuse(row, err)
			continue
		case err != nil:
			return nil, err
		}
		k := kindOf(row.TransactionType)
		if product := row.OrderID != "" && row.OrderItemCode+row.SKU != ""; k == counted || k == strange && !product {
			continue
		}
		amounts := slices.Collect(row.Amounts())
		if len(amounts) == 0 {
			continue
		}
		if len(f.amounts) == maxRows {
			return nil, fmt.Errorf("line %d: %w: want at most %d: import the settlements one by one", row.Line, ErrTooLarge, maxRows)
		}
		key := groupKey{row.TransactionType, row.OrderID, row.OrderItemCode, row.SKU, row.AdjustmentID, row.MerchantAdjustmentItemID, row.PostedAt.UTC()}
		g := found[name{row.SettlementID, key}]
		if g == nil {
			g = &group{key: key}
			found[name{row.SettlementID, key}] = g
			f.groups[row.SettlementID] = append(f.groups[row.SettlementID], g)
		}
		g.rows = append(g.rows, groupRow{row.Row, amounts})
		sum := decimal.Zero
		for _, a := range amounts {
			sum = sum.Add(a.Amount.Decimal())
		}
		f.amounts[place{row.SettlementID, row.Row}] = sum
	}
	f.settlements = rows.Settlements()
	f.leaveOut((*group).foreign)
	return f, nil
}

// leaveOut forgets groups.
func (f *file) leaveOut(which func(*group) bool) {
	for id, groups := range f.groups {
		f.groups[id] = slices.DeleteFunc(groups, func(g *group) bool {
			if !which(g) {
				return false
			}
			for _, row := range g.rows {
				delete(f.amounts, place{id, row.row})
			}
			return true
		})
	}
}

// refuse counts a row that could not be read. What can be read of it is not
// reliable, but enough to be careful with its order.
func (f *file) refuse(row reportparse.SettlementRow, err error) {
	if f.bad++; len(f.badRows) < mostNamed {
		f.badRows = append(f.badRows, err)
	}
	if row.OrderID == "" {
		return
	}
	if f.unread[row.SettlementID] == nil {
		f.unread[row.SettlementID] = map[string]bool{}
	}
	f.unread[row.SettlementID][row.OrderID] = true
}

// mostNamed is how many bad rows are listed.
const mostNamed = 100

// agrees reports whether rows that were imported before are in the file as they
// were; false with the first that is not.
func (f *file) agrees(known []Booking) (bad Booking, ok bool) {
	for _, b := range known {
		sum := decimal.Zero
		for _, row := range b.Rows {
			sum = sum.Add(f.amounts[place{b.Settlement.Number, row}])
		}
		if !sum.Equal(b.Net) {
			return b, false
		}
	}
	return Booking{}, true
}

// statement is one settlement of a file, as its bookings carry it.
type statement struct {
	account amazon.Account
	total   reportparse.SettlementTotal
	unread  map[string]bool // orders
}

func (s statement) id() ID { return ID{s.account.ID, s.total.ID} }

// shows makes what groups of a settlement have beyond the bookings of their order:
// new bookings, and known ones with more rows or without a doubt.
func (s statement) shows(known []Booking, groups []*group, expected func(Booking) bool) []Booking {
	holder := map[int]int{} // known bookings by row
	fuller := map[int]Booking{}
	for i, b := range known {
		if b.Settlement != s.id() {
			continue
		}
		if b.Incomplete != s.unread[b.Order.Number] {
			b.Incomplete = !b.Incomplete
			fuller[i] = b
		}
		for _, row := range b.Rows {
			holder[row] = i
		}
	}
	var shown []Booking
	for _, g := range groups {
		var fresh []groupRow
		at := -1
		for _, row := range g.rows {
			if i, ok := holder[row.row]; ok {
				at = i
			} else {
				fresh = append(fresh, row)
			}
		}
		switch {
		case len(fresh) == 0:
		case at < 0:
			shown = append(shown, s.bookings(g.key, fresh, expected)...)
		default: // rows that could not be read the first time
			b, ok := fuller[at]
			if !ok {
				b = known[at]
			}
			fuller[at] = b.with(fresh)
		}
	}
	return append(shown, slices.Collect(maps.Values(fuller))...)
}

// bookings makes what is booked of a group: one booking, unless the rows are those
// of several equal ones, or have no adjustment and a part of the price twice, and
// what they come to together is not expected.
func (s statement) bookings(k groupKey, rows []groupRow, expected func(Booking) bool) []Booking {
	whole := s.booking(k, rows)
	parts := twins(rows)
	if len(parts) == 1 && k.adjustment == "" && k.merchantAdjustment == "" {
		parts = runs(rows)
	}
	if len(parts) == 1 || expected(whole) {
		return []Booking{whole}
	}
	var out []Booking
	for _, part := range parts {
		out = append(out, s.booking(k, part))
	}
	return out
}

func (s statement) booking(k groupKey, rows []groupRow) Booking {
	b := Booking{
		ID:      fmt.Sprintf("%s/%d", s.id(), rows[0].row),
		Company: s.account.Company, Order: order.AmazonID{Account: s.account.ID, Number: k.order}, Settlement: s.id(),
		Kind: k.kind, Item: k.item, SKU: k.sku, Incomplete: s.unread[k.order],
		AdjustmentID: k.adjustment, MerchantAdjustmentID: k.merchantAdjustment,
		PostedAt: k.at, Currency: order.Currency(s.total.Currency), Amounts: order.Amounts{},
	}
	if b.PostedAt.IsZero() {
		b.PostedAt = s.total.End.UTC()
	}
	return b.with(rows)
}

// with is a booking with more rows.
func (b Booking) with(rows []groupRow) Booking {
	b.Rows = slices.Clone(b.Rows)
	for _, row := range rows {
		b.Rows = append(b.Rows, row.row)
		for _, a := range row.amounts {
			b.add(a)
		}
	}
	slices.Sort(b.Rows)
	return b
}

// twins takes rows apart into as many equal parts as each of them is there.
func twins(rows []groupRow) [][]groupRow {
	type content struct{ kind, description, amount string }
	of := func(r groupRow) content {
		var c content
		for _, a := range r.amounts {
			c.kind, c.description, c.amount = c.kind+a.Type+"|", c.description+a.Description+"|", c.amount+a.Amount.String()+"|"
		}
		return c
	}
	seen := map[content]int{}
	for _, r := range rows {
		seen[of(r)]++
	}
	n := seen[of(rows[0])]
	for _, times := range seen {
		if times != n {
			n = 1
		}
	}
	parts := make([][]groupRow, n)
	clear(seen)
	for _, r := range rows {
		at := seen[of(r)] % n
		parts[at] = append(parts[at], r)
		seen[of(r)]++
	}
	return parts
}

// runs takes rows apart where a part of the price comes again.
func runs(rows []groupRow) [][]groupRow {
	var parts [][]groupRow
	seen := map[string]bool{}
	for _, r := range rows {
		price := fold(r.amounts[0].Type) == "itemprice"
		description := fold(r.amounts[0].Description)
		if len(parts) == 0 || price && seen[description] {
			parts = append(parts, nil)
			clear(seen)
		}
		seen[description] = seen[description] || price
		last := len(parts) - 1
		parts[last] = append(parts[last], r)
	}
	return parts
}

// settlement is the row about a settlement of the file.
func (f *file) settlement(s statement, m amazon.ReportMeta, by order.Stamp) Settlement {
	t := s.total
	return Settlement{
		ID: s.id(), Company: s.account.Company, Report: m, Start: t.Start.UTC(), End: t.End.UTC(), Deposit: t.Deposit.UTC(),
		Currency: order.Currency(t.Currency), Total: t.Total.Decimal(), Sum: t.Sum, NoTotal: !t.Total.Valid(), Rows: t.Rows, Bad: t.Bad,
		Format: f.format, Imported: by,
	}
}

// ordersOf lists the orders of groups, and their groups.
func ordersOf(a order.AccountID, groups []*group) ([]order.AmazonID, map[order.AmazonID][]*group) {
	of := map[order.AmazonID][]*group{}
	for _, g := range groups {
		id := order.AmazonID{Account: a, Number: g.key.order}
		of[id] = append(of[id], g)
	}
	ids := slices.SortedFunc(maps.Keys(of), func(x, y order.AmazonID) int { return cmp.Compare(x.Number, y.Number) })
	return ids, of
}
