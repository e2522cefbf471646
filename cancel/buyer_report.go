package cancel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/reportparse"
	"github.com/takebackhq/takeback/store"
)

// OrderRow is what a row of an order report tells of a wish to cancel.
type OrderRow struct {
	Source   string           // [FromOrderReport] when empty, or [FromAllOrders]
	Order    string           // Amazon order ID
	Item     string           // order item ID; empty: the row does not name it
	SKU      string           // finds the item of a row that does not name it
	Wish     reportparse.Flag // whether the buyer wishes to cancel the item; only Yes says so
	Reason   string           // the buyer's
	ByAmazon bool             // Amazon ships the order, and the row is passed over

	Status    amazon.OrderStatus // of the order; only OrderCancelled and OrderShipped count
	UpdatedAt time.Time          // when the order last changed at Amazon; zero: the row does not say
}

// OrderRows are the rows of a file in some format.
type OrderRows interface {
	// All gives each row with a nil error, and each bad one with a
	// *reportparse.RowError. Any other error comes last, and is about the file.
	All() iter.Seq2[OrderRow, error]

	// Has tells whether the file has a column, by its documented name. It is asked for
	// "is-buyer-requested-cancellation" after the last row: without it, rows say
	// nothing about wishes.
	Has(column string) bool

	// Replaced counts the characters that could not be read.
	Replaced() int
}

// OrderFormat opens a file of some layout. An error is about the file as a whole.
type OrderFormat func(r io.Reader, o reportparse.Options) (OrderRows, error)

// AmazonFormat is the format of Amazon's own order reports, flat or XML, which the
// file itself shows: unshipped orders, shipping, invoicing, tax, and all orders.
const AmazonFormat = "Amazon Format"

// OrdersImported counts what an order report told.
type OrdersImported struct {
	Rows int // that could be read

	// Rows in which the buyer wishes to cancel, by what became of it; together with
	// Skipped they are all such rows.
	New       int // the first wish for the item, or another than the one that was decided
	Updated   int // more is known of one
	Unchanged int
	Skipped   map[string]int // by reason
	Unmatched int            // of those, wishes about orders that the host does not know; they are kept

	// NoColumn says that the file does not tell of buyers' wishes at all, which is not
	// the same as that there are none, and Advice how the seller can change that. An
	// XML file has the elements only where there is something to say.
	NoColumn bool
	Advice   string

	Cancelled int // orders that Amazon shows as cancelled, and the host did not
	Bad       int // rows that could not be read
	BadRows   []error
	Replaced  int // characters that the file's character set does not have
}

const (
	importChunk  = 500 // orders that are looked up and saved together
	mostNamed    = 100 // bad rows that are listed
	cancelColumn = "is-buyer-requested-cancellation"
)

// ImportOrders reads an order report of an account: buyers' wishes to cancel, and
// which orders are cancelled or shipped at Amazon. Rows that can be read count even
// when others cannot; the error is about the file as a whole, and what came before it
// has been imported. The same file again changes nothing. A file that is no order
// report is refused with [reportparse.ErrWrongReport], and nothing is imported; so is
// one whose AsOf is more than 24 hours ahead, see [amazon.ReportMeta.Check].
//
// Only an explicit yes is a wish: a blank, a no and a missing column hold nothing. A
// missing column is told to an Administrator, once for each account, by the alert
// buyer-column/ACCOUNT. A report of all orders is not expected to have it.
//
// The format is [AmazonFormat], also when empty, or one of Config.OrderFormats.
func (s *Service) ImportOrders(ctx context.Context, a amazon.Account, format string, m amazon.ReportMeta, r io.Reader) (OrdersImported, error) {
	in := OrdersImported{Skipped: map[string]int{}}
	fail := func(err error) (OrdersImported, error) { return in, fmt.Errorf("import orders: %w", err) }
	open, err := s.orderFormat(format)
	if err != nil {
		return fail(err)
	}
	if err := cmp.Or(a.Check(), m.Check(s.c.Now())); err != nil {
		return fail(err)
	}
	if r == nil {
		return fail(errors.New("no report given"))
	}
	o := reportparse.Options{Name: m.Name, ContentType: m.ContentType}
	if len(a.Marketplaces) == 1 {
		o.Marketplace = string(a.Marketplaces[0])
	}
	rows, err := open(r, o)
	if err != nil {
		return fail(err)
	}
	broken := s.readOrders(ctx, a, m, rows, &in)
	in.Replaced = rows.Replaced()
	in.NoColumn = !rows.Has(cancelColumn)
	if in.NoColumn {
		if err := s.noColumn(ctx, a, m, rows, &in); err != nil {
			return fail(errors.Join(broken, err))
		}
	}
	if broken != nil {
		return fail(broken)
	}
	return in, nil
}

// ImportReport imports an order report that was downloaded; see
// [Service.ImportOrders]. Bad rows are no error.
func (s *Service) ImportReport(ctx context.Context, a amazon.Account, m amazon.ReportMeta, r io.Reader) error {
	_, err := s.ImportOrders(ctx, a, AmazonFormat, m, r)
	return err
}

