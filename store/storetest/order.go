package storetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/store"
)

// saver is a save that is about Amazon orders.
type saver struct {
	name string
	save func(context.Context, takeback.Store, ...order.Writes) error
}

var savers = []saver{
	{"SaveRefunds", func(ctx context.Context, st takeback.Store, ws ...order.Writes) error {
		var cs []refund.Change
		for _, w := range ws {
			cs = append(cs, refund.Change{Writes: w})
		}
		return st.SaveRefunds(ctx, cs)
	}},
	{"SaveCancellations", func(ctx context.Context, st takeback.Store, ws ...order.Writes) error {
		var cs []cancel.Change
		for _, w := range ws {
			cs = append(cs, cancel.Change{Writes: w})
		}
		return st.SaveCancellations(ctx, cs)
	}},
	{"SaveRMAs", func(ctx context.Context, st takeback.Store, ws ...order.Writes) error {
		var cs []rma.Change
		for _, w := range ws {
			cs = append(cs, rma.Change{Writes: w})
		}
		return st.SaveRMAs(ctx, cs)
	}},
	{"SaveBookings", func(ctx context.Context, st takeback.Store, ws ...order.Writes) error {
		var cs []settlement.Change
		for _, w := range ws {
			cs = append(cs, settlement.Change{Writes: w})
		}
		return st.SaveBookings(ctx, cs)
	}},
	{"SaveQueue", func(ctx context.Context, st takeback.Store, ws ...order.Writes) error {
		return st.SaveQueue(ctx, queue.Change{Orders: ws})
	}},
}

// orderPromises are about what every save writes on an Amazon order.
func orderPromises() []promise {
	var ps []promise
	for _, s := range savers {
		ps = append(ps,
			promise{"order/" + s.name + "/head",
				"The save checks the version of that order's head row and raises it by one. A head that does not exist has version 0.",
				s.checkHead},
			promise{"order/" + s.name + "/conflict",
				"A save on another version of the head row answers ErrConflict and appends no posting, effect or event.",
				s.checkConflict},
			promise{"order/" + s.name + "/twice in one save",
				"Several changes of one save may not name the same order with the same version: the second finds the head raised and conflicts.",
				s.checkTwice},
			promise{"order/" + s.name + "/one wins",
				"Of several saves on one version of a head row exactly one succeeds, and the others answer ErrConflict.",
				s.checkOneWins},
		)
	}
	return append(ps,
		promise{"order/across saves",
			"Refunds, cancellations, RMAs, bookings and the queue raise the same head row.",
			checkSharedHead},
		promise{"ledgers/postings",
			"The save appends the postings; a ledger has them in the order of Seq, with all digits of their amounts.",
			checkPostings},
		promise{"ledgers/asked order",
			"Ledgers answers the ledger of each of these Amazon orders, in their order. An order about which nothing was saved has an empty ledger of version 0.",
			checkLedgers},
		promise{"ledgers/values",
			"Rows are values: what a caller changes in a ledger that it read changes nothing stored.",
			checkLedgerValues},
		promise{"ledgers/posting there already",
			"A posting's Seq stands once in an Amazon order: a second one answers ErrConflict and changes nothing.",
			checkPostingTwice},
		promise{"journal/order",
			"Events answers the audit rows of an Amazon order in the order they were saved. One that is saved with a lower Seq than the last one has the last one's.",
			checkEvents},
		promise{"outbox/round trip",
			"The save appends the effects; Effects answers them as they were saved.",
			checkEffects},
		promise{"outbox/sequence",
			"Effects answers of each host order those from its lowest Seq on, in the order of Seq.",
			checkEffectSequence},
		promise{"outbox/limit",
			"Effects answers at most limit effects.",
			checkEffectLimit},
		promise{"outbox/not before",
			"Effects answers none of an order whose first open effect has a NotBefore after now; other orders are not held up.",
			checkEffectNotBefore},
		promise{"outbox/done",
			"Effects answers effects that are not done; a done effect stays done.",
			checkEffectDone},
		promise{"outbox/unknown key",
			"SaveEffects leaves an unknown key alone.",
			checkEffectUnknown},
		promise{"journal/queue events",
			"SaveQueue appends Change.Events to the journals of their orders, in the same save and without raising a head.",
			checkQueueEvents},
		promise{"outbox/alert",
			"SaveEffects appends the alert of an outcome to the journal of its order, once, and none for an unknown or done effect.",
			checkEffectAlert},
		promise{"outbox/key there already",
			"An effect's key is unique for ever, also when it is done: a second one answers ErrConflict and changes nothing.",
			checkEffectTwice},
	)
}

