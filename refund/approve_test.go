package refund_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

// limited lets everybody refund 10.00 of an order alone, bob 20.00, and eve nothing.
var limited = policy(settings.Policy{Limits: []settings.Limit{
	{Amount: dec("10.00"), Currency: "USD"},
	{Actor: "bob", Amount: dec("20.00"), Currency: "USD"},
	{Actor: "eve", Amount: dec("0"), Currency: "USD"},
	{Actor: "dan", Amount: dec("1.00"), Currency: "EUR"},
}})

func by(actor string, r refund.Request) refund.Request {
	r.By = actor
	return r
}

// Above their limit, with what the same actor refunded of the order before, somebody
// else must approve. The money is reserved and visible all the same.
func TestWhoNeedsApproval(t *testing.T) {
	for _, tt := range []struct {
		name, actor, amount string
		before              func(*shop)
		waits               bool
	}{
		{"up to the limit", "ann", "10.00", nil, false},
		{"above it", "ann", "10.01", nil, true},
		{"up to their own", "bob", "20.00", nil, false},
		{"above their own", "bob", "20.01", nil, true},
		{"who may nothing alone", "eve", "0.01", nil, true},
		{"another currency's limit", "dan", "10.00", nil, false},
		{"together with an earlier one", "ann", "5.01", func(s *shop) { s.issue(exactly("before", "5.00")) }, true},
		{"beside another's", "ann", "10.00", func(s *shop) { s.issue(by("bob", exactly("before", "5.00"))) }, false},
		{"after one that was refused", "ann", "10.00", func(s *shop) {
			s.apply(s.sent(s.issue(exactly("before", "5.00")).ID, queue.EntryRefused, refused(lamp)))
		}, false},
		{"beside one that was only recorded", "ann", "10.00", func(s *shop) { s.record(recorded("SC-1", "5.00")) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newShop(t, limited, newOrder())
			if tt.before != nil {
				tt.before(s)
			}
			r := by(tt.actor, exactly("k", tt.amount))
			d := s.draft(r)
			assert.Equal(t, tt.waits, d.AwaitsApproval)
			assert.Equal(t, tt.waits, slices.ContainsFunc(d.Warnings, func(w string) bool { return strings.Contains(w, "must approve it") }), "%q", d.Warnings)
			id := s.issue(r).ID
			assert.Equal(t, tt.waits, s.entry(id).State == queue.EntryAwaitingApproval)
			assert.Equal(t, tt.waits, s.entry(id).Unapproved)
			assert.Empty(t, cmp.Diff(principal(tt.amount), s.ledger().Held(s.refund(id).Cause(), lamp)))
			assert.Equal(t, tt.waits, s.entry(id).Why != "")
		})
	}
}

// Two people: one asks, one approves, and Amazon pays once.
func TestFourEyes(t *testing.T) {
	d := newDesk(t, limited)
	asked := d.issue(exactly("k", "12.00"))
	d.pass()
	require.Equal(t, queue.EntryAwaitingApproval, d.entry(asked.ID).State)
	assert.Equal(t, "12", d.payment().Pending.String(), "the host's order shows it")

	approved, err := d.Approve(t.Context(), asked.ID, asked.Content(), "bob", "the photos show it")
	require.NoError(t, err)
	assert.Equal(t, order.Stamp{By: "bob", At: d.now, Why: "the photos show it"}, approved.Approved)
	assert.Empty(t, cmp.Diff(approved, d.refund(asked.ID)), "what is answered is what is stored")
	assert.Equal(t, asked.Content(), approved.Content(), "its content never changes")
	last := d.events()[len(d.events())-1]
	assert.Equal(t, []string{"AwaitingApproval", "Queued", "bob", "the photos show it"}, []string{last.Before, last.After, last.By, last.Why})

	d.pass()
	assert.Equal(t, queue.EntryAccepted, d.entry(asked.ID).State)
	assert.Equal(t, "12.00", d.ledger().Total(order.Posted).StringFixed(2))
}

