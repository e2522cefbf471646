package takeback_test

import (
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
)

// What a buyer gets back.
func refundRules() []rule {
	return []rule{
		{
			rule: "Refunds of a line in parts add up to the line, to the cent",
			do: func(m *merchant) {
				for range 3 {
					m.refund(share(mugs, mug, 1))
					m.later(time.Hour)
					m.orders(mugs)
				}
				m.refund(share(mugs, mug, 1))
				m.amazon(mugs)
			},
			want: always(
				"refund of Principal 13.33, Tax 1.10 USD", "SO-1: Completed, PartialRefund",
				"refund of Principal 13.34, Tax 1.10 USD", "SO-1: Completed, PartialRefund",
				"refund of Principal 13.33, Tax 1.10 USD", "SO-1: Completed, PartialRefund",
				"refund: no, more than is left",
				"Amazon: SHIPPED, paid Principal 40.00, Tax 3.30 USD for CustomerReturn",
			),
		},
		{
			rule: "Outbound shipping goes back only when it is ticked",
			do: func(m *merchant) {
				m.refund(refund.Request{Order: at(mugs), Lines: []refund.Ask{{Item: mug, Units: 3, Shipping: true}}})
				m.later(time.Hour)
				m.orders(mugs)
				m.amazon(mugs)
			},
			want: always(
				"refund of Principal 40.00, Tax 3.30, Shipping 5.00 USD", "SO-1: Completed, FullRefund",
				"Amazon: SHIPPED, paid Principal 40.00, Tax 3.30, Shipping 5.00 USD for CustomerReturn",
			),
		},
		{
			rule: "The buyer gets back what was paid, not the price before the promotion",
			do: func(m *merchant) {
				m.refund(amounts(lamp, lampOne, price("30.00")))
				m.refund(share(lamp, lampOne, 1))
				m.later(time.Hour)
				m.amazon(lamp)
			},
			want: always("refund: no, more than is left", "refund of Principal 25.00 USD", "Amazon: SHIPPED, paid Principal 25.00 USD for CustomerReturn"),
		},
		{
			rule: "More than the buyer paid is refused, unless I allow over-refunds: what is beyond goes as goodwill",
			do: func(m *merchant) {
				r := amounts(lamp, lampOne, price("32.00"))
				m.refund(r)
				r.OverRefund = true
				m.refund(r)
				m.later(time.Hour)
				m.orders(lamp)
				m.amazon(lamp)
			},
			want: []when{
				off("refund: no, more than is left", "refund: no, over-refund is not allowed", "SO-2: Completed", "Amazon: SHIPPED"),
				on(settings.Settings{AllowOverRefund: true}, "refund: no, more than is left", "refund of Principal 25.00, Goodwill 7.00 USD",
					"SO-2: Completed, OverRefund", "Amazon: SHIPPED, paid Principal 25.00, Goodwill 7.00 USD for CustomerReturn"),
			},
		},
		{
			rule: "Each component is limited by what was charged for it, though others have something left",
			do: func(m *merchant) {
				m.refund(amounts(mugs, mug, order.Amounts{order.Tax: usd("3.31")}))
				m.refund(amounts(mugs, mug, order.Amounts{order.Tax: usd("3.30")}))
			},
			want: always("refund: no, more than is left", "refund of Tax 3.30 USD"),
		},
		{
			rule: "Goodwill and return shipping count against the order as a whole",
			do: func(m *merchant) {
				gift := amounts(mugs, mug, order.Amounts{order.Goodwill: usd("40.00"), order.ReturnShipping: usd("8.00")})
				gift.Origin, gift.Reason = refund.FromGoodwill, amazon.ReasonGeneralAdjustment
				m.refund(gift)
				m.refund(amounts(mugs, mug, price("0.31")))
				m.refund(amounts(mugs, mug, price("0.30")))
				m.later(time.Hour)
				m.amazon(mugs)
			},
			want: always(
				"refund of Goodwill 40.00, ReturnShipping 8.00 USD", "refund: no, more than is left", "refund of Principal 0.30 USD",
				"Amazon: SHIPPED, paid Principal 0.30, Goodwill 40.00, ReturnShipping 8.00 USD for CustomerReturn and GeneralAdjustment",
			),
		},
		{
			rule: "A restocking fee lowers the principal, or goes as a component of its own if I want that",
			do: func(m *merchant) {
				r := share(lamp, lampOne, 1)
				r.Lines[0].Fees = order.Amounts{order.RestockingFee: usd("4.00")}
				m.refund(r)
				m.later(time.Hour)
				m.amazon(lamp)
				m.ledger(lamp)
			},
			want: []when{
				off("refund of Principal 21.00 USD", "Amazon: SHIPPED, paid Principal 21.00 USD for CustomerReturn", "ledger: refunded 21.00, reserved 0.00, left 4.00"),
				under(settings.Policy{RestockingFee: settings.FeeAsComponent}, "refund of Principal 21.00 USD",
					"Amazon: SHIPPED, paid Principal 25.00, RestockingFee -4.00 USD for CustomerReturn", "ledger: refunded 21.00, reserved 0.00, left 4.00"),
			},
		},
		{
			rule: "The cost of a return label lowers the principal; deductions are never more than it",
			do: func(m *merchant) {
				r := share(lamp, lampOne, 1)
				r.Lines[0].Fees = order.Amounts{order.LabelCost: usd("25.01")}
				m.refund(r)
				r.Lines[0].Fees = order.Amounts{order.LabelCost: usd("6.50")}
				of := m.refund(r)
				m.see("gross %s, fees %s", of.Lines[0].Gross.In("USD"), of.Lines[0].Fees.In("USD"))
				m.later(time.Hour)
				m.amazon(lamp)
			},
			want: always(
				"refund: no, deductions are more than the Principal refunded",
				"refund of Principal 18.50 USD", "gross Principal 25.00 USD, fees LabelCost 6.50 USD",
				"Amazon: SHIPPED, paid Principal 18.50 USD for CustomerReturn",
			),
		},
		{
			rule: "Tax that Amazon has collected is Amazon's to give back",
			do: func(m *merchant) {
				m.warned(share(taxed, clock, 1), "Amazon collected it, and gives it back itself")
				m.refund(share(taxed, clock, 1))
				m.refund(amounts(taxed, clock, order.Amounts{order.Tax: usd("1.00")}))
			},
			want: always("warning: … Amazon collected it, and gives it back itself …", "refund of Principal 10.00 USD", "refund: no, Amazon takes no tax here"),
		},
		{
			rule: "Where nobody knows who collects the tax, a refund of a part makes me look",
			do: func(m *merchant) {
				m.warned(amounts(lamp, lampOne, price("5.00")), "who collects its tax is not known")
				m.warned(share(lamp, lampOne, 1), "who collects its tax is not known")
				m.warned(amounts(mugs, mug, order.Amounts{order.Principal: usd("5.00"), order.Tax: usd("0.40")}), "who collects its tax is not known")
			},
			want: always("warning: … who collects its tax is not known …"),
		},
		{
			rule: "What has not shipped is cancelled, not refunded; or the refund waits for the shipment, unsent",
			do: func(m *merchant) {
				m.refund(share(vaseTwo, single, 1))
				m.later(time.Hour)
				m.queued()
				m.amazon(vaseTwo)
				m.ship(vaseTwo)
				m.later(24 * time.Hour)
				m.queued()
				m.amazon(vaseTwo)
			},
			want: []when{
				off("refund: no, units are not confirmed as shipped", "Amazon: UNSHIPPED", "Amazon: SHIPPED"),
				under(settings.Policy{BeforeShipment: settings.BeforeShipmentWait}, "refund of Principal 12.00 USD",
					"refund of SO-8: AwaitingShipment", "Amazon: UNSHIPPED",
					"refund of SO-8: Accepted", "Amazon: SHIPPED, paid Principal 12.00 USD for CustomerReturn"),
			},
		},
		{
			rule: "A refund that waits for a shipment which is cancelled instead is for a person to decide",
			do: func(m *merchant) {
				m.refund(share(vaseTwo, single, 1))
				m.later(time.Hour)
				m.cancel(cancel.Request{Order: at(vaseTwo)})
				m.later(24 * time.Hour)
				m.queued()
				m.amazon(vaseTwo)
			},
			want: []when{under(settings.Policy{BeforeShipment: settings.BeforeShipmentWait}, "refund of Principal 12.00 USD",
				"refund of SO-8: NeedsDecision", "cancellation of SO-8: Accepted", "Amazon: CANCELLED, 1 VASE cancelled by MERCHANT for PricingError")},
		},
		{
			rule: "Orders that Amazon ships are refunded by Amazon",
			do:   func(m *merchant) { m.refund(share(amazons, ring, 1)) },
			want: always("refund: no, order is fulfilled by Amazon"),
		},
		{
			rule: "A refund is in the order's currency, and none is converted",
			do: func(m *merchant) {
				r := amounts(mugs, mug, price("5.00"))
				r.Currency = "EUR"
				m.refund(r)
			},
			want: always("refund: no, another currency"),
		},
		{
			rule: "Amazon is told my reason in its own words",
			do: func(m *merchant) {
				r := share(mugs, mug, 1)
				r.Reason = amazon.ReasonAddressUndeliverable
				m.refund(r)
				m.later(time.Hour)
				m.amazon(mugs)
			},
			want: always("refund of Principal 13.33, Tax 1.10 USD", "Amazon: SHIPPED, paid Principal 13.33, Tax 1.10 USD for Undeliverable"),
		},
	}
}

