package cancel_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
	"github.com/takebackhq/takeback/store/memory"
)

func TestNewWantsEverything(t *testing.T) {
	whole := cancel.Config{Store: memory.New(), Book: &shelf{}, Accounts: amazon.AccountList{}, Settings: settings.Fixed{}}
	tests := []struct {
		name string
		less func(*cancel.Config)
	}{
		{"Store", func(c *cancel.Config) { c.Store = nil }},
		{"Book", func(c *cancel.Config) { c.Book = nil }},
		{"Accounts", func(c *cancel.Config) { c.Accounts = nil }},
		{"Settings", func(c *cancel.Config) { c.Settings = nil }},
	}
	for _, tt := range tests {
		c := whole
		tt.less(&c)
		_, err := cancel.New(c)
		assert.ErrorContains(t, err, tt.name)
	}
	_, err := cancel.New(whole)
	assert.NoError(t, err)
}

func TestIssue(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first), paid(so2, second))
	r := ask(first)
	r.Key = "ticket 7"
	c := s.issue(r)
	assert.Equal(t, c, s.read(c.ID))
	assert.Equal(t, "host/ticket 7", c.Key)
	assert.Equal(t, c, s.issue(r), "a repeat meets the first")
	assert.EqualValues(t, 1, s.ledger(first).Version, "and writes nothing")

	r.Order = second
	_, err := s.Issue(t.Context(), r)
	require.ErrorIs(t, err, cancel.ErrKeyReused)
	assert.ErrorContains(t, err, first.Number)

	_, err = s.Issue(t.Context(), ask(order.AmazonID{Account: "acme-us", Number: "111-0000009-0000009"}))
	assert.ErrorIs(t, err, store.ErrNotFound)
}

// Whoever asks at the same time, one cancellation comes of it.
func TestIssueAtTheSameTime(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	service, err := cancel.New(cancel.Config{Store: s.store, Book: s.book, Accounts: amazon.AccountList{account}, Settings: settings.Fixed{}})
	require.NoError(t, err)
	ids := make([]queue.EntryID, 8)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			c, err := service.Issue(t.Context(), ask(first))
			assert.NoError(t, err)
			ids[i] = c.ID
		})
	}
	wg.Wait()
	for _, id := range ids {
		assert.Equal(t, ids[0], id)
	}
	assert.Equal(t, "53.3", s.ledger(first).Total(order.Reserved).String())
	assert.EqualValues(t, 1, s.ledger(first).Version)
}

// Whose account it is cannot be told: nothing is cancelled, and nobody asked.
func TestAnAccountOfTwoCompanies(t *testing.T) {
	s, theirs := open(t, settings.Policy{}, paid(so1, first)), account
	theirs.Company = "bravo"
	there := &atAmazon{}
	service, err := cancel.New(cancel.Config{
		Store: s.store, Book: s.book, Accounts: amazon.AccountList{account, theirs}, Settings: settings.Fixed{}, Orders: there,
	})
	require.NoError(t, err)
	_, err = service.Issue(t.Context(), ask(first))
	require.ErrorIs(t, err, amazon.ErrDisputed)
	_, err = service.ReadOrder(t.Context(), first)
	require.ErrorIs(t, err, amazon.ErrDisputed)
	assert.Zero(t, there.asked)
	assert.Zero(t, s.ledger(first).Version)
}

func TestCancellationsInPages(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first), paid(so2, second))
	one, two := s.issue(ask(first)), s.issue(ask(second))
	tests := []struct {
		name string
		q    cancel.Query
		want []cancel.Cancellation
	}{
		{"all", cancel.Query{}, []cancel.Cancellation{one, two}},
		{"the first page", cancel.Query{Limit: 1}, []cancel.Cancellation{one}},
		{"the page after it", cancel.Query{After: one.Cursor(), Limit: 1}, []cancel.Cancellation{two}},
		{"nothing after the last", cancel.Query{After: two.Cursor()}, nil},
		{"a host order's", cancel.Query{HostOrders: []order.ID{so2}}, []cancel.Cancellation{two}},
		{"another company's", cancel.Query{Company: "other"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := s.Cancellations(t.Context(), tt.q)
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}
