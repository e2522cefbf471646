package reportparse_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/reportparse"
)

func TestSettlementTimes(t *testing.T) {
	noon := time.Date(2026, time.February, 28, 12, 30, 59, 0, time.UTC)
	tests := []struct {
		text string
		want time.Time // zero: refused
	}{
		{"2026-02-28 12:30:59 UTC", noon},
		{"28.02.2026 12:30:59 UTC", noon},
		{"2026/02/28 12:30:59 UTC", noon},
		{"28-Feb-2026 12:30:59 UTC", noon},
		{"28-FEB-2026 12:30:59", noon},
		{"2026-02-28T12:30:59+00:00", noon},
		{"2026-02-28T12:30:59Z", noon},
		{"2026-02-28T12:30:59", noon},
		{"2026-02-28 12:30:59 GMT", noon},
		{"2026-02-28T14:30:59+02:00", noon},
		{"2026-02-28T05:00:59-07:30", noon},
		{"2026-02-28 14:30:59 +0200", noon},
		{"2026-02-28T12:30:59.25Z", noon.Add(250 * time.Millisecond)},
		{"2026-02-28T12:30:59.123456789Z", noon.Add(123456789)},
		{"2024-02-29", day(2024, time.February, 29)},
		{"2000-02-29", day(2000, time.February, 29)},
		{"30.04.2026", day(2026, time.April, 30)},
		{"2026-02-29", time.Time{}},
		{"1900-02-29", time.Time{}},
		{"31.04.2026", time.Time{}},
		{"2026-13-01", time.Time{}},
		{"2026-00-01", time.Time{}},
		{"2026-01-00", time.Time{}},
		{"0000-01-01", time.Time{}},
		{"28-Abc-2026", time.Time{}},
		{"28-Mär-2026", time.Time{}},
		{"2026-02-28 24:00:00 UTC", time.Time{}},
		{"2026-02-28 12:60:00 UTC", time.Time{}},
		{"2026-02-28 12:00:60 UTC", time.Time{}},
		{"2026-02-28 12:30", time.Time{}},
		{"2026-02-28 12:30:59 PDT", time.Time{}},
		{"2026-02-28 12:30:59 CET", time.Time{}},
		{"2026-02-28 12:30:59 UTC+1", time.Time{}},
		{"2026-02-28T12:30:59+24:00", time.Time{}},
		{"2026-02-28T12:30:59+1:00", time.Time{}},
		{"2026-02-28T12:30:59.Z", time.Time{}},
		{"2026-02-28T12:30:59.1234567890Z", time.Time{}},
		{"2026-02-28x12:30:59", time.Time{}},
		{"2026-02-28 ", day(2026, time.February, 28)}, // cells have no white space around them
		{"02/28/2026", time.Time{}},
		{"28/02/26", time.Time{}},
		{"20260228", time.Time{}},
		{"+026-02-28", time.Time{}},
		{"46081", time.Time{}},
	}
	for _, tc := range tests {
		t.Run(tc.text, func(t *testing.T) {
			row := of("7", "1")
			row["posted-date-time"] = tc.text
			got, err := readSettlement(t, strings.NewReader(v2(row)), reportparse.Options{})
			require.NoError(t, err)
			var times []time.Time
			for _, row := range got.Rows {
				times = append(times, row.PostedAt)
			}
			want := map[bool][]time.Time{false: {tc.want}}
			assert.Equal(t, want[tc.want.IsZero()], times)
		})
	}
}

