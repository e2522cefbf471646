package takeback_test

import (
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/settings"
)

// Orders that shall not leave the house.
func cancelRules() []rule {
	return []rule{
		{
			rule: "An order that is to be cancelled is on hold from that moment and does not ship; it is Cancelled when Amazon has accepted, or at once",
			do: func(m *merchant) {
				m.cancel(cancel.Request{Order: at(vaseTwo)})
				m.orders(vaseTwo)
				m.gates(vaseTwo)
				m.handOver(vaseTwo)
				m.later(time.Hour)
				m.orders(vaseTwo)
				m.gates(vaseTwo)
				m.amazon(vaseTwo)
			},
			want: []when{
				off("SO-8: OnHold, held by cancellation", "SO-8 may not ship", "hand over: no, order may not ship",
					"SO-8: Cancelled, held by cancellation, NoPayment", "SO-8 may not ship", "Amazon: CANCELLED, 1 VASE cancelled by MERCHANT for PricingError"),
				under(settings.Policy{CancelledAt: settings.CancelledWhenRequested}, "SO-8: Cancelled, held by cancellation", "SO-8 may not ship", "hand over: no, order may not ship",
					"SO-8: Cancelled, held by cancellation, NoPayment", "SO-8 may not ship", "Amazon: CANCELLED, 1 VASE cancelled by MERCHANT for PricingError"),
			},
		},
		{
			rule: "A cancellation is confirmed by reading the order at Amazon",
			do: func(m *merchant) {
				c := m.cancel(cancel.Request{Order: at(vaseTwo)})
				proof := func() {
					now, err := m.desk.Cancels.Cancellation(m.t.Context(), c.ID)
					m.must(err)
					m.see("%s, proof %q", now.Outcome, now.Proof)
				}
				proof()
				m.later(2 * time.Hour)
				proof()
			},
			want: always(`Open, proof ""`, `Cancelled, proof "Confirmed"`),
		},
		{
			rule: "A cancellation that the operator rejects releases our hold, and the order is as it was",
			do: func(m *merchant) {
				m.cancel(cancel.Request{Order: at(vaseTwo)})
				m.orders(vaseTwo)
				m.reject()
				m.orders(vaseTwo)
				m.gates(vaseTwo)
			},
			want: []when{on(settings.Settings{Queue: true}, "SO-8: OnHold, held by cancellation", "SO-8: InProcess", "SO-8 may ship")},
		},
		{
			rule: "Whatever status somebody gave the order meanwhile stays, and so does a hold of theirs",
			do: func(m *merchant) {
				m.cancel(cancel.Request{Order: at(vaseTwo)})
				o := m.book.find(hostID(vaseTwo))
				o.Status = order.StatusProblemOrder
				o.Holds = append(o.Holds, order.Hold{Owner: order.HeldByHost, Why: "fraud check"})
				m.reject()
				m.orders(vaseTwo)
				m.gates(vaseTwo)
			},
			want: []when{on(settings.Settings{Queue: true}, "SO-8: ProblemOrder, held by host", "SO-8 may not ship")},
		},
		{
			rule: "A cancellation that Amazon refuses makes a problem order, which does not ship until a person says so",
			do: func(m *merchant) {
				m.must(m.fake.Refuse(at(vaseTwo).Number, 8008, "the order is too old"))
				m.cancel(cancel.Request{Order: at(vaseTwo)})
				m.later(time.Hour)
				m.orders(vaseTwo)
				m.gates(vaseTwo)
				m.notes(vaseTwo, "8008 the order is too old")
				m.alerts()
				m.must(m.desk.Cancels.Open(m.t.Context(), at(vaseTwo), "ben", "the buyer wants it after all"))
				m.orders(vaseTwo)
				m.gates(vaseTwo)
			},
			want: always(
				"SO-8: ProblemOrder, held by cancellation", "SO-8 may not ship", "note on SO-8: … 8008 the order is too old …", "alerts: [refused]",
				"SO-8: InProcess", "SO-8 may ship",
			),
		},
		{
			rule: "Where Amazon refuses because the order is cancelled there, it is cancelled here",
			do: func(m *merchant) {
				m.cancel(cancel.Request{Order: at(vaseTwo)})
				m.must(m.fake.Refuse(at(vaseTwo).Number, 8008, "it is cancelled"))
				m.shows(vaseTwo, amazon.OrderCancelled)
				m.send()
				m.later(time.Hour)
				m.orders(vaseTwo)
				m.queued()
			},
			want: []when{on(settings.Settings{Queue: true}, "chosen, documents: 1", "SO-8: Cancelled, held by cancellation, NoPayment", "cancellation of SO-8: Refused")},
		},
		{
			rule: "An order that is found cancelled at Amazon is cancelled here, and what waits to cancel it is withdrawn",
			do: func(m *merchant) {
				m.cancel(cancel.Request{Order: at(vaseTwo)})
				m.shows(vaseTwo, amazon.OrderCancelled)
				m.read(vaseTwo)
				m.orders(vaseTwo)
				m.queued()
				m.gates(vaseTwo)
			},
			want: []when{on(settings.Settings{Queue: true},
				"SO-8: Cancelled, held by cancellation, NoPayment", "cancellation of SO-8: Withdrawn", "SO-8 may not ship")},
		},
		{
			rule: "A person may always mark an order as cancelled; I am told every day while Amazon shows it as open",
			do: func(m *merchant) {
				m.must(m.desk.Cancels.MarkCancelled(m.t.Context(), at(vaseTwo), "ben", "the buyer called"))
				m.orders(vaseTwo)
				m.gates(vaseTwo)
				m.later(25 * time.Hour)
				m.documents()
				m.alerts()
			},
			want: always("SO-8: Cancelled, NoPayment", "SO-8 may not ship", "documents: 0", "alerts: [open open]"),
		},
		{
			rule: "What Amazon has accepted and still shows as open after a day is told to me",
			do: func(m *merchant) {
				m.shows(vaseTwo, amazon.OrderUnshipped)
				m.cancel(cancel.Request{Order: at(vaseTwo)})
				m.later(23 * time.Hour)
				m.alerts()
				m.later(25 * time.Hour)
				m.orders(vaseTwo)
				m.alerts()
			},
			want: always("alerts: []", "SO-8: Cancelled, held by cancellation, NoPayment", "alerts: [open]"),
		},
		{
			rule: "What has shipped is refunded, not cancelled",
			do: func(m *merchant) {
				m.ship(vaseTwo)
				m.cancel(cancel.Request{Order: at(vaseTwo)})
				m.cancel(cancel.Request{Order: at(amazons)})
			},
			want: always("cancel: no, order has shipped", "cancel: no, order is fulfilled by Amazon"),
		},
		{
			rule: "What was handed over is not cancelled any more, and what is being cancelled is not handed over",
			do: func(m *merchant) {
				m.handOver(vaseTwo)
				m.cancel(cancel.Request{Order: at(vaseTwo)})
				gate, err := m.desk.Cancels.MayShip(m.t.Context(), at(basket))
				m.must(err)
				m.cancel(cancel.Request{Order: at(basket)})
				err = gate.HandOver(m.t.Context(), m.store, order.Stamp{By: "dock 3", At: time.Now()})
				m.answered("hand over", err)
			},
			want: always("cancel: no, order was handed over for shipping", "hand over: no, changed meanwhile"),
		},
		{
			rule: "Zero Out sets what I cannot ship to nothing, where I allow it; of a kit its parts; once",
			do: func(m *merchant) {
				for range 2 {
					m.cancel(cancel.Request{Order: at(basket), ZeroOut: true})
				}
				m.moves()
			},
			want: []when{
				off("cancel: no, the settings do not allow it", "cancel: no, the settings do not allow it", "stock: "),
				on(settings.Settings{AllowZeroOutInventory: true}, "stock: SOAP to nothing, TOWEL to nothing"),
			},
		},
		{
			rule: "No Stock may always be the reason; it sets the stock to nothing only where I allow Zero Out, and that stays when the cancellation is rejected",
			do: func(m *merchant) {
				m.cancel(cancel.Request{Order: at(vaseTwo), Reason: amazon.ReasonNoInventory})
				m.reject()
				m.orders(vaseTwo)
				m.moves()
			},
			want: []when{
				on(settings.Settings{Queue: true}, "SO-8: InProcess", "stock: "),
				on(settings.Settings{Queue: true, AllowZeroOutInventory: true}, "SO-8: InProcess", "stock: VASE to nothing"),
			},
		},
		{
			rule: "Do Not Send To Amazon cancels here alone, where I allow it, and I am told every day while Amazon shows the order as open",
			do: func(m *merchant) {
				m.cancel(cancel.Request{Order: at(vaseTwo), Local: true})
				m.later(25 * time.Hour)
				m.orders(vaseTwo)
				m.queued()
				m.alerts()
				m.amazon(vaseTwo)
			},
			want: []when{
				off("cancel: no, the settings do not allow it", "SO-8: InProcess", "alerts: []", "Amazon: UNSHIPPED"),
				on(settings.Settings{AllowLocalCancel: true}, "SO-8: Cancelled", "cancellation of SO-8: AppliedLocally", "alerts: [open open]", "Amazon: UNSHIPPED"),
			},
		},
		{
			rule: "My comment stands in the notes, and Amazon is told only the reason, which I see before",
			do: func(m *merchant) {
				r := cancel.Request{Order: at(vaseTwo), Reason: amazon.ReasonAddressUndeliverable, Comment: "moved away", By: "ben"}
				draft, err := m.desk.Cancels.Draft(m.t.Context(), r)
				m.must(err)
				m.see("Amazon will be told %s", draft.AmazonReason)
				m.cancel(r)
				m.later(time.Hour)
				m.notes(vaseTwo, "moved away")
				m.amazon(vaseTwo)
			},
			want: always(
				"Amazon will be told ShippingAddressUndeliverable", "note on SO-8: … moved away …",
				"Amazon: CANCELLED, 1 VASE cancelled by MERCHANT for ShippingAddressUndeliverable",
			),
		},
	}
}

