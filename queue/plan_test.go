package queue_test

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

// prepared is an entry of an Amazon order with so many messages.
func prepared(id queue.EntryID, number, messages int) queue.Prepared {
	p := queue.Prepared{Entry: id, Order: order.Writes{Order: amazonOrder(number)}}
	for i := range messages {
		item := fmt.Sprintf("%012d%02d", number, i)
		p.Messages = append(p.Messages, queue.PreparedMessage{Part: item, Message: amazon.Adjustment{
			Order: amazonOrder(number).Number, Item: item, AdjustmentID: string(id) + "/" + item,
			Reason: amazon.RefundCustomerReturn, Currency: "USD", Amounts: order.Amounts{order.Principal: five},
		}})
	}
	return p
}

func amazonOrder(number int) order.AmazonID {
	return order.AmazonID{Account: "us", Number: fmt.Sprintf("111-0000000-%07d", number)}
}

func TestPlan(t *testing.T) {
	invalid := prepared("a", 1, 2)
	invalid.Messages[1].Message = amazon.Adjustment{Order: "111-0000000-0000001", Item: "1"}
	empty := prepared("a", 1, 2)
	empty.Messages[1].Message = nil
	twice := prepared("a", 1, 2)
	twice.Messages[1] = twice.Messages[0]
	item := prepared("a", 1, 2)
	item.Messages[1].Message = item.Messages[0].Message
	another := prepared("a", 1, 1)
	another.Messages = prepared("b", 2, 1).Messages
	size := amazon.EncodedSize(prepared("a", 1, 1).Messages[0].Message)
	plenty := queue.Batching{Messages: 100, Bytes: 1 << 20}
	tests := []struct {
		name     string
		prepared []queue.Prepared
		busy     map[order.AmazonID]queue.EntryID
		limits   queue.Batching
		take     []queue.EntryID
		left     map[queue.EntryID]string // part of the reason
		bad      map[queue.EntryID]string
	}{
		{"in their order", []queue.Prepared{prepared("b", 2, 1), prepared("a", 1, 2)}, nil, plenty, []queue.EntryID{"b", "a"}, nil, nil},
		{"one per order", []queue.Prepared{prepared("a", 1, 1), prepared("b", 1, 1), prepared("c", 2, 1)}, nil, plenty,
			[]queue.EntryID{"a", "c"}, map[queue.EntryID]string{"b": "waits for a"}, nil},
		{"none of an order under way", []queue.Prepared{prepared("a", 1, 1), prepared("c", 2, 1)}, map[order.AmazonID]queue.EntryID{amazonOrder(1): "z"}, plenty,
			[]queue.EntryID{"c"}, map[queue.EntryID]string{"a": "waits for z"}, nil},
		{"by messages, small ones pass", []queue.Prepared{prepared("a", 1, 2), prepared("b", 2, 2), prepared("c", 3, 1)}, nil, queue.Batching{Messages: 3, Bytes: 1 << 20},
			[]queue.EntryID{"a", "c"}, map[queue.EntryID]string{"b": "full"}, nil},
		{"by bytes", []queue.Prepared{prepared("a", 1, 1), prepared("b", 2, 1)}, nil, queue.Batching{Messages: 100, Bytes: amazon.EnvelopeSize + 2*size - 1},
			[]queue.EntryID{"a"}, map[queue.EntryID]string{"b": "full"}, nil},
		{"to the byte", []queue.Prepared{prepared("a", 1, 1), prepared("b", 2, 1)}, nil, queue.Batching{Messages: 100, Bytes: amazon.EnvelopeSize + 2*size},
			[]queue.EntryID{"a", "b"}, nil, nil},
		{"too many messages for any document", []queue.Prepared{prepared("a", 1, 4), prepared("b", 2, 1)}, nil, queue.Batching{Messages: 3, Bytes: 1 << 20},
			[]queue.EntryID{"b"}, nil, map[queue.EntryID]string{"a": "too large"}},
		{"too many bytes for any document", []queue.Prepared{prepared("a", 1, 2), prepared("b", 2, 1)}, nil, queue.Batching{Messages: 100, Bytes: amazon.EnvelopeSize + size},
			[]queue.EntryID{"b"}, nil, map[queue.EntryID]string{"a": "too large"}},
		{"nothing to send", []queue.Prepared{prepared("a", 1, 0), prepared("b", 1, 1)}, nil, plenty,
			[]queue.EntryID{"b"}, nil, map[queue.EntryID]string{"a": "nothing to send"}},
		{"an invalid message", []queue.Prepared{invalid, prepared("b", 1, 1)}, nil, plenty,
			[]queue.EntryID{"b"}, nil, map[queue.EntryID]string{"a": "14 or 15"}},
		{"no message at all", []queue.Prepared{empty, prepared("b", 1, 1)}, nil, plenty,
			[]queue.EntryID{"b"}, nil, map[queue.EntryID]string{"a": "empty message"}},
		{"a part twice", []queue.Prepared{twice, prepared("b", 1, 1)}, nil, plenty,
			[]queue.EntryID{"b"}, nil, map[queue.EntryID]string{"a": "twice"}},
		{"an item in two messages", []queue.Prepared{item, prepared("b", 2, 1)}, nil, plenty,
			[]queue.EntryID{"b"}, nil, map[queue.EntryID]string{"a": "two messages about item 00000000000100"}},
		{"a message about another's order", []queue.Prepared{another, prepared("b", 2, 1)}, nil, plenty,
			[]queue.EntryID{"b"}, nil, map[queue.EntryID]string{"a": "about order 111-0000000-0000002"}},
		{"nobody", nil, nil, plenty, nil, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := queue.Plan(tt.prepared, tt.busy, tt.limits)
			assert.Equal(t, tt.take, entriesOf(got.Take))
			reasons(t, tt.left, got.Left)
			reasons(t, tt.bad, got.Bad)
		})
	}
}

