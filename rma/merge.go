package rma

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/reportparse"
	"github.com/takebackhq/takeback/settings"
)

// Facts is everything that a decision about the returns of one Amazon order rests
// on.
type Facts struct {
	Company  order.CompanyID // whose account the order is on
	Orders   []order.Order   // the host orders that carry it; none: the host does not know it
	Ledger   order.Ledger
	Returns  []Return
	RMAs     []RMA
	Refunds  []refund.Refund
	Settings settings.Settings
}

// Merged is what rows do to the returns of their order.
type Merged struct {
	Change Change    // what is to be saved; nothing when no row, RMA or alert is in it
	Rows   []Outcome // of each row
}

// Outcome is what became of one row of a report.
type Outcome struct {
	State   ReturnState
	Created bool   // its RMA, or the line of it, is new
	Updated bool   // something of it changed
	Why     string // it has no RMA
	Surplus string // what of it goes beyond what the order has left to return; empty: nothing
}

// Merge says what rows of a report do: what the reports said of each row so far is
// joined with what these say, and the RMAs of the order are worked out anew from
// that, from what the order has to return and from what people did. So reports in
// any order end in the same RMAs. Without rows it says what follows from what
// happened meanwhile. It is a function of its arguments alone.
func Merge(f Facts, rows []Row, s order.Stamp) Merged {
	d := newDecision(f, order.EventImported, s)
	before := map[ID]Return{}
	for _, k := range f.Returns {
		before[k.ID] = k
	}
	ids := make([]ID, len(rows))
	for i, row := range rows {
		seen := observe(f.Company, f.Ledger.Order, row, s)
		ids[i] = seen.ID
		at := slices.IndexFunc(d.returns, func(k Return) bool { return k.ID == seen.ID })
		if at < 0 {
			d.returns = append(d.returns, seen)
			continue
		}
		d.returns[at] = d.returns[at].join(seen)
	}
	d.work()
	m := Merged{Change: d.finish()}
	for _, id := range ids {
		m.Rows = append(m.Rows, d.outcome(before[id], id))
	}
	return m
}

// decision is on its way from facts to a change.
type decision struct {
	Facts
	kind  order.EventKind
	stamp order.Stamp

	returns []Return // as they shall be
	rmas    []RMA    // as they shall be
	claims  []*claim
	why     map[ID]string // an RMA has another status
	change  Change
}

func newDecision(f Facts, kind order.EventKind, s order.Stamp) *decision {
	d := &decision{Facts: f, kind: kind, stamp: s, returns: slices.Clone(f.Returns), rmas: slices.Clone(f.RMAs), why: map[ID]string{}}
	d.Orders = slices.Clone(f.Orders)
	slices.SortFunc(d.Orders, func(a, b order.Order) int { return strings.Compare(a.ID.Number, b.ID.Number) })
	d.change.Writes = order.Writes{Order: f.Ledger.Order, Version: f.Ledger.Version}
	return d
}

// work brings returns and RMAs in line with the facts.
func (d *decision) work() {
	if why := d.refusal(); why == "" {
		d.place()
		d.share()
		d.build()
	} else {
		for i := range d.returns {
			d.settle(&d.returns[i], ReturnUnmatched, why)
		}
	}
	for i := range d.rmas {
		d.stand(&d.rmas[i])
	}
}

const (
	whyUnknown = "the host does not know the order"
	whyForeign = "the order belongs to another company than the account"
	whyAmazon  = "order is fulfilled by Amazon, which refunds it by itself"
	whyNothing = "nothing is left of the order line to return"
	whyWaived  = "refunded without a return"
	whySeveral = "several lines of the order could be meant: a person says which"
)

// refusal says why no row of the order can have an RMA; empty: some can.
func (d *decision) refusal() string {
	switch {
	case len(d.Orders) == 0:
		return whyUnknown
	case slices.ContainsFunc(d.Orders, func(o order.Order) bool { return o.ID.Company != d.Company }):
		return whyForeign
	case slices.ContainsFunc(d.Orders, func(o order.Order) bool { return o.Fulfilment == order.ByAmazon }):
		return whyAmazon
	}
	return ""
}

// settle gives a row without an RMA its state. One that has its RMA keeps it.
func (d *decision) settle(k *Return, state ReturnState, why string) {
	if k.State != ReturnMatched {
		k.State, k.Why = state, why
	}
}

// claim is one returned item: what all reports say of it, however they name it.
type claim struct {
	known  // joined
	source string
	asked  string
	rows   []int    // that it is joined of, in decision.returns
	names  []string // of these
	rma    ID
	item   string   // its order line; empty: not known yet
	items  []string // the order lines that could be meant
	occur  int
	units  int
}

func (c *claim) row() string { return fmt.Sprintf("%s#%d", c.item, c.occur) }

// is tells whether a row is about it. What one report names in full another may name
// by SKU, or without Amazon's RMA ID: then the rows are taken for each other in their
// order, those of one name each for another.
func (c *claim) is(r *named) bool {
	if c.source == r.source && len(r.items) == 1 && c.item == r.items[0] {
		return c.occur == r.Occurrence
	}
	if c.source != r.source && (r.said.RMAID != "" || r.asked == "" || c.asked != r.asked) {
		return false
	}
	return !slices.Contains(c.names, r.name) && slices.ContainsFunc(r.items, func(item string) bool { return slices.Contains(c.items, item) })
}

