package queue_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store/memory"
)

// world is one store, one Amazon and one clock, around any number of queues. Its
// time is that of a synctest bubble, counted from epoch.
type world struct {
	t        *testing.T
	begun    time.Time
	store    *journal
	amazon   *scripted
	settings settings.Settings
	accounts amazon.AccountList
	batching queue.Batching
	budget   queue.Budget
	name     string // of the installation

	// What a test changes in the handlers.
	prepare func([]queue.Entry, []queue.Prepared) ([]queue.Prepared, error)
	apply   func([]queue.Entry) error
	testify func(queue.Entry) (queue.Testimony, error) // nil: nothing is known

	// Who listens, if anybody does.
	observe func(context.Context, queue.Event)
	logger  *slog.Logger
}

// hostsOwn is a code that the host counts as indefinite.
const hostsOwn = 77001

var epoch = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// in runs a test in a world of its own.
func in(t *testing.T, f func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{
			t: t, begun: time.Now(), name: "test", accounts: amazon.AccountList{account("us", "acme")},
			store: &journal{Store: memory.New(), entries: map[queue.EntryID]queue.State{}, batches: map[queue.BatchID]queue.Batch{}, moves: map[move]bool{}},
		}
		w.amazon = &scripted{now: w.now, feeds: map[amazon.FeedID]createCall{}, watch: w.oneUnsure}
		f(w)
		for m := range w.store.moves {
			assert.True(t, m.inTable(), "a change of state that the table does not have: %v", m)
		}
	})
}

// oneUnsure asserts, at every createFeed, that no other one of its account and
// type may still be on its way.
func (w *world) oneUnsure(call createCall) {
	unsure, err := w.store.Batches(w.t.Context(), queue.BatchQuery{
		Accounts: []order.AccountID{call.Account.ID}, Feeds: []amazon.FeedType{call.Feed},
	})
	assert.NoError(w.t, err)
	unsure = slices.DeleteFunc(unsure, func(b queue.Batch) bool { return !b.Unanswered || !b.Fence.After(call.At) })
	assert.LessOrEqual(w.t, len(unsure), 1, "createFeed before the fence of another")
}

func account(id order.AccountID, company order.CompanyID) amazon.Account {
	return amazon.Account{ID: id, Company: company, Merchant: "A1MERCHANT", Region: amazon.NorthAmerica, Marketplaces: []order.MarketplaceID{"ATVPDKIKX0DER"}}
}

func (w *world) now() time.Time { return epoch.Add(time.Since(w.begun)) }

func (w *world) Settings(context.Context, order.CompanyID) (settings.Settings, error) {
	return w.settings, nil
}

// queue opens a queue whose every call to store and Amazon passes the gates.
func (w *world) queue(gates ...gate) *queue.Queue {
	w.t.Helper()
	return w.queueOn(&gatedFeeds{w.amazon, gates}, gates...)
}

// queueOn opens a queue on another client.
func (w *world) queueOn(feeds amazon.Feeds, gates ...gate) *queue.Queue {
	w.t.Helper()
	st := &gatedStore{w.store, gates}
	h := &handler{w, st}
	q, err := queue.New(queue.Config{
		Store: st, Feeds: feeds, Accounts: w.accounts, Settings: w,
		Handlers:     map[queue.Kind]queue.Handler{queue.KindRefund: h, queue.KindCancellation: h},
		Installation: w.name, Batching: w.batching, Budget: w.budget, Indefinite: []int{hostsOwn}, Now: w.now, Observe: w.observe, Logger: w.logger,
	})
	require.NoError(w.t, err)
	return q
}

// step makes one pass, which must work, and sleeps until the next.
func (w *world) step(q *queue.Queue) {
	w.t.Helper()
	next, err := q.Step(w.t.Context())
	require.NoError(w.t, err)
	w.sleepUntil(next)
}

func (w *world) sleepUntil(at time.Time) { time.Sleep(max(time.Second, at.Sub(w.now()))) }

// pass steps through some time as a host would, whatever the errors, and returns
// them.
func (w *world) pass(q *queue.Queue, d time.Duration) (errs []error) {
	for until := w.now().Add(d); w.now().Before(until); {
		next, err := q.Step(w.t.Context())
		if err != nil {
			errs = append(errs, err)
		}
		w.sleepUntil(next)
	}
	return errs
}

// worker starts a queue of its own on one pass, which stops before each call.
func (w *world) worker(gates ...gate) *turnstile {
	w.t.Helper()
	s := newTurnstile(w.t.Context())
	q := w.queue(append([]gate{s}, gates...)...)
	go func() {
		defer close(s.done)
		// What becomes of the pass shows in the store.
		_, _ = q.Step(w.t.Context())
	}()
	return s
}