func reasons(t *testing.T, want, got map[queue.EntryID]string) {
	t.Helper()
	assert.Len(t, got, len(want))
	for id, part := range want {
		assert.Contains(t, got[id], part)
	}
}

func entriesOf(ps []queue.Prepared) (ids []queue.EntryID) {
	for _, p := range ps {
		ids = append(ids, p.Entry)
	}
	return ids
}

// Whatever is asked for, a plan keeps its promises: every entry is taken, left or
// bad; one per order; within the limits; and its document can be encoded.
func TestPlanProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := queue.Batching{Messages: rapid.IntRange(1, 8).Draw(t, "messages"), Bytes: rapid.IntRange(1, 8000).Draw(t, "bytes")}
		var ps []queue.Prepared
		for i := range rapid.IntRange(0, 12).Draw(t, "entries") {
			ps = append(ps, prepared(queue.EntryID("e"+strconv.Itoa(i)), rapid.IntRange(1, 6).Draw(t, "order"), rapid.IntRange(0, 4).Draw(t, "n")))
		}
		busy := map[order.AmazonID]queue.EntryID{amazonOrder(rapid.IntRange(1, 9).Draw(t, "busy")): "other"}
		p := queue.Plan(ps, busy, limits)

		assert.Equal(t, len(ps), len(p.Take)+len(p.Left)+len(p.Bad))
		orders := map[order.AmazonID]bool{}
		var messages []amazon.Numbered
		for _, c := range p.Take {
			assert.False(t, orders[c.Order.Order], "two of one order")
			assert.Empty(t, busy[c.Order.Order])
			orders[c.Order.Order] = true
			for _, m := range c.Messages {
				messages = append(messages, amazon.Numbered{ID: math.MaxInt32 - amazon.MessageID(len(messages)), Message: m.Message})
			}
		}
		assert.LessOrEqual(t, len(messages), limits.Messages)
		assert.True(t, len(p.Take) > 0 || len(p.Bad)+len(p.Left) == len(ps))
		if len(messages) == 0 {
			return
		}
		doc, err := amazon.Encode("A1MERCHANT", amazon.RefundFeed, messages)
		assert.NoError(t, err)
		assert.LessOrEqual(t, len(doc), limits.Bytes)
	})
}