// place finds the order line of each row, and joins rows that are one: those that
// name their return and their line in full first, since others may be about these.
func (d *decision) place() {
	var rows []*named
	for at := range d.returns {
		k := &d.returns[at]
		items, sought := d.candidates(*k)
		if len(items) == 0 {
			d.settle(k, ReturnUnmatched, "the order has no line with "+sought)
			continue
		}
		if err := d.checkKits(items); err != nil {
			d.settle(k, ReturnUnmatched, "the order's recipe: "+err.Error())
			continue
		}
		said := Row{Return: k.Latest()}
		rows = append(rows, &named{known{*k, said.Return}, at, items, said.source(), said.asked(), said.source() + "|" + said.item()})
	}
	slices.SortFunc(rows, func(x, y *named) int {
		return cmp.Or(cmp.Compare(x.vague(), y.vague()), earlier(x.known, y.known))
	})
	for _, r := range rows {
		i := slices.IndexFunc(d.claims, func(c *claim) bool { return c.is(r) })
		if i < 0 {
			i = len(d.claims)
			d.claims = append(d.claims, &claim{known: r.known, occur: r.Occurrence, source: r.source, asked: r.asked, items: r.items})
		}
		c := d.claims[i]
		c.Return, c.rows, c.names = c.join(r.Return), append(c.rows, r.at), append(c.names, r.name)
		if c.item == "" && len(r.items) == 1 {
			c.items, c.item, c.rma = r.items, r.items[0], d.returnID(c.Return, r.items[0])
		}
	}
	for _, c := range d.claims {
		c.said = c.Latest()
	}
	slices.SortStableFunc(d.claims, func(a, b *claim) int { return earlier(a.known, b.known) })
}

// known is a row, and what it says now.
type known struct {
	Return
	said reportparse.Return
}

// named is a row with the order lines that could be meant.
type named struct {
	known
	at     int // in decision.returns
	items  []string
	source string
	asked  string
	name   string // source and item, as its reports name them
}

// vague orders rows by how little they say: first those with Amazon's RMA ID and only
// one line that could be meant.
func (r *named) vague() int {
	n := min(len(r.items), 2)
	if r.said.RMAID == "" {
		n += 2
	}
	return n
}

// checkKits refuses recipes by which what a row may be about could not be divided.
func (f Facts) checkKits(items []string) error {
	for _, item := range items {
		if err := f.line(item).CheckKit(); err != nil {
			return err
		}
	}
	return nil
}

// earlier orders rows by when their return was asked for: what an order has to
// return belongs to the earlier return.
func earlier(a, b known) int {
	x, y := a.said, b.said
	return cmp.Or(
		x.RequestDate.Compare(y.RequestDate), strings.Compare(x.RMAID, y.RMAID), strings.Compare(x.SKU, y.SKU),
		strings.Compare(x.OrderItemID, y.OrderItemID), cmp.Compare(a.Occurrence, b.Occurrence), strings.Compare(string(a.ID), string(b.ID)),
	)
}

// candidates are the order lines that a row may be about: those with its order item
// ID, else with its SKU, else with its ASIN. A component of a kit is none, since
// Amazon knows only the kit.
func (d *decision) candidates(k Return) (items []string, sought string) {
	if k.Assigned.By != "" {
		return []string{k.Item}, ""
	}
	said := k.Latest()
	var names []string
	for _, by := range []struct {
		name, value string
		of          func(order.Line) string
	}{
		{"order item", said.OrderItemID, func(l order.Line) string { return l.Item }},
		{"SKU", said.SKU, func(l order.Line) string { return l.SKU }},
		{"ASIN", said.ASIN, func(l order.Line) string { return l.ASIN }},
	} {
		if by.value == "" {
			continue
		}
		names = append(names, by.name+" "+by.value)
		for _, o := range d.Orders {
			for _, l := range o.Lines {
				if by.of(l) == by.value && !slices.Contains(items, l.Item) {
					items = append(items, l.Item)
				}
			}
		}
		if len(items) > 0 {
			return items, ""
		}
	}
	return nil, strings.Join(names, " or ")
}

// line adds up an order line, which a split may have left on several host orders.
func (f Facts) line(item string) order.Line {
	var sum order.Line
	for _, o := range f.Orders {
		l, ok := o.Line(item)
		if !ok {
			continue
		}
		if sum.Item == "" {
			sum = l
			continue
		}
		sum.Ordered += l.Ordered
		sum.Shipped += l.Shipped
		sum.Cancelled += l.Cancelled
		sum.Returned += l.Returned
		sum.Charges, sum.Promotions = sum.Charges.Plus(l.Charges), sum.Promotions.Plus(l.Promotions)
	}
	return sum
}