// leaseEnds lets so much time pass that a worker which stands still has lost its
// turn.
func (w *world) leaseEnds() { time.Sleep(6 * time.Minute) }

// stepDuringCreate has one worker stand before its createFeed for so long that it
// loses its turn, and another make a pass.
func (w *world) stepDuringCreate(other *queue.Queue) {
	w.t.Helper()
	first := w.worker()
	require.True(w.t, first.until("amazon.Create"))
	w.leaseEnds()
	_, err := other.Step(w.t.Context())
	require.NoError(w.t, err)
	first.finish()
}

// asked is a refund that somebody asks for; the zero fields are filled in.
type asked struct {
	order   int // its Amazon order; required
	kind    queue.Kind
	account order.AccountID
	company order.CompanyID
	items   int // of the order, each one message; cancellations list them in one
	state   queue.State
	waits   time.Duration // how long ago it was queued

	unapproved bool
}

// of is the same of another order.
func (a asked) of(number int) asked {
	a.order = number
	return a
}

// request queues refunds and cancellations with their reservations, each in one
// save. Each is queued a moment after the one before it.
func (w *world) request(as ...asked) []queue.EntryID {
	w.t.Helper()
	var ids []queue.EntryID
	for i, a := range as {
		e := w.entry(a, fmt.Sprintf("%d/%d/%d", a.order, i, len(w.store.entries)))
		e.QueuedAt = e.QueuedAt.Add(time.Duration(i) * time.Millisecond)
		c := refund.Change{Entries: []queue.Entry{e}, Writes: w.head(e.Order)}
		l := w.ledger(e.Order)
		for _, item := range strings.Fields(e.Label) {
			charge := order.Posting{Order: e.Order, Seq: len(l.Postings) + 1, Item: item, Component: order.Principal, Balance: order.Charged, Amount: five, Currency: "USD"}
			l = l.With(charge)
			held, err := l.Reserve(cause(e), item, order.Amounts{order.Principal: five}, false, e.Requested)
			require.NoError(w.t, err)
			l = l.With(held...)
			c.Postings = append(append(c.Postings, charge), held...)
		}
		require.NoError(w.t, w.store.SaveRefunds(w.t.Context(), []refund.Change{c}))
		ids = append(ids, e.ID)
	}
	return ids
}

var five = decimal.RequireFromString("5.00")

func (w *world) entry(a asked, key string) queue.Entry {
	e := queue.Entry{Kind: queue.KindRefund, Feed: amazon.RefundFeed, State: queue.EntryQueued, QueuedAt: w.now().Add(-a.waits), Unapproved: a.unapproved}
	if a.kind == queue.KindCancellation {
		e.Kind, e.Feed = a.kind, amazon.CancelFeed
	}
	if a.state != "" {
		e.State = a.state
	}
	if a.account == "" {
		a.account, a.company = "us", "acme"
	}
	var items []string
	for i := range max(1, a.items) {
		items = append(items, fmt.Sprintf("%012d%02d", a.order, i+1))
	}
	e.ID = queue.NewEntryID(e.Kind, a.company, key)
	e.HostOrder = order.ID{Company: a.company, Number: fmt.Sprintf("H%d", a.order)}
	e.Order = order.AmazonID{Account: a.account, Number: fmt.Sprintf("111-0000000-%07d", a.order)}
	e.Label = strings.Join(items, " ")
	e.Amount = order.Money{Amount: five, Currency: "USD"}
	e.Requested = order.Stamp{By: "clerk", At: w.now(), Why: "damaged"}
	e.Changed = e.Requested
	return e
}

func (w *world) ledger(id order.AmazonID) order.Ledger {
	w.t.Helper()
	ls, err := w.store.Ledgers(w.t.Context(), []order.AmazonID{id})
	require.NoError(w.t, err)
	return ls[0]
}

func (w *world) head(id order.AmazonID) order.Writes {
	return order.Writes{Order: id, Version: w.ledger(id).Version}
}

// get reads one entry as it is stored.
func (w *world) get(id queue.EntryID) queue.Entry {
	w.t.Helper()
	es, err := w.store.Entries(w.t.Context(), queue.EntryQuery{IDs: []queue.EntryID{id}})
	require.NoError(w.t, err)
	require.Len(w.t, es, 1)
	return es[0]
}

