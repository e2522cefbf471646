package takeback_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/settings"
)

// returned is a returns report about one unit of order 0.
func returned() []byte {
	columns := []string{"Order ID", "Order date", "Return request date", "Return request status", "Amazon RMA ID", "Merchant SKU", "ASIN", "Return quantity", "Return Reason", "Resolution"}
	cells := []string{amazonID(0).Number, "01-Jan-2000", "01-Jan-2000", "Approved", "D1a2b3RRMA", "MUG", "B000000001", "1", "CR-DEFECTIVE", "StandardRefund"}
	return []byte(strings.Join(columns, "\t") + "\n" + strings.Join(cells, "\t") + "\n")
}

// wished is an unshipped-orders report: the buyer of order 1 wishes to cancel.
func wished() []byte {
	return []byte("order-id\torder-item-id\tquantity-to-ship\tis-buyer-requested-cancellation\n" +
		amazonID(1).Number + "\t" + item(1) + "\t2\ttrue\n")
}

// asking counts the reports that are asked for, by type.
type asking struct {
	amazon.API
	asked map[amazon.ReportType]int
}

func (a asking) Request(ctx context.Context, of amazon.Account, r amazon.ReportRequest) (amazon.ReportID, error) {
	a.asked[r.Type]++
	return a.API.Request(ctx, of, r)
}

// The desk polls what the settings and the configuration say, and nothing else.
func TestStepPolls(t *testing.T) {
	returns := settings.Settings{Queue: true, DownloadReturns: true}
	tests := map[string]struct {
		settings    settings.Settings
		polling     takeback.Polling
		rmas, held  int
		asked, told bool // createReport for returns, getReports for settlements
	}{
		"by default":                {returns, takeback.Polling{}, 1, 1, true, true},
		"seldom":                    {returns, takeback.Polling{Returns: 90 * time.Minute, Settlements: time.Minute}, 1, 1, true, true},
		"returns are not wanted":    {settings.Settings{Queue: true}, takeback.Polling{}, 0, 1, false, true},
		"the host hands reports in": {returns, takeback.Polling{Off: true}, 0, 0, false, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reports := map[amazon.ReportType]int{}
				o := newOffice(t, tt.settings, 2, func(c *takeback.Config) { c.Polling, c.Amazon = tt.polling, asking{c.Amazon, reports} })
				require.NoError(t, o.fake.AddReport(amazontest.ReportFile{Seller: "A1EXAMPLE", Type: amazon.UnshippedOrdersReport, Body: wished()}))
				require.NoError(t, o.fake.AddReport(amazontest.ReportFile{Seller: "A1EXAMPLE", Type: amazon.ReturnsFlatReport, Body: returned()}))
				o.stepFor(t, time.Hour)
				rmas, err := o.desk.Returns.RMAs(t.Context(), rma.Query{})
				require.NoError(t, err)
				assert.Len(t, rmas, tt.rmas)
				wishes, err := o.desk.Cancels.BuyerRequests(t.Context(), cancel.RequestQuery{States: []cancel.RequestState{cancel.Undecided}})
				require.NoError(t, err)
				assert.Len(t, wishes, tt.held)
				asked, told := reports[amazon.ReturnsFlatReport] > 0, false
				for _, c := range o.fake.Calls() {
					told = told || c.Op == "getReports"
				}
				assert.Equal(t, []bool{tt.asked, tt.told}, []bool{asked, told}, "asked for a report, looked for reports")
			})
		})
	}
}

// A report is asked for again when its time has come.
func TestPollingEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := map[amazon.ReportType]int{}
		o := newOffice(t, settings.Settings{Queue: true, DownloadReturns: true}, 1, func(c *takeback.Config) {
			c.Polling, c.Amazon = takeback.Polling{Returns: 3 * time.Hour}, asking{c.Amazon, asked}
		})
		require.NoError(t, o.fake.AddReport(amazontest.ReportFile{Seller: "A1EXAMPLE", Type: amazon.ReturnsFlatReport, Body: returned()}))
		o.stepFor(t, 2*time.Hour)
		first := asked[amazon.ReturnsFlatReport]
		assert.Positive(t, first)
		o.stepFor(t, 2*time.Hour)
		assert.Equal(t, first+1, asked[amazon.ReturnsFlatReport])
	})
}

// What goes wrong with a report is told, and keeps nothing else from its turn.
func TestPollingTellsWhatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []error
		o := newOffice(t, settings.Settings{}, 1, func(c *takeback.Config) {
			c.Polling = takeback.Polling{}
			c.Observe = func(_ context.Context, e queue.Event) {
				if e.Kind == queue.EventStepFailed {
					told = append(told, e.Err)
				}
			}
		})
		o.fake.Fail(func(c amazontest.Call) amazontest.Fault {
			if c.Op == "getReports" {
				return amazontest.Fault{Status: 403}
			}
			return amazontest.Fault{}
		})
		paid := o.refundOne(t, 0, "one")
		o.stepFor(t, 10*time.Minute)
		assert.ErrorContains(t, errors.Join(told...), "reports of account acme-us, job settlements")
		assert.Equal(t, queue.EntryAccepted, o.entry(t, paid.ID).State)
	})
}

// A copy of the database, under another name, leaves the sellers alone: it neither
// sends nor looks nor asks for reports.
func TestACopyOfTheDatabaseCallsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, settings.Settings{DownloadReturns: true}, 2, func(c *takeback.Config) { c.Polling = takeback.Polling{} })
		_, err := o.desk.Cancels.Issue(t.Context(), cancel.Request{Order: amazonID(1), Reason: amazon.ReasonNoInventory, By: "ben"})
		require.NoError(t, err)
		o.stepFor(t, 5*time.Minute) // the cancellation is to be confirmed, and reports were asked for
		calls := len(o.fake.Calls())

		staging := newOffice(t, settings.Settings{DownloadReturns: true}, 2, func(c *takeback.Config) {
			c.Polling, c.Store, c.Installation = takeback.Polling{}, o.store, "staging"
		})
		for range 20 {
			_, err := staging.desk.Step(t.Context())
			require.ErrorIs(t, err, queue.ErrInstallation)
			time.Sleep(time.Hour)
		}
		assert.Zero(t, len(staging.fake.Calls()), "calls of the copy")
		o.stepFor(t, time.Minute)
		assert.Greater(t, len(o.fake.Calls()), calls, "the original has something to look after")
	})
}