// returnID is the ID of a return's RMA: by Amazon's RMA ID or, without one, by what
// the buyer asked for and when. An RMA is of one order, also where a file gives the
// same RMA ID to two.
func (d *decision) returnID(k Return, item string) ID {
	said := k.Latest()
	if said.RMAID != "" {
		return newID(d.Company, k.Order.Account, k.Order.Number+"|"+said.RMAID)
	}
	l := d.line(item)
	return newID(d.Company, k.Order.Account, strings.Join([]string{k.Order.Number, cmp.Or(l.SKU, l.ASIN, item), Row{Return: said}.asked()}, "|"))
}

func (d *decision) stored(id ID) (RMA, bool)  { return find(d.RMAs, id) }
func (d *decision) current(id ID) (RMA, bool) { return find(d.rmas, id) }

func find(rmas []RMA, id ID) (RMA, bool) {
	i := slices.IndexFunc(rmas, func(r RMA) bool { return r.ID == id })
	if i < 0 {
		return RMA{}, false
	}
	return rmas[i], true
}

// same tells whether saving one in place of the other would change nothing.
func same(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// finish writes down what became other than it was.
func (d *decision) finish() Change {
	stored := map[ID]Return{}
	for _, k := range d.Returns {
		stored[k.ID] = k
	}
	for i, k := range d.returns {
		was, known := stored[k.ID]
		if known && same(was, k) {
			continue
		}
		d.audit(was, k)
		d.returns[i].Changed = d.stamp
		d.change.Returns = append(d.change.Returns, d.returns[i])
	}
	for _, r := range d.rmas {
		was, _ := d.stored(r.ID)
		if same(was, r) {
			continue
		}
		d.tell(was, r)
		d.change.RMAs = append(d.change.RMAs, r)
	}
	return d.change
}

// audit writes down what changed in what reports say of a row.
func (d *decision) audit(was, k Return) {
	subject := "return " + string(k.ID)
	before, after := was.Latest(), k.Latest()
	if was.ID == "" {
		text := fmt.Sprintf("%d of %s, %s", after.Quantity, Row{Return: after}.item(), after.Status)
		d.change.Event(d.kind, subject, strings.TrimSpace(text+" "+k.Why), d.stamp)
		return
	}
	for _, v := range values {
		if x, y := v.text(&before), v.text(&after); x != y {
			d.change.Changed(d.kind, subject+": "+v.column, x, y, d.stamp)
		}
	}
	for _, v := range []struct{ name, before, after string }{
		{"state", string(was.State), string(k.State)},
		{"why it has no RMA", was.Why, k.Why},
		{"RMA", string(was.RMA), string(k.RMA)},
		{"tracking numbers", strings.Join(was.Tracking, ", "), strings.Join(k.Tracking, ", ")},
		{"carriers", strings.Join(was.Carriers, ", "), strings.Join(k.Carriers, ", ")},
	} {
		if v.before != v.after {
			d.change.Changed(d.kind, subject+": "+v.name, v.before, v.after, d.stamp)
		}
	}
	if was.Item != k.Item && k.Assigned != was.Assigned {
		d.change.Changed(d.kind, subject+": order line", was.Item, k.Item, k.Assigned)
	}
}

// outcome tells what became of a row, of which before is what was known of it.
func (d *decision) outcome(before Return, id ID) Outcome {
	now := d.returns[slices.IndexFunc(d.returns, func(k Return) bool { return k.ID == id })]
	o := Outcome{State: now.State, Why: now.Why}
	i := slices.IndexFunc(d.claims, func(c *claim) bool {
		return slices.ContainsFunc(c.rows, func(at int) bool { return d.returns[at].ID == id })
	})
	if i < 0 || now.State != ReturnMatched {
		return o
	}
	c := d.claims[i]
	if c.units < c.said.Quantity {
		o.Surplus = fmt.Sprintf("%d of item %s are returned, and %d are left to return: the RMA has %d", c.said.Quantity, c.item, c.units, c.units)
	}
	was, _ := d.stored(c.rma)
	at := slices.IndexFunc(was.Lines, func(l Line) bool { return l.Row == c.row() })
	if at < 0 {
		moved := len(d.had(c)) > 0
		o.Created = !moved && slices.Min(c.rows) == slices.IndexFunc(d.returns, func(k Return) bool { return k.ID == id })
		o.Updated = moved
		return o
	}
	if before.ID == "" { // another name of what is known
		is, _ := d.current(c.rma)
		was.Version, was.AsOf, was.RequestedAt = is.Version, is.AsOf, is.RequestedAt
		o.Updated = !same(was, is)
		return o
	}
	x, y := before.Latest(), now.Latest()
	x.Line, y.Line = 0, 0
	o.Updated = !same(x, y) || len(before.Tracking) != len(now.Tracking) || len(before.Carriers) != len(now.Carriers) ||
		was.Lines[at].Asked == c.said.Quantity && was.Lines[at].Units != c.units*max(1, was.Lines[at].PerKit)
	return o
}

func clones(r RMA) RMA {
	r.Lines, r.Notes, r.Arrivals = slices.Clone(r.Lines), slices.Clone(r.Notes), slices.Clone(r.Arrivals)
	for i := range r.Lines {
		r.Lines[i].Paid = maps.Clone(r.Lines[i].Paid)
	}
	return r
}
