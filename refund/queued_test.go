package refund_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store/memory"
)

// desk is a shop with a real queue on an Amazon that does as its script says.
type desk struct {
	*shop
	queue  *queue.Queue
	amazon *scripted
	now    time.Time
}

func newDesk(t testing.TB, set settings.Settings) *desk {
	d := &desk{shop: newShop(t, set, newOrder()), now: noon}
	d.clock = func() time.Time { return d.now }
	d.amazon = &scripted{store: d.store, now: d.clock, errors: map[string]int{}}
	var err error
	d.queue, err = queue.New(queue.Config{
		Store: d.store, Feeds: d.amazon, Accounts: amazon.AccountList{acme}, Settings: settings.Fixed(set), Now: d.clock, Installation: "test",
		Handlers: map[queue.Kind]queue.Handler{queue.KindRefund: d.Service},
	})
	require.NoError(t, err)
	return d
}

// pass sends what waits and applies what Amazon answers.
func (d *desk) pass() {
	d.t.Helper()
	for range 2 {
		_, err := d.queue.Step(d.t.Context())
		require.NoError(d.t, err)
		d.now = d.now.Add(5 * time.Minute)
	}
}

// told are the states that the journal says a refund came to.
func (d *desk) told(id queue.EntryID) (states []string) {
	d.t.Helper()
	for _, e := range d.events() {
		if e.Kind == order.EventResult && e.Subject == "refund "+string(id) {
			state, _, _ := strings.Cut(e.Text, " ")
			states = append(states, strings.TrimSuffix(state, "."))
		}
	}
	return states
}

// both asks for 12.00 of the lamps and 4.00 of the mugs.
func both(key string) refund.Request {
	r := exactly(key, "12.00")
	r.Lines = append(r.Lines, refund.Ask{Item: mug, Amounts: principal("4.00")})
	return r
}

// scripted is an Amazon that ends every document at once. It carries out each
// message but those about the items in errors, which it answers with that code.
type scripted struct {
	store  *memory.Store
	now    func() time.Time
	errors map[string]int
	fatal  bool // documents end without a report
}

func (a *scripted) Begin(context.Context, amazon.Account, amazon.FeedType) (amazon.Ticket, error) {
	return a, nil
}

func (a *scripted) Upload(context.Context, string, []byte) (fence, at time.Time, err error) {
	return a.now().Add(time.Hour), a.now(), nil
}

func (a *scripted) Create(context.Context) (amazon.Feed, error) {
	return amazon.Feed{ID: amazon.FeedID("F" + a.now().Format("150405")), CreatedAt: a.now()}, nil
}

func (a *scripted) Close() {}

func (a *scripted) Feed(_ context.Context, _ amazon.Account, id amazon.FeedID) (amazon.Feed, error) {
	if a.fatal {
		return amazon.Feed{ID: id, Status: amazon.FeedFatal}, nil
	}
	return amazon.Feed{ID: id, Status: amazon.FeedDone, Result: amazon.DocumentID(id)}, nil
}

func (a *scripted) Document(ctx context.Context, _ amazon.Account, id amazon.DocumentID) (io.ReadCloser, error) {
	batches, err := a.store.Batches(ctx, queue.BatchQuery{DocumentNumbers: []amazon.FeedID{amazon.FeedID(id)}, Contents: true})
	if err != nil {
		return nil, err
	}
	report := amazon.ProcessingReport{TransactionID: "1", StatusCode: "Complete"}
	messages := batches[0].Messages
	for _, m := range messages {
		if code := a.errors[m.Part]; code != 0 {
			report.Results = append(report.Results, amazon.Result{MessageID: m.ID, ResultCode: "Error", Code: code, Description: "no"})
		}
	}
	failed := len(report.Results)
	report.Summary = &amazon.Summary{Processed: len(messages), Successful: len(messages) - failed, WithError: failed}
	body, err := amazon.EncodeProcessingReport(acme.Merchant, report)
	return io.NopCloser(bytes.NewReader(body)), err
}