// readOrders imports the rows, some orders at a time.
func (s *Service) readOrders(ctx context.Context, a amazon.Account, m amazon.ReportMeta, rows OrderRows, in *OrdersImported) error {
	c := newChunk(s.c.Now().UTC(), m)
	var broken error
	for row, err := range rows.All() {
		var bad *reportparse.RowError
		switch {
		case errors.As(err, &bad):
			in.bad(err)
			continue
		case err != nil:
			broken = err
			continue
		}
		in.Rows++
		if err := c.add(a, row, in); err != nil {
			in.bad(err)
		}
		if len(c.ids) == importChunk {
			if err := s.importChunk(ctx, a, c, in); err != nil {
				return errors.Join(err, broken)
			}
			c = newChunk(s.c.Now().UTC(), m)
		}
	}
	return errors.Join(s.importChunk(ctx, a, c, in), broken)
}

func (in *OrdersImported) bad(err error) {
	if in.Bad++; len(in.BadRows) < mostNamed {
		in.BadRows = append(in.BadRows, err)
	}
}

// chunk is what rows tell of some orders.
type chunk struct {
	ids   []order.AmazonID // in the order of the file
	news  map[order.AmazonID]*news
	seen  time.Time // when Amazon made the report, or else now
	stamp order.Stamp
}

func newChunk(now time.Time, m amazon.ReportMeta) *chunk {
	c := &chunk{news: map[order.AmazonID]*news{}, seen: now, stamp: order.Stamp{By: strings.TrimSpace("order report " + m.Name), At: now}}
	if !m.AsOf.IsZero() && m.AsOf.Before(now) {
		c.seen = m.AsOf.UTC()
	}
	return c
}

// add takes what counts of a row.
func (c *chunk) add(a amazon.Account, row OrderRow, in *OrdersImported) error {
	wanted := row.Wish == reportparse.Yes
	cancelled, shipped := row.Status == amazon.OrderCancelled, row.Status == amazon.OrderShipped
	switch {
	case row.ByAmazon && wanted:
		in.Skipped["the order is fulfilled by Amazon"]++
		return nil
	case row.ByAmazon || !wanted && !cancelled && !shipped:
		return nil
	}
	if err := order.CheckNumber(row.Order); err != nil {
		if !wanted { // such as an order of another channel
			return nil
		}
		return err
	}
	id := order.AmazonID{Account: a.ID, Number: row.Order}
	n := c.news[id]
	if n == nil {
		n = &news{}
		c.news[id], c.ids = n, append(c.ids, id)
	}
	n.cancelled, n.shipped = n.cancelled || cancelled, n.shipped || shipped
	if wanted {
		g := Sighting{Source: row.Source, At: c.seen, Clock: ByFirstSeen, Reason: row.Reason}
		if g.Source == "" {
			g.Source = FromOrderReport
		}
		if !row.UpdatedAt.IsZero() {
			g.At, g.Clock = row.UpdatedAt.UTC(), ByLastUpdate
		}
		n.wishes = append(n.wishes, wish{row.Item, row.SKU, g})
	}
	return nil
}

func (s *Service) importChunk(ctx context.Context, a amazon.Account, c *chunk, in *OrdersImported) error {
	h, found, err := s.tidings(ctx, a, c.ids, c.news, c.stamp)
	in.New += h.New
	in.Updated += h.Updated
	in.Unchanged += h.Unchanged
	in.Unmatched += h.Unmatched
	for why, n := range h.Skipped {
		in.Skipped[why] += n
	}
	in.Cancelled += found
	return err
}

// tidings merges what a source tells of orders of one account, and saves what that
// changes. It answers how many orders were found to be cancelled at Amazon.
func (s *Service) tidings(ctx context.Context, a amazon.Account, ids []order.AmazonID, of map[order.AmazonID]*news, stamp order.Stamp) (h heard, found int, err error) {
	if len(ids) == 0 {
		return h, 0, nil
	}
	var facts []Facts
	err = store.Retry(func() error {
		if facts, err = s.factsOf(ctx, a, ids); err != nil {
			return err
		}
		h = heard{}
		var changes []Change
		for _, f := range facts {
			change, one := hear(f, *of[f.Ledger.Order], stamp)
			h.add(one)
			if len(change.Requests) > 0 {
				changes = append(changes, change)
			}
		}
		if len(changes) == 0 {
			return nil
		}
		return s.c.Store.SaveCancellations(ctx, changes)
	})
	if err != nil {
		return heard{}, 0, err
	}
	var errs []error
	for _, f := range facts {
		n := of[f.Ledger.Order]
		news, waits := f.unproven(a)
		if n.cancelled && news {
			found++
		}
		if n.cancelled && (news || waits) {
			errs = append(errs, s.found(ctx, f.Ledger.Order, n.by, stamp.By))
		}
	}
	return h, found, errors.Join(append(errs, s.autoAccept(ctx, a, ids))...)
}

