package order_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/order"
)

var (
	stamp = order.Stamp{By: "ann", At: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), Why: "arrived broken"}
	ours  = order.Cause{Kind: order.CauseRefund, ID: "RF1"}
	other = order.Cause{Kind: order.CauseRefund, ID: "RF2"}
)

// chargedLedger holds the charges of [twoLines]: for the book Principal 19.00
// and Tax 1.66, for the lamp Principal 90.00, GiftWrap 2.50 and GiftWrapTax 0.21,
// 113.37 USD in all.
func chargedLedger(t require.TestingT) order.Ledger {
	l := order.Ledger{Order: amazonOrder}
	ps, err := l.Charge(stamp, twoLines())
	require.NoError(t, err)
	return l.With(ps...)
}

// reserved is a ledger after one more reservation.
func reserved(t require.TestingT, l order.Ledger, c order.Cause, item string, ask order.Amounts) order.Ledger {
	ps, err := l.Reserve(c, item, ask, false, stamp)
	require.NoError(t, err)
	return l.With(ps...)
}

// posting is what somebody else, such as Amazon, did to the order.
func posting(l order.Ledger, b order.Balance, k order.CauseKind, amount string) order.Posting {
	return order.Posting{
		Order: l.Order, Seq: len(l.Postings) + 1, Item: book, Component: order.Principal, Balance: b,
		Amount: dec(amount), Currency: "USD", Cause: order.Cause{Kind: k, ID: "X1"}, Stamp: stamp,
	}
}

func principal(amount string) order.Amounts { return order.Amounts{order.Principal: dec(amount)} }