// Where the time of day is there, the date is only text. Without it, a date with
// slashes is read only if it is certain which is the month.
func TestSettlementPostedDate(t *testing.T) {
	may6, june5, may20 := day(2026, time.May, 6), day(2026, time.June, 5), day(2026, time.May, 20)
	tests := []struct {
		name, date, clock, options, marketplace string
		want                                    time.Time // zero: refused
	}{
		{"day beyond 12, last", "05/20/26", "", "", "", may20},
		{"day beyond 12, first", "20/05/26", "", "", "", may20},
		{"four digits", "05/20/2026", "", "", "", may20},
		{"the same either way", "05/05/26", "", "", "", day(2026, time.May, 5)},
		{"in doubt", "05/06/26", "", "", "", time.Time{}},
		{"month first by the option", "05/06/26", "", "US", "", may6},
		{"month first by the ID", "05/06/26", "", "ATVPDKIKX0DER", "", may6},
		{"month first by the row", "05/06/26", "", "", "Amazon.com", may6},
		{"Canada", "06/05/26", "", "", "Amazon.ca", june5},
		{"month first, but not here", "20/05/26", "", "US", "", may20},
		{"no order known", "05/06/26", "", "GB", "Amazon.co.uk", time.Time{}},
		{"no month", "20/20/26", "", "US", "", time.Time{}},
		{"no day", "02/30/26", "", "US", "", time.Time{}},
		{"no date", "soon", "", "US", "", time.Time{}},
		{"no year", "05/20/026", "", "US", "", time.Time{}},
		{"no digits of a year", "05/20/ab", "", "US", "", time.Time{}},
		{"dotted", "06.05.2026", "", "", "", may6},
		{"year first", "2026/05/06", "", "", "", may6},
		{"in doubt, but with the time", "05/06/26", "2026-05-06 14:03:07 UTC", "", "", posted},
		{"no date, but with the time", "soon", "2026-05-06 14:03:07 UTC", "", "", posted},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			row := map[string]string{"settlement-id": "7", "amount": "1", "posted-date": tc.date, "posted-date-time": tc.clock, "marketplace-name": tc.marketplace}
			r, err := reportparse.Settlement(strings.NewReader(v2(row)), reportparse.Options{Marketplace: tc.options})
			require.NoError(t, err)
			var got reportparse.SettlementRow
			err = r.Next(&got)
			assert.Equal(t, tc.want.IsZero(), err != nil, "%v", err)
			assert.Equal(t, tc.want, got.PostedAt)
			assert.Equal(t, tc.date, got.PostedDate)
		})
	}
}

// A row that names no marketplace is of that of the rows before it.
func TestSettlementPostedDateOfNoMarketplace(t *testing.T) {
	named := map[string]string{"settlement-id": "7", "amount": "1", "posted-date": "05/06/26", "posted-date-time": "", "marketplace-name": "Amazon.com"}
	blank := map[string]string{"settlement-id": "7", "amount": "1", "posted-date": "05/07/26", "posted-date-time": "", "marketplace-name": ""}
	r, err := reportparse.Settlement(strings.NewReader(v2(named, blank)), reportparse.Options{})
	require.NoError(t, err)
	var days []time.Time
	for row, err := range r.All() {
		require.NoError(t, err)
		days = append(days, row.PostedAt)
	}
	assert.Equal(t, []time.Time{day(2026, time.May, 6), day(2026, time.May, 7)}, days)
}

// Any time that a settlement can write is read as package time reads it.
func TestSettlementTimesProperty(t *testing.T) {
	layouts := []string{"2006-01-02 15:04:05 UTC", "02.01.2006 15:04:05 UTC", "2006/01/02 15:04:05 UTC", "02-Jan-2006 15:04:05", time.RFC3339, time.RFC3339Nano}
	rapid.Check(t, func(t *rapid.T) {
		want := time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")).UTC()
		layout := rapid.SampledFrom(layouts).Draw(t, "layout")
		text := want.Format(layout)
		want, err := time.Parse(layout, text)
		require.NoError(t, err)
		row := of("7", "1")
		row["posted-date-time"] = text
		r, err := reportparse.Settlement(strings.NewReader(v2(row)), reportparse.Options{})
		require.NoError(t, err)
		var got reportparse.SettlementRow
		require.NoError(t, r.Next(&got))
		require.Equal(t, want, got.PostedAt)
	})
}