// Who may refund, what is known before, and what the order shows.
func moneyRules() []rule {
	return []rule{
		{
			rule: "A click too many pays nothing twice",
			do: func(m *merchant) {
				r := share(mugs, mug, 1)
				r.Key = "ticket 7"
				first, again := m.refund(r), m.refund(r)
				m.see("the same: %t", first.ID == again.ID)
				m.later(time.Hour)
				m.amazon(mugs)
			},
			want: always(
				"refund of Principal 13.33, Tax 1.10 USD", "refund of Principal 13.33, Tax 1.10 USD", "the same: true",
				"Amazon: SHIPPED, paid Principal 13.33, Tax 1.10 USD for CustomerReturn",
			),
		},
		{
			rule: "The order shows a refund as pending at once, and as made when Amazon has accepted it, or as soon as it is asked for",
			do: func(m *merchant) {
				m.refund(share(mugs, mug, 1))
				m.orders(mugs)
				m.later(time.Hour)
				m.orders(mugs)
			},
			want: []when{
				off("refund of Principal 13.33, Tax 1.10 USD", "SO-1: Completed, Charged (14.43 pending)", "SO-1: Completed, PartialRefund"),
				under(settings.Policy{PaymentStatusAt: settings.PaymentStatusWhenIssued},
					"refund of Principal 13.33, Tax 1.10 USD", "SO-1: Completed, PartialRefund (14.43 pending)", "SO-1: Completed, PartialRefund"),
			},
		},
		{
			rule: "What Amazon refuses costs nothing, is noted on the order, and may be tried again",
			do: func(m *merchant) {
				m.must(m.fake.Refuse(at(mugs).Number, 18028, "not now"))
				r := m.refund(share(mugs, mug, 1))
				m.later(time.Hour)
				m.queued()
				m.orders(mugs)
				m.notes(mugs, "Refused by Amazon")
				m.ledger(mugs)
				m.must(m.fake.Refuse(at(mugs).Number, 0, ""))
				m.must(m.desk.Queue.Retry(m.t.Context(), "olga", "Amazon has fixed it", r.ID))
				m.later(time.Hour)
				m.queued()
				m.amazon(mugs)
			},
			want: always(
				"refund of Principal 13.33, Tax 1.10 USD", "refund of SO-1: Refused", "SO-1: Completed, Charged", "note on SO-1: … Refused by Amazon …", "ledger: refunded 0.00, reserved 0.00, left 48.30",
				"refund of SO-1: Accepted", "Amazon: SHIPPED, paid Principal 13.33, Tax 1.10 USD for CustomerReturn",
			),
		},
		{
			rule: "A refund that the operator rejects is never sent, and its money is free again",
			do: func(m *merchant) {
				m.refund(share(mugs, mug, 3))
				m.refund(share(mugs, mug, 1))
				m.reject()
				m.queued()
				m.orders(mugs)
				m.refund(share(mugs, mug, 1))
				m.documents()
			},
			want: []when{
				on(settings.Settings{Queue: true}, "refund of Principal 40.00, Tax 3.30 USD", "refund: no, more than is left",
					"refund of SO-1: Rejected", "SO-1: Completed, Charged", "refund of Principal 13.33, Tax 1.10 USD", "documents: 0"),
			},
		},
		{
			rule: "Above their limit nobody refunds alone: somebody else approves it, and both are on record",
			do: func(m *merchant) {
				r := m.refund(share(mugs, mug, 2))
				m.later(time.Hour)
				m.queued()
				for _, by := range []string{"anna", "bea", "carla"} {
					approved, err := m.desk.Refunds.Approve(m.t.Context(), r.ID, r.Content(), by, "looked at it")
					if m.answered("approve", err) {
						m.see("asked for by %s, approved by %s", approved.Issued.By, approved.Approved.By)
					}
				}
				m.later(time.Hour)
				m.amazon(mugs)
			},
			want: []when{
				off("refund of Principal 26.67, Tax 2.20 USD", "refund of SO-1: Accepted",
					"approve: no, no such change of state", "approve: no, no such change of state", "approve: no, no such change of state",
					"Amazon: SHIPPED, paid Principal 26.67, Tax 2.20 USD for CustomerReturn"),
				under(settings.Policy{Limits: []settings.Limit{{Amount: usd("20"), Currency: "USD"}, {Actor: "carla", Amount: usd("100"), Currency: "USD"}}},
					"refund of Principal 26.67, Tax 2.20 USD", "refund of SO-1: AwaitingApproval",
					"approve: no, nobody approves their own refund", "approve: no, above the limit", "asked for by anna, approved by carla",
					"Amazon: SHIPPED, paid Principal 26.67, Tax 2.20 USD for CustomerReturn"),
			},
		},
		{
			rule: "What was refunded in Seller Central I record: it is never sent, and nothing of it is refunded again",
			do: func(m *merchant) {
				m.must(m.fake.Refund(amazon.ActorMerchant, at(lamp).Number, lampOne, price("25.00")))
				m.record(lamp, lampOne, price("25.00"))
				m.orders(lamp)
				m.refund(share(lamp, lampOne, 1))
				m.later(24 * time.Hour)
				m.documents()
			},
			want: always("SO-2: Completed, FullRefund", "refund: no, more than is left", "documents: 0"),
		},
		{
			rule: "Where Amazon's books show that the buyer has money already which is not in mine, I do not pay again, or not without having read it",
			do: func(m *merchant) {
				m.must(m.fake.Refund(amazon.ActorMerchant, at(mugs).Number, mug, price("13.33")))
				m.later(72 * time.Hour)
				r := share(mugs, mug, 1)
				r.Look = true
				m.refund(r)
				r.Acknowledge = []refund.CautionCode{refund.CautionAlreadyRefunded}
				m.refund(r)
			},
			want: []when{
				off("refund: no, money that went back already is not among our refunds", "refund: no, money that went back already is not among our refunds"),
				under(settings.Policy{AlreadyRefunded: settings.AlreadyRefundedWarn}, "caution: AlreadyRefunded", "refund: no, cautions were not acknowledged",
					"caution: AlreadyRefunded", "refund of Principal 13.33, Tax 1.10 USD"),
			},
		},
		{
			rule: "Before a refund is sent the books are looked at again: what came to light meanwhile a person decides",
			do: func(m *merchant) {
				m.refund(share(mugs, mug, 1))
				m.must(m.fake.Refund(amazon.ActorMerchant, at(mugs).Number, mug, order.Amounts{order.Principal: usd("13.33"), order.Tax: usd("1.10")}))
				m.settle()
				m.send()
				m.later(time.Hour)
				m.queued()
				m.documents()
			},
			want: []when{
				on(settings.Settings{Queue: true}, "refund of Principal 13.33, Tax 1.10 USD", "settlement: map[AmazonInitiated:1]", "chosen, documents: 1", "refund of SO-1: NeedsDecision", "documents: 0"),
			},
		},
		{
			rule: "What I record from Seller Central while a refund of the same line waits here keeps that one back, until a person decides",
			do: func(m *merchant) {
				m.refund(share(mugs, mug, 1))
				m.record(mugs, mug, order.Amounts{order.Principal: usd("13.33"), order.Tax: usd("1.10")})
				m.send()
				m.later(time.Hour)
				m.queued()
				m.documents()
			},
			want: []when{
				on(settings.Settings{Queue: true}, "refund of Principal 13.33, Tax 1.10 USD", "chosen, documents: 1", "refund of SO-1: NeedsDecision", "documents: 0"),
			},
		},
		{
			rule: "When the answer to a refund is lost, and Amazon surely has not got it, a person decides, or it is sent anew",
			do: func(m *merchant) {
				m.fake.Fail(lost())
				m.refund(share(mugs, mug, 1))
				m.later(48 * time.Hour)
				m.queued()
				m.amazon(mugs)
				m.ledger(mugs)
			},
			want: []when{
				off("refund of Principal 13.33, Tax 1.10 USD", "refund of SO-1: NeedsDecision", "Amazon: SHIPPED", "ledger: refunded 0.00, reserved 14.43, left 33.87"),
				under(settings.Policy{LostAnswer: settings.LostAnswerSendsAnew}, "refund of Principal 13.33, Tax 1.10 USD", "refund of SO-1: Accepted",
					"Amazon: SHIPPED, paid Principal 13.33, Tax 1.10 USD for CustomerReturn", "ledger: refunded 14.43, reserved 0.00, left 33.87"),
			},
		},
	}
}