// What a handler says against an entry is written on it, and the others go.
func TestSetAside(t *testing.T) {
	later := epoch.Add(4 * time.Hour)
	tests := []struct {
		name      string
		aside     queue.Aside
		state     queue.State
		notBefore time.Time
		ends      queue.State // a day later, when the handler has nothing against it any more
	}{
		{"for some time", queue.Aside{State: queue.EntryQueued, Why: "on hold"}, queue.EntryQueued, epoch.Add(15 * time.Minute), queue.EntryAccepted},
		{"until a time", queue.Aside{State: queue.EntryQueued, Why: "on hold", NotBefore: later}, queue.EntryQueued, later, queue.EntryAccepted},
		{"until it is shipped", queue.Aside{State: queue.EntryAwaitingShipment, Why: "not shipped", NotBefore: later}, queue.EntryAwaitingShipment, later, queue.EntryAccepted},
		{"the state left empty", queue.Aside{Why: "on hold", NotBefore: later}, queue.EntryQueued, later, queue.EntryAccepted},
		{"for a person", queue.Aside{State: queue.EntryNeedsDecision, Why: "overdrawn"}, queue.EntryNeedsDecision, epoch.Add(15 * time.Minute), queue.EntryNeedsDecision},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(w *world) {
				ids := w.request(asked{order: 1}, asked{order: 2})
				w.prepare = func(_ []queue.Entry, ps []queue.Prepared) ([]queue.Prepared, error) {
					for i := range ps {
						ps[i].Aside = map[queue.EntryID]*queue.Aside{ids[0]: &tt.aside}[ps[i].Entry]
					}
					return ps, nil
				}
				q := w.queue()
				w.step(q)
				e := w.get(ids[0])
				assert.Equal(w.t, []queue.State{tt.state, queue.EntrySubmitted}, w.states(ids...))
				assert.Equal(w.t, tt.aside.Why, e.Why)
				assert.Equal(w.t, tt.notBefore, e.NotBefore)
				assert.Equal(w.t, "5.00", w.reserved(ids[0]))
				assert.Empty(w.t, e.Attempts)

				w.prepare = nil
				require.Empty(w.t, w.pass(q, 24*time.Hour))
				assert.Equal(w.t, tt.ends, w.get(ids[0]).State)
			})
		})
	}
}

// An entry that can never be sent waits for a person, and blocks nobody.
func TestEntryThatCannotBeSent(t *testing.T) {
	in(t, func(w *world) {
		w.batching.Bytes = 64 << 10
		ids := w.request(asked{order: 1, items: 200}, asked{order: 2})
		require.Empty(w.t, w.pass(w.queue(), 5*time.Minute))
		assert.Equal(w.t, []queue.State{queue.EntryNeedsDecision, queue.EntryAccepted}, w.states(ids...))
		assert.Contains(w.t, w.get(ids[0]).Why, "too large")
	})
}

// A handler's answer that is not the entry's needs a decision, and blocks nobody.
func TestHandlerPreparesWhatIsNotTheEntrys(t *testing.T) {
	for name, spoil := range map[string]struct {
		how func(p *queue.Prepared, other queue.Prepared)
		why string
	}{
		"a message of another type": {func(p *queue.Prepared, _ queue.Prepared) {
			a := p.Messages[0].Message.(amazon.Adjustment)
			p.Messages[0].Message = amazon.Cancellation{Order: a.Order, Items: []string{a.Item}, Reason: amazon.CancelNoInventory}
		}, "POST_PAYMENT_ADJUSTMENT_DATA"},
		"another's message": {func(p *queue.Prepared, other queue.Prepared) { p.Messages = other.Messages }, "about order 111-0000000-0000002"},
		"an item in two parts": {func(p *queue.Prepared, _ queue.Prepared) {
			p.Messages = append(p.Messages, queue.PreparedMessage{Part: "again", Message: p.Messages[0].Message})
		}, "two messages about item"},
		"no head":        {func(p *queue.Prepared, _ queue.Prepared) { p.Order = order.Writes{} }, `the head of order ""`},
		"another's head": {func(p *queue.Prepared, other queue.Prepared) { p.Order = other.Order }, `the head of order "111-0000000-0000002"`},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(w *world) {
				ids := w.request(asked{order: 1}, asked{order: 2}, asked{order: 3})
				w.prepare = func(es []queue.Entry, ps []queue.Prepared) ([]queue.Prepared, error) {
					for i := range ps {
						if es[i].ID == ids[0] {
							spoil.how(&ps[i], ps[1])
						}
					}
					return ps, nil
				}
				require.Empty(w.t, w.pass(w.queue(), 5*time.Minute))
				assert.Equal(w.t, []queue.State{queue.EntryNeedsDecision, queue.EntryAccepted, queue.EntryAccepted}, w.states(ids...))
				assert.Contains(w.t, w.get(ids[0]).Why, spoil.why)
				assert.Len(w.t, w.amazon.sent(), 1)
				assert.Equal(w.t, "5.00", w.reserved(ids[0]))
			})
		})
	}
}

