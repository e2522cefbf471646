package rma

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/takebackhq/takeback/order"
)

// build makes the RMAs' lines from what each returned item was given.
func (d *decision) build() {
	for _, c := range d.claims {
		d.result(c)
	}
	for i := range d.rmas {
		d.lines(&d.rmas[i])
	}
	for _, c := range d.claims {
		if c.units == 0 || slices.ContainsFunc(d.rmas, func(r RMA) bool { return r.ID == c.rma }) {
			continue
		}
		host := d.host(c.item)
		r := RMA{
			ID: c.rma, HostOrder: host.ID, Order: host.Amazon, Currency: host.Currency, OrderSourceRMANumber: c.said.RMAID,
			Status: Open, Approval: Approved, Receipt: NotReceived, Resolution: Refund, Created: d.stamp,
		}
		d.lines(&r)
		d.rmas = append(d.rmas, r)
	}
}

// result gives the rows of a claim their state, and a claim that makes nothing no
// units.
func (d *decision) result(c *claim) {
	state, why := ReturnMatched, ""
	stored, _ := d.stored(c.rma)
	wanted := d.committed(stored, c.item) > 0 || slices.ContainsFunc(stored.Lines, func(l Line) bool { return l.Row == c.row() && l.Waived })
	switch {
	case !c.makesRMA():
		state, why = ReturnSkipped, fmt.Sprintf("status is %s, not Approved", c.said.Status)
	case c.waived() && d.Settings.SkipReturnlessRMA && !wanted:
		state, why = ReturnReturnless, whyWaived
	case c.item == "":
		state, why = ReturnAmbiguous, whySeveral
		d.change.Alert("return/"+string(c.ID)+"/ambiguous", "return "+string(c.ID), "a return of "+Row{Return: c.said}.item()+": "+whySeveral, d.stamp)
	case c.units == 0:
		state, why = ReturnSkipped, whyNothing
	}
	if state != ReturnMatched {
		c.units = 0
	}
	for _, at := range c.rows {
		k := &d.returns[at]
		k.State, k.Why, k.RMA = state, why, ""
		if state == ReturnMatched {
			k.RMA, k.Item = c.rma, c.item
		}
	}
}

// host is the host order that shows a return of an item: the one that shipped it.
func (f Facts) host(item string) order.Order {
	var host order.Order
	for _, o := range f.Orders {
		l, ok := o.Line(item)
		if ok && (host.ID.Number == "" || l.Shipped > 0) {
			host = o
		}
		if ok && l.Shipped > 0 {
			break
		}
	}
	return host
}

// lines brings an RMA in line with its claims.
func (d *decision) lines(r *RMA) {
	was := *r
	*r = clones(*r)
	r.Lines = slices.DeleteFunc(r.Lines, func(l Line) bool { return d.claimed(was, l) })
	of := slices.DeleteFunc(slices.Clone(d.claims), func(c *claim) bool { return c.rma != r.ID || !c.makesRMA() })
	if len(of) == 0 {
		return
	}
	r.RequestedAt, r.AsOf = time.Time{}, time.Time{}
	var texts []string
	for _, c := range of {
		r.OrderSourceRMANumber = cmp.Or(r.OrderSourceRMANumber, c.said.RMAID)
		if c.units > 0 {
			r.Lines = append(r.Lines, d.linesOf(c, was)...)
		}
		if c.AsOf.After(r.AsOf) {
			r.AsOf = c.AsOf
		}
		if at := c.said.RequestDate.UTC(); !at.IsZero() && (r.RequestedAt.IsZero() || at.Before(r.RequestedAt)) {
			r.RequestedAt = at
		}
		for _, number := range c.Tracking {
			texts = append(texts, "Return tracking number "+number)
		}
		for _, carrier := range c.Carriers {
			texts = append(texts, "Return carrier "+carrier)
		}
	}
	r.said(texts, d.stamp.At)
	slices.SortStableFunc(r.Lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(d.position(a.Item), d.position(b.Item)), strings.Compare(a.Row, b.Row))
	})
	r.AmazonStatus = d.amazonStatus(r.ID)
}

// position is where an item stands among the order's lines.
func (f Facts) position(item string) int {
	n := 0
	for _, o := range f.Orders {
		for _, l := range o.Lines {
			if l.Item == item {
				return n
			}
			n++
		}
	}
	return n
}

