package cancel_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
)

// atAmazon is an order as Amazon shows it.
type atAmazon struct {
	state amazon.OrderState
	err   error
	asked int
}

func (a *atAmazon) Order(context.Context, amazon.Account, string) (amazon.OrderState, error) {
	a.asked++
	return a.state, a.err
}

// at is the service with its orders at Amazon and a clock that stands.
func (s *shop) at(orders amazon.Orders, now time.Time) *cancel.Service {
	s.t.Helper()
	c, err := cancel.New(cancel.Config{
		Store: s.store, Book: s.book, Accounts: amazon.AccountList{account}, Settings: settings.Fixed{}, Orders: orders,
		Now: func() time.Time { return now },
	})
	require.NoError(s.t, err)
	return c
}

// unknown is an entry whose attempt nobody knows the result of.
func (s *shop) unknown() queue.Entry {
	s.t.Helper()
	id := s.issue(ask(first)).ID
	s.move(id, queue.EntryUnknownSent)
	return s.entry(id)
}

func TestTheOrderTellsWhetherItIsCancelled(t *testing.T) {
	by := func(actors ...amazon.Actor) (items []amazon.ItemState) {
		for _, a := range actors {
			items = append(items, amazon.ItemState{CancelledBy: a})
		}
		return items
	}
	for _, tt := range []struct {
		state amazon.OrderState
		says  string
		done  bool
	}{
		{amazon.OrderState{Status: amazon.OrderCancelled, Items: by(amazon.ActorMerchant, amazon.ActorMerchant)}, `Amazon shows the order as "CANCELLED", cancelled by "MERCHANT"`, true},
		{amazon.OrderState{Status: amazon.OrderCancelled, Items: by(amazon.ActorBuyer, amazon.ActorAmazon)}, `Amazon shows the order as "CANCELLED", cancelled by "BUYER", cancelled by "AMAZON"`, true},
		{amazon.OrderState{Status: amazon.OrderCancelled}, `Amazon shows the order as "CANCELLED"`, true},
		{amazon.OrderState{Status: amazon.OrderShipped}, `Amazon shows the order as "SHIPPED"`, false},
		{amazon.OrderState{Status: amazon.OrderPartiallyShipped, Items: by("", amazon.ActorBuyer)}, `Amazon shows the order as "PARTIALLY_SHIPPED", cancelled by "BUYER"`, false},
		{amazon.OrderState{Status: amazon.OrderUnshipped}, `Amazon shows the order as "UNSHIPPED"`, false},
		{amazon.OrderState{Status: "SOMETHING_NEW"}, `Amazon shows the order as "SOMETHING_NEW"`, false},
		{amazon.OrderState{}, "Amazon shows the order without a status", false},
	} {
		t.Run(tt.says, func(t *testing.T) {
			s := open(t, settings.Policy{}, paid(so1, first))
			e := s.unknown()
			now := e.Attempt().At.Add(10 * time.Minute)
			service := s.at(&atAmazon{state: tt.state}, now)
			said, err := service.Testify(t.Context(), account, e)
			require.NoError(t, err)
			want := queue.Testimony{
				Evidence: []queue.Evidence{{Kind: queue.EvidenceOrder, Text: tt.says, Stamp: order.Stamp{By: "Amazon", At: now}}},
				Next:     now.Add(time.Hour),
			}
			if tt.done {
				want.Results = []queue.Result{{Verdict: amazon.VerdictAccepted, Text: tt.says}}
			}
			assert.Empty(t, cmp.Diff(want, said))

			// The same once more is nothing new, until something else was seen.
			e.Attempts[0].Evidence = append(e.Attempts[0].Evidence, said.Evidence...)
			said, err = service.Testify(t.Context(), account, e)
			require.NoError(t, err)
			assert.Empty(t, said.Evidence)
			e.Attempts[0].Evidence = append(e.Attempts[0].Evidence, queue.Evidence{Kind: queue.EvidenceOrder, Text: "something else"}, queue.Evidence{Kind: queue.EvidenceLook, Text: tt.says})
			said, err = service.Testify(t.Context(), account, e)
			require.NoError(t, err)
			assert.Len(t, said.Evidence, 1)
		})
	}
}

func TestWhenTheOrderIsAsked(t *testing.T) {
	const day = 24 * time.Hour
	for _, tt := range []struct {
		after, next time.Duration // since the attempt; no next: never again
		asked       int
	}{
		{0, 10 * time.Minute, 0},
		{10*time.Minute - 1, 10 * time.Minute, 0},
		{10 * time.Minute, 70 * time.Minute, 1},
		{day - 1, day + time.Hour - 1, 1},
		{day, 2 * day, 1},
		{89 * day, 90 * day, 1},
		{89*day + 1, 0, 1},
	} {
		s := open(t, settings.Policy{}, paid(so1, first))
		e := s.unknown()
		at := e.Attempt().At
		orders := &atAmazon{state: amazon.OrderState{Status: amazon.OrderUnshipped}}
		said, err := s.at(orders, at.Add(tt.after)).Testify(t.Context(), account, e)
		require.NoError(t, err)
		var want time.Time
		if tt.next > 0 {
			want = at.Add(tt.next)
		}
		assert.Equal(t, want, said.Next, "%s after the attempt", tt.after)
		assert.Equal(t, tt.asked, orders.asked)
	}
}

func TestWhoCannotTestify(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first), paid(so2, second))
	e, later := s.unknown(), s.now.Add(time.Hour)
	orders := &atAmazon{err: &amazon.Error{Op: "getOrder", Status: 404}}
	said, err := s.at(orders, later).Testify(t.Context(), account, e)
	require.ErrorIs(t, err, orders.err)
	assert.ErrorContains(t, err, string(e.ID))
	assert.Empty(t, cmp.Diff(queue.Testimony{}, said))

	orders.asked = 0
	said, err = s.at(orders, later).Testify(t.Context(), account, s.entry(s.issue(ask(second)).ID))
	require.NoError(t, err)
	assert.Empty(t, cmp.Diff(queue.Testimony{}, said), "what was never sent")
	assert.Zero(t, orders.asked)

	said, err = s.at(nil, later).Testify(t.Context(), account, e)
	require.NoError(t, err)
	assert.Empty(t, cmp.Diff(queue.Testimony{}, said), "nobody can be asked")
}