func TestChargeWritesWhatTheBuyerPaid(t *testing.T) {
	l := order.Ledger{Order: amazonOrder}
	assert.Equal(t, order.Currency(""), l.Currency())

	got, err := l.Charge(stamp, twoLines())
	require.NoError(t, err)
	charge := func(seq int, item string, c order.Component, amount string) order.Posting {
		return order.Posting{
			Order: amazonOrder, Seq: seq, Item: item, Component: c, Balance: order.Charged, Amount: dec(amount),
			Currency: "USD", Cause: order.Cause{Kind: order.CauseOrder, ID: amazonOrder.Number}, Stamp: stamp,
		}
	}
	want := []order.Posting{
		charge(1, book, order.Principal, "19"), charge(2, book, order.Tax, "1.66"),
		charge(3, lamp, order.Principal, "90"), charge(4, lamp, order.GiftWrap, "2.5"), charge(5, lamp, order.GiftWrapTax, "0.21"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	l = l.With(got...)
	assert.Equal(t, order.Currency("USD"), l.Currency())
	assert.Equal(t, []string{book, lamp}, l.Items())
	assert.Equal(t, "113.37", l.Total(order.Charged).String())
	assert.Equal(t, "113.37", l.LeftTotal().String())
	assert.Equal(t, "Principal 19, Tax 1.66", l.Left(book).String())

	again, err := l.Charge(stamp, twoLines())
	require.NoError(t, err)
	assert.Empty(t, again, "nothing has changed")
}

func TestChargeWritesDifferences(t *testing.T) {
	l := chargedLedger(t)
	o := twoLines()
	o.Lines[0].Charges[order.Principal] = dec("25.00")
	o.Lines[0].Charges[order.Tax] = dec("0")
	o.Lines[1].Charges[order.ShippingTax] = dec("0.40")

	ps, err := l.Charge(stamp, o)
	require.NoError(t, err)
	got := map[string]string{}
	for _, p := range ps {
		got[fmt.Sprint(p.Seq, " ", p.Item, " ", p.Component)] = order.Format(p.Amount, p.Currency)
	}
	assert.Equal(t, map[string]string{
		"6 " + book + " Principal": "5.00 USD", "7 " + book + " Tax": "-1.66 USD", "8 " + lamp + " ShippingTax": "0.40 USD",
	}, got)
	l = l.With(ps...)
	assert.Equal(t, "Principal 24", l.Sum(order.Charged, book).String())
}

func TestChargeDoesNotCareHowAnOrderIsSplit(t *testing.T) {
	whole := twoLines()
	apart := func() (order.Order, order.Order) { return twoLines(), twoLines() }

	byLine, rest := apart()
	rest.ID.Number = "SO-1/2"
	byLine.Lines, rest.Lines = byLine.Lines[:1], rest.Lines[1:]

	// One lamp of three moves to another host order with its share of the price.
	byUnit, lamps := apart()
	lamps.ID.Number = "SO-1/2"
	lamps.Lines = lamps.Lines[1:]
	share := order.Prorate(lamps.Lines[0].Charges, 1, 3, "USD")
	byUnit.Lines[1].Charges = byUnit.Lines[1].Charges.Minus(share)
	lamps.Lines[0].Charges = share

	l := chargedLedger(t)
	for name, orders := range map[string][]order.Order{
		"whole":                 {whole},
		"by line":               {byLine, rest},
		"by line, in any order": {rest, byLine},
		"by unit":               {byUnit, lamps},
	} {
		ps, err := l.Charge(stamp, orders...)
		require.NoError(t, err, name)
		assert.Empty(t, ps, name)

		fresh := order.Ledger{Order: amazonOrder}
		ps, err = fresh.Charge(stamp, orders...)
		require.NoError(t, err, name)
		for _, item := range []string{book, lamp} {
			assert.Truef(t, fresh.With(ps...).Sum(order.Charged, item).Equal(l.Sum(order.Charged, item)), "%s: item %s", name, item)
		}
	}

	ps, err := l.Charge(stamp)
	require.NoError(t, err)
	assert.Empty(t, ps, "no orders")
}

func TestChargeRefuses(t *testing.T) {
	euro, elsewhere, stranger := twoLines(), twoLines(), twoLines()
	euro.ID.Number, euro.Currency = "SO-2", "EUR"
	elsewhere.Amazon.Number = "222-1234567-7654321"
	stranger.Amazon.Account = "acme-eu"
	for _, test := range []struct {
		name     string
		l        order.Ledger
		orders   []order.Order
		currency bool
		want     string
	}{
		{"another currency", chargedLedger(t), []order.Order{euro}, true, "order acme/SO-2: another currency: EUR where the ledger of acme-na/111-1234567-7654321 has USD"},
		{"two currencies", order.Ledger{Order: amazonOrder}, []order.Order{twoLines(), euro}, true, "order acme/SO-2: another currency: EUR where the ledger of acme-na/111-1234567-7654321 has USD"},
		{"another Amazon order", chargedLedger(t), []order.Order{elsewhere}, false, "order acme/SO-1 carries Amazon order acme-na/222-1234567-7654321: want acme-na/111-1234567-7654321"},
		{"another account", chargedLedger(t), []order.Order{stranger}, false, "order acme/SO-1 carries Amazon order acme-eu/111-1234567-7654321: want acme-na/111-1234567-7654321"},
		{"an order twice", chargedLedger(t), []order.Order{twoLines(), twoLines()}, false, "order acme/SO-1 is given twice: want each host order of acme-na/111-1234567-7654321 once"},
	} {
		ps, err := test.l.Charge(stamp, test.orders...)
		assert.EqualError(t, err, test.want, test.name)
		assert.Equal(t, test.currency, errors.Is(err, order.ErrCurrency), test.name)
		assert.Empty(t, ps, test.name)
	}
}

func TestReserve(t *testing.T) {
	l := chargedLedger(t)
	got, err := l.Reserve(ours, book, order.Amounts{order.Tax: dec("0.83"), order.Principal: dec("9.50"), order.Goodwill: dec("5"), order.Shipping: dec("0")}, false, stamp)
	require.NoError(t, err)
	promise := func(seq int, c order.Component, amount string) order.Posting {
		return order.Posting{
			Order: amazonOrder, Seq: seq, Item: book, Component: c, Balance: order.Reserved, Amount: dec(amount),
			Currency: "USD", Cause: ours, Stamp: stamp,
		}
	}
	want := []order.Posting{promise(6, order.Principal, "9.5"), promise(7, order.Tax, "0.83"), promise(8, order.Goodwill, "5")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	l = l.With(got...)
	assert.Equal(t, "Principal 9.5, Tax 0.83, Goodwill 5", l.Held(ours, book).String())
	assert.Empty(t, l.Held(other, book))
	assert.Empty(t, l.Held(ours, lamp))
	assert.Equal(t, "Principal 9.5, Tax 0.83, Goodwill -5", l.Left(book).String())
	assert.Equal(t, "98.04", l.LeftTotal().String())

	ps, err := l.Reserve(ours, book, nil, false, stamp)
	require.NoError(t, err)
	assert.Empty(t, ps, "nothing asked for")
	overdrawn := l.With(posting(l, order.Posted, order.CauseAmazon, "500"))
	ps, err = overdrawn.Reserve(ours, lamp, order.Amounts{order.Tax: dec("0")}, false, stamp)
	require.NoError(t, err)
	assert.Empty(t, ps, "nothing asked for, though more went back than was charged")

	twice := reserved(t, l, ours, book, principal("9.50"))
	assert.Equal(t, "Principal 19, Tax 0.83, Goodwill 5", twice.Held(ours, book).String(), "each call reserves anew")
}

func TestReserveRefusesMoreThanIsLeft(t *testing.T) {
	l := chargedLedger(t)
	l = reserved(t, l, other, book, principal("4.00"))
	l = l.With(l.Post(other, book, stamp)...)
	l = reserved(t, l, other, book, principal("5.00"))
	l = reserved(t, l, other, lamp, order.Amounts{order.ReturnShipping: dec("7.77")})
	overdrawn := l.With(posting(l, order.Posted, order.CauseAmazon, "30"))

	over := func(item string, c order.Component, asked, charged, posted, reserved string) *order.OverError {
		return &order.OverError{
			Order: amazonOrder, Item: item, Component: c, Currency: "USD",
			Asked: dec(asked), Charged: dec(charged), Posted: dec(posted), Reserved: dec(reserved),
		}
	}
	for _, test := range []struct {
		name string
		l    order.Ledger
		item string
		ask  order.Amounts
		over bool
		want *order.OverError
		left string
		text string
	}{
		{
			"a cent above a charge", l, book, principal("10.01"), false,
			over(book, order.Principal, "10.01", "19", "4", "5"), "10",
			"order acme-na/111-1234567-7654321: 10.01 USD asked for item " + book + " Principal is more than is left of 10.00 USD (charged 19.00 USD, posted 4.00 USD, reserved 5.00 USD): ask for at most 10.00 USD",
		},
		{
			"a charge holds even where over-refund is allowed", l, book, principal("10.01"), true,
			over(book, order.Principal, "10.01", "19", "4", "5"), "10", "more than is left of 10.00 USD",
		},
		{
			"what was not charged", l, book, order.Amounts{order.Principal: dec("1"), order.ShippingTax: dec("0.01")}, true,
			over(book, order.ShippingTax, "0.01", "0", "0", "0"), "0", "0.01 USD asked for item " + book + " ShippingTax is more than is left of 0.00 USD",
		},
		{
			"an item without charges", l, "99999999999999", principal("1"), true,
			over("99999999999999", order.Principal, "1", "0", "0", "0"), "0", "asked for item 99999999999999 Principal",
		},
		{
			"nothing is left below zero", overdrawn, book, principal("0.01"), true,
			over(book, order.Principal, "0.01", "19", "34", "5"), "0", "more than is left of 0.00 USD (charged 19.00 USD, posted 34.00 USD, reserved 5.00 USD): ask for at most 0.00 USD",
		},
		{
			"a concession above the order's total", l, lamp, order.Amounts{order.Goodwill: dec("96.61")}, false,
			over("", "", "96.61", "113.37", "4", "12.77"), "96.6",
			"order acme-na/111-1234567-7654321: 96.61 USD asked for the order is more than is left of 96.60 USD (charged 113.37 USD, posted 4.00 USD, reserved 12.77 USD): ask for at most 96.60 USD",
		},
		{
			"a concession with charges above the order's total", l, lamp, order.Amounts{order.Principal: dec("90"), order.Goodwill: dec("6.61")}, false,
			over("", "", "96.61", "113.37", "4", "12.77"), "96.6", "asked for the order",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			ps, err := test.l.Reserve(ours, test.item, test.ask, test.over, stamp)
			assert.Empty(t, ps)
			require.ErrorIs(t, err, order.ErrOver)
			require.ErrorContains(t, err, test.text)
			var got *order.OverError
			require.ErrorAs(t, err, &got)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			assert.Equal(t, test.left, got.Left().String())
		})
	}
}

func TestReserveGrantsExactlyWhatIsLeft(t *testing.T) {
	l := reserved(t, chargedLedger(t), other, book, principal("9.00"))
	for _, test := range []struct {
		name string
		ask  order.Amounts
		over bool
	}{
		{"of a charge", principal("10"), false},
		{"of the order, with a concession", order.Amounts{order.Principal: dec("10"), order.Goodwill: dec("94.37")}, false},
		{"of the order, as a concession alone", order.Amounts{order.ReturnShipping: dec("104.37")}, false},
		{"and more where over-refund is allowed", order.Amounts{order.Principal: dec("10"), order.Goodwill: dec("1000")}, true},
	} {
		ps, err := l.Reserve(ours, book, test.ask, test.over, stamp)
		require.NoError(t, err, test.name)
		assert.Truef(t, l.With(ps...).Held(ours, book).Equal(test.ask), "%s: holds %s, want %s", test.name, l.With(ps...).Held(ours, book), test.ask)
	}
}

func TestReserveRefusesWhatCannotBePromised(t *testing.T) {
	named := "order acme-na/111-1234567-7654321: item " + book + ": "
	for _, test := range []struct {
		name string
		l    order.Ledger
		ask  order.Amounts
		over bool
		want string
	}{
		{"below zero", chargedLedger(t), principal("-1"), false, named + "Principal -1.00 USD is below zero; amounts are positive"},
		{"half a cent", chargedLedger(t), principal("1.005"), false, named + "Principal 1.005 has more than the 2 decimals of USD"},
		{"unknown", chargedLedger(t), order.Amounts{"Duty": dec("1")}, true, named + `component "Duty" is unknown`},
		{"deduction", chargedLedger(t), order.Amounts{order.RestockingFee: dec("1")}, true, named + "RestockingFee is a deduction: lower Principal by it instead"},
		{"another deduction", chargedLedger(t), order.Amounts{order.Principal: dec("5"), order.LabelCost: dec("1")}, false, named + "LabelCost is a deduction"},
		{"nothing charged", order.Ledger{Order: amazonOrder}, principal("1"), false, named + "Principal 1 is more than is left: the order has no charges"},
		{"nothing charged, over", order.Ledger{Order: amazonOrder}, order.Amounts{order.Goodwill: dec("1")}, true, named + "Goodwill 1 is more than is left: the order has no charges"},
	} {
		ps, err := test.l.Reserve(ours, book, test.ask, test.over, stamp)
		assert.ErrorContains(t, err, test.want, test.name)
		assert.Empty(t, ps, test.name)
	}
}

func TestVoidGivesBackOnce(t *testing.T) {
	l := reserved(t, chargedLedger(t), ours, book, order.Amounts{order.Principal: dec("9.50"), order.Goodwill: dec("2")})
	l = reserved(t, l, other, book, principal("1.00"))
	assert.Empty(t, l.Void(ours, lamp, stamp), "another item")

	later := order.Stamp{By: "bob", At: stamp.At.Add(time.Hour), Why: "withdrawn"}
	back := l.Void(ours, book, later)
	require.Len(t, back, 2)
	for _, p := range back {
		assert.Equal(t, later, p.Stamp)
		assert.Equal(t, ours, p.Cause)
		assert.Equal(t, order.Reserved, p.Balance)
	}
	voided := l.With(back...)
	assert.True(t, voided.Held(ours, book).IsZero())
	assert.Equal(t, "Principal 1", voided.Held(other, book).String(), "another refund keeps its own")
	assert.Equal(t, "Principal 18, Tax 1.66", voided.Left(book).String())

	assert.Empty(t, voided.Void(ours, book, later), "voiding twice")
	assert.Empty(t, voided.Post(ours, book, later), "posting what was voided")
	assert.Empty(t, order.Ledger{Order: amazonOrder}.Void(ours, book, later), "an empty ledger")

	anew := reserved(t, voided, ours, book, principal("18"))
	assert.Equal(t, "Principal 18", anew.Held(ours, book).String(), "a retry reserves again")
}

func TestPostPaysOnce(t *testing.T) {
	l := reserved(t, chargedLedger(t), ours, book, order.Amounts{order.Principal: dec("9.50"), order.Goodwill: dec("2")})
	l = reserved(t, l, other, book, principal("1.00"))
	assert.Empty(t, l.Post(ours, lamp, stamp), "another item")

	posted := l.With(l.Post(ours, book, stamp)...)
	assert.True(t, posted.Held(ours, book).IsZero())
	assert.Equal(t, "Principal 9.5, Goodwill 2", posted.Sum(order.Posted, book).String())
	assert.Equal(t, "Principal 1", posted.Sum(order.Reserved, book).String(), "another refund keeps its own")
	assert.True(t, posted.Left(book).Equal(l.Left(book)), "posting does not change what is left")

	assert.Empty(t, posted.Post(ours, book, stamp), "posting twice")
	assert.Empty(t, posted.Void(ours, book, stamp), "voiding what was posted")
}

func TestWithLeavesTheLedgerAlone(t *testing.T) {
	l := chargedLedger(t)
	l.Version = 7
	l.Postings = append(make([]order.Posting, 0, 64), l.Postings...) // room to write into
	before := chargedLedger(t).Postings

	one := reserved(t, l, ours, book, principal("1"))
	two := reserved(t, l, other, lamp, principal("2"))
	assert.Equal(t, "Principal 1", one.Sum(order.Reserved, book).String())
	assert.Equal(t, "Principal 2", two.Sum(order.Reserved, lamp).String())
	assert.Empty(t, one.Sum(order.Reserved, lamp))
	assert.Equal(t, int64(7), one.Version)
	if diff := cmp.Diff(before, l.Postings); diff != "" {
		t.Errorf("the receiver has changed (-want +got):\n%s", diff)
	}

	same := l.With()
	same.Postings[0].Item = lamp
	assert.Equal(t, book, l.Postings[0].Item)
}

func TestPaymentStatus(t *testing.T) {
	type step struct {
		b      order.Balance
		k      order.CauseKind
		amount string
	}
	charge := step{order.Charged, order.CauseOrder, "100"}
	for _, test := range []struct {
		name    string
		steps   []step
		want    order.PaymentStatus
		pending string
	}{
		{"nothing", nil, order.NoPayment, "0"},
		{"a free order", []step{{order.Charged, order.CauseOrder, "0"}}, order.NoPayment, "0"},
		{"charged", []step{charge}, order.PaymentCharged, "0"},
		{"a refund waits", []step{charge, {order.Reserved, order.CauseRefund, "100"}}, order.PaymentCharged, "100"},
		{"a cancellation waits", []step{charge, {order.Reserved, order.CauseCancellation, "100"}}, order.PaymentCharged, "0"},
		{"a refund was voided", []step{charge, {order.Reserved, order.CauseRefund, "30"}, {order.Reserved, order.CauseRefund, "-30"}}, order.PaymentCharged, "0"},
		{"partly refunded", []step{charge, {order.Posted, order.CauseRefund, "99.99"}}, order.PartialRefund, "0"},
		{"partly refunded, and a refund waits", []step{charge, {order.Posted, order.CauseRefund, "60"}, {order.Reserved, order.CauseRefund, "40"}}, order.PartialRefund, "40"},
		{"fully refunded", []step{charge, {order.Posted, order.CauseRefund, "60"}, {order.Posted, order.CauseRefund, "40"}}, order.FullRefund, "0"},
		{"refunded by Amazon", []step{charge, {order.Posted, order.CauseAmazon, "100"}}, order.FullRefund, "0"},
		{"refunded by both", []step{charge, {order.Posted, order.CauseAmazon, "1"}, {order.Posted, order.CauseRefund, "100"}}, order.OverRefund, "0"},
		{"more than was charged", []step{charge, {order.Posted, order.CauseRefund, "100.01"}}, order.OverRefund, "0"},
		{"a free order refunded", []step{{order.Posted, order.CauseAmazon, "0.01"}}, order.OverRefund, "0"},
		{"partly cancelled", []step{charge, {order.Posted, order.CauseCancellation, "40"}}, order.PartialPayment, "0"},
		{"cancelled", []step{charge, {order.Posted, order.CauseCancellation, "100"}}, order.NoPayment, "0"},
		{"partly cancelled, the rest partly refunded", []step{charge, {order.Posted, order.CauseCancellation, "40"}, {order.Posted, order.CauseRefund, "59.99"}}, order.PartialRefund, "0"},
		{"partly cancelled, the rest refunded", []step{charge, {order.Posted, order.CauseCancellation, "40"}, {order.Posted, order.CauseRefund, "60"}}, order.FullRefund, "0"},
		{"partly cancelled, more than the rest refunded", []step{charge, {order.Posted, order.CauseCancellation, "40"}, {order.Posted, order.CauseRefund, "60.01"}}, order.OverRefund, "0"},
		{"cancelled and refunded", []step{charge, {order.Posted, order.CauseCancellation, "100"}, {order.Posted, order.CauseAmazon, "100"}}, order.OverRefund, "0"},
	} {
		l := order.Ledger{Order: amazonOrder}
		for _, s := range test.steps {
			l = l.With(posting(l, s.b, s.k, s.amount))
		}
		assert.Equal(t, test.want, l.PaymentStatus(), test.name)
		assert.Equal(t, test.pending, l.Pending().String(), test.name)
	}
}

// Law 5, and the books close: whatever is asked in whatever order.
func TestNoSequencePromisesMoreThanIsLeft(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cur := rapid.SampledFrom(currencies).Draw(t, "currency")
		allowed := rapid.Bool().Draw(t, "over-refund allowed")
		o := twoLines()
		o.Currency = cur
		for i := range o.Lines {
			o.Lines[i].Charges, o.Lines[i].Promotions = drawAmounts(t, charged, cur, 2000, "charges"), nil
		}
		o.Lines[0].Charges[order.Principal] = decimal.New(1, -cur.Digits()) // never free
		l := order.Ledger{Order: amazonOrder}
		ps, err := l.Charge(stamp, o)
		require.NoError(t, err)
		l = l.With(ps...)

		item := rapid.SampledFrom([]string{book, lamp})
		cause := rapid.SampledFrom([]order.Cause{ours, other, {Kind: order.CauseCancellation, ID: "CA1"}})
		open := map[string]order.Amounts{} // by cause and item: what is promised
		paid := order.Amounts{}
		key := func(c order.Cause, item string) string { return c.String() + item }

		t.Repeat(map[string]func(*rapid.T){
			"reserve": func(t *rapid.T) {
				c, item := cause.Draw(t, "cause"), item.Draw(t, "item")
				ask := drawAmounts(t, components[:8], cur, 1500, "ask")
				ps, err := l.Reserve(c, item, ask, allowed, stamp)
				if err != nil {
					require.ErrorIs(t, err, order.ErrOver)
					require.Empty(t, ps)
					return
				}
				l = l.With(ps...)
				open[key(c, item)] = open[key(c, item)].Plus(ask)
			},
			"reserve what is left": func(t *rapid.T) {
				c, item := cause.Draw(t, "cause"), item.Draw(t, "item")
				comp := rapid.SampledFrom(charged).Draw(t, "component")
				ask := order.Amounts{comp: decimal.Max(decimal.Zero, decimal.Min(l.Left(item)[comp], l.LeftTotal()))}
				ps, err := l.Reserve(c, item, ask, false, stamp)
				require.NoError(t, err)
				l = l.With(ps...)
				open[key(c, item)] = open[key(c, item)].Plus(ask)
			},
			"void": func(t *rapid.T) {
				c, item := cause.Draw(t, "cause"), item.Draw(t, "item")
				l = l.With(l.Void(c, item, stamp)...)
				delete(open, key(c, item))
			},
			"post": func(t *rapid.T) {
				c, item := cause.Draw(t, "cause"), item.Draw(t, "item")
				l = l.With(l.Post(c, item, stamp)...)
				paid = paid.Plus(open[key(c, item)])
				delete(open, key(c, item))
			},
			"": func(t *rapid.T) {
				promised, returned := order.Amounts{}, order.Amounts{}
				for _, a := range open {
					promised = promised.Plus(a)
				}
				for _, item := range []string{book, lamp} {
					left := l.Left(item)
					for _, c := range charged {
						require.Falsef(t, left[c].IsNegative(), "item %s %s: %s is left", item, c, left[c])
					}
					returned = returned.Plus(l.Sum(order.Posted, item))
					require.True(t, left.Plus(l.Sum(order.Posted, item)).Plus(l.Sum(order.Reserved, item)).Equal(l.Sum(order.Charged, item)))
				}
				require.Truef(t, allowed || !l.LeftTotal().IsNegative(), "%s is left of the order", l.LeftTotal())
				require.Truef(t, l.Total(order.Reserved).Equal(promised.Total()), "reserved %s, want %s", l.Total(order.Reserved), promised)
				require.Truef(t, returned.Equal(paid), "posted %s, want %s", returned, paid)
				require.True(t, l.LeftTotal().Equal(l.Total(order.Charged).Sub(promised.Total()).Sub(paid.Total())))
				for i, p := range l.Postings {
					require.Equal(t, i+1, p.Seq)
					require.Equal(t, cur, p.Currency)
					require.False(t, p.Amount.IsZero())
				}
			},
		})
	})
}