// filled is a save on an order that appends one of everything.
func filled(n int, version int64) order.Writes {
	seq := int(version) + 1
	id := amazonOrder(n)
	return order.Writes{
		Order: id, Version: version,
		Postings: []order.Posting{posting(id, seq, "1.00")},
		Effects:  []order.Effect{effect(n, seq)},
		Events:   []order.Event{event(id, int64(seq))},
	}
}

// holds checks that so many saves of filled are stored about an order.
func holds(t *testing.T, st takeback.Store, n, saves int) {
	t.Helper()
	want := order.Ledger{Order: amazonOrder(n), Version: int64(saves)}
	var effects []order.Effect
	var events []order.Event
	for i := range saves {
		w := filled(n, int64(i))
		want.Postings = append(want.Postings, w.Postings...)
		effects = append(effects, w.Effects...)
		events = append(events, w.Events...)
	}
	ledgers, err := st.Ledgers(t.Context(), []order.AmazonID{amazonOrder(n)})
	require.NoError(t, err)
	same(t, []order.Ledger{want}, ledgers)
	same(t, effects, openEffects(t, st, n))
	got, err := st.Events(t.Context(), amazonOrder(n))
	require.NoError(t, err)
	same(t, events, got)
}

// openEffects are the effects of one host order that are due at noon.
func openEffects(t *testing.T, st takeback.Store, n int) []order.Effect {
	t.Helper()
	all, err := st.Effects(t.Context(), noon, 1000)
	require.NoError(t, err)
	return slices.DeleteFunc(all, func(e order.Effect) bool { return e.Order != hostOrder(n) })
}

func (s saver) checkHead(t *testing.T, st takeback.Store) {
	for version := range int64(3) {
		require.NoError(t, s.save(t.Context(), st, filled(1, version)), "a save on version %d", version)
		holds(t, st, 1, int(version)+1)
	}
	holds(t, st, 2, 0)
	require.NoError(t, s.save(t.Context(), st, filled(2, 0), filled(3, 0)), "a save about two orders")
	holds(t, st, 1, 3)
	holds(t, st, 2, 1)
	holds(t, st, 3, 1)
}

func (s saver) checkConflict(t *testing.T, st takeback.Store) {
	assert.ErrorIs(t, s.save(t.Context(), st, filled(1, 1)), store.ErrConflict, "version 1 of a head that does not exist")
	holds(t, st, 1, 0)
	require.NoError(t, s.save(t.Context(), st, filled(1, 0)))
	require.NoError(t, s.save(t.Context(), st, filled(1, 1)))
	for _, version := range []int64{-1, 0, 1, 3} {
		w := filled(1, 7)
		w.Version = version
		assert.ErrorIs(t, s.save(t.Context(), st, w), store.ErrConflict, "version %d of a head that has version 2", version)
		assert.ErrorIs(t, s.save(t.Context(), st, filled(2, 0), w), store.ErrConflict, "the second of two changes conflicts")
	}
	holds(t, st, 1, 2)
	holds(t, st, 2, 0)
}

func (s saver) checkTwice(t *testing.T, st takeback.Store) {
	second := filled(1, 1)
	second.Version = 0
	assert.ErrorIs(t, s.save(t.Context(), st, filled(1, 0), second), store.ErrConflict, "two changes of one order with version 0")
	holds(t, st, 1, 0)
	require.NoError(t, s.save(t.Context(), st, filled(1, 0), filled(1, 1)), "two changes of one order with versions 0 and 1")
	holds(t, st, 1, 2)
}

func (s saver) checkOneWins(t *testing.T, st takeback.Store) {
	for version := range int64(3) {
		won := 0
		for _, err := range concurrently(func(int) error { return s.save(t.Context(), st, filled(1, version)) }) {
			if err == nil {
				won++
				continue
			}
			assert.ErrorIs(t, err, store.ErrConflict, "what the others answer")
		}
		assert.Equal(t, 1, won, "of %d saves on version %d at once so many succeeded", workers, version)
		holds(t, st, 1, int(version)+1)
	}
}

func checkSharedHead(t *testing.T, st takeback.Store) {
	for i, s := range savers {
		require.NoError(t, s.save(t.Context(), st, filled(1, int64(i))), "%s on version %d", s.name, i)
		for _, other := range savers {
			assert.ErrorIs(t, other.save(t.Context(), st, filled(1, int64(i))), store.ErrConflict,
				"%s on version %d after %s on it", other.name, i, s.name)
		}
	}
	holds(t, st, 1, len(savers))
}

