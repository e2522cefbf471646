package queue_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/queue"
)

// Nothing is sent for an account that is listed for two companies; others have their
// turns.
func TestAnAccountOfTwoCompanies(t *testing.T) {
	in(t, func(w *world) {
		w.accounts = amazon.AccountList{account("us", "acme"), account("eu", "acme"), account("eu", "bravo")}
		mine, disputed := w.request(asked{order: 1})[0], w.request(asked{order: 2, account: "eu", company: "acme"})[0]
		errs := w.pass(w.queue(), time.Hour)
		require.NotEmpty(w.t, errs)
		require.ErrorIs(w.t, errs[0], amazon.ErrDisputed)
		require.ErrorContains(w.t, errs[0], "account eu is listed twice, for companies acme and bravo")
		assert.Equal(w.t, []queue.State{queue.EntryAccepted, queue.EntryQueued}, w.states(mine, disputed))

		w.accounts = w.accounts[:2]
		assert.Empty(w.t, w.pass(w.queue(), time.Hour))
		assert.Equal(w.t, []queue.State{queue.EntryAccepted}, w.states(disputed))
	})
}

// What one company asked for does not go out when its account is listed for another;
// it says so, and goes when that is put right.
func TestAnAccountThatChangesItsCompany(t *testing.T) {
	in(t, func(w *world) {
		id := w.request(asked{order: 1})[0]
		w.accounts = amazon.AccountList{account("us", "bravo")}
		assert.Empty(w.t, w.pass(w.queue(), time.Hour))
		assert.Empty(w.t, w.amazon.sent())
		assert.Equal(w.t, []queue.State{queue.EntryQueued}, w.states(id))
		assert.Contains(w.t, w.get(id).Why, "account us belongs to company bravo now, and "+string(id)+" to acme")

		w.accounts = amazon.AccountList{account("us", "acme")}
		assert.Empty(w.t, w.pass(w.queue(), time.Hour))
		assert.Equal(w.t, []queue.State{queue.EntryAccepted}, w.states(id))
	})
}
