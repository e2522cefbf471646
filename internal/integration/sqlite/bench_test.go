package sqlite_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/store/sqlite"
)

var day = time.Date(2026, 3, 8, 12, 0, 0, 0, time.UTC)

// document is so many refunds of one account, each of an order of its own.
func document(account order.AccountID, from, n int) []queue.Entry {
	es := make([]queue.Entry, n)
	for i := range es {
		number := fmt.Sprintf("111-%07d-%07d", (from+i)/1000, (from+i)%1000)
		stamp := order.Stamp{By: "anna", At: day.Add(time.Duration(from+i) * time.Second)}
		es[i] = queue.Entry{
			ID: queue.EntryID(fmt.Sprintf("RF-%s-%09d", account, from+i)), Kind: queue.KindRefund, Feed: amazon.RefundFeed,
			HostOrder: order.ID{Company: "acme", Number: "SO-" + number}, Order: order.AmazonID{Account: account, Number: number},
			Amount: order.Money{Amount: decimal.New(8640, -2), Currency: "USD"}, Label: "SHIRT-BLUE-L",
			State: queue.EntryQueued, QueuedAt: stamp.At, Requested: stamp, Changed: stamp,
		}
	}
	return es
}

// fill saves so many waiting refunds of an account.
func fill(tb testing.TB, st *sqlite.Store, account order.AccountID, n int) {
	tb.Helper()
	for from := 0; from < n; from += 10_000 {
		require.NoError(tb, st.SaveQueue(tb.Context(), queue.Change{Entries: document(account, from, min(10_000, n-from))}))
	}
}

// claimed is what the queue saves as it makes a document of entries.
func claimed(es []queue.Entry, b queue.Batch) queue.Change {
	c := queue.Change{Batches: []queue.Batch{b}, Entries: es}
	for i := range es {
		e := &es[i]
		e.State, e.Head = queue.EntryClaimed, 1
		e.Attempts = []queue.Attempt{{Batch: b.ID, At: day, Messages: []queue.Part{{Message: amazon.MessageID(7_000_000 + i), Part: "114000000000011"}}}}
		c.Orders = append(c.Orders, order.Writes{Order: e.Order})
		c.Events = append(c.Events, order.Event{Order: e.Order, Seq: int64(i), Kind: order.EventResult, Subject: "refund " + string(e.ID), Text: "Claimed. batch", Stamp: e.Changed})
	}
	return c
}

func batch(id queue.BatchID, account order.AccountID) queue.Batch {
	return queue.Batch{ID: id, Company: "acme", Account: account, Feed: amazon.RefundFeed, State: queue.BatchBuilding, Due: day, Created: order.Stamp{At: day}}
}

// A document of 10,000 entries, from its claim to its result: each save holds the
// database's write lock.
func BenchmarkDocumentOf10000(b *testing.B) {
	steps := []string{"queue", "claim", "submit", "results"}
	for i, name := range steps {
		b.Run(name, func(b *testing.B) {
			st, _ := openStore(b, newFile(b))
			for n := 0; b.Loop(); n++ {
				b.StopTimer()
				es := document("us", n*10_000, 10_000)
				bt := batch(queue.BatchID(fmt.Sprint("us-", n)), "us")
				save := func(c queue.Change) {
					require.NoError(b, st.SaveQueue(b.Context(), c))
					for i := range es {
						es[i].Version++
					}
				}
				for j := 0; j <= i; j++ {
					c := queue.Change{Entries: es}
					switch steps[j] {
					case "claim":
						c = claimed(es, bt)
						bt.Version++
					case "submit", "results":
						for i := range es {
							es[i].State = map[string]queue.State{"submit": queue.EntrySubmitting, "results": queue.EntryAccepted}[steps[j]]
						}
						c.Batches = []queue.Batch{bt}
						bt.Version++
					}
					if j == i {
						b.StartTimer()
					}
					save(c)
				}
			}
		})
	}
}