// What Amazon did after its reservation was given back is posted all the same, and
// so is what it did a second time.
func TestPostAgainPostsWhatWasHeldLast(t *testing.T) {
	ask := order.Amounts{order.Principal: dec("5.00"), order.Tax: dec("0.40")}
	l := reserved(t, chargedLedger(t), ours, book, principal("3.00"))
	l = l.With(l.Void(ours, book, stamp)...)
	l = reserved(t, l, ours, book, ask)
	l = reserved(t, l, other, book, principal("1.00"))
	l = l.With(l.Void(ours, book, stamp)...)

	ps := l.PostAgain(ours, book, stamp)
	require.Len(t, ps, 2)
	assert.Equal(t, len(l.Postings)+1, ps[0].Seq)
	assert.Equal(t, ours, ps[0].Cause)
	once := l.With(ps...)
	assert.True(t, once.Sum(order.Posted, book).Equal(ask))
	twice := once.With(once.PostAgain(ours, book, stamp)...)
	assert.True(t, twice.Sum(order.Posted, book).Equal(ask.Plus(ask)))
	assert.True(t, twice.Sum(order.Reserved, book).Equal(principal("1.00")), "what others hold stays")

	assert.Empty(t, l.PostAgain(ours, lamp, stamp), "it never held anything of this item")
	assert.Empty(t, order.Ledger{Order: amazonOrder}.PostAgain(ours, book, stamp))
}

