package rma

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/refund"
)

// share gives each returned item its units: never more than the order line has,
// less what was cancelled, what came back before there was an RMA, and what other
// returns have. What arrived or was refunded stays with its RMA, whatever the
// reports say; of the rest the earlier return has the first choice.
func (d *decision) share() {
	free := map[string]int{}
	for _, o := range d.Orders {
		for _, l := range o.Lines {
			sum := d.line(l.Item)
			free[l.Item] = sum.Ordered - sum.Cancelled - d.before(sum)
		}
	}
	for _, c := range d.claims {
		d.keepLine(c)
	}
	for _, r := range d.rmas {
		if d.gone(r) {
			continue
		}
		byHand := slices.DeleteFunc(slices.Clone(r.Lines), func(l Line) bool { return d.claimed(r, l) })
		for item := range free {
			free[item] -= units(byHand, item)
		}
	}
	floor := map[*claim]int{}
	for _, c := range d.claims {
		if c.item == "" || !c.makesRMA() {
			continue
		}
		floor[c] = d.kept(c, floor)
		free[c.item] -= floor[c]
	}
	for _, c := range d.claims {
		if c.item != "" && c.makesRMA() {
			d.give(c, floor[c], free)
		}
	}
	for _, c := range d.claims {
		if c.item == "" && c.makesRMA() {
			d.choose(c, free)
		}
	}
}

// give decides the units of a claim whose order line is known.
func (d *decision) give(c *claim, floor int, free map[string]int) {
	if r, _ := d.current(c.rma); d.gone(d.asReported(r, c.rma)) {
		// It takes nothing from other returns, but has no more than there is.
		l := d.line(c.item)
		left := l.Ordered - l.Cancelled
		for _, twin := range d.claims {
			if twin.rma == c.rma && twin.item == c.item {
				left -= twin.units
			}
		}
		c.units = min(c.said.Quantity, max(0, left))
		return
	}
	more := min(max(0, c.said.Quantity-floor), max(0, free[c.item]))
	c.units = floor + more
	free[c.item] -= more
}

// keepLine holds a claim at the RMA and the line that it had, whatever newer reports
// say of them, once something was done about it there.
func (d *decision) keepLine(c *claim) {
	if r, _ := d.current(c.rma); d.committed(r, c.item) > 0 {
		return
	}
	for _, k := range d.had(c) {
		if r, _ := d.current(k.RMA); d.committed(r, k.Item) > 0 {
			c.item, c.rma = k.Item, k.RMA
			return
		}
	}
}

// had are the rows of a claim as they were, of those that had an RMA.
func (d *decision) had(c *claim) []Return {
	var had []Return
	for _, at := range c.rows {
		if at < len(d.Returns) && d.Returns[at].State == ReturnMatched {
			had = append(had, d.Returns[at])
		}
	}
	return had
}

// choose finds the line that a row is about where several could be meant: the one
// with units left.
func (d *decision) choose(c *claim, free map[string]int) {
	items, _ := d.candidates(c.Return)
	left := slices.DeleteFunc(slices.Clone(items), func(item string) bool { return free[item] <= 0 })
	switch {
	case len(left) == 0:
		c.item = items[0]
	case len(left) == 1:
		c.item = left[0]
	case slices.Contains(left, c.Item):
		c.item = c.Item
	default:
		return
	}
	c.rma = d.returnID(c.Return, c.item)
	d.give(c, 0, free)
}

// before is how many units of an order line the host had counted as returned
// before there was an RMA of it. Later it may count those of the RMAs too.
func (d *decision) before(l order.Line) int {
	for _, r := range d.rmas {
		for _, of := range r.Lines {
			if of.Item == l.Item {
				return of.Before
			}
		}
	}
	return l.Returned
}

// claimed tells whether a line of a stored RMA follows reports: those that are about
// it, or that were, unless something was done about it.
func (d *decision) claimed(r RMA, l Line) bool {
	return l.Row != "" && slices.ContainsFunc(d.claims, func(c *claim) bool {
		return c.rma == r.ID && c.item == l.Item || d.committed(r, l.Item) == 0 &&
			slices.ContainsFunc(d.had(c), func(k Return) bool { return k.RMA == r.ID && k.Item == l.Item })
	})
}

