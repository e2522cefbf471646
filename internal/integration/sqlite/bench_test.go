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
