package queue_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/store"
)

// alertKeys lists alerts by key.
func (w *world) alertKeys(q *queue.Queue, query order.AlertQuery, companies ...order.CompanyID) []string {
	w.t.Helper()
	as, err := q.Alerts(w.t.Context(), query, companies...)
	require.NoError(w.t, err)
	var keys []string
	for _, a := range as {
		keys = append(keys, a.Key)
	}
	return keys
}

// givenUpLooking is when looks have shown all that they can about a document whose
// answer was lost at epoch.
const givenUpLooking = tokenLife + margin + time.Minute

// A document whose answer is lost is no alert while looks may still find it, but is
// told at once. Then it is one, however many requests it holds and however often
// it is looked for; and each order's journal says what happened to its own.
func TestALostDocumentIsOneAlert(t *testing.T) {
	in(t, func(w *world) {
		w.amazon.answers = []answer{{noID: true}}
		ids := w.request(asked{order: 1}, asked{order: 2}, asked{order: 3})
		heard := w.listen()
		q := w.queue()
		w.step(q)
		require.Len(w.t, heard.only(queue.EventAnswerLost), 1)
		w.pass(q, givenUpLooking-3*time.Minute)
		assert.Empty(w.t, w.alertKeys(q, order.AlertQuery{}))

		w.pass(q, 72*time.Hour)
		as, err := q.Alerts(w.t.Context(), order.AlertQuery{})
		require.NoError(w.t, err)
		b := w.batches()[0]
		want := []order.Alert{{Event: order.Event{
			Order: order.AmazonID{Account: "us"}, Kind: order.EventAlert, Subject: "batch " + string(b.ID),
			Text: "Not confirmed, do not resend. Requests: 3. Decide what became of it: no feed at Amazon could be its document",
			Key:  "lost/" + string(b.ID), For: order.Operator, Stamp: order.Stamp{By: "queue", At: b.Fence.Add(margin)},
		}}}
		assert.Empty(w.t, cmp.Diff(want, as))
		assert.Len(w.t, heard.only(queue.EventAlert), 1, "told once")
		assert.Len(w.t, heard.only(queue.EventAnswerLost), 1)
		for _, id := range ids {
			events, err := w.store.Events(w.t.Context(), w.get(id).Order)
			require.NoError(w.t, err)
			var texts []string
			for _, e := range events[len(events)-2:] {
				texts = append(texts, e.Text)
			}
			assert.Equal(w.t, []string{"UnknownSent. Amazon's answer held no Document Number", "NeedsDecision. no feed at Amazon could be its document"}, texts)
		}
	})
}

// A call that Amazon refuses is one alert too.
func TestARefusedCallIsOneAlert(t *testing.T) {
	in(t, func(w *world) {
		w.amazon.answers = []answer{{err: &amazon.Error{Op: "createFeed", Sent: amazon.Answered, Status: 400}}}
		w.request(asked{order: 1}, asked{order: 2})
		q := w.queue()
		_, err := q.Step(w.t.Context())
		require.Error(w.t, err)
		assert.Equal(w.t, []string{"refused/" + string(w.batches()[0].ID)}, w.alertKeys(q, order.AlertQuery{}))
	})
}

// twoCompanies loses a document of each of three accounts, two of acme and one of
// bolt, and looks for them in vain; and lists the alerts of which account each is.
func twoCompanies(w *world) (q *queue.Queue, lost func(...order.AccountID) []string) {
	w.accounts = amazon.AccountList{account("us", "acme"), account("eu", "acme"), account("bolt", "bolt")}
	for range w.accounts {
		w.amazon.answers = append(w.amazon.answers, answer{noID: true})
	}
	w.request(asked{order: 1}, asked{order: 2, account: "eu", company: "acme"}, asked{order: 3, account: "bolt", company: "bolt"})
	q = w.queue()
	require.Empty(w.t, w.pass(q, givenUpLooking))
	byAccount := map[order.AccountID]string{}
	for _, b := range w.batches() {
		byAccount[b.Account] = "lost/" + string(b.ID)
	}
	return q, func(accounts ...order.AccountID) (keys []string) {
		for _, a := range accounts {
			keys = append(keys, byAccount[a])
		}
		return keys
	}
}

