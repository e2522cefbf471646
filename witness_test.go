package takeback_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
)

// Amazon ended both documents as FATAL. What became of them is in its books and
// its orders, and the desk's services find it there.
func TestTheDeskKnowsWhomToAsk(t *testing.T) {
	for _, tt := range []struct {
		name     string
		messages int // that were carried out all the same
		refund   []queue.Result
		cancel   []queue.Result
	}{
		{"carried out", 1,
			[]queue.Result{{Part: item(0), Verdict: amazon.VerdictAccepted}}, []queue.Result{{Verdict: amazon.VerdictAccepted}}},
		{"not carried out", 0, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOffice(t, settings.Settings{}, 2)
				o.fake.FateOf(func(amazontest.Feed) amazontest.Fate {
					return amazontest.Fate{End: amazon.FeedFatal, Messages: tt.messages}
				})
				paid := o.refundOne(t, 0, "one")
				gone, err := o.desk.Cancels.Issue(t.Context(), cancel.Request{Order: amazonID(1), Reason: amazon.ReasonNoInventory, By: "ben"})
				require.NoError(t, err)
				o.stepFor(t, 5*time.Minute)
				require.Equal(t, queue.EntryUnknownResult, o.entry(t, paid.ID).State)
				require.Equal(t, queue.EntryUnknownResult, o.entry(t, gone.ID).State)
				time.Sleep(49 * time.Hour)

				said, err := o.desk.Refunds.Testify(t.Context(), seller, o.entry(t, paid.ID))
				require.NoError(t, err)
				assert.Equal(t, tt.refund, verdicts(said.Results))
				said, err = o.desk.Cancels.Testify(t.Context(), seller, o.entry(t, gone.ID))
				require.NoError(t, err)
				assert.Equal(t, tt.cancel, verdicts(said.Results))
			})
		})
	}
}

// verdicts are results without their texts.
func verdicts(rs []queue.Result) (bare []queue.Result) {
	for _, r := range rs {
		bare = append(bare, queue.Result{Part: r.Part, Verdict: r.Verdict})
	}
	return bare
}
