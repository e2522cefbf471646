package refund_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

// Thirty asks for 10.00 of 30.00 come at once: three are granted, and the others
// are told that nothing is left.
func TestManyAtOnceReserveNoMoreThanWasCharged(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	errs := make([]error, 30)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { _, errs[i] = s.Issue(t.Context(), exactly(fmt.Sprint("k", i), "10.00")) })
	}
	wg.Wait()

	refusals := slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	assert.Len(t, refusals, 27)
	for _, err := range refusals {
		assert.ErrorIs(t, err, order.ErrOver)
	}
	assert.Equal(t, "30.00", s.ledger().Total(order.Reserved).StringFixed(2))
	assert.True(t, s.ledger().Left(lamp)[order.Principal].IsZero())
}

func TestManyWithOneKeyAreOneRefund(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	issued, errs := make([]refund.Refund, 30), make([]error, 30)
	var wg sync.WaitGroup
	for i := range issued {
		wg.Go(func() { issued[i], errs[i] = s.Issue(t.Context(), exactly("k", "10.00")) })
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
	for _, r := range issued {
		assert.Empty(t, cmp.Diff(issued[0], r))
	}
	assert.Equal(t, "10.00", s.ledger().Total(order.Reserved).StringFixed(2))
	assert.Len(t, s.events(), 1)
}

// busyStore conflicts for a number of saves, as when others keep writing.
type busyStore struct {
	refund.Store
	conflicts, saves int
}

func (b *busyStore) SaveRefunds(ctx context.Context, cs []refund.Change) error {
	b.saves++
	if b.saves <= b.conflicts {
		return store.ErrConflict
	}
	return b.Store.SaveRefunds(ctx, cs)
}

func TestIssueDraftsAgainAfterAConflict(t *testing.T) {
	for _, tt := range []struct {
		conflicts, saves int
		want             error
		reserved         string
	}{
		{0, 1, nil, "12.00"},
		{9, 10, nil, "12.00"},
		{10, 10, store.ErrConflict, "0.00"},
	} {
		s := newShop(t, settings.Settings{}, newOrder())
		busy := &busyStore{Store: s.store, conflicts: tt.conflicts}
		service, err := refund.New(refund.Config{Store: busy, Book: s.book, Accounts: amazon.AccountList{acme}, Settings: settings.Fixed{}})
		require.NoError(t, err)
		_, err = service.Issue(t.Context(), s.confirm(exactly("", "12.00")))
		assert.Equal(t, tt.want, errors.Unwrap(err), "%d conflicts", tt.conflicts)
		assert.Equal(t, tt.saves, busy.saves)
		assert.Equal(t, tt.reserved, s.ledger().Total(order.Reserved).StringFixed(2))
	}
}

// Something that moved no money does not undo what a person confirmed.
func TestIssueKeepsItsTokenWhenOnlyTheVersionMoved(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	r := s.confirm(exactly("", "12.00"))
	s.book.during = func() { s.write() } // between the reading of the head and the save
	assert.Equal(t, r.Token, s.issue(r).Token)
	assert.EqualValues(t, 2, s.ledger().Version)
}
