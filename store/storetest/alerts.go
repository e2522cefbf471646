package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/store"
)

// alert is one about an order, at so many nanoseconds after noon.
func alert(id order.AmazonID, n int, key string) order.Event {
	e := event(id, int64(n))
	e.Kind, e.Key, e.For = order.EventAlert, key, "ARoleOfTheFuture"
	return e
}

// closing closes the alert with a key.
func closing(id order.AmazonID, n int, key string) order.Event {
	e := event(id, int64(n))
	e.Kind, e.Key = order.EventClosed, order.ClosedKey(key)
	e.By = fmt.Sprint("closer ", n)
	return e
}

func tell(t *testing.T, st takeback.Store, es ...order.Event) {
	t.Helper()
	require.NoError(t, st.SaveQueue(t.Context(), queue.Change{Events: es}))
}

// tells checks the journal of an order.
func tells(t *testing.T, st takeback.Store, id order.AmazonID, want ...order.Event) {
	t.Helper()
	got, err := st.Events(t.Context(), id)
	require.NoError(t, err)
	same(t, want, got)
}

func alerts(t *testing.T, st takeback.Store, q order.AlertQuery) []order.Alert {
	t.Helper()
	as, err := st.Alerts(t.Context(), q)
	require.NoError(t, err)
	return as
}

func checkKeys(t *testing.T, st takeback.Store) {
	one, two := amazonOrder(1), amazonOrder(2)
	keyed := func(id order.AmazonID, n int) order.Event {
		e := event(id, int64(n))
		e.Key = "key"
		return e
	}
	tell(t, st, event(one, 1), event(one, 1), keyed(one, 2), keyed(one, 3))
	tells(t, st, one, event(one, 1), event(one, 1), keyed(one, 2))
	tell(t, st, keyed(two, 1), event(two, 2))
	for i, s := range savers {
		require.NoError(t, s.save(t.Context(), st, order.Writes{Order: two, Version: int64(i), Events: []order.Event{keyed(two, i+3)}}), s.name)
	}
	save(t, st, order.Writes{Order: one, Effects: []order.Effect{effect(1, 1)}})
	again := keyed(one, 9)
	require.NoError(t, st.SaveEffects(t.Context(), []order.EffectOutcome{{Key: effect(1, 1).Key, Done: true, Alert: &again}}))
	tells(t, st, one, event(one, 1), event(one, 1), keyed(one, 2))
	tells(t, st, two, event(two, 2))
}

func checkKeyAtOnce(t *testing.T, st takeback.Store) {
	for _, err := range concurrently(func(i int) error {
		return st.SaveQueue(t.Context(), queue.Change{Events: []order.Event{alert(amazonOrder(i), 1, "lost/1")}})
	}) {
		assert.NoError(t, err)
	}
	assert.Len(t, alerts(t, st, order.AlertQuery{}), 1, "alerts with the key")
}

func checkClosing(t *testing.T, st takeback.Store) {
	one, account := amazonOrder(1), order.AmazonID{Account: "SELLER-US"}
	first, second := alert(one, 1, "lost/1"), alert(account, 2, "lost/2")
	tell(t, st, first, second, alert(one, 3, ""), event(one, 4))
	same(t, []order.Alert{{Event: first}, {Event: second}}, alerts(t, st, order.AlertQuery{}))

	tell(t, st, closing(one, 5, "lost/1"), closing(one, 6, "unknown"))
	tell(t, st, closing(one, 7, "lost/1"))
	same(t, []order.Alert{{Event: second}}, alerts(t, st, order.AlertQuery{}))
	closed := order.Alert{Event: first, Closed: closing(one, 5, "lost/1").Stamp}
	same(t, []order.Alert{closed, {Event: second}}, alerts(t, st, order.AlertQuery{Closed: true}))
	same(t, []order.Alert{closed}, alerts(t, st, order.AlertQuery{Closed: true, Keys: []string{"lost/1"}}))
	assert.Empty(t, alerts(t, st, order.AlertQuery{Keys: []string{"lost/1"}}), "a closed alert, asked for by its key")

	// What is closed stays closed, also when it is raised again.
	tell(t, st, alert(one, 8, "lost/1"), alert(one, 8, "unknown"))
	same(t, []order.Alert{{Event: second}}, alerts(t, st, order.AlertQuery{}))
	tells(t, st, one, first, alert(one, 3, ""), event(one, 4), closing(one, 5, "lost/1"), closing(one, 6, "unknown"), alert(one, 8, "unknown"))
}

func checkAlertConflict(t *testing.T, st takeback.Store) {
	one := amazonOrder(1)
	tell(t, st, alert(one, 1, "lost/1"))
	late := entryRow(1)
	late.Version = 5
	assert.ErrorIs(t, st.SaveQueue(t.Context(), queue.Change{
		Events:  []order.Event{closing(one, 2, "lost/1"), alert(one, 3, "lost/2")},
		Entries: []queue.Entry{late},
	}), store.ErrConflict)
	want := []order.Alert{{Event: alert(one, 1, "lost/1")}}
	same(t, want, alerts(t, st, order.AlertQuery{}))
	same(t, want, alerts(t, st, order.AlertQuery{Closed: true}))
	tell(t, st, alert(one, 3, "lost/2"))
	same(t, append(want, order.Alert{Event: alert(one, 3, "lost/2")}), alerts(t, st, order.AlertQuery{}))
}

func checkAlerts(t *testing.T, st takeback.Store) {
	var want []order.Alert
	var closed []order.Event
	for i := range 12 {
		_, id := spread(i)
		key := fmt.Sprintf("lost/%02d", (i*5)%12)
		a := order.Alert{Event: alert(id, i/3, key)} // three at a time
		tell(t, st, a.Event)
		if i%4 == 1 {
			c := closing(id, 50+i, key)
			closed = append(closed, c)
			a.Closed = c.Stamp
		}
		want = append(want, a)
	}
	tell(t, st, closed...)
	slices.SortFunc(want, func(a, b order.Alert) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return map[bool]int{true: -1, false: 1}[a.Key < b.Key]
	})
	_, one := spread(0)
	_, two := spread(1)
	for name, q := range map[string]order.AlertQuery{
		"all":      {},
		"Closed":   {Closed: true},
		"Keys":     {Keys: []string{"lost/03", "lost/05", "unknown", "lost/03"}, Closed: true},
		"Accounts": {Accounts: []order.AccountID{one.Account, "nobody"}},
		"Orders":   {Orders: []order.AmazonID{one, two, one}, Closed: true},
		"together": {Keys: []string{"lost/00", "lost/01", "lost/02", "lost/06"}, Orders: []order.AmazonID{one}, Accounts: []order.AccountID{one.Account}},
	} {
		var matched []order.Alert
		for _, a := range want {
			if q.Match(a) {
				matched = append(matched, a)
			}
		}
		require.NotEmpty(t, matched, "%s: the query selects something", name)
		same(t, matched, alerts(t, st, q))
		for size := 1; size <= len(matched)+1; size++ {
			page := q
			page.Limit = size
			var got []order.Alert
			for range len(matched)/size + 1 {
				as := alerts(t, st, page)
				assert.LessOrEqual(t, len(as), size, "%s: alerts of a page of %d", name, size)
				if got = append(got, as...); len(as) > 0 {
					page.After = as[len(as)-1].Cursor()
				}
			}
			same(t, matched, got)
		}
	}
}