func save(t *testing.T, st takeback.Store, ws ...order.Writes) {
	t.Helper()
	require.NoError(t, savers[0].save(t.Context(), st, ws...))
}

func checkPostings(t *testing.T, st takeback.Store) {
	id := amazonOrder(1)
	ps := []order.Posting{
		posting(id, 1, "12345678901234567890.123456789"), posting(id, 2, "-0.001"), posting(id, 3, "0"),
		posting(id, 4, "1e3"), posting(id, 10, "10.00"), posting(id, 9, "0.10"),
	}
	save(t, st, order.Writes{Order: id, Postings: []order.Posting{ps[1], ps[2], ps[0]}})
	save(t, st, order.Writes{Order: id, Version: 1, Postings: ps[3:]})
	ledgers, err := st.Ledgers(t.Context(), []order.AmazonID{id})
	require.NoError(t, err)
	ps[4], ps[5] = ps[5], ps[4]
	same(t, []order.Ledger{{Order: id, Version: 2, Postings: ps}}, ledgers)
}

func checkLedgers(t *testing.T, st takeback.Store) {
	elsewhere := order.AmazonID{Account: "SELLER-EU", Number: amazonOrder(1).Number}
	save(t, st, filled(3, 0), filled(1, 0))
	want := []order.Ledger{
		{Order: amazonOrder(2)},
		{Order: amazonOrder(3), Version: 1, Postings: filled(3, 0).Postings},
		{Order: elsewhere},
		{Order: amazonOrder(1), Version: 1, Postings: filled(1, 0).Postings},
		{Order: amazonOrder(3), Version: 1, Postings: filled(3, 0).Postings},
	}
	got, err := st.Ledgers(t.Context(), []order.AmazonID{amazonOrder(2), amazonOrder(3), elsewhere, amazonOrder(1), amazonOrder(3)})
	require.NoError(t, err)
	same(t, want, got)
	got, err = st.Ledgers(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, got, "ledgers of no orders")
}

func checkLedgerValues(t *testing.T, st takeback.Store) {
	w := filled(1, 0)
	save(t, st, w)
	w.Postings[0].Item, w.Effects[0].Hold.Why, w.Events[0].Text = "spoilt", "spoilt", "spoilt"
	holds(t, st, 1, 1)
	ledgers, err := st.Ledgers(t.Context(), []order.AmazonID{amazonOrder(1), amazonOrder(1)})
	require.NoError(t, err)
	ledgers[0].Postings[0].Item = "spoilt"
	assert.NotEqual(t, "spoilt", ledgers[1].Postings[0].Item, "the same ledger asked for twice in one read")
	openEffects(t, st, 1)[0].Hold.Why = "spoilt"
	events, err := st.Events(t.Context(), amazonOrder(1))
	require.NoError(t, err)
	events[0].Text = "spoilt"
	holds(t, st, 1, 1)
}

func checkPostingTwice(t *testing.T, st takeback.Store) {
	save(t, st, filled(1, 0))
	again := filled(1, 1)
	again.Postings[0].Seq = 1
	assert.ErrorIs(t, savers[0].save(t.Context(), st, again), store.ErrConflict)
	holds(t, st, 1, 1)
}

func checkEvents(t *testing.T, st takeback.Store) {
	id := amazonOrder(1)
	save(t, st, order.Writes{Order: id, Events: []order.Event{event(id, 10_000), event(id, 10_001)}})
	late := event(id, 9_999)
	tell(t, st, late)
	save(t, st, order.Writes{Order: id, Version: 1, Events: []order.Event{event(id, 20_000)}}, filled(2, 0))
	late.Seq = 10_001
	got, err := st.Events(t.Context(), id)
	require.NoError(t, err)
	same(t, []order.Event{event(id, 10_000), event(id, 10_001), late, event(id, 20_000)}, got)
	got, err = st.Events(t.Context(), amazonOrder(3))
	require.NoError(t, err)
	assert.Empty(t, got, "events of an order about which nothing was saved")
}