// unproven tells what it would mean for an account's order that Amazon shows it as
// cancelled: news, because the host does not, or what a cancellation waits for that is
// to be sent or to be confirmed.
func (f Facts) unproven(a amazon.Account) (news, waits bool) {
	for _, o := range f.Orders {
		if o.ID.Company != a.Company || o.Fulfilment == order.ByAmazon || f.underProof(o.ID) {
			continue
		}
		news, waits = news || !over(o), waits || f.underCancellation(o.ID)
	}
	return news, waits
}

// underProof tells whether Amazon was seen to show a host order as cancelled.
func (f Facts) underProof(id order.ID) bool {
	return slices.ContainsFunc(f.Cancellations, func(c Cancellation) bool {
		return c.Outcome == Cancelled && c.Proof == Confirmed && c.covers(id)
	})
}

// noColumn tells people, once for each account, that its reports do not say what
// buyers wish.
func (s *Service) noColumn(ctx context.Context, a amazon.Account, m amazon.ReportMeta, rows OrderRows, in *OrdersImported) error {
	known, ok := rows.(amazonRows)
	in.Advice = "give a file with the column " + cancelColumn
	if ok {
		in.Advice = known.advice()
	}
	if ok && !known.tell {
		return nil
	}
	key := "buyer-column/" + string(a.ID)
	told, err := s.c.Store.Alerts(ctx, order.AlertQuery{Keys: []string{key}, Closed: true})
	if err != nil || len(told) > 0 {
		return err
	}
	stamp := order.Stamp{By: strings.TrimSpace("order report " + m.Name), At: s.c.Now().UTC()}
	journal := order.AmazonID{Account: a.ID}
	return store.Retry(func() error {
		heads, err := s.c.Store.Ledgers(ctx, []order.AmazonID{journal})
		if err != nil {
			return err
		}
		ch := Change{Writes: order.Writes{Order: journal, Version: heads[0].Version}}
		ch.Alert(key, "account "+string(a.ID), "order reports do not tell which orders buyers wish to cancel: "+in.Advice, stamp)
		ch.Events[0].For = order.Administrator
		return s.c.Store.SaveCancellations(ctx, []Change{ch})
	})
}

// orderFormat is the one with a name; empty: Amazon's.
func (s *Service) orderFormat(name string) (OrderFormat, error) {
	if name == "" || name == AmazonFormat {
		return amazonOrders, nil
	}
	if f, ok := s.c.OrderFormats[name]; ok {
		return f, nil
	}
	names := append([]string{AmazonFormat}, slices.Sorted(maps.Keys(s.c.OrderFormats))...)
	return nil, fmt.Errorf("format %q is unknown: want one of %q", name, names)
}

// amazonRows are the rows of one of Amazon's own reports.
type amazonRows struct {
	OrderRows
	tell   bool // a missing column is worth telling
	advice func() string
}

// amazonOrders opens an order report of Amazon's, of whichever type.
func amazonOrders(r io.Reader, o reportparse.Options) (OrderRows, error) {
	seen, r, err := reportparse.Detect(r, o)
	if err != nil {
		return nil, err
	}
	if seen.Type == reportparse.TypeAllOrders {
		rows, err := reportparse.AllOrders(r, o)
		if err != nil {
			return nil, err
		}
		return amazonRows{rowsOf[reportparse.AllOrdersItem]{rows, fromAllOrders}, false, adviceOf(rows)}, nil
	}
	rows, err := reportparse.Orders(r, o)
	if err != nil {
		return nil, err
	}
	return amazonRows{rowsOf[reportparse.OrderItem]{rows, fromOrders}, seen.Format != reportparse.FormatXML, adviceOf(rows)}, nil
}

func adviceOf[T any](rows *reportparse.Reader[T]) func() string {
	return func() string {
		for _, c := range rows.Missing() {
			if c.Name == cancelColumn {
				return c.Advice
			}
		}
		return ""
	}
}

// rowsOf makes rows of one type of report rows of any.
type rowsOf[T any] struct {
	*reportparse.Reader[T]
	row func(T) OrderRow
}

func (r rowsOf[T]) All() iter.Seq2[OrderRow, error] {
	return func(yield func(OrderRow, error) bool) {
		for row, err := range r.Reader.All() {
			if !yield(r.row(row), err) {
				return
			}
		}
	}
}

func fromOrders(i reportparse.OrderItem) OrderRow {
	return OrderRow{Source: FromOrderReport, Order: i.OrderID, Item: i.OrderItemID, SKU: i.SKU, Wish: i.BuyerRequestedCancel, Reason: i.BuyerCancelReason}
}

func fromAllOrders(i reportparse.AllOrdersItem) OrderRow {
	status := amazon.OrderStatus(strings.ToUpper(i.OrderStatus))
	if status == "CANCELED" { // the reports write it with one l or with two
		status = amazon.OrderCancelled
	}
	return OrderRow{
		Source: FromAllOrders, Order: i.OrderID, Item: i.OrderItemID, SKU: i.SKU, Wish: i.BuyerRequestedCancel, Reason: i.BuyerCancelReason,
		ByAmazon: strings.EqualFold(i.FulfillmentChannel, "Amazon"), Status: status, UpdatedAt: i.LastUpdatedDate,
	}
}