func (a *scripted) ListFeeds(context.Context, amazon.Account, amazon.FeedType, time.Time) (amazon.FeedList, error) {
	return amazon.FeedList{}, errors.New("nobody lists feeds here")
}

func (a *scripted) CancelFeed(context.Context, amazon.Account, amazon.FeedID) error {
	return errors.New("nobody cancels feeds here")
}

// What Amazon answers through the queue decides about each line by itself, and
// every answer leaves a row in the journal.
func TestQueuedRefundFollowsAmazonsAnswer(t *testing.T) {
	line := func(o refund.Outcome, code int, text string) refund.Line {
		return refund.Line{Outcome: o, Code: code, Text: text}
	}
	for _, tt := range []struct {
		name             string
		errors           map[string]int
		fatal            bool
		state            queue.State
		lines            []refund.Line // of lamp and mug, but for what was asked
		posted, reserved string
		payment          order.PaymentStatus
	}{
		{"all accepted", nil, false, queue.EntryAccepted,
			[]refund.Line{line(refund.LinePosted, 0, ""), line(refund.LinePosted, 0, "")}, "16.00", "0.00", order.PartialRefund},
		{"all refused", map[string]int{lamp: 18028, mug: 18016}, false, queue.EntryRefused,
			[]refund.Line{line(refund.LineVoided, 18028, "no"), line(refund.LineVoided, 18016, "no")}, "0.00", "0.00", order.PaymentCharged},
		{"one refused", map[string]int{mug: 18028}, false, queue.EntryPartlyAccepted,
			[]refund.Line{line(refund.LinePosted, 0, ""), line(refund.LineVoided, 18028, "no")}, "12.00", "0.00", order.PartialRefund},
		{"one with an error that does not tell", map[string]int{mug: 5002}, false, queue.EntryNeedsDecision,
			[]refund.Line{line(refund.LinePosted, 0, ""), line(refund.LineOpen, 0, "")}, "12.00", "4.00", order.PartialRefund},
		{"no report", nil, true, queue.EntryUnknownResult,
			[]refund.Line{line(refund.LineOpen, 0, ""), line(refund.LineOpen, 0, "")}, "0.00", "16.00", order.PaymentCharged},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t, settings.Settings{})
			d.amazon.errors, d.amazon.fatal = tt.errors, tt.fatal
			id := d.issue(both("k")).ID
			d.pass()

			assert.Equal(t, tt.state, d.entry(id).State)
			var got []refund.Line
			for _, l := range d.refund(id).Lines {
				got = append(got, refund.Line{Outcome: l.Outcome, Code: l.Code, Text: l.Text})
			}
			assert.Empty(t, cmp.Diff(tt.lines, got))
			assert.Equal(t, tt.posted, d.ledger().Total(order.Posted).StringFixed(2))
			assert.Equal(t, tt.reserved, d.ledger().Total(order.Reserved).StringFixed(2))
			assert.Equal(t, tt.payment, d.payment().Status)
			assert.Equal(t, tt.posted, d.payment().Refunded.StringFixed(2))
			assert.Equal(t, tt.reserved, d.payment().Pending.StringFixed(2))

			assert.Equal(t, order.EventRequested, d.events()[0].Kind)
			assert.Contains(t, d.told(id), string(tt.state))

			version := d.ledger().Version
			d.pass()
			assert.Equal(t, version, d.ledger().Version, "another pass has nothing to do")
		})
	}
}