func TestAlertsOfACompany(t *testing.T) {
	in(t, func(w *world) {
		q, lost := twoCompanies(w)
		us := order.AlertQuery{Accounts: []order.AccountID{"us"}}
		assert.ElementsMatch(w.t, lost("us", "eu", "bolt"), w.alertKeys(q, order.AlertQuery{}))
		assert.ElementsMatch(w.t, lost("us", "eu"), w.alertKeys(q, order.AlertQuery{}, "acme"))
		assert.ElementsMatch(w.t, lost("us", "eu", "bolt"), w.alertKeys(q, order.AlertQuery{}, "acme", "bolt"))
		assert.ElementsMatch(w.t, lost("us"), w.alertKeys(q, us))
		assert.ElementsMatch(w.t, lost("us"), w.alertKeys(q, us, "acme"))
		assert.Empty(w.t, w.alertKeys(q, us, "bolt"), "an account of another company")
		assert.Empty(w.t, w.alertKeys(q, order.AlertQuery{}, "nobody"), "a company without accounts has no alerts, not all")
		assert.Len(w.t, w.alertKeys(q, order.AlertQuery{Limit: 1}, "acme"), 1)
	})
}

func TestCloseAlert(t *testing.T) {
	in(t, func(w *world) {
		q, lost := twoCompanies(w)
		heard := w.listen()
		key := lost("us")[0]
		time.Sleep(time.Hour)
		require.NoError(w.t, w.queue().CloseAlert(w.t.Context(), key, order.Operator, "olga", "seen in Seller Central"))

		assert.ElementsMatch(w.t, lost("eu", "bolt"), w.alertKeys(q, order.AlertQuery{}))
		as, err := q.Alerts(w.t.Context(), order.AlertQuery{Keys: []string{key}, Closed: true})
		require.NoError(w.t, err)
		require.Len(w.t, as, 1)
		stamp := order.Stamp{By: "olga", At: w.now(), Why: "seen in Seller Central"}
		assert.Empty(w.t, cmp.Diff(stamp, as[0].Closed))

		told := queue.Event{Kind: queue.EventAlertClosed, At: w.now(), Account: "us", Alert: key, By: "olga", Text: "seen in Seller Central"}
		assert.Empty(w.t, cmp.Diff([]queue.Event{told}, heard.events))

		time.Sleep(time.Hour)
		err = q.CloseAlert(w.t.Context(), key, order.Operator, "ben", "me too")
		var closed *queue.ClosedError
		require.ErrorAs(w.t, err, &closed)
		assert.Empty(w.t, cmp.Diff(stamp, closed.Closed))
		assert.EqualError(w.t, err, "alert "+key+" was closed by olga at "+stamp.At.Format(time.RFC3339)+": seen in Seller Central")
	})
}