// units counts the units of an order line that lines stand for. The components of
// a kit stand for the same ones.
func units(lines []Line, item string) int {
	n := 0
	kits := map[string]bool{}
	for _, l := range lines {
		if l.Item != item || l.Kit != "" && kits[l.Row] {
			continue
		}
		kits[l.Row] = l.Kit != ""
		n += l.kits()
	}
	return n
}

// units counts the units of an order line that the RMA is for.
func (r RMA) units(item string) int { return units(r.Lines, item) }

// kept is what of the units that were received or refunded on an RMA a claim of it
// keeps. What is more than its reports speak of is the first claim's.
func (d *decision) kept(c *claim, given map[*claim]int) int {
	r, known := d.current(c.rma)
	if !known || d.gone(r) {
		return 0
	}
	committed := d.committed(r, c.item)
	left, unasked, first := committed, committed, true
	for _, other := range d.claims {
		if other.rma != c.rma || other.item != c.item || !other.makesRMA() {
			continue
		}
		unasked -= other.said.Quantity
		left -= given[other]
		first = first && given[other] == 0
	}
	if first {
		return max(0, min(left, c.said.Quantity+max(0, unasked)))
	}
	return max(0, min(left, c.said.Quantity))
}

// committed is how many units of an order line something was done about: they
// arrived, or money is on its way for them.
func (f Facts) committed(r RMA, item string) int {
	arrived := 0
	for _, l := range r.Lines {
		if l.Item == item {
			per := max(1, l.PerKit)
			arrived = max(arrived, (r.Counted(item, l.SKU).total()+per-1)/per)
		}
	}
	return max(arrived, f.refunded(r, item, refund.LineOpen, refund.LinePosted))
}

// refunded counts the units of an order line that an RMA's refunds are for.
func (f Facts) refunded(r RMA, item string, outcomes ...refund.Outcome) int {
	n := 0
	for _, of := range f.Refunds {
		for _, l := range of.Lines {
			if of.RMA == string(r.ID) && l.Item == item && slices.Contains(outcomes, l.Outcome) {
				n += l.Units
			}
		}
	}
	return n
}

// touched tells whether anything of an RMA was received, or money moved for it or
// is about to.
func (f Facts) touched(r RMA) bool {
	for _, l := range r.Lines {
		if r.Counted(l.Item, l.SKU).total() > 0 {
			return true
		}
	}
	return slices.ContainsFunc(f.Refunds, func(of refund.Refund) bool {
		return of.RMA == string(r.ID) && slices.ContainsFunc(of.Lines, func(l refund.Line) bool { return l.Outcome != refund.LineVoided })
	})
}

// gone tells an RMA that takes no units from others.
func (d *decision) gone(r RMA) bool {
	if r.Decided.Status != "" {
		return r.Decided.Status == Cancelled
	}
	return denied(d.asReported(r, r.ID).AmazonStatus) && !d.touched(r)
}

// asReported is an RMA with Amazon's status as the reports have it now.
func (d *decision) asReported(r RMA, id ID) RMA {
	r.ID = id
	if status := d.amazonStatus(id); status != "" {
		r.AmazonStatus = status
	}
	return r
}

// amazonStatus is the status of a return: of the newest that its rows have, the one
// that is least far.
func (d *decision) amazonStatus(id ID) string {
	var newest time.Time
	status := ""
	for _, c := range d.claims {
		if c.rma != id || !c.makesRMA() {
			continue
		}
		at := c.Known[columnStatus]
		older := at.Before(newest)
		same := at.Equal(newest) && status != ""
		if older || same && cmp.Or(rank(c.said.Status)-rank(status), strings.Compare(c.said.Status, status)) >= 0 {
			continue
		}
		newest, status = at, c.said.Status
	}
	return status
}
