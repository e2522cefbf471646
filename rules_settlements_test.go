package takeback_test

import (
	"slices"
	"strings"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/settings"
)

// What closes the books.
func settlementRules() []rule {
	return []rule{
		{
			rule: "A settlement proves what was refunded, to the cent, and the same one again changes nothing",
			do: func(m *merchant) {
				m.refund(share(mugs, mug, 1))
				m.refund(share(lamp, lampOne, 1))
				m.later(time.Hour)
				file := m.settle()
				m.importSettlement(file)
				m.proofs()
				m.ends()
			},
			want: always(
				"refund of Principal 13.33, Tax 1.10 USD", "refund of Principal 25.00 USD", "settlement: map[Settled:2]", "settlement: map[]",
				"refund from Order of Principal 13.33, Tax 1.10 USD: Posted Settled", "refund from Order of Principal 25.00 USD: Posted Settled", "no open ends",
			),
		},
		{
			rule: "What a settlement shows with another amount is told, and the ledger follows Amazon",
			do: func(m *merchant) {
				m.refund(share(lamp, lampOne, 1))
				m.later(time.Hour)
				m.settle(instead("25", "24"), instead("30", "29"))
				m.proofs()
				m.ledger(lamp)
				m.alerts()
				m.ends()
			},
			want: always(
				"refund of Principal 25.00 USD", "settlement: map[Mismatched:1]", "refund from Order of Principal 25.00 USD: Posted Mismatched",
				"ledger: refunded 24.00, reserved 0.00, left 1.00", "alerts: [mismatched]", "open end: Mismatched -1.00 USD",
			),
		},
		{
			rule: "A refund that Amazon made by itself is in my books, and on the order",
			do: func(m *merchant) {
				m.must(m.fake.Refund(amazon.ActorAmazon, at(lamp).Number, lampOne, price("25.00")))
				m.settle()
				m.orders(lamp)
				m.proofs()
				m.ends()
				m.refund(share(lamp, lampOne, 1))
			},
			want: always(
				"settlement: map[AmazonInitiated:1]", "SO-2: Completed, FullRefund", "refund from Amazon of Principal 25.00 USD: Posted Settled",
				"open end: AmazonInitiated 25.00 USD", "refund: no, more than is left",
			),
		},
		{
			rule: "A claim that Amazon grants the buyer is Amazon's own refund",
			do: func(m *merchant) {
				m.must(m.fake.Refund(amazon.ActorAmazon, at(lamp).Number, lampOne, price("25.00")))
				m.settle(as("A-to-z Guarantee Refund"))
				m.orders(lamp)
				m.notes(lamp, "A-to-z Guarantee Refund")
			},
			want: always("settlement: map[AmazonInitiated:1]", "SO-2: Completed, FullRefund", "note on SO-2: … A-to-z Guarantee Refund …"),
		},
		{
			rule: "What a settlement shows of an order that I do not have yet is kept until I do",
			do: func(m *merchant) {
				late := *m.book.find(hostID(lamp))
				m.book.orders = slices.DeleteFunc(m.book.orders, func(o order.Order) bool { return o.ID == late.ID })
				m.must(m.fake.Refund(amazon.ActorAmazon, at(lamp).Number, lampOne, price("25.00")))
				m.settle()
				m.book.orders = append(m.book.orders, late)
				in, err := m.desk.Settlements.Retry(m.t.Context(), acme)
				m.must(err)
				m.see("matched now: %d", in.Rematched)
				m.orders(lamp)
			},
			want: always("settlement: map[UnknownOrder:1]", "matched now: 1", "SO-2: Completed, FullRefund"),
		},
		{
			rule: "A settlement in another currency converts nothing, and is told",
			do: func(m *merchant) {
				m.refund(share(lamp, lampOne, 1))
				m.later(time.Hour)
				m.importSettlement(strings.ReplaceAll(m.settlementOf(), "USD", "CAD"))
				m.proofs()
				m.alerts()
			},
			want: always("refund of Principal 25.00 USD", "settlement: map[OtherCurrency:1]", "refund from Order of Principal 25.00 USD: Posted ", "alerts: [currency]"),
		},
		{
			rule: "A refund that I recorded from Seller Central settles like any other",
			do: func(m *merchant) {
				m.must(m.fake.Refund(amazon.ActorMerchant, at(lamp).Number, lampOne, price("25.00")))
				m.record(lamp, lampOne, price("25.00"))
				m.settle()
				m.proofs()
				m.ends()
			},
			want: always("settlement: map[Settled:1]", "refund from SellerCentral of Principal 25.00 USD: Posted Settled", "no open ends"),
		},
		{
			rule: "What Amazon shows twice is told as doubled, never dropped",
			do: func(m *merchant) {
				m.refund(share(lamp, lampOne, 1))
				m.later(time.Hour)
				m.must(m.fake.Refund(amazon.ActorAmazon, at(lamp).Number, lampOne, price("25.00")))
				m.settle()
				m.alerts()
				m.orders(lamp)
				m.ends()
			},
			want: always("refund of Principal 25.00 USD", "settlement: map[Doubled:1 Settled:1]", "alerts: [doubled]", "SO-2: Completed, OverRefund", "open end: Doubled 25.00 USD"),
		},
		{
			rule: "A refund that three whole settlements do not show is missing, or as many as I say; that decides nothing, and a later one may show it",
			do: func(m *merchant) {
				m.refund(share(lamp, lampOne, 1))
				m.later(time.Hour)
				m.settle(without(at(lamp).Number)) // it should have been in this one
				for range 3 {
					m.later(24 * time.Hour)
					m.settle()
					m.proofs()
				}
				m.alerts()
				m.ledger(lamp)
				m.began = m.began.AddDate(0, 0, -30)
				m.settle()
				m.proofs()
			},
			want: []when{
				off("refund of Principal 25.00 USD", "settlement: map[]",
					"settlement: map[]", "refund from Order of Principal 25.00 USD: Posted ",
					"settlement: map[]", "refund from Order of Principal 25.00 USD: Posted ",
					"settlement: map[]", "refund from Order of Principal 25.00 USD: Posted Missing", "alerts: [missing]",
					"ledger: refunded 25.00, reserved 0.00, left 0.00", "settlement: map[Settled:1]", "refund from Order of Principal 25.00 USD: Posted Settled"),
				under(settings.Policy{MissingAfter: 1}, "refund of Principal 25.00 USD", "settlement: map[]",
					"settlement: map[]", "refund from Order of Principal 25.00 USD: Posted Missing",
					"settlement: map[]", "refund from Order of Principal 25.00 USD: Posted Missing",
					"settlement: map[]", "refund from Order of Principal 25.00 USD: Posted Missing", "alerts: [missing]",
					"ledger: refunded 25.00, reserved 0.00, left 0.00", "settlement: map[Settled:1]", "refund from Order of Principal 25.00 USD: Posted Settled"),
			},
		},
		{
			rule: "A settlement that does not add up is told, and counts all the same",
			do: func(m *merchant) {
				m.refund(share(lamp, lampOne, 1))
				m.later(time.Hour)
				m.importSettlement(strings.Replace(m.settlementOf(), "-30.00", "-31.00", 1))
				m.alerts()
			},
			want: always("refund of Principal 25.00 USD", "settlement: map[Mismatched:1]", "alerts: [difference mismatched]"),
		},
		{
			rule: "Commission that Amazon gives back and keeps is recorded with each refund",
			do: func(m *merchant) {
				m.refund(share(lamp, lampOne, 1))
				m.later(time.Hour)
				m.settle()
				m.commission(lamp)
			},
			want: always("refund of Principal 25.00 USD", "settlement: map[Settled:1]", "commission: 3.75 back, 0.75 kept"),
		},
		{
			rule: "Two equal refunds are two, and each has its own row in the settlement",
			do: func(m *merchant) {
				for range 2 {
					m.refund(amounts(mugs, mug, order.Amounts{order.Principal: usd("5.00")}))
					m.later(time.Hour)
				}
				m.settle()
				m.proofs()
				m.ends()
			},
			want: always(
				"refund of Principal 5.00 USD", "refund of Principal 5.00 USD", "settlement: map[Settled:2]",
				"refund from Order of Principal 5.00 USD: Posted Settled", "refund from Order of Principal 5.00 USD: Posted Settled", "no open ends",
			),
		},
	}
}

// without is a settlement that leaves out an order.
func without(number string) rowsChange {
	return func(rows []amazontest.SettlementRow) []amazontest.SettlementRow {
		return slices.DeleteFunc(rows, func(r amazontest.SettlementRow) bool { return r.OrderID == number })
	}
}

// instead is a settlement with another amount of a refunded principal.
func instead(of, amount string) rowsChange {
	return func(rows []amazontest.SettlementRow) []amazontest.SettlementRow {
		for i, r := range rows {
			if r.AmountDescription == "Principal" && r.Amount.Equal(usd(of).Neg()) {
				rows[i].Amount = usd(amount).Neg()
			}
		}
		return rows
	}
}

// as is a settlement that has refunds under another name.
func as(kind string) rowsChange {
	return func(rows []amazontest.SettlementRow) []amazontest.SettlementRow {
		for i, r := range rows {
			if r.TransactionType == "Refund" {
				rows[i].TransactionType = kind
			}
		}
		return rows
	}
}