// Parts of an order that shall not leave the house.
func partRules() []rule {
	return []rule{
		{
			rule: "A part of an order is split off first; the rest may ship, and Amazon hears of the part when the rest has shipped: never is the whole order cancelled",
			do: func(m *merchant) {
				m.cancel(split(vases, vase, 1))
				m.later(time.Hour)
				m.orders(vases, vases+"-B")
				m.gates(vases, vases+"-B")
				m.queued()
				m.amazon(vases)
				m.handOver(vases)
				m.ship(vases)
				m.later(2 * time.Hour)
				m.orders(vases, vases+"-B")
				m.queued()
				m.amazon(vases)
			},
			want: always(
				"SO-6: InProcess", "SO-6-B: OnHold, held by cancellation", "SO-6 may ship", "SO-6-B may not ship",
				"cancellation of SO-6-B: AwaitingShipment", "Amazon: UNSHIPPED",
				"SO-6: InProcess, PartialPayment", "SO-6-B: Cancelled, held by cancellation, PartialPayment", "cancellation of SO-6-B: Accepted",
				"Amazon: SHIPPED, 1 VASE cancelled by MERCHANT for NoInventory, paid Principal 12.00 USD for NoInventory",
			),
		},
		{
			rule: "Once something of an order has shipped, the whole of it is not cancelled",
			do: func(m *merchant) {
				m.cancel(split(vases, vase, 1))
				m.reject()
				m.ship(vases)
				m.cancel(cancel.Request{Order: at(vases), Whole: true})
			},
			want: []when{on(settings.Settings{Queue: true}, "cancel: no, order has shipped")},
		},
		{
			rule: "Nothing, everything and what has shipped cannot be split off",
			do: func(m *merchant) {
				m.cancel(split(vases, vase, 0))
				all := split(vases, vase, 2)
				all.Split = append(all.Split, order.LineQuantity{Item: tray, Quantity: 1})
				m.cancel(all)
				m.cancel(split(mugs, mug, 1))
				m.orders(vases)
			},
			want: always("cancel: no, cannot be split", "cancel: no, cannot be split", "cancel: no, cannot be split", "SO-6: InProcess"),
		},
	}
}