// approve has somebody approve what waits for it, as a handler would.
func (w *world) approve(id queue.EntryID) {
	w.t.Helper()
	e, err := w.get(id).Approved(order.Stamp{By: "boss", At: w.now(), Why: "fine"})
	require.NoError(w.t, err)
	require.NoError(w.t, w.store.SaveRefunds(w.t.Context(), []refund.Change{{Entries: []queue.Entry{e}, Writes: w.head(e.Order)}}))
}

func (w *world) states(ids ...queue.EntryID) (states []queue.State) {
	for _, id := range ids {
		states = append(states, w.get(id).State)
	}
	return states
}

func (w *world) batches() []queue.Batch {
	w.t.Helper()
	bs, err := w.store.Batches(w.t.Context(), queue.BatchQuery{Contents: true})
	require.NoError(w.t, err)
	return bs
}

func (w *world) batchStates() (states []queue.BatchState) {
	for _, b := range w.batches() {
		states = append(states, b.State)
	}
	return states
}

// reserved is what an entry still holds; posted is what of its order went back.
func (w *world) reserved(id queue.EntryID) string {
	e := w.get(id)
	total := decimal.Zero
	for _, item := range strings.Fields(e.Label) {
		total = total.Add(w.ledger(e.Order).Held(cause(e), item).Total())
	}
	return total.StringFixed(2)
}

func (w *world) posted(id queue.EntryID) string {
	return w.ledger(w.get(id).Order).Total(order.Posted).StringFixed(2)
}

func cause(e queue.Entry) order.Cause { return order.Cause{Kind: order.CauseRefund, ID: string(e.ID)} }

// handler makes the messages of an entry from its label, which lists its items,
// and keeps the reservation of each.
type handler struct {
	*world
	store *gatedStore
}

func (h *handler) Prepare(ctx context.Context, es []queue.Entry) ([]queue.Prepared, error) {
	var ps []queue.Prepared
	for _, e := range es {
		ls, err := h.store.Ledgers(ctx, []order.AmazonID{e.Order})
		if err != nil {
			return nil, err
		}
		p := queue.Prepared{Entry: e.ID, Order: order.Writes{Order: e.Order, Version: ls[0].Version}}
		items := strings.Fields(e.Label)
		if e.Kind == queue.KindCancellation {
			p.Messages = []queue.PreparedMessage{{Message: amazon.Cancellation{
				Order: e.Order.Number, MerchantOrder: string(e.ID), Items: items, Reason: amazon.CancelNoInventory,
			}}}
			items = nil
		}
		for _, item := range items {
			p.Messages = append(p.Messages, queue.PreparedMessage{Part: item, Message: amazon.Adjustment{
				Order: e.Order.Number, Item: item, AdjustmentID: string(e.ID) + "/" + item,
				Reason: amazon.RefundCustomerReturn, Currency: "USD", Amounts: order.Amounts{order.Principal: five},
			}})
		}
		ps = append(ps, p)
	}
	if h.prepare != nil {
		return h.prepare(es, ps)
	}
	return ps, nil
}

func (h *handler) Testify(_ context.Context, _ amazon.Account, e queue.Entry) (queue.Testimony, error) {
	if h.testify == nil {
		return queue.Testimony{}, nil
	}
	return h.testify(e)
}

func (h *handler) Apply(ctx context.Context, es []queue.Entry) error {
	if h.apply != nil {
		if err := h.apply(es); err != nil {
			return err
		}
	}
	return queue.ApplyTogether(ctx, es, h.saveResults)
}

func (h *handler) saveResults(ctx context.Context, es []queue.Entry) error {
	ledgers := map[order.AmazonID]order.Ledger{}
	for _, e := range es {
		ls, err := h.store.Ledgers(ctx, []order.AmazonID{e.Order})
		if err != nil {
			return err
		}
		ledgers[e.Order] = ls[0]
	}
	var cs []refund.Change
	for _, e := range es {
		l := ledgers[e.Order]
		c := refund.Change{Entries: []queue.Entry{e}, Writes: order.Writes{Order: l.Order, Version: l.Version}}
		for _, item := range strings.Fields(e.Label) {
			ps, err := follow(l, e, item)
			if err != nil {
				return err
			}
			c.Postings, l = append(c.Postings, ps...), l.With(ps...)
		}
		l.Version++
		ledgers[e.Order] = l
		cs = append(cs, c)
	}
	return h.store.SaveRefunds(ctx, cs)
}