func TestApprovalsThatDoNotCount(t *testing.T) {
	for _, tt := range []struct {
		name, amount, by, why string
		content               string // empty: the refund's
		is                    error
		want                  errTexts
	}{
		{"by who asked", "12.00", "ann", "mine", "", refund.ErrSelfApproval, errTexts{"ann"}},
		{"of something else", "12.00", "bob", "fine", "5e5e5e", refund.ErrUnconfirmed, errTexts{"5e5e5e"}},
		{"above the approver's own limit", "20.01", "bob", "fine", "", refund.ErrAboveLimit, errTexts{"20.01 USD", "bob", "20.00 USD"}},
		{"by nobody", "12.00", "", "fine", "", nil, errTexts{"say by whom"}},
		{"for nothing", "12.00", "bob", "", "", nil, errTexts{"and why"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newShop(t, limited, newOrder())
			asked := s.issue(exactly("k", tt.amount))
			content := map[bool]string{true: asked.Content(), false: tt.content}[tt.content == ""]
			_, err := s.Approve(t.Context(), asked.ID, content, tt.by, tt.why)
			tt.want.in(t, err)
			assert.ErrorContains(t, err, string(asked.ID))
			assert.True(t, tt.is == nil || assert.ErrorIs(t, err, tt.is))
			assert.Equal(t, queue.EntryAwaitingApproval, s.entry(asked.ID).State)
			assert.EqualValues(t, 1, s.ledger().Version, "nothing is saved")
		})
	}

	s := newShop(t, limited, newOrder())
	_, err := s.Approve(t.Context(), "RFNONE", "", "bob", "fine")
	require.ErrorIs(t, err, store.ErrNotFound)
	free := s.issue(exactly("k", "1.00"))
	_, err = s.Approve(t.Context(), free.ID, free.Content(), "bob", "fine")
	require.ErrorIs(t, err, queue.ErrTransition, "it needs none")
	past := s.record(recorded("SC-1", "1.00"))
	_, err = s.Approve(t.Context(), past.ID, past.Content(), "bob", "fine")
	require.ErrorIs(t, err, queue.ErrTransition, "it was never in the queue")
}

// Of two who approve at once, one does. Whoever did may say so again.
func TestTwoApproveAtOnce(t *testing.T) {
	unlimited := limited
	unlimited.Policy.Limits = limited.Policy.Limits[:1]
	unlimited.Policy.Limits = append([]settings.Limit{{Actor: "bob", Amount: dec("99"), Currency: "USD"}, {Actor: "cid", Amount: dec("99"), Currency: "USD"}}, unlimited.Policy.Limits...)
	s := newShop(t, unlimited, newOrder())
	asked := s.issue(exactly("k", "12.00"))
	errs := map[string]error{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, actor := range []string{"bob", "cid"} {
		wg.Go(func() {
			_, err := s.Approve(t.Context(), asked.ID, asked.Content(), actor, "fine")
			mu.Lock()
			defer mu.Unlock()
			errs[actor] = err
		})
	}
	wg.Wait()
	winner := s.refund(asked.ID).Approved.By
	loser := map[string]string{"bob": "cid", "cid": "bob"}[winner]
	require.NoError(t, errs[winner])
	require.ErrorIs(t, errs[loser], queue.ErrTransition)
	assert.EqualValues(t, 2, s.ledger().Version)

	_, err := s.Approve(t.Context(), asked.ID, asked.Content(), winner, "fine, as I said")
	require.NoError(t, err)
	assert.EqualValues(t, 2, s.ledger().Version, "a repeat saves nothing")
}

// Declining gives the reservation back; who tries again waits for approval again,
// unless there was one.
func TestDeclined(t *testing.T) {
	d := newDesk(t, limited)
	asked := d.issue(exactly("k", "12.00"))
	require.NoError(t, d.queue.Reject(t.Context(), "bob", "no", asked.ID))
	assert.True(t, d.ledger().Total(order.Reserved).IsZero())
	require.NoError(t, d.queue.Retry(t.Context(), "ann", "yes", asked.ID))
	assert.Equal(t, queue.EntryAwaitingApproval, d.entry(asked.ID).State)
	assert.Equal(t, refund.LineOpen, d.refund(asked.ID).Lines[0].Outcome)
	assert.Equal(t, "12", d.ledger().Total(order.Reserved).String())

	_, err := d.Approve(t.Context(), asked.ID, asked.Content(), "bob", "well")
	require.NoError(t, err)
	require.NoError(t, d.queue.Withdraw(t.Context(), "ann", "", asked.ID))
	require.NoError(t, d.queue.Retry(t.Context(), "ann", "yes", asked.ID))
	assert.Equal(t, queue.EntryQueued, d.entry(asked.ID).State)
	d.pass()
	assert.Equal(t, queue.EntryAccepted, d.entry(asked.ID).State)
}

// Limits that contradict each other let nobody through by chance.
func TestLimitsThatContradict(t *testing.T) {
	set := limited
	set.Policy.Limits = append(set.Policy.Limits[:1:1], settings.Limit{Amount: dec("1"), Currency: "USD"})
	s := newShop(t, set, newOrder())
	_, err := s.Issue(t.Context(), exactly("k", "5.00"))
	errTexts{"settings of company acme", "stands twice"}.in(t, err)
}

// recorded is a refund of the lamps that was made in Seller Central.
func recorded(reference, amount string) refund.Recorded {
	return refund.Recorded{
		Order: sold, Lines: []refund.RecordedLine{{Item: lamp, Amounts: principal(amount)}},
		At: noon.Add(-time.Hour), Reference: reference, By: "ann", Why: "the buyer called",
	}
}

func (s *shop) record(r refund.Recorded) refund.Refund {
	s.t.Helper()
	saved, err := s.Record(s.t.Context(), r)
	require.NoError(s.t, err)
	return saved
}
