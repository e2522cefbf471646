package cancel_test

import (
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

// emptied are the SKUs whose stock effects set to nothing.
func emptied(es []order.Effect) (skus []string) {
	for _, e := range es {
		if e.Stock != nil && e.Stock.Zero {
			skus = append(skus, e.Stock.SKU)
		}
	}
	return skus
}

func TestZeroOut(t *testing.T) {
	kit := paid(so1, first)
	kit.Lines[1].Kit = []order.Part{{SKU: "TRAY", Quantity: 1}, {SKU: "LID", Quantity: 2}, {SKU: "MUG-BLUE", Quantity: 1}}
	for _, test := range []struct {
		name    string
		setting bool
		box     bool
		reason  amazon.Reason
		want    []string
	}{
		{"setting off, No Stock", false, false, amazon.ReasonNoInventory, nil},
		{"setting on, No Stock", true, false, amazon.ReasonNoInventory, []string{"LID", "MUG-BLUE", "TRAY"}},
		{"setting on, box ticked", true, true, amazon.ReasonPriceError, []string{"LID", "MUG-BLUE", "TRAY"}},
		{"setting on, box not ticked, another reason", true, false, amazon.ReasonPriceError, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := openWith(t, settings.Settings{AllowZeroOutInventory: test.setting}, kit)
			r := ask(first)
			r.Reason, r.ZeroOut = test.reason, test.box
			c := s.issue(r)
			assert.Equal(t, test.want != nil, c.ZeroOut)
			assert.Equal(t, test.want, emptied(s.deliver()), "each once, of a kit its parts")

			s.issue(r)
			s.move(c.ID, queue.EntryWithdrawn)
			s.move(c.ID, queue.EntryQueued)
			for _, e := range s.deliver() {
				assert.Nil(t, e.Stock, "once, and for ever")
			}
		})
	}
	s := open(t, settings.Policy{}, kit)
	r := ask(first)
	r.ZeroOut = true
	_, err := s.Issue(t.Context(), r)
	require.ErrorIs(t, err, cancel.ErrNotAllowed)
	assert.ErrorContains(t, err, "switch on AllowZeroOutInventory")
	assert.Zero(t, s.ledger(first).Version)
}

// Units that were cancelled before say nothing about the stock now.
func TestZeroOutOfWhatIsLeft(t *testing.T) {
	o := paid(so1, first)
	o.Lines[1].Cancelled = 1
	s := openWith(t, settings.Settings{AllowZeroOutInventory: true}, o)
	s.issue(ask(first))
	assert.Equal(t, []string{"MUG-BLUE"}, emptied(s.deliver()))
}

// Of a part only what is split off is set to nothing.
func TestZeroOutOfAPart(t *testing.T) {
	s := openWith(t, settings.Settings{AllowZeroOutInventory: true}, paid(so1, first))
	s.issue(aMug())
	assert.Equal(t, []string{"MUG-BLUE"}, emptied(append(s.deliver(), s.deliver()...)))
}

func local() cancel.Request {
	r := ask(first)
	r.Local = true
	return r
}

func TestDoNotSendToAmazon(t *testing.T) {
	s := openWith(t, settings.Settings{AllowLocalCancel: true}, paid(so1, first))
	d, err := s.Draft(t.Context(), local())
	require.NoError(t, err)
	assert.Empty(t, d.AmazonReason, "Amazon is told nothing")
	c := s.issue(local())
	s.deliver()

	assert.Equal(t, s.read(c.ID), c, "what is answered is what was saved")
	assert.Equal(t, cancel.Cancelled, c.Outcome)
	assert.Equal(t, queue.EntryAppliedLocally, s.entry(c.ID).State)
	assert.True(t, s.entry(c.ID).State.Final())
	assert.Equal(t, order.StatusCancelled, s.order(so1).Status)
	assert.False(t, s.pass(first).May)
	l := s.ledger(first)
	assert.True(t, l.Total(order.Reserved).IsZero() && l.Total(order.Posted).IsZero(), "what Amazon does with the money is not known")
	assert.Equal(t, order.PaymentCharged, l.PaymentStatus())

	again := s.issue(local())
	assert.Equal(t, c.ID, again.ID)
	require.ErrorIs(t, s.queue.Retry(t.Context(), "bob", "why not", c.ID), queue.ErrTransition)

	// While Amazon shows it open there is an alert a day; then it is confirmed.
	s.there.state = amazon.OrderState{Status: amazon.OrderUnshipped}
	for range 3 {
		s.step(24 * time.Hour)
		s.step(time.Hour)
	}
	assert.Equal(t, []string{"open/" + string(c.ID) + "/1", "open/" + string(c.ID) + "/2", "open/" + string(c.ID) + "/3"}, s.alerts())
	s.there.state.Status = amazon.OrderCancelled
	s.step(24 * time.Hour)
	assert.Equal(t, cancel.Confirmed, s.read(c.ID).Proof)
	assert.Equal(t, order.NoPayment, s.ledger(first).PaymentStatus(), "now it is known that it is never collected")
	asked := s.there.asked
	s.step(48 * time.Hour)
	assert.Equal(t, asked, s.there.asked, "nothing is left to look at")
}