// follow is what an entry's state means for the reservation of an item.
func follow(l order.Ledger, e queue.Entry, item string) ([]order.Posting, error) {
	verdict := amazon.Verdict("")
	for _, r := range e.Attempt().Results {
		if r.Part == item || r.Part == "" {
			verdict = r.Verdict
		}
	}
	switch {
	case e.State == queue.EntryQueued && l.Held(cause(e), item).IsZero():
		return l.Reserve(cause(e), item, order.Amounts{order.Principal: five}, false, e.Changed)
	case e.State == queue.EntryQueued:
		return nil, nil
	case e.State == queue.EntryRejected, e.State == queue.EntryWithdrawn, e.State == queue.EntryGivenUp, verdict == amazon.VerdictRefused:
		return l.Void(cause(e), item, e.Changed), nil
	case verdict == amazon.VerdictAccepted, e.State == queue.EntrySettledOutside:
		return l.Post(cause(e), item, e.Changed), nil
	}
	return nil, nil
}

// journal notes every change of state that is saved.
type journal struct {
	*memory.Store
	mu      sync.Mutex
	entries map[queue.EntryID]queue.State
	batches map[queue.BatchID]queue.Batch
	moves   map[move]bool
}

// move is one change of state of an entry or a batch.
type move struct {
	of       string
	from, to string
}

func (m move) inTable() bool {
	table := queue.EntryTransitions()
	if m.of == "batch" {
		table = queue.BatchTransitions()
	}
	return slices.ContainsFunc(table, func(t queue.Transition) bool { return t.From == m.from && t.To == m.to })
}

func (j *journal) SaveRefunds(ctx context.Context, cs []refund.Change) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	err := j.Store.SaveRefunds(ctx, cs)
	for _, c := range cs {
		j.note(err, nil, c.Entries)
	}
	return err
}

func (j *journal) SaveQueue(ctx context.Context, c queue.Change) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	err := j.Store.SaveQueue(ctx, c)
	j.note(err, c.Batches, c.Entries)
	return err
}

func (j *journal) note(err error, bs []queue.Batch, es []queue.Entry) {
	if err != nil {
		return
	}
	for _, b := range bs {
		if old := j.batches[b.ID]; old.State != b.State || !old.Fence.Equal(b.Fence) { // a new fence: uploaded again
			j.moves[move{"batch", string(old.State), string(b.State)}] = true
		}
		j.batches[b.ID] = b
	}
	for _, e := range es {
		from, known := j.entries[e.ID]
		if known && from != e.State {
			j.moves[move{"entry", string(from), string(e.State)}] = true
		}
		j.entries[e.ID] = e.State
	}
}

// everyEffectOnce asserts the first law: nothing had effect twice, whatever it
// was that failed; what is not accepted is visibly open; and no batch is stuck.
func (w *world) everyEffectOnce(ids []queue.EntryID, msg string) {
	w.t.Helper()
	paid := map[queue.EntryID]bool{}
	for name, n := range w.amazon.effects() {
		assert.Equal(w.t, 1, n, "%s: effects of %s", msg, name)
		id, _, _ := strings.Cut(name, "/")
		paid[queue.EntryID(id)] = true
	}
	for _, id := range ids {
		e := w.get(id)
		blocked := slices.ContainsFunc(ids, func(other queue.EntryID) bool {
			return strings.Contains(e.Why, string(other)) && slices.Contains(open, w.get(other).State)
		})
		switch {
		case slices.Contains(open, e.State):
		case e.State == queue.EntryQueued && blocked:
			assert.False(w.t, paid[id], "%s: %s waits and had effect", msg, id)
		default:
			assert.Equal(w.t, queue.EntryAccepted, e.State, "%s: %s: %s", msg, id, e.Why)
			assert.True(w.t, paid[id], "%s: %s had no effect", msg, id)
		}
	}
	for _, b := range w.batches() {
		assert.Contains(w.t, []queue.BatchState{queue.BatchDone, queue.BatchUnknownSent}, b.State, "%s: batch %s is stuck: %s", msg, b.ID, b.Why)
	}
}

// open are the states in which nobody knows yet what happened.
var open = []queue.State{queue.EntryUnknownSent, queue.EntryUnknownResult, queue.EntryNeedsDecision}

var errLost = errors.New("connection lost")

// restored is a store that came back from a backup without its cells.
func restored(w *world, c queue.Change, es []queue.Entry) *memory.Store {
	w.t.Helper()
	st := memory.New()
	for i := range c.Batches {
		c.Batches[i].Version = 0
	}
	for i := range es {
		es[i].Version = 0
	}
	c.Entries = es
	require.NoError(w.t, st.SaveQueue(w.t.Context(), c))
	return st
}
