package rma

import (
	"slices"
	"time"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
)

// lookEvery is how often an open RMA is looked at, should nobody have told of a
// refund.
const lookEvery = 24 * time.Hour

// stand says where an RMA stands: it is decided by what people did, then by what
// Amazon did, then by what is still awaited.
func (d *decision) stand(r *RMA) {
	r.Receipt = r.receipt()
	status, why := d.status(*r)
	if r.Status != status {
		r.Status = status
		d.why[r.ID] = why
	}
	switch {
	case status != Open:
		r.LookAt = time.Time{}
	case r.LookAt.IsZero():
		r.LookAt = d.stamp.At.Add(lookEvery)
	}
}

func (d *decision) status(r RMA) (Status, string) {
	authorised := r.authorised()
	late := denied(r.AmazonStatus) && d.touched(r)
	if late {
		d.change.Alert("rma/"+string(r.ID)+"/denied", "RMA "+string(r.ID),
			"Amazon's status is "+r.AmazonStatus+", but goods were received or money moved: a person decides what becomes of it", d.stamp)
	}
	switch {
	case len(r.Lines) == 0:
		return Cancelled, "its units come back on another return, or the order has none left to return"
	case r.Decided.Status == Closed && authorised > r.Decided.Units:
		// More was authorised since somebody closed it.
	case r.Decided.Status != "":
		return r.Decided.Status, r.Decided.Why
	}
	goods, money := d.awaited(r)
	switch {
	case denied(r.AmazonStatus) && !late:
		return Cancelled, "Amazon's status is " + r.AmazonStatus
	case ended(r.AmazonStatus) && follows(d.Settings.Policy.FollowAmazonClose, goods, money):
		return Closed, "Amazon's status is " + r.AmazonStatus
	}
	if d.complete(r, goods, money) {
		return Closed, "nothing is awaited any more"
	}
	return Open, "something is awaited"
}

func follows(p settings.FollowAmazonClose, goods, money bool) bool {
	switch p {
	case settings.FollowAlways:
		return true
	case settings.FollowNever:
		return false
	}
	return !goods && !money
}

// complete tells whether an RMA is closed by itself.
func (f Facts) complete(r RMA, goods, money bool) bool {
	switch f.Settings.Policy.CloseRMA {
	case settings.CloseManually:
		return false
	case settings.CloseWhenRefunded:
		if slices.ContainsFunc(r.items(), r.paysBack) {
			return !money
		}
		return !goods
	}
	return !goods && !money
}

// awaited tells whether goods or money of an RMA are still to come.
func (f Facts) awaited(r RMA) (goods, money bool) {
	if r.Approval == Rejected {
		return false, false
	}
	for _, item := range r.items() {
		coming := r.coming(item)
		goods = goods || coming
		money = money || r.paysBack(item) && f.owes(r, item, coming)
	}
	return goods, money
}

// paysBack tells whether the buyer is to get money for an order line, or may be: not
// while Amazon sends a replacement for it, unless somebody chose otherwise.
func (r RMA) paysBack(item string) bool {
	if r.Approval == Rejected || r.Resolution != Refund && r.Resolution != NotDecided {
		return false
	}
	return r.Chosen.By != "" || slices.ContainsFunc(r.Lines, func(l Line) bool {
		return l.Item == item && !replacement(l.AmazonResolution)
	})
}

// coming tells whether goods of an order line are awaited.
func (r RMA) coming(item string) bool {
	for _, k := range r.goods() {
		if k.Item == item && k.total() < k.units && !k.returnless {
			return true
		}
	}
	return false
}

// owes tells whether the buyer is still to get money for an order line: for what
// may come, or did. When all that was paid for the line went back, or something for
// each of its units, nothing is owed, whoever sent it; nor when Amazon has ended the
// return and enough for it went back without us.
func (f Facts) owes(r RMA, item string, coming bool) bool {
	l := f.line(item)
	paid, posted := l.Paid()[order.Principal], f.Ledger.Sum(order.Posted, item)[order.Principal]
	if paid.IsPositive() && posted.GreaterThanOrEqual(paid) {
		return false
	}
	if ended(r.AmazonStatus) && f.paidApart(r, item) {
		return false
	}
	due := f.due(r, item)
	if coming {
		due = r.units(item)
	}
	if f.refunded(r, item, refund.LinePosted) < due && f.unrefunded(item, refund.LinePosted) > 0 {
		return true
	}
	switch {
	case !r.kit(item):
		return false
	case f.Settings.Policy.KitRefund == settings.KitProRata:
		return !f.kitOwed(r, item, refund.LinePosted).IsZero()
	}
	// Components that came and make no whole kit: a person says what they are worth.
	return slices.ContainsFunc(r.goods(), func(g goods) bool { return g.Item == item && f.in(r, g) > due*g.perKit })
}

// goods adds up what an RMA authorises and what came of it, by order item and SKU.
type goods struct {
	Count
	units, perKit int
	returnless    bool
}

func (r RMA) goods() []goods {
	var all []goods
	for _, l := range r.Lines {
		i := slices.IndexFunc(all, func(g goods) bool { return g.Item == l.Item && g.SKU == l.SKU })
		if i < 0 {
			all = append(all, goods{Count: r.Counted(l.Item, l.SKU), perKit: max(1, l.PerKit), returnless: true})
			i = len(all) - 1
		}
		all[i].units += l.Units
		all[i].returnless = all[i].returnless && returnless(l.AmazonResolution)
	}
	return all
}

// items lists the order items of an RMA's lines, each once.
func (r RMA) items() []string {
	var items []string
	for _, l := range r.Lines {
		if !slices.Contains(items, l.Item) {
			items = append(items, l.Item)
		}
	}
	return items
}

func (r RMA) kit(item string) bool {
	return slices.ContainsFunc(r.Lines, func(l Line) bool { return l.Item == item && l.Kit != "" })
}

// authorised counts the units of order lines that an RMA is for.
func (r RMA) authorised() int {
	n := 0
	for _, item := range r.items() {
		n += r.units(item)
	}
	return n
}

// receipt is how much of the goods came back.
func (r RMA) receipt() Receipt {
	came, all := 0, true
	for _, g := range r.goods() {
		came += g.Good + g.Damaged
		all = all && g.Good+g.Damaged >= g.units
	}
	switch {
	case came == 0:
		return NotReceived
	case all:
		return Received
	}
	return PartiallyReceived
}
