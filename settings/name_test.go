package settings_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/settings"
)

// Merchants find the settings in their documentation and in support threads by
// these words; a changed letter is a broken promise.
func TestNamesAreSpelledAsMerchantsKnowThem(t *testing.T) {
	assert.Equal(t, []settings.Name{
		"Download and process RMA report from Amazon",
		"Allow to Over Refund Amazon Order",
		"Allow To Zero Out Inventory When Cancelling Amazon Order",
		"Do not create RMA for Amazon returnless refunds",
		"Allow to Cancel Amazon order without sending cancel request to Amazon",
		"Queue Amazon Order Refunds and Cancellations",
		"Queue Amazon Order Refunds and Cancellations – Auto submit to Amazon",
	}, settings.Names())
}

func TestParseValues(t *testing.T) {
	got, err := settings.ParseValues(map[string]bool{
		"Queue Amazon Order Refunds": true, "Queue Amazon Order Refunds & Cancellations": true, "Auto submit to Amazon": false,
	})
	require.NoError(t, err)
	assert.Equal(t, settings.Values{settings.Queue: true, settings.AutoSubmit: false}, got)

	got, err = settings.ParseValues(map[string]bool{
		"Queue Amazon Order Refunds": true, "Queue Amazon Order Refunds and Cancellations": false, "Queue them": true,
	})
	assert.Nil(t, got)
	require.ErrorContains(t, err, `is true as "Queue Amazon Order Refunds" and false as "Queue Amazon Order Refunds and Cancellations"`)
	assert.ErrorContains(t, err, `unknown setting "Queue them"`)
}

func TestParseName(t *testing.T) {
	for _, tt := range []struct {
		spelling string
		want     settings.Name
	}{
		{"Download and process RMA report from Amazon", settings.DownloadReturns},
		{"download_and_process_rma_report_from_amazon", settings.DownloadReturns},
		{"Allow to Over Refund Amazon Order", settings.AllowOverRefund},
		{"Allow to Over-Refund Amazon Order", settings.AllowOverRefund},
		{"ALLOW TO OVERREFUND AMAZON ORDER.", settings.AllowOverRefund},
		{"Allow To Zero Out Inventory When Cancelling Amazon Order", settings.AllowZeroOutInventory},
		{"Allow to zero-out inventory when canceling Amazon order", settings.AllowZeroOutInventory},
		{"Do not create RMA for Amazon returnless refunds", settings.SkipReturnlessRMA},
		{"\tDo not create RMA for Amazon  return-less refunds\r\n", settings.SkipReturnlessRMA},
		{"Allow to Cancel Amazon order without sending cancel request to Amazon", settings.AllowLocalCancel},
		{"Queue Amazon Order Refunds", settings.Queue},
		{"Queue Amazon Order Refunds and Cancellations", settings.Queue},
		{"Queue Amazon Order Refunds & Cancellations", settings.Queue},
		{"Queue\u00a0Amazon\u00a0Order\u00a0Refunds", settings.Queue},
		{"Queue Amazon Order Refunds and Cancellations – Auto submit to Amazon", settings.AutoSubmit},
		{"Queue Amazon Order Refunds and Cancellations - Auto submit to Amazon", settings.AutoSubmit},
		{"Queue Amazon Order Refunds and Cancellations — Auto-Submit to Amazon", settings.AutoSubmit},
		{"Queue Amazon Order Refunds: Auto submit to Amazon", settings.AutoSubmit},
		{"... – Auto submit to Amazon", settings.AutoSubmit},
		{"Auto submit to Amazon", settings.AutoSubmit},
	} {
		t.Run(tt.spelling, func(t *testing.T) {
			got, err := settings.ParseName(tt.spelling)
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestParseNameRefusesWhatIsNoSetting(t *testing.T) {
	for _, text := range []string{
		"",
		" – ",
		"Queue",
		"Queue Amazon Order",
		"Queue Amazon Order Refunds and",
		"Do not queue Amazon Order Refunds",
		"Allow to Refund Amazon Order",
		"Create RMA for Amazon returnless refunds",
	} {
		t.Run(text, func(t *testing.T) {
			got, err := settings.ParseName(text)
			require.Error(t, err)
			assert.Empty(t, got)
			for _, n := range settings.Names() {
				assert.ErrorContains(t, err, string(n), "the error offers every name")
			}
		})
	}
}

func FuzzParseName(f *testing.F) {
	for _, n := range settings.Names() {
		f.Add(string(n))
	}
	f.Add("Queue Amazon Order Refunds & Cancellations")
	f.Add("Auto–submit — to\u00a0Amazon")
	f.Add("no such setting \xff")
	f.Fuzz(func(t *testing.T, s string) {
		first, err := settings.ParseName(s)
		second, again := settings.ParseName("  " + strings.ToLower(s) + " – ")

		assert.Equal(t, err == nil, again == nil, "case and dashes make no difference")
		assert.Equal(t, first, second)
		assert.Equal(t, err != nil, first == "", "either a name or an error")
		assert.Contains(t, append(settings.Names(), ""), first)
	})
}