func TestOver(t *testing.T) {
	l := chargedLedger(t)
	assert.NoError(t, l.Over(false))
	assert.NoError(t, order.Ledger{}.Over(false))
	l = reserved(t, l, ours, book, principal("19.00"))
	assert.NoError(t, l.Over(false), "all that was charged is promised")

	item := l.With(posting(l, order.Posted, order.CauseAmazon, "0.01"))
	for _, allowed := range []bool{false, true} {
		assert.EqualError(t, item.Over(allowed), "item "+book+": Principal is overdrawn: 0.01 USD more is posted and reserved than the order says was charged")
	}
	gift := posting(l, order.Posted, order.CauseAmazon, "113.37")
	gift.Component = order.Goodwill
	assert.NoError(t, l.With(gift).Over(false), "exactly what was charged is posted")
	gift.Amount = dec("113.38")
	assert.EqualError(t, l.With(gift).Over(false), "the order is overdrawn: 0.01 USD more is posted than it says was charged")
	assert.NoError(t, l.With(gift).Over(true), "that was allowed")
}

// A host may take cancelled units off a line with their price, or leave both: what
// was cancelled here stands as posted either way, and the others keep their money.
func TestChargeOfUnitsThatWereCancelledHere(t *testing.T) {
	l := chargedLedger(t)
	cancelled := order.Cause{Kind: order.CauseCancellation, ID: "CN1"}
	share := order.Prorate(l.Left(lamp), 1, 3, "USD")
	l = reserved(t, l, cancelled, lamp, share)
	for _, posted := range []bool{false, true} {
		if posted {
			l = l.With(l.Post(cancelled, lamp, stamp)...)
		}
		left := l.Left(lamp)
		for name, price := range map[string]order.Amounts{"kept": {}, "taken off": share} {
			o := twoLines()
			o.Lines[1].Charges = o.Lines[1].Charges.Minus(price)
			ps, err := l.Charge(stamp, o)
			require.NoError(t, err)
			assert.Empty(t, ps, "posted %v, %s", posted, name)
			assert.NoError(t, l.With(ps...).Over(false))
			assert.True(t, l.With(ps...).Left(lamp).Equal(left))
		}
		o := twoLines()
		o.Lines[1].Charges = o.Lines[1].Charges.Minus(share).Minus(principal("1.00"))
		ps, err := l.Charge(stamp, o)
		require.NoError(t, err)
		require.Len(t, ps, 1, "a price that falls further does")
		assert.Equal(t, "-1", ps[0].Amount.String())
	}
}
