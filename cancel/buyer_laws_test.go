package cancel_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
)

// However wishes, decisions, cancellations and answers follow each other: while a
// wish is undecided everything that can be held is, and nothing ships; after that
// nothing of ours is left; and what the buyer asked for goes out in the buyer's name.
func TestTheLawsOfBuyersWishes(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		policy := settings.Policy{CancelledAt: rapid.SampledFrom([]settings.CancelledAt{"", settings.CancelledWhenRequested}).Draw(r, "cancelled at")}
		s := open(t, policy, paid(so1, first))
		item := func() string { return rapid.SampledFrom([]string{mug, tray}).Draw(r, "item") }
		cancellations := func() []cancel.Cancellation {
			cs, err := s.Cancellations(t.Context(), cancel.Query{Orders: []order.AmazonID{first}})
			require.NoError(r, err)
			return cs
		}
		// Refusals are the rules of others; what happens is looked at below.
		may := func(_ any, _ error) { s.deliver() }
		r.Repeat(map[string]func(*rapid.T){
			"report": func(*rapid.T) { s.imports(unshipped(asks(item()))) },
			"notification": func(*rapid.T) {
				s.notified(s.now.Add(time.Duration(rapid.IntRange(-3, 1).Draw(r, "hours"))*time.Hour), item())
			},
			"accept": func(*rapid.T) { may(s.Accept(t.Context(), cancel.AcceptRequest{Order: first, By: "anna"})) },
			"accept item": func(*rapid.T) {
				may(s.Accept(t.Context(), cancel.AcceptRequest{Order: first, Items: []string{item()}, By: "anna"}))
			},
			"decline": func(*rapid.T) { may(s.Decline(t.Context(), first, "anna", "")) },
			"cancel": func(*rapid.T) {
				q := ask(first)
				q.HostOrder = rapid.SampledFrom(s.book.orders).Draw(r, "order").ID
				q.Reason = rapid.SampledFrom([]amazon.Reason{amazon.ReasonNoInventory, amazon.ReasonBuyerCancelled}).Draw(r, "reason")
				q.Acknowledge = []cancel.CautionCode{cancel.CautionNoBuyerRequest}
				may(s.Issue(t.Context(), q))
			},
			"answer": func(*rapid.T) {
				cs := slices.DeleteFunc(cancellations(), func(c cancel.Cancellation) bool { return c.Outcome != cancel.Open })
				if len(cs) == 0 {
					return
				}
				c := rapid.SampledFrom(cs).Draw(r, "cancellation")
				s.move(c.ID, rapid.SampledFrom([]queue.State{queue.EntryRejected, queue.EntryWithdrawn, queue.EntrySettledOutside}).Draw(r, "state"))
				s.deliver()
			},
			"again": func(*rapid.T) {
				cs := slices.DeleteFunc(cancellations(), func(c cancel.Cancellation) bool { return c.Outcome != cancel.Dropped })
				if len(cs) > 0 {
					c := rapid.SampledFrom(cs).Draw(r, "cancellation")
					may(nil, s.Apply(t.Context(), []queue.Entry{s.moved(c.ID, queue.EntryQueued)}))
				}
			},
			"step": func(*rapid.T) { s.step(time.Hour); s.deliver() },
			"": func(*rapid.T) {
				undecided := false
				for _, w := range s.wishes() {
					undecided = undecided || w.State == cancel.Undecided
					if w.State == cancel.RequestAccepted {
						c, err := s.Cancellation(t.Context(), w.Entry)
						require.NoError(r, err)
						require.NotEqual(r, cancel.Dropped, c.Outcome, "the wish about %s has no cancellation", w.Item)
					}
				}
				pass := s.pass(first)
				cancelling := map[order.ID]bool{}
				for _, c := range cancellations() {
					if c.Outcome != cancel.Open && c.Outcome != cancel.Cancelled {
						continue
					}
					for _, o := range s.book.orders {
						if !c.Part || c.HostOrder == o.ID {
							cancelling[o.ID] = true
						}
					}
					p, err := s.Prepare(t.Context(), []queue.Entry{s.entry(c.ID)})
					require.NoError(r, err)
					for _, w := range s.wishes() {
						if slices.Contains(c.Items, w.Item) && w.State != cancel.RequestOver && p[0].Aside == nil {
							require.Equal(r, amazon.ReasonBuyerCancelled, c.Reason)
						}
					}
				}
				for _, o := range s.book.orders {
					held := slices.ContainsFunc(o.Holds, func(h order.Hold) bool { return h.Owner == order.HeldByBuyer })
					if o.Status != order.StatusCancelled {
						require.Equal(r, undecided, held, "%s is %s", o.ID, o.Status)
					}
					require.Equal(r, !undecided && !cancelling[o.ID], pass.Of(o.ID).May, "%s: %s", o.ID, pass.Why)
					if pass.Of(o.ID).May {
						require.Equal(r, order.StatusInProcess, o.Status)
						require.Empty(r, o.Holds)
					}
				}
				require.NotContains(r, s.alerted(), "stale")
			},
		})
	})
}