// How requests get to Amazon.
func queueRules() []rule {
	return []rule{
		{
			rule: "Requests go out at once, or wait for a person, or go by themselves in batches",
			do: func(m *merchant) {
				m.refund(share(mugs, mug, 1))
				m.refund(share(lamp, lampOne, 1))
				m.later(10 * time.Minute)
				m.queued()
				m.later(50 * time.Minute)
				m.queued()
				m.documents()
			},
			want: []when{
				off("refund of Principal 13.33, Tax 1.10 USD", "refund of Principal 25.00 USD",
					"refund of SO-1: Accepted", "refund of SO-2: Accepted", "refund of SO-1: Accepted", "refund of SO-2: Accepted", "documents: 1"),
				on(settings.Settings{AutoSubmit: true}, "refund of Principal 13.33, Tax 1.10 USD", "refund of Principal 25.00 USD",
					"refund of SO-1: Accepted", "refund of SO-2: Accepted", "refund of SO-1: Accepted", "refund of SO-2: Accepted", "documents: 1"),
				on(settings.Settings{Queue: true}, "refund of Principal 13.33, Tax 1.10 USD", "refund of Principal 25.00 USD",
					"refund of SO-1: Queued", "refund of SO-2: Queued", "refund of SO-1: Queued", "refund of SO-2: Queued", "documents: 0"),
				on(settings.Settings{Queue: true, AutoSubmit: true}, "refund of Principal 13.33, Tax 1.10 USD", "refund of Principal 25.00 USD",
					"refund of SO-1: Queued", "refund of SO-2: Queued", "refund of SO-1: Accepted", "refund of SO-2: Accepted", "documents: 1"),
			},
		},
		{
			rule: "What I choose goes out in one file, and each request has its own answer",
			do: func(m *merchant) {
				m.must(m.fake.Refuse(at(lamp).Number, 18028, "not this one"))
				m.refund(share(mugs, mug, 1))
				m.refund(share(lamp, lampOne, 1))
				m.refund(share(taxed, clock, 1))
				m.send()
				m.later(time.Hour)
				m.queued()
				m.documents()
			},
			want: []when{
				on(settings.Settings{Queue: true},
					"refund of Principal 13.33, Tax 1.10 USD", "refund of Principal 25.00 USD", "refund of Principal 10.00 USD", "chosen, documents: 1",
					"refund of SO-1: Accepted", "refund of SO-2: Refused", "refund of SO-4: Accepted", "documents: 1"),
			},
		},
		{
			rule: "Of one order one request at a time is with Amazon; the next waits for its answer",
			do: func(m *merchant) {
				m.refund(share(mugs, mug, 1))
				m.refund(share(mugs, mug, 1))
				m.later(time.Minute)
				m.queued()
				m.later(time.Hour)
				m.queued()
				m.documents()
			},
			want: always("refund of Principal 13.33, Tax 1.10 USD", "refund of Principal 13.34, Tax 1.10 USD",
				"refund of SO-1: Submitted", "refund of SO-1: Queued", "refund of SO-1: Accepted", "refund of SO-1: Accepted", "documents: 2"),
		},
		{
			rule: "When Amazon is busy, requests wait; nothing fails of that",
			do: func(m *merchant) {
				calls := failCreateFeed(m.fake, busy, 3)
				r := m.refund(share(mugs, mug, 1))
				m.later(time.Hour)
				e, err := m.desk.Queue.Entry(m.t.Context(), r.ID)
				m.must(err)
				m.see("asked %d times, %d attempt, %s", *calls, len(e.Attempts), e.State)
				m.amazon(mugs)
			},
			want: always("refund of Principal 13.33, Tax 1.10 USD", "asked 4 times, 1 attempt, Accepted", "Amazon: SHIPPED, paid Principal 13.33, Tax 1.10 USD for CustomerReturn"),
		},
		{
			rule: "What is paused stays here until I resume",
			do: func(m *merchant) {
				m.must(m.desk.Queue.Pause(m.t.Context(), "olga", "stocktaking", queue.Scope{Company: "acme"}))
				m.refund(share(mugs, mug, 1))
				m.later(time.Hour)
				m.queued()
				m.must(m.desk.Queue.Resume(m.t.Context(), "olga", "done", queue.Scope{Company: "acme"}))
				m.later(time.Hour)
				m.queued()
			},
			want: always("refund of Principal 13.33, Tax 1.10 USD", "refund of SO-1: Queued", "refund of SO-1: Accepted"),
		},
	}
}