// linesOf are the lines of one returned item: one, or of a kit one for each
// component. What people wrote on them stays. An order that has lost the line says
// nothing of it any more.
func (d *decision) linesOf(c *claim, was RMA) []Line {
	if d.line(c.item).Item == "" {
		return slices.DeleteFunc(slices.Clone(was.Lines), func(l Line) bool { return l.Row != c.row() })
	}
	line := Line{
		Row: c.row(), Item: c.item, Asked: c.said.Quantity, Reason: c.said.Reason,
		AmazonStatus: c.said.Status, AmazonResolution: c.said.Resolution, Waived: c.waived(),
	}
	lines := d.parts(line, c.units)
	for i := range lines {
		at := slices.IndexFunc(was.Lines, func(l Line) bool { return l.Row == line.Row && l.SKU == lines[i].SKU })
		if at >= 0 {
			lines[i].Comment = was.Lines[at].Comment
		}
	}
	return lines
}

// parts are the lines for so many units of an order line: of a kit its components,
// by the recipe that the order has kept.
func (d *decision) parts(line Line, n int) []Line {
	of := d.line(line.Item)
	cur := d.Orders[0].Currency
	line.SKU, line.ASIN, line.Units, line.Before = of.SKU, of.ASIN, n, d.before(of)
	line.Paid = order.Prorate(of.Paid(), n, of.Ordered-of.Cancelled, cur)
	if len(of.Kit) == 0 {
		return []Line{line}
	}
	shares := order.KitShares(of.Kit, line.Paid, cur)
	parts := make([]Line, len(of.Kit))
	for i, p := range of.Kit {
		parts[i] = line
		parts[i].SKU, parts[i].Kit, parts[i].PerKit = p.SKU, of.SKU, p.Quantity
		parts[i].Units, parts[i].Paid = n*p.Quantity, shares[i]
	}
	return parts
}

// said makes notes of what reports say of its return, once each. What they say of a
// row that turned out to be of another return is noted there.
func (r *RMA) said(texts []string, at time.Time) {
	r.Notes = slices.DeleteFunc(r.Notes, func(n Note) bool { return n.By == "" && !slices.Contains(texts, n.Text) })
	for _, text := range texts {
		r.note(Note{Text: text, At: at})
	}
}

// note adds a text in its place, once.
func (r *RMA) note(n Note) {
	if slices.ContainsFunc(r.Notes, func(o Note) bool { return o.Text == n.Text }) {
		return
	}
	r.Notes = append(r.Notes, n)
	slices.SortFunc(r.Notes, func(a, b Note) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Text, b.Text)) })
}

// tell writes down what changed of an RMA, and what its host order shows of it.
func (d *decision) tell(was, r RMA) {
	subject := "RMA " + string(r.ID)
	seen := len(d.change.Events)
	if was.ID == "" {
		d.change.Event(d.kind, subject, "opened: "+describe(r.Lines), d.stamp)
	} else {
		why := d.stamp
		if r.Status != was.Status {
			why.Why = cmp.Or(why.Why, d.why[r.ID])
		}
		for _, v := range []struct{ name, before, after string }{
			{"Amazon's RMA ID", was.OrderSourceRMANumber, r.OrderSourceRMANumber},
			{"lines", describe(was.Lines), describe(r.Lines)},
			{"decision", was.Decided.String(), r.Decided.String()},
			{"status", string(was.Status), string(r.Status)},
			{"Amazon's status", was.AmazonStatus, r.AmazonStatus},
			{"approval", string(was.Approval), string(r.Approval)},
			{"resolution", string(was.Resolution), string(r.Resolution)},
			{"who chose the resolution", was.Chosen.By, r.Chosen.By},
			{"receipt", string(was.Receipt), string(r.Receipt)},
		} {
			if v.before != v.after {
				d.change.Changed(d.kind, subject+": "+v.name, v.before, v.after, why)
			}
		}
	}
	for _, n := range r.Notes {
		if slices.Contains(was.Notes, n) {
			continue
		}
		d.change.Event(d.kind, subject, "note: "+n.Text, d.stamp)
		d.change.Effect(order.Effect{Kind: order.EffectNote, Note: &order.Note{Text: fmt.Sprintf("RMA %s: %s", r.number(), n.Text)}}, r.HostOrder, d.stamp)
	}
	for _, n := range was.Notes {
		if !slices.Contains(r.Notes, n) {
			d.change.Event(d.kind, subject, "no note of this return any more: "+n.Text, d.stamp)
		}
	}
	if len(d.change.Events) > seen {
		d.change.Effect(order.Effect{Kind: order.EffectRMA, RMA: &order.RMANote{
			Number: string(r.ID), OrderSourceNumber: r.OrderSourceRMANumber, Status: string(r.Status),
		}}, r.HostOrder, d.stamp)
	}
}

// number is what people call the RMA.
func (r RMA) number() string { return cmp.Or(r.OrderSourceRMANumber, string(r.ID)) }

// describe names what comes back on lines.
func describe(lines []Line) string {
	var parts []string
	for _, l := range lines {
		text := fmt.Sprintf("%d %s of item %s", l.Units, l.SKU, l.Item)
		if l.Waived {
			text += ", refunded without a return"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}
