package rma_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store/memory"
)

var (
	so1     = order.ID{Company: "acme", Number: "SO-1"}
	first   = order.AmazonID{Account: "acme-us", Number: "111-0000001-0000001"}
	morning = time.Date(2026, time.March, 31, 9, 0, 0, 0, time.UTC)
	account = amazon.Account{ID: "acme-us", Company: "acme", Merchant: "A1EXAMPLE", Region: amazon.NorthAmerica, Marketplaces: []order.MarketplaceID{"ATVPDKIKX0DER"}}
)

const lamp, mug = "11400000000001", "114000000000002"

func usd(s string) decimal.Decimal { return decimal.RequireFromString(s) }

// shipped is an order of two lamps and a mug that the buyer has.
func shipped(number string, on order.AmazonID) order.Order {
	return order.Order{
		ID: order.ID{Company: "acme", Number: number}, Amazon: on, Currency: "USD", Fulfilment: order.ByMerchant, Status: order.StatusCompleted,
		Lines: []order.Line{
			{Item: lamp, SKU: "LAMP-RED", ASIN: "B0EXAMPLE1", Ordered: 2, Shipped: 2, Charges: order.Amounts{order.Principal: usd("80.00"), order.Shipping: usd("5.00")}},
			{Item: mug, SKU: "MUG-BLUE", ASIN: "B0EXAMPLE2", Ordered: 1, Shipped: 1, Charges: order.Amounts{order.Principal: usd("10.00")}},
		},
	}
}

func numbered(n int) order.AmazonID {
	return order.AmazonID{Account: "acme-us", Number: fmt.Sprintf("111-0000000-%07d", n)}
}

// shelf is an order book that takes every effect.
type shelf []order.Order

func (b shelf) Orders(_ context.Context, ids []order.AmazonID) (found []order.Order, err error) {
	for _, o := range b {
		if slices.Contains(ids, o.Amazon) {
			found = append(found, o)
		}
	}
	return found, nil
}

func (b shelf) ApplyOrder(context.Context, order.Effect) error { return nil }

// contended is a store on which somebody is always a little faster, so many
// times.
type contended struct {
	*memory.Store
	times int
}

func (s *contended) SaveRMAs(ctx context.Context, cs []rma.Change) error {
	if s.times > 0 {
		s.times--
		head := order.Writes{Order: cs[0].Order, Version: cs[0].Version}
		if err := s.Store.SaveRMAs(ctx, []rma.Change{{Writes: head}}); err != nil {
			return err
		}
	}
	return s.Store.SaveRMAs(ctx, cs)
}

// desk imports into a store of its own.
type desk struct {
	*rma.Service
	t        *testing.T
	store    *contended
	book     shelf
	settings settings.Settings
	now      time.Time
	broken   map[order.AmazonID]bool // orders that the book cannot read
}

func open(t *testing.T, orders ...order.Order) *desk {
	t.Helper()
	return openWith(t, settings.Settings{}, orders...)
}

// openWith is a desk whose merchant has settings.
func openWith(t *testing.T, of settings.Settings, orders ...order.Order) *desk {
	t.Helper()
	d := &desk{t: t, store: &contended{Store: memory.New()}, book: shelf(orders), settings: of, now: morning}
	var err error
	d.Service, err = rma.New(rma.Config{Store: d.store, Book: d, Settings: d, Now: func() time.Time { return d.now }})
	require.NoError(t, err)
	return d
}

// Orders implements [order.Book] with the orders that the desk has now.
func (d *desk) Orders(ctx context.Context, ids []order.AmazonID) ([]order.Order, error) {
	for _, id := range ids {
		if d.broken[id] {
			return nil, errBroken
		}
	}
	return d.book.Orders(ctx, ids)
}

func (d *desk) ApplyOrder(context.Context, order.Effect) error { return nil }

// Settings implements [settings.Source] with those that the desk has now.
func (d *desk) Settings(context.Context, order.CompanyID) (settings.Settings, error) {
	return d.settings, nil
}

func meta(day int) amazon.ReportMeta {
	return amazon.ReportMeta{Name: "returns.txt", AsOf: time.Date(2026, time.March, day, 6, 0, 0, 0, time.UTC)}
}

// take imports a report of a day, which must work, and whose rows must all be
// accounted for.
func (d *desk) take(day int, r report) rma.Imported {
	d.t.Helper()
	in, err := d.Import(d.t.Context(), account, "", meta(day), r.file())
	require.NoError(d.t, err)
	assert.Equal(d.t, len(r.rows), in.Total(), "rows accounted for")
	return in
}

func (d *desk) all() []rma.RMA {
	d.t.Helper()
	rs, err := d.RMAs(d.t.Context(), rma.Query{})
	require.NoError(d.t, err)
	return rs
}

// one is the only RMA.
func (d *desk) one() rma.RMA {
	d.t.Helper()
	rs := d.all()
	require.Len(d.t, rs, 1)
	return rs[0]
}

func (d *desk) head(id order.AmazonID) int64 {
	d.t.Helper()
	ls, err := d.store.Ledgers(d.t.Context(), []order.AmazonID{id})
	require.NoError(d.t, err)
	return ls[0].Version
}

// report is a flat returns report: its columns and its rows.
type report struct {
	columns []string
	rows    [][]string
}

// columns of most reports here; a row gives their cells in this order.
var columns = []string{"Order ID", "Amazon RMA ID", "Return request status", "Merchant SKU", "ASIN", "Return quantity", "Return Reason", "Resolution", "Return carrier", "Tracking ID", "Return request date"}

// lamps is a row about some of the lamps of the first order.
func lamps(units int) []string {
	return []string{first.Number, "DaaaaaaaRRMA", "Approved", "LAMP-RED", "B0EXAMPLE1", fmt.Sprint(units), "CR-DEFECTIVE", "StandardRefund", "", "", "19-Mar-2026"}
}

// with changes one cell of a row.
func with(row []string, column, cell string) []string {
	row = slices.Clone(row)
	row[slices.Index(columns, column)] = cell
	return row
}

func returns(rows ...[]string) report { return report{columns, rows} }

// without leaves a column out of the file.
func (r report) without(column string) report {
	at := slices.Index(r.columns, column)
	less := report{columns: slices.Delete(slices.Clone(r.columns), at, at+1)}
	for _, row := range r.rows {
		less.rows = append(less.rows, slices.Delete(slices.Clone(row), at, at+1))
	}
	return less
}

func (r report) file() io.Reader {
	var b strings.Builder
	fmt.Fprintln(&b, strings.Join(r.columns, "\t"))
	for _, row := range r.rows {
		fmt.Fprintln(&b, strings.Join(row, "\t"))
	}
	return strings.NewReader(b.String())
}