func TestDoNotSendToAmazonWantsItsSetting(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	_, err := s.Issue(t.Context(), local())
	require.ErrorIs(t, err, cancel.ErrNotAllowed)
	assert.ErrorContains(t, err, "switch on AllowLocalCancel")
	assert.Zero(t, s.ledger(first).Version)
}

// A part that is cancelled here alone does not keep the rest from being cancelled at
// Amazon, with all its items.
func TestWholeAfterALocalPart(t *testing.T) {
	s := openWith(t, settings.Settings{AllowLocalCancel: true}, paid(so1, first))
	r := aMug()
	r.Split = []order.LineQuantity{{Item: tray, Quantity: 1}}
	r.Local, r.Reason = true, amazon.ReasonPriceError // Amazon's two words bind only what is sent
	s.issue(r)
	s.deliver()
	s.deliver()
	require.Equal(t, order.StatusCancelled, s.order(so1b).Status)
	_, err := s.Issue(t.Context(), part(so1))
	require.ErrorIs(t, err, cancel.ErrNothingLeft)

	whole := ask(first)
	whole.Whole = true
	c := s.issue(whole)
	assert.Equal(t, so1, c.HostOrder)
	assert.Empty(t, c.Also, "what is cancelled already stays as it is")
	assert.Equal(t, "53.3", s.ledger(first).Total(order.Reserved).String(), "Amazon collects nothing of the order")
	ps, err := s.Prepare(t.Context(), []queue.Entry{s.entry(c.ID)})
	require.NoError(t, err)
	assert.Nil(t, ps[0].Aside)
	assert.Empty(t, cmp.Diff([]string{mug, tray}, ps[0].Messages[0].Message.(amazon.Cancellation).Items))
}

func TestBuyerCancelledWantsAWishOrAcknowledgement(t *testing.T) {
	r := ask(first)
	r.Reason = amazon.ReasonBuyerCancelled
	d, err := cancel.Decide(facts(), r)
	require.NoError(t, err)
	require.Len(t, d.Cautions, 1)
	assert.Equal(t, cancel.CautionNoBuyerRequest, d.Cautions[0].Code)
	rec := &recorder{}
	err = d.Save(t.Context(), rec)
	require.ErrorIs(t, err, cancel.ErrUnacknowledged)
	assert.ErrorContains(t, err, "name them in Request.Acknowledge once somebody has read them: NoBuyerRequest (no wish of the buyer")
	assert.Empty(t, rec.saved)

	r.Acknowledge = []cancel.CautionCode{cancel.CautionNoBuyerRequest}
	d, err = cancel.Decide(facts(), r)
	require.NoError(t, err)
	require.NoError(t, d.Save(t.Context(), rec))
	assert.Len(t, d.Cautions, 1, "it is shown all the same")

	r.Acknowledge = nil
	f := facts()
	f.Requests = []cancel.BuyerRequest{{Order: first, Item: tray, State: cancel.Undecided}}
	d, err = cancel.Decide(f, r)
	require.NoError(t, err)
	assert.Empty(t, d.Cautions)
	assert.Equal(t, []string{"Amazon is told that the buyer asked to cancel item " + mug + ", too: no such wish is on file"}, d.Warnings)
	require.NoError(t, d.Save(t.Context(), rec))
	for _, item := range []string{mug, ""} { // now all are asked for, or any may be
		f.Requests = append(f.Requests[:1:1], cancel.BuyerRequest{Order: first, Item: item, State: cancel.Undecided})
		d, err = cancel.Decide(f, r)
		require.NoError(t, err)
		assert.Empty(t, d.Warnings)
	}
	f.Requests = f.Requests[:1]

	part := aMug()
	part.Reason = amazon.ReasonBuyerCancelled
	d, err = cancel.Decide(f, part)
	require.NoError(t, err)
	assert.EqualValues(t, amazon.RefundCustomerCancel, d.AmazonReason)
	assert.Len(t, d.Cautions, 1, "the wish is about another item")
}