// What the reads of a pass cost beside a backlog of a million entries, half of
// them of the account that is asked about, and 10,000 accounts with one entry each.
func BenchmarkPassBesideAMillion(b *testing.B) {
	const backlog, accounts, documents = 500_000, 10_000, 10_000
	st, _ := openStore(b, newFile(b))
	fill(b, st, "us", backlog)
	fill(b, st, "other", backlog)
	var ones []queue.Entry
	var open []queue.Batch
	for i := range accounts {
		account := order.AccountID(fmt.Sprint("acc-", i))
		ones = append(ones, document(account, 0, 1)...)
		bt := batch(queue.BatchID(account+"-1"), account)
		bt.State, bt.DocumentNumber, bt.Due = queue.BatchInQueue, "50001", day.Add(time.Duration(i)*time.Hour)
		open = append(open, bt)
	}
	last := document("us", backlog, 1)
	last[0].Selection = &queue.Selection{Batch: "us-9", By: "anna", At: day}
	ones = append(ones, last...)
	require.NoError(b, st.SaveQueue(b.Context(), queue.Change{Entries: ones, Batches: open}))
	var effects []order.Effect
	for i := range documents {
		var w order.Writes
		w.Order = order.AmazonID{Account: "us", Number: fmt.Sprint("effect-", i)}
		w.Effect(order.Effect{Kind: order.EffectNote, Note: &order.Note{Text: "paid"}}, order.ID{Company: "acme", Number: w.Order.Number}, order.Stamp{At: day})
		effects = append(effects, w.Effects...)
		require.NoError(b, st.SaveRefunds(b.Context(), nil))
		require.NoError(b, st.SaveQueue(b.Context(), queue.Change{Orders: []order.Writes{w}, Events: []order.Event{
			{Order: w.Order, Kind: order.EventAlert, Key: fmt.Sprint("lost/", i), Stamp: order.Stamp{At: day}},
			{Order: w.Order, Kind: order.EventClosed, Key: fmt.Sprint("closed/lost/", i), Stamp: order.Stamp{At: day}},
		}}))
	}
	late := make([]order.EffectOutcome, 0, documents)
	for _, e := range effects[:documents-1] {
		late = append(late, order.EffectOutcome{Key: e.Key, NotBefore: day.AddDate(1, 0, 0)})
	}
	require.NoError(b, st.SaveEffects(b.Context(), late))

	ready := queue.EntryQuery{Accounts: []order.AccountID{"us"}, Feeds: []amazon.FeedType{amazon.RefundFeed},
		States: []queue.State{queue.EntryQueued}, ReadyBy: day, Limit: 100}
	selected, company := ready, queue.EntryQuery{Company: "acme", States: []queue.State{queue.EntryQueued, queue.EntryNeedsDecision}, Limit: 100}
	selected.Selected = true
	for _, read := range []struct {
		name string
		want int
		read func() (int, error)
	}{
		{"lanes", accounts + 2, func() (int, error) {
			ls, err := st.Lanes(b.Context(), queue.EntryQueued, queue.EntryUnknownSent, queue.EntryNeedsDecision)
			return len(ls), err
		}},
		{"counts", accounts + 2, func() (int, error) { cs, err := st.Counts(b.Context(), ""); return len(cs), err }},
		{"due", 1, func() (int, error) {
			bs, err := st.Batches(b.Context(), queue.BatchQuery{Unapplied: true, DueBy: day})
			return len(bs), err
		}},
		{"ready", 100, func() (int, error) { es, err := st.Entries(b.Context(), ready); return len(es), err }},
		{"selected", 1, func() (int, error) { es, err := st.Entries(b.Context(), selected); return len(es), err }},
		{"company", 100, func() (int, error) { es, err := st.Entries(b.Context(), company); return len(es), err }},
		{"effects", 1, func() (int, error) { es, err := st.Effects(b.Context(), day, 100); return len(es), err }},
		{"alerts", 0, func() (int, error) { as, err := st.Alerts(b.Context(), order.AlertQuery{}); return len(as), err }},
	} {
		b.Run(read.name, func(b *testing.B) {
			for b.Loop() {
				n, err := read.read()
				require.NoError(b, err)
				require.Equal(b, read.want, n)
			}
		})
	}
}