func checkEffects(t *testing.T, st takeback.Store) {
	es := []order.Effect{
		{Kind: order.EffectStatus, Status: &order.StatusChange{To: "Future", Expect: []order.Status{"Future", order.StatusOnHold}}},
		{Kind: order.EffectHold, Hold: &order.Hold{Owner: order.HeldByHost, Why: "why", Since: at(1)}},
		{Kind: order.EffectRelease, Release: &order.Release{Owner: order.HeldByBuyer}},
		{Kind: order.EffectNote, Note: &order.Note{Text: "<b>&amp;</b> 返品"}},
		{Kind: order.EffectSplit, Split: &order.SplitOff{To: "SO-2", Lines: []order.LineQuantity{{Item: "12345678901234", Quantity: 2}}}},
		{Kind: order.EffectShipping, Shipping: &order.ShippingChange{To: order.FullyShipped}},
		{Kind: order.EffectStock, Stock: &order.StockMove{SKU: "SKU-1", Quantity: -3}},
		{Kind: order.EffectStock, Stock: &order.StockMove{SKU: "SKU-1", Zero: true}},
		{Kind: order.EffectPayment, Payment: &order.Payment{Status: "Future", Pending: digits("0.001"), Refunded: digits("12345678901234567890.5"), Currency: "KWD"}},
		{Kind: order.EffectRMA, RMA: &order.RMANote{Number: "RM1", OrderSourceNumber: "D1", Status: "Open"}},
		{Kind: order.EffectCommission, Commission: &order.Commission{Returned: digits("1.2"), Kept: digits("-0.3"), Currency: "USD"}},
		{Kind: "AKindOfTheFuture"},
	}
	var w order.Writes
	w.Order = amazonOrder(1)
	for _, e := range es {
		w.Effect(e, hostOrder(1), stamp(1))
	}
	save(t, st, w)
	same(t, w.Effects, openEffects(t, st, 1))
}

func checkEffectSequence(t *testing.T, st takeback.Store) {
	save(t, st, order.Writes{Order: amazonOrder(1), Effects: []order.Effect{effect(1, 12), effect(1, 10), effect(1, 11)}})
	save(t, st, order.Writes{Order: amazonOrder(2), Effects: []order.Effect{effect(2, 10)}})
	save(t, st, order.Writes{Order: amazonOrder(1), Version: 1, Effects: []order.Effect{effect(1, 20)}})
	same(t, []order.Effect{effect(1, 10), effect(1, 11), effect(1, 12), effect(1, 20)}, openEffects(t, st, 1))
	same(t, []order.Effect{effect(2, 10)}, openEffects(t, st, 2))
}

func checkEffectLimit(t *testing.T, st takeback.Store) {
	save(t, st, order.Writes{Order: amazonOrder(1), Effects: []order.Effect{effect(1, 3), effect(1, 2), effect(1, 1)}})
	save(t, st, order.Writes{Order: amazonOrder(2), Effects: []order.Effect{effect(2, 1)}})
	for limit := range 6 {
		got, err := st.Effects(t.Context(), noon, limit)
		require.NoError(t, err)
		assert.Len(t, got, min(limit, 4), "effects with limit %d of 4 that are open", limit)
	}
	got, err := st.Effects(t.Context(), noon, 2)
	require.NoError(t, err)
	ofFirst := slices.DeleteFunc(got, func(e order.Effect) bool { return e.Order != hostOrder(1) })
	same(t, []order.Effect{effect(1, 1), effect(1, 2)}[:len(ofFirst)], ofFirst)
}

func checkEffectNotBefore(t *testing.T, st takeback.Store) {
	save(t, st, order.Writes{Order: amazonOrder(1), Effects: []order.Effect{effect(1, 1), effect(1, 2)}})
	save(t, st, order.Writes{Order: amazonOrder(2), Effects: []order.Effect{effect(2, 1)}})
	later := noon.Add(time.Minute)
	require.NoError(t, st.SaveEffects(t.Context(), []order.EffectOutcome{{Key: effect(1, 1).Key, NotBefore: later.In(tokyo), Err: "no"}}))

	assert.Empty(t, openEffects(t, st, 1), "effects of an order whose first effect is not due")
	same(t, []order.Effect{effect(2, 1)}, openEffects(t, st, 2))
	got, err := st.Effects(t.Context(), later.Add(-time.Nanosecond), 10)
	require.NoError(t, err)
	assert.Len(t, got, 1, "effects a nanosecond before the first is due")
	got, err = st.Effects(t.Context(), later, 10)
	require.NoError(t, err)
	assert.Len(t, got, 3, "effects at the moment when the first is due")

	require.NoError(t, st.SaveEffects(t.Context(), []order.EffectOutcome{
		{Key: effect(1, 1).Key, NotBefore: noon}, {Key: effect(1, 2).Key, NotBefore: later}}))
	assert.Len(t, openEffects(t, st, 1), 2, "effects of an order whose first effect is due and whose second is not")
	require.NoError(t, st.SaveEffects(t.Context(), []order.EffectOutcome{{Key: effect(1, 1).Key, Done: true}}))
	assert.Empty(t, openEffects(t, st, 1), "effects of an order whose second effect is the first that is open, and not due")
}