func TestCloseAlertRefuses(t *testing.T) {
	tests := []struct {
		name      string
		key       func(lost string) string
		role      order.Role
		want      error
		wantWords string
	}{
		{"an unknown key", func(lost string) string { return lost + "0" }, order.Operator, store.ErrNotFound, "not found"},
		{"no key", func(string) string { return "" }, order.Operator, store.ErrNotFound, "not found"},
		{"the key of a closing", order.ClosedKey, order.Operator, store.ErrNotFound, "not found"},
		{"another role", same, order.Administrator, queue.ErrRole, `as "Administrator": it is for "Operator"`},
		{"no role", same, "", queue.ErrRole, `it is for "Operator"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(w *world) {
				q, lost := twoCompanies(w)
				err := q.CloseAlert(w.t.Context(), tt.key(lost("us")[0]), tt.role, "olga", "seen")
				require.ErrorContains(w.t, err, tt.wantWords)
				assert.ErrorIs(w.t, err, tt.want)
				assert.Len(w.t, w.alertKeys(q, order.AlertQuery{}), 3, "all are open")
			})
		})
	}
}

// A closing says by whom and why.
func TestCloseAlertByNobody(t *testing.T) {
	in(t, func(w *world) {
		q, lost := twoCompanies(w)
		for _, stamp := range []order.Stamp{{Why: "seen"}, {By: " ", Why: "seen"}, {By: "olga"}, {By: "olga", Why: "\t"}} {
			require.ErrorContains(w.t, q.CloseAlert(w.t.Context(), lost("us")[0], order.Operator, stamp.By, stamp.Why), "say by whom, and why")
		}
		assert.Len(w.t, w.alertKeys(q, order.AlertQuery{}), 3, "all are open")
	})
}

func same(lost string) string { return lost }

// beforeSave does something before the first save.
type beforeSave struct{ do func() }

func (m *beforeSave) before(call string) error {
	if do := m.do; call == "store.SaveQueue" && do != nil {
		m.do = nil
		do()
	}
	return nil
}

func (m *beforeSave) after(string) error { return nil }

// Of two who close an alert at once, one did and the other hears who.
func TestCloseAlertTwiceAtOnce(t *testing.T) {
	in(t, func(w *world) {
		q, lost := twoCompanies(w)
		key := lost("us")[0]
		second := w.queue(&beforeSave{func() {
			require.NoError(w.t, q.CloseAlert(w.t.Context(), key, order.Operator, "olga", "seen"))
		}})
		err := second.CloseAlert(w.t.Context(), key, order.Operator, "ben", "seen")
		var closed *queue.ClosedError
		require.ErrorAs(w.t, err, &closed)
		assert.Equal(w.t, "olga", closed.Closed.By)
	})
}

// A store that fails closes nothing.
func TestCloseAlertOnAStoreThatFails(t *testing.T) {
	in(t, func(w *world) {
		q, lost := twoCompanies(w)
		failed := w.queue(&failing{of: "store.SaveQueue", n: 1, err: errLost})
		require.ErrorIs(w.t, failed.CloseAlert(w.t.Context(), lost("us")[0], order.Operator, "olga", "seen"), errLost)
		assert.Len(w.t, w.alertKeys(q, order.AlertQuery{}), 3)
	})
}

// What its handler sets aside for a day, pass after pass, is an alert, once an attempt:
// counted from when it could go.
func TestWhatIsSetAsideForADay(t *testing.T) {
	for name, tt := range map[string]struct {
		aside  queue.Aside
		manual bool
		days   int // before a person chooses it
		hours  int // after that
		want   []string
	}{
		"not yet":                   {queue.Aside{Why: "overdrawn"}, false, 0, 23, nil},
		"for longer":                {queue.Aside{Why: "overdrawn"}, false, 0, 72, []string{"waits"}},
		"chosen after days":         {queue.Aside{Why: "overdrawn"}, true, 3, 23, nil},
		"chosen, and set aside":     {queue.Aside{Why: "overdrawn"}, true, 3, 72, []string{"waits"}},
		"it waits for its shipment": {queue.Aside{State: queue.EntryAwaitingShipment, Why: "not shipped"}, false, 0, 72, nil},
		"a person has to decide":    {queue.Aside{State: queue.EntryNeedsDecision, Why: "cancelled"}, false, 0, 72, []string{"decide"}},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(w *world) {
				w.settings.Queue = tt.manual
				heard := w.listen()
				id := w.request(asked{order: 1})[0]
				w.prepare = func(_ []queue.Entry, ps []queue.Prepared) ([]queue.Prepared, error) {
					ps[0].Aside = &tt.aside
					return ps, nil
				}
				q := w.queue()
				require.Empty(w.t, w.pass(q, time.Duration(tt.days)*24*time.Hour))
				assert.Empty(w.t, w.alertKeys(q, order.AlertQuery{}), "it waits for a person's choice")
				if tt.manual {
					_, err := q.Process(w.t.Context(), "boss", id)
					require.NoError(w.t, err)
				}
				require.Empty(w.t, w.pass(q, time.Duration(tt.hours)*time.Hour))

				var want []string
				for _, what := range tt.want {
					want = append(want, what+"/"+string(id)+"/0")
				}
				assert.Equal(w.t, want, w.alertKeys(q, order.AlertQuery{}))
				assert.Len(w.t, heard.only(queue.EventAlert), len(want), "told once")
			})
		})
	}
}

// What waits for another entry of its order is told of with that one.
func TestWaitingForAnotherEntryIsNoAlert(t *testing.T) {
	in(t, func(w *world) {
		w.amazon.noReport = true
		ids := w.request(asked{order: 1}, asked{order: 1})
		q := w.queue()
		require.Empty(w.t, w.pass(q, 72*time.Hour))
		require.Equal(w.t, queue.EntryQueued, w.get(ids[1]).State)
		for _, key := range w.alertKeys(q, order.AlertQuery{}) {
			assert.NotContains(w.t, key, ids[1])
		}
	})
}