func TestQueuedRefundEndsByAPersonAndIsTriedAgain(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(*desk, context.Context, queue.EntryID) error
		want queue.State
		next string // the adjustment ID of the next attempt, after the refund's own
	}{
		{"rejected", func(d *desk, ctx context.Context, id queue.EntryID) error {
			return d.queue.Reject(ctx, "bob", "Too much.", id)
		}, queue.EntryRejected, "-1-1"},
		{"withdrawn", func(d *desk, ctx context.Context, id queue.EntryID) error {
			return d.queue.Withdraw(ctx, "ann", "Wrong order.", id)
		}, queue.EntryWithdrawn, "-1-1"},
		{"refused", func(d *desk, ctx context.Context, id queue.EntryID) error {
			d.amazon.errors[lamp] = 18028
			d.pass()
			clear(d.amazon.errors)
			return ctx.Err()
		}, queue.EntryRefused, "-1-2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t, settings.Settings{})
			r := exactly("k", "20.00")
			id := d.issue(r).ID
			require.NoError(t, tt.end(d, t.Context(), id))
			assert.Equal(t, tt.want, d.entry(id).State)
			assert.Equal(t, refund.LineVoided, d.refund(id).Lines[0].Outcome)
			assert.True(t, d.ledger().Total(order.Reserved).IsZero())
			assert.Equal(t, order.PaymentCharged, d.payment().Status)

			// Asked again it says that it ended, and how to go on.
			ended, err := d.Issue(t.Context(), r)
			require.ErrorIs(t, err, refund.ErrEnded)
			assert.ErrorContains(t, err, "Queue.Retry renews it, and a new Key is a new refund")
			assert.Equal(t, id, ended.ID)
			shown := d.draft(r)
			assert.True(t, shown.Existing)
			assert.Len(t, shown.Warnings, 1)

			// While another refund has the money it cannot be renewed.
			other := d.issue(exactly("k2", "10.01"))
			before := d.ledger()
			require.ErrorIs(t, d.queue.Retry(t.Context(), "bob", "It was right.", id), order.ErrOver)
			assert.Empty(t, cmp.Diff(before, d.ledger()))
			assert.Equal(t, tt.want, d.entry(id).State)
			require.NoError(t, d.queue.Withdraw(t.Context(), "ann", "For the first.", other.ID))

			require.NoError(t, d.queue.Retry(t.Context(), "bob", "It was right.", id))
			assert.Equal(t, "20.00", d.ledger().Held(d.refund(id).Cause(), lamp).Total().StringFixed(2))
			assert.Empty(t, cmp.Diff(d.refund(id).Lines[0], refund.Line{Item: lamp, SKU: "LAMP", Amounts: principal("20"), Gross: principal("20"), Outcome: refund.LineOpen}))
			assert.Equal(t, id, d.issue(r).ID, "it pays again")

			ps, err := d.Prepare(t.Context(), []queue.Entry{d.entry(id)})
			require.NoError(t, err)
			assert.Equal(t, string(id)+tt.next, ps[0].Messages[0].Message.(amazon.Adjustment).AdjustmentID)
			d.pass()
			assert.Equal(t, queue.EntryAccepted, d.entry(id).State)
			assert.Equal(t, "20.00", d.ledger().Total(order.Posted).StringFixed(2))
			assert.Subset(t, d.told(id), []string{string(tt.want), string(queue.EntryQueued), string(queue.EntryAccepted)})
		})
	}
}

// With the policy, the host's order shows a refund as soon as it is saved, and a
// refusal takes it back.
func TestQueuedRefundShowsInThePaymentStatus(t *testing.T) {
	for _, tt := range []struct {
		at                    settings.PaymentStatusAt
		issued, paid, refused order.PaymentStatus
	}{
		{settings.PaymentStatusWhenAccepted, order.PaymentCharged, order.PartialRefund, order.PaymentCharged},
		{settings.PaymentStatusWhenIssued, order.PartialRefund, order.PartialRefund, order.PaymentCharged},
	} {
		for _, answer := range []struct {
			code int
			want order.PaymentStatus
		}{{0, tt.paid}, {18028, tt.refused}} {
			d := newDesk(t, settings.Settings{Policy: settings.Policy{PaymentStatusAt: tt.at}})
			d.amazon.errors[lamp] = answer.code
			d.issue(exactly("k", "12.00"))
			assert.Equal(t, tt.issued, d.payment().Status, "%q", tt.at)
			assert.Equal(t, "12", d.payment().Pending.String())
			assert.True(t, d.payment().Refunded.IsZero())
			d.pass()
			assert.Equal(t, answer.want, d.payment().Status, "%q, code %d", tt.at, answer.code)
			assert.True(t, d.payment().Pending.IsZero())
		}
	}
}