func checkEffectDone(t *testing.T, st takeback.Store) {
	save(t, st, order.Writes{Order: amazonOrder(1), Effects: []order.Effect{effect(1, 1), effect(1, 2), effect(1, 3)}})
	done := order.EffectOutcome{Key: effect(1, 1).Key, Done: true}
	require.NoError(t, st.SaveEffects(t.Context(), []order.EffectOutcome{done, {Key: effect(1, 3).Key, Done: true}}))
	same(t, []order.Effect{effect(1, 2)}, openEffects(t, st, 1))
	require.NoError(t, st.SaveEffects(t.Context(), []order.EffectOutcome{done}), "done a second time")
	require.NoError(t, st.SaveEffects(t.Context(), []order.EffectOutcome{{Key: done.Key, NotBefore: noon.Add(-time.Hour)}}), "not done after done")
	same(t, []order.Effect{effect(1, 2)}, openEffects(t, st, 1))
}

func checkEffectUnknown(t *testing.T, st takeback.Store) {
	save(t, st, order.Writes{Order: amazonOrder(1), Effects: []order.Effect{effect(1, 1), effect(1, 2)}})
	require.NoError(t, st.SaveEffects(t.Context(), []order.EffectOutcome{{Key: "unknown"}, {Key: effect(1, 1).Key, Done: true}, {Key: "unknown", Done: true}}))
	same(t, []order.Effect{effect(1, 2)}, openEffects(t, st, 1))
}

func checkQueueEvents(t *testing.T, st takeback.Store) {
	first, second, never := event(amazonOrder(1), 1), event(amazonOrder(1), 2), event(amazonOrder(1), 3)
	entry := entryRow(1)
	require.NoError(t, st.SaveQueue(t.Context(), queue.Change{Entries: []queue.Entry{entry}, Events: []order.Event{first, second}}))
	assert.ErrorIs(t, st.SaveQueue(t.Context(), queue.Change{Entries: []queue.Entry{entry}, Events: []order.Event{never}}), store.ErrConflict)
	got, err := st.Events(t.Context(), amazonOrder(1))
	require.NoError(t, err)
	same(t, []order.Event{first, second}, got)
	ledgers, err := st.Ledgers(t.Context(), []order.AmazonID{amazonOrder(1)})
	require.NoError(t, err)
	assert.Zero(t, ledgers[0].Version, "head after a save that only tells")
}

func checkEffectAlert(t *testing.T, st takeback.Store) {
	save(t, st, order.Writes{Order: amazonOrder(1), Effects: []order.Effect{effect(1, 1)}, Events: []order.Event{event(amazonOrder(1), 1)}})
	alert, unheard := event(amazonOrder(1), 2), event(amazonOrder(1), 3)
	alert.Kind = order.EventAlert
	outcome := order.EffectOutcome{Key: effect(1, 1).Key, Done: true, Alert: &alert}
	for range 2 {
		require.NoError(t, st.SaveEffects(t.Context(), []order.EffectOutcome{outcome, {Key: "unknown", Done: true, Alert: &unheard}}))
	}
	got, err := st.Events(t.Context(), amazonOrder(1))
	require.NoError(t, err)
	same(t, []order.Event{event(amazonOrder(1), 1), alert}, got)
}

func checkEffectTwice(t *testing.T, st takeback.Store) {
	save(t, st, filled(1, 0), filled(2, 0))
	require.NoError(t, st.SaveEffects(t.Context(), []order.EffectOutcome{{Key: effect(2, 1).Key, Done: true}}))
	for n := 1; n <= 2; n++ {
		again := filled(n, 1)
		again.Effects[0].Key = effect(n, 1).Key
		assert.ErrorIs(t, savers[0].save(t.Context(), st, again), store.ErrConflict)
	}
	holds(t, st, 1, 1)
	assert.Equal(t, int64(1), writes(t, st, amazonOrder(2))[0].Version, "head after the conflict")
}