// What buyers wish to have cancelled.
func buyerRules() []rule {
	return []rule{
		{
			rule: "When a buyer asks to cancel, the order is held and a person decides, or it is cancelled at once",
			do: func(m *merchant) {
				m.wish(vaseTwo, single, "Ordered by mistake")
				m.later(2 * time.Hour)
				m.orders(vaseTwo)
				m.gates(vaseTwo)
				m.wishes()
				m.amazon(vaseTwo)
			},
			want: []when{
				off("SO-8: OnHold, held by buyer request", "SO-8 may not ship", "wish: Undecided", "Amazon: UNSHIPPED"),
				under(settings.Policy{OnBuyerRequest: settings.BuyerRequestAccepted}, "SO-8: Cancelled, held by cancellation, NoPayment", "SO-8 may not ship", "wish: Over",
					"Amazon: CANCELLED, 1 VASE cancelled by MERCHANT for BuyerCanceled"),
			},
		},
		{
			rule: "What I accept is cancelled in the buyer's name, which does not count against me",
			do: func(m *merchant) {
				m.wish(vaseTwo, single, "Ordered by mistake")
				m.cancel(cancel.Request{Order: at(vaseTwo), Reason: amazon.ReasonNoInventory})
				m.accept(vaseTwo)
				m.later(2 * time.Hour)
				m.amazon(vaseTwo)
			},
			want: always("cancel: no, the buyer asked for it", "Amazon: CANCELLED, 1 VASE cancelled by MERCHANT for BuyerCanceled"),
		},
		{
			rule: "Cancelled in the buyer's name without the buyer's having asked is nothing without somebody's having read that",
			do: func(m *merchant) {
				r := cancel.Request{Order: at(vaseTwo), Reason: amazon.ReasonBuyerCancelled}
				m.cancel(r)
				r.Acknowledge = []cancel.CautionCode{cancel.CautionNoBuyerRequest}
				m.cancel(r)
				m.orders(vaseTwo)
			},
			want: always("cancel: no, cautions were not acknowledged", "SO-8: OnHold, held by cancellation"),
		},
		{
			rule: "What I decline may ship, and the same wish holds nothing again",
			do: func(m *merchant) {
				m.wish(vaseTwo, single, "Ordered by mistake")
				m.decline(vaseTwo)
				m.orders(vaseTwo)
				m.later(49 * time.Hour) // every report of orders still says so
				m.orders(vaseTwo)
				m.gates(vaseTwo)
				m.wishes()
				m.alerts()
			},
			want: always("SO-8: InProcess", "SO-8: InProcess", "SO-8 may ship", "wish: Declined", "alerts: []"),
		},
		{
			rule: "Another wish after that is another wish",
			do: func(m *merchant) {
				m.wish(vaseTwo, single, "Ordered by mistake")
				m.decline(vaseTwo)
				m.later(time.Hour)
				m.wish(vaseTwo, single, "Found it cheaper")
				m.orders(vaseTwo)
				m.wishes()
			},
			want: always("SO-8: OnHold, held by buyer request", "wish: Undecided"),
		},
		{
			rule: "A wish about one item holds the whole order; accepting it splits the item off and frees the rest",
			do: func(m *merchant) {
				m.wish(vases, tray, "Ordered by mistake")
				m.gates(vases)
				m.accept(vases)
				m.later(time.Hour)
				m.orders(vases, vases+"-1")
				m.gates(vases, vases+"-1")
				m.ship(vases)
				m.later(2 * time.Hour)
				m.amazon(vases)
			},
			want: always(
				"SO-6 may not ship", "SO-6: InProcess", "SO-6-1: OnHold, held by cancellation", "SO-6 may ship", "SO-6-1 may not ship",
				"Amazon: SHIPPED, 1 TRAY cancelled by MERCHANT for CustomerCancel, paid Principal 6.00 USD for CustomerCancel",
			),
		},
		{
			rule: "A wish that comes when the parcel has left is told, not swallowed",
			do: func(m *merchant) {
				m.must(m.fake.RequestCancel(at(vaseTwo).Number, single, "Ordered by mistake"))
				m.handOver(vaseTwo)
				m.notified(vaseTwo)
				m.orders(vaseTwo)
				m.notes(vaseTwo, "asked to cancel")
				m.wishes()
				m.alerts()
			},
			want: always("SO-8: InProcess", "note on SO-8: … asked to cancel …", "wish: TooLate", "alerts: [buyer-late]"),
		},
		{
			rule: "A wish about what the supplier is shipping already is told, not held",
			do: func(m *merchant) {
				m.book.find(hostID(vaseTwo)).Dropship = "Ordered"
				m.book.find(hostID(basket)).Dropship = order.DropshipPending
				m.wish(vaseTwo, single, "Ordered by mistake")
				m.wish(basket, spa, "Ordered by mistake")
				m.orders(vaseTwo, basket)
				m.alerts()
			},
			want: always("SO-8: InProcess", "SO-7: OnHold, held by buyer request", "alerts: [buyer-late]"),
		},
		{
			rule: "After two days nobody has cancelled for me: I am told that the wish is overdue",
			do: func(m *merchant) {
				m.wish(vaseTwo, single, "Ordered by mistake")
				m.later(47 * time.Hour)
				m.alerts()
				m.later(3 * time.Hour)
				m.alerts()
				m.orders(vaseTwo)
				m.documents()
			},
			want: always("alerts: []", "alerts: [buyer-overdue]", "SO-8: OnHold, held by buyer request", "documents: 0"),
		},
		{
			rule: "The buyer's reason stands on the order",
			do: func(m *merchant) {
				m.must(m.fake.RequestCancel(at(vaseTwo).Number, single, "Ordered by mistake"))
				m.later(25 * time.Hour)
				m.orders(vaseTwo)
				m.notes(vaseTwo, "Ordered by mistake")
			},
			want: always("SO-8: OnHold, held by buyer request", "note on SO-8: … Ordered by mistake …"),
		},
		{
			rule: "When order reports do not say what buyers wish, I am told once, and how to switch it on",
			do: func(m *merchant) {
				m.withoutColumn()
				m.later(72 * time.Hour)
				m.alerts()
				m.gates(vaseTwo)
			},
			want: always("alerts: [buyer-column]", "SO-8 may ship"),
		},
	}
}
