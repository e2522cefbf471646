package refund

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
)

// look refuses a refund of lines of which money went back already that is in no ledger,
// or by policy draws attention to it. It warns of what is, and nobody here asked for.
func (f Facts) look(d *Draft, r Request) error {
	about := func(bs []booking) []booking {
		return slices.DeleteFunc(bs, func(b booking) bool { return !slices.ContainsFunc(d.Refund.Lines, b.mayBe(f.Orders)) })
	}
	others, found := f.others(), about(f.unexplained(""))
	for _, b := range slices.Concat(others, found) {
		d.Refund.Seen = append(d.Refund.Seen, b.name)
	}
	if known := about(others); len(known) > 0 {
		d.warn("money of these lines went back that was not asked for here, and is taken off what is left: %s", evidence(known))
	}
	if len(found) == 0 {
		return nil
	}
	if f.Settings.Policy.AlreadyRefunded != settings.AlreadyRefundedWarn {
		return fmt.Errorf("%w: %s: record it if it is right, or find out what it is for", ErrAlreadyRefunded, evidence(found))
	}
	d.Cautions = append(d.Cautions, Caution{CautionAlreadyRefunded, evidence(found)})
	return nil
}

// revealed tells what came to light since a refund was issued: money of its lines
// went back, and no refund that was asked for here explains it.
func (f Facts) revealed(r Refund) *queue.Aside {
	var found []booking
	for _, b := range append(f.unexplained(r.ID), f.others()...) {
		open := func(l Line) bool { return l.Outcome == LineOpen && b.mayBe(f.Orders)(l) }
		if !slices.Contains(r.Seen, b.name) && slices.ContainsFunc(r.Lines, open) {
			found = append(found, b)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return &queue.Aside{State: queue.EntryNeedsDecision, Why: fmt.Sprintf("%s: %s", ErrAlreadyRefunded, evidence(found))}
}

// unexplained are the bookings that no refund of ours explains, and no cancellation
// of a part. What is open explains one too, since it may have been paid; but not the
// refund that is about to be sent: a booking that was taken for it keeps it back,
// because it was paid after all. Neither does a line that counts as unpaid, until
// somebody has posted that it was. What both settlements and finances show counts
// once.
func (f Facts) unexplained(about queue.EntryID) []booking {
	settled, live := newBookMatch(f.Booked, f.Orders), newMatch(f.Finances, f.Orders)
	ours := slices.Concat(f.Refunds, OfCancellations(f.Orders, f.Ledger, f.Cancellations))
	var found []booking
	for _, m := range []*match{settled, live} {
		m.explain(ours, func(r Refund) bool { return r.ID != about })
		for _, b := range m.bookings {
			if (!b.explained || about != "" && b.refund == about || f.unpaid(b)) && b.amount.Amount.IsPositive() && !(m == live && settled.shows(b)) {
				found = append(found, b)
			}
		}
	}
	return found
}

// unpaid reports whether a booking was taken for a line of ours that was given up since.
func (f Facts) unpaid(b booking) bool {
	return slices.ContainsFunc(f.Refunds, func(r Refund) bool {
		return r.ID == b.refund && slices.ContainsFunc(r.Lines, func(l Line) bool { return l.Item == b.item && l.Outcome == LineVoided })
	})
}

// others are the bookings of what went back without a request of ours: what Amazon did
// by itself, and what somebody has recorded. It is in the ledger, where whoever drafts
// a refund sees it; who drafted one before did not.
func (f Facts) others() []booking {
	var found []booking
	for _, b := range f.Booked {
		if b.ByAmazonAlone {
			found = append(found, b.booking())
		}
	}
	for _, r := range f.Refunds {
		if r.Origin != FromSellerCentral || r.ended() {
			continue
		}
		for _, l := range r.Lines {
			found = append(found, booking{
				item: l.Item, sku: l.SKU, amount: order.Money{Amount: l.Amounts.Total(), Currency: r.Currency},
				postedAt: cmp.Or(r.PaidAt, r.Issued.At), name: string(r.ID),
			})
		}
	}
	return found
}

// shows reports whether there is the same booking here too, and uses it up.
func (m *match) shows(other booking) bool {
	i := slices.IndexFunc(m.bookings, func(b booking) bool {
		product := b.item != "" && b.item == other.item || b.sku != "" && b.sku == other.sku || other.asin != "" && m.products[b.item] == other.asin
		return !b.shown && product && b.amount.Currency == other.amount.Currency && b.amount.Amount.Equal(other.amount.Amount)
	})
	if i >= 0 {
		m.bookings[i].shown = true
	}
	return i >= 0
}

// mayBe reports of lines whether a booking is about them, as far as it says what it
// is about.
func (b booking) mayBe(orders []order.Order) func(Line) bool {
	ps := newProducts(orders)
	return func(l Line) bool { return b.item == "" && b.sku == "" && b.asin == "" || ps.of(b, l) }
}

// evidence lists bookings for people.
func evidence(bs []booking) string {
	var texts []string
	for _, b := range bs {
		texts = append(texts, b.String())
	}
	return strings.Join(texts, "; ")
}