// An entry of which its handler says nothing waits, visibly.
func TestHandlerLeavesAnEntryOut(t *testing.T) {
	in(t, func(w *world) {
		ids := w.request(asked{order: 1}, asked{order: 2})
		w.prepare = func(_ []queue.Entry, ps []queue.Prepared) ([]queue.Prepared, error) { return ps[1:], nil }
		w.step(w.queue())
		assert.Equal(w.t, []queue.State{queue.EntryQueued, queue.EntrySubmitted}, w.states(ids...))
		assert.Contains(w.t, w.get(ids[0]).Why, "handler did not prepare it")
		assert.True(w.t, w.get(ids[0]).NotBefore.After(w.now()))
	})
}

// A handler that cannot answer keeps its entries waiting as they are.
func TestHandlerFails(t *testing.T) {
	in(t, func(w *world) {
		id := w.request(asked{order: 1})[0]
		before := w.get(id)
		w.prepare = func([]queue.Entry, []queue.Prepared) ([]queue.Prepared, error) { return nil, errLost }
		_, err := w.queue().Step(w.t.Context())
		require.ErrorIs(w.t, err, errLost)
		assert.Empty(w.t, cmp.Diff(before, w.get(id)))
		assert.Empty(w.t, w.batches())
		w.prepare = nil
		w.pass(w.queue(), 5*time.Minute)
		assert.Equal(w.t, queue.EntryAccepted, w.get(id).State)
	})
}

// Two entries of one Amazon order never share a document, also of different
// types: the second is sent when the first has its result.
func TestOneEntryOfAnOrderAtATime(t *testing.T) {
	in(t, func(w *world) {
		ids := w.request(asked{order: 1}, asked{order: 1}, asked{order: 1})
		w.amazon.status = amazon.FeedInProgress
		q := w.queue()
		w.pass(q, time.Hour)
		assert.Equal(w.t, []queue.State{queue.EntrySubmitted, queue.EntryQueued, queue.EntryQueued}, w.states(ids...))
		w.amazon.status = amazon.FeedDone
		w.pass(q, 2*time.Hour)
		assert.Equal(w.t, []queue.State{queue.EntryAccepted, queue.EntryAccepted, queue.EntryAccepted}, w.states(ids...))
		bs := w.batches()
		require.Len(w.t, bs, 3)
		for i := 1; i < len(bs); i++ {
			assert.Equal(w.t, 1, bs[i].Entries)
		}
	})
}

// Message IDs name one message of an account for ever, also when the counter was
// lost, and after documents that were made within one second.
func TestMessageIDsAreUnique(t *testing.T) {
	in(t, func(w *world) {
		w.batching.Messages = 3
		w.accounts = append(w.accounts, account("de", "acme"))
		var as []asked
		for i := range 9 {
			as = append(as, asked{order: i + 1, items: 3}, asked{order: i + 101, account: "de", company: "acme"})
		}
		w.request(as...)
		q := w.queue()
		for range 3 {
			_, err := q.Step(w.t.Context()) // within one moment
			require.NoError(w.t, err)
		}
		lost := queue.Change{Batches: w.batches()}
		w.store.Store = restored(w, lost, w.entries(queue.EntryQuery{}))
		time.Sleep(time.Hour)
		w.request(asked{order: 50, items: 3}, asked{order: 51, items: 2})
		w.pass(w.queue(), 3*time.Hour)

		type numbered struct {
			account order.AccountID
			id      amazon.MessageID
		}
		seen := map[numbered]bool{}
		batches := map[queue.BatchID]bool{}
		for _, b := range w.batches() {
			assert.False(w.t, batches[b.ID])
			batches[b.ID] = true
			assert.True(w.t, strings.HasPrefix(string(b.ID), string(b.Account)+"-"))
			for _, m := range b.Messages {
				assert.False(w.t, seen[numbered{b.Account, m.ID}], "message %d of account %s twice", m.ID, b.Account)
				seen[numbered{b.Account, m.ID}] = true
				assert.Greater(w.t, m.ID, amazon.MessageID(1_000_000))
				assert.LessOrEqual(w.t, m.ID, amazon.MessageID(math.MaxInt32))
			}
		}
		assert.Greater(w.t, len(seen), 30)
	})
}

// The message map of a batch, the attempts of its entries and the document agree.
func TestMessageMap(t *testing.T) {
	in(t, func(w *world) {
		ids := w.request(asked{order: 1, items: 2}, asked{order: 2})
		w.step(w.queue())
		b := w.batches()[0]
		var got []amazon.MessageID
		parts := map[queue.EntryID][]queue.Part{}
		for _, m := range b.Messages {
			got = append(got, m.ID)
			parts[m.Entry] = append(parts[m.Entry], queue.Part{Message: m.ID, Part: m.Part})
		}
		assert.Equal(w.t, messageIDs(w.amazon.sent()[0].Document), got)
		for _, id := range ids {
			e := w.get(id)
			assert.Equal(w.t, parts[id], e.Attempt().Messages)
			for i, p := range e.Attempt().Messages {
				assert.Equal(w.t, strings.Fields(e.Label)[i], p.Part)
			}
		}
		assert.Len(w.t, b.Hash, 64)
		assert.Equal(w.t, 2, b.Entries)
		assert.Equal(w.t, "Direct", b.Created.By)
	})
}

func TestCounterThatIsNoNumber(t *testing.T) {
	in(t, func(w *world) {
		require.NoError(w.t, w.store.SaveCell(w.t.Context(), store.Cell{Name: "queue/numbers/us", Data: []byte("many")}))
		id := w.request(asked{order: 1})[0]
		_, err := w.queue().Step(w.t.Context())
		require.ErrorContains(w.t, err, `"many"`)
		assert.Equal(w.t, queue.EntryQueued, w.get(id).State)
	})
}

func TestNumbersAreUsedUp(t *testing.T) {
	in(t, func(w *world) {
		require.NoError(w.t, w.store.SaveCell(w.t.Context(), store.Cell{Name: "queue/numbers/us", Data: []byte(strconv.Itoa(math.MaxInt32))}))
		w.request(asked{order: 1})
		_, err := w.queue().Step(w.t.Context())
		require.ErrorContains(w.t, err, "used up")
		assert.Empty(w.t, w.batches())
	})
}

func TestNew(t *testing.T) {
	in(t, func(w *world) {
		good := queue.Config{Store: w.store, Feeds: w.amazon, Accounts: w.accounts, Settings: settings.Fixed{}, Installation: "test", Handlers: map[queue.Kind]queue.Handler{queue.KindRefund: &handler{}}}
		_, err := queue.New(good)
		require.NoError(w.t, err)
		for name, spoil := range map[string]func(*queue.Config){
			"Store":    func(c *queue.Config) { c.Store = nil },
			"Feeds":    func(c *queue.Config) { c.Feeds = nil },
			"Accounts": func(c *queue.Config) { c.Accounts = nil },
			"Settings": func(c *queue.Config) { c.Settings = nil },
			"Handlers": func(c *queue.Config) { c.Handlers = nil },
			"Batching": func(c *queue.Config) { c.Batching.Bytes = 10<<20 + 1 },
			"Budget":   func(c *queue.Config) { c.Budget.Accounts = -1 },
			"Margin":   func(c *queue.Config) { c.Margin = -1 },

			"Installation": func(c *queue.Config) { c.Installation = " test" },
		} {
			c := good
			spoil(&c)
			_, err := queue.New(c)
			assert.ErrorContains(w.t, err, name)
		}
	})
}

// An entry of a kind that has no handler is told, and blocks no other type.
func TestKindWithoutHandler(t *testing.T) {
	in(t, func(w *world) {
		ids := w.request(asked{order: 1}, asked{order: 2, kind: queue.KindCancellation})
		st := &gatedStore{w.store, nil}
		q, err := queue.New(queue.Config{
			Store: st, Feeds: w.amazon, Accounts: w.accounts, Settings: w, Installation: "test", Now: w.now,
			Handlers: map[queue.Kind]queue.Handler{queue.KindRefund: &handler{w, st}},
		})
		require.NoError(w.t, err)
		_, err = q.Step(w.t.Context())
		require.ErrorContains(w.t, err, "no handler for Cancellation")
		assert.Equal(w.t, []queue.State{queue.EntrySubmitted, queue.EntryQueued}, w.states(ids...))
	})
}

func TestNewEntryID(t *testing.T) {
	id := queue.NewEntryID(queue.KindRefund, "acme", "order/1")
	assert.Equal(t, id, queue.NewEntryID(queue.KindRefund, "acme", "order/1"))
	others := []queue.EntryID{
		queue.NewEntryID(queue.KindCancellation, "acme", "order/1"),
		queue.NewEntryID(queue.KindRefund, "acm", "eorder/1"),
		queue.NewEntryID(queue.KindRefund, "acme", "order/2"),
	}
	assert.NotContains(t, others, id)
	assert.Len(t, slices.Compact(slices.Sorted(slices.Values(others))), 3)
}
