package amazontest_test

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/reportparse"
)

// settled reads a settlement report: its rows as text, and what it says of itself.
func settled(t *testing.T, file []byte) ([]string, reportparse.SettlementTotal) {
	t.Helper()
	r, err := reportparse.Settlement(bytes.NewReader(file), reportparse.Options{})
	require.NoError(t, err)
	var rows []string
	for row, err := range r.All() {
		require.NoError(t, err)
		rows = append(rows, strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s %s", row.TransactionType, row.OrderItemCode, row.AmountType, row.AmountDescription, row.Amount, row.PostedAt.Format("02 15:04"))))
	}
	require.Len(t, r.Settlements(), 1)
	return rows, r.Settlements()[0]
}

// promoted is an order whose shipping was free for the buyer, and its item 10 % off.
func promoted(marketplace order.MarketplaceID, currency order.Currency) amazontest.Order {
	return amazontest.Order{
		Seller: merchant, Number: "111-0000009-0000009", Marketplace: marketplace, Currency: currency,
		Items: []amazontest.Item{{
			ID: "10000000000091", SKU: "CAP", Quantity: 1, Shipped: 1,
			Charges:    order.Amounts{order.Principal: dec("18.00"), order.Tax: dec("1.44")},
			Promotions: order.Amounts{order.Principal: dec("2.00"), order.Shipping: dec("5.00")},
		}},
	}
}

// What was refunded, by whoever, is in the settlement of its time, which is listed
// and adds up.
func TestSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, ctx := open(t, amazontest.Config{}), t.Context()
		begin := time.Now().UTC().Truncate(24 * time.Hour)
		time.Sleep(time.Hour)
		require.NoError(t, srv.Seed(promoted("ATVPDKIKX0DER", "USD")))
		c := realClient(t, srv)
		require.NoError(t, refund(ctx, c, us, refunds(adjust(shipped, "10000000000011", "Principal 10.00 USD", "RestockingFee -2.50 USD", "Tax 0.80 USD"))))
		time.Sleep(time.Minute)
		require.NoError(t, srv.Refund(amazon.ActorMerchant, "111-0000009-0000009", "10000000000091", order.Amounts{order.Principal: dec("9.00")}))
		require.NoError(t, srv.Refund(amazon.ActorAmazon, partly, "10000000000031", order.Amounts{order.Goodwill: dec("3.00")}))
		require.NoError(t, srv.Refund(amazon.ActorMerchant, yen, "10000000000071", order.Amounts{order.Principal: dec("99")}))
		require.NoError(t, srv.Refund(amazon.ActorMerchant, foreign, "10000000000061", order.Amounts{order.Principal: dec("1")}))

		period := amazontest.Settlement{Seller: merchant, Marketplace: "ATVPDKIKX0DER", Start: begin.Add(time.Hour), End: begin.Add(14 * 24 * time.Hour)}
		file, err := srv.Settle(period)
		require.NoError(t, err)
		rows, says := settled(t, file.Body)
		assert.Empty(t, cmp.Diff([]string{
			"Order 10000000000091 ItemPrice Principal 20.00 01 01:00",
			"Order 10000000000091 Promotion Principal -2.00 01 01:00",
			"Order 10000000000091 ItemPrice Tax 1.44 01 01:00",
			"Order 10000000000091 ItemPrice Shipping 5.00 01 01:00",
			"Order 10000000000091 Promotion Shipping -5.00 01 01:00",
			"Order 10000000000091 ItemFees Commission -2.70 01 01:00",
			"Refund 10000000000011 ItemPrice Principal -10.00 01 01:01",
			"Refund 10000000000011 ItemPrice Tax -0.80 01 01:01",
			"Refund 10000000000011 ItemPrice RestockingFee 2.50 01 01:01",
			"Refund 10000000000011 ItemFees Commission 1.50 01 01:01",
			"Refund 10000000000011 ItemFees RefundCommission -0.30 01 01:01",
			"Refund 10000000000091 ItemPrice Principal -10.00 01 01:01",
			"Refund 10000000000091 Promotion Principal 1.00 01 01:01",
			"Refund 10000000000091 ItemFees Commission 1.35 01 01:01",
			"Refund 10000000000091 ItemFees RefundCommission -0.27 01 01:01",
			"Refund 10000000000031 ItemPrice Goodwill -3.00 01 01:01",
		}, rows))
		assert.True(t, says.Difference.Valid && says.Difference.Decimal.IsZero(), "total %s and rows of %s", says.Total, says.Sum)
		assert.Equal(t, "USD", says.Currency)
		assert.Equal(t, []time.Time{period.Start, period.End, period.End.Add(48 * time.Hour)}, []time.Time{says.Start, says.End, says.Deposit})

		listed, err := c.Reports(ctx, us, amazon.ReportQuery{Types: []amazon.ReportType{amazon.SettlementReport}})
		require.NoError(t, err)
		require.Len(t, listed, 1)
		body, meta, err := c.Open(ctx, us, listed[0])
		require.NoError(t, err)
		got, err := io.ReadAll(body)
		require.NoError(t, err)
		require.NoError(t, body.Close())
		assert.Equal(t, string(file.Body), string(got))
		assert.Equal(t, amazon.SettlementReport, meta.Type)

		// The orders that were there at the beginning, and nothing that was refunded since.
		period.Start, period.End = begin, period.Start
		file, err = srv.Settle(period)
		require.NoError(t, err)
		rows, next := settled(t, file.Body)
		assert.NotEmpty(t, rows)
		assert.False(t, slices.ContainsFunc(rows, func(r string) bool { return strings.HasPrefix(r, "Refund") }))
		assert.NotEqual(t, says.ID, next.ID)
	})
}

func TestSettleKnobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, ctx := open(t, amazontest.Config{}), t.Context()
		c := realClient(t, srv)
		begin := time.Now().UTC()
		require.NoError(t, refund(ctx, c, us, refunds(adjust(shipped, "10000000000011", "Principal 10.00 USD"))))
		time.Sleep(2 * time.Minute)
		period := amazontest.Settlement{
			Seller: merchant, Marketplace: "ATVPDKIKX0DER", Start: begin.Add(time.Second), End: begin.Add(time.Hour),
			Commission: dec("0.08"), Kept: dec("0.5"), Off: dec("0.01"), ID: "17",
			Alter: func(rows []amazontest.SettlementRow) []amazontest.SettlementRow {
				rows[0].Amount = dec("-9.99")
				return append(rows, rows[0])
			},
		}
		file, err := srv.Settle(period)
		require.NoError(t, err)
		rows, says := settled(t, file.Body)
		assert.Equal(t, []string{
			"Refund 10000000000011 ItemPrice Principal -9.99 01 00:01", "Refund 10000000000011 ItemFees Commission 0.80 01 00:01",
			"Refund 10000000000011 ItemFees RefundCommission -0.40 01 00:01", "Refund 10000000000011 ItemPrice Principal -9.99 01 00:01",
		}, rows)
		assert.Equal(t, "17", says.ID)
		assert.True(t, says.Difference.Decimal.Equal(dec("0.01")), "%s", says.Difference.Decimal)

		_, err = srv.Settle(period) // the same once more
		require.NoError(t, err)
		listed, err := c.Reports(ctx, us, amazon.ReportQuery{Types: []amazon.ReportType{amazon.SettlementReport}})
		require.NoError(t, err)
		assert.Len(t, listed, 1)

		for ours, want := range map[bool]string{true: "RF1", false: ""} {
			period.OwnIDs, period.Alter = ours, nil
			file, err := srv.Settle(period)
			require.NoError(t, err)
			r, err := reportparse.Settlement(bytes.NewReader(file.Body), reportparse.Options{})
			require.NoError(t, err)
			for row, err := range r.All() {
				require.NoError(t, err)
				assert.Equal(t, ours, row.MerchantAdjustmentItemID == want, "%q", row.MerchantAdjustmentItemID)
				assert.True(t, ours || len(row.MerchantAdjustmentItemID) == 19, "%q", row.MerchantAdjustmentItemID)
				assert.Regexp(t, `^amzn1:crow:.{22}$`, row.AdjustmentID)
			}
		}
	})
}

// Every marketplace's way of writing is read for what was written.
func TestSettlePlaces(t *testing.T) {
	written := 0
	for _, m := range amazon.Marketplaces() {
		srv := open(t, amazontest.Config{Now: func() time.Time { return time.Date(2026, 6, 5, 12, 0, 0, 0, time.UTC) }})
		o := promoted(m.ID, m.Currency)
		if m.Currency.Digits() == 0 {
			o.Items[0].Charges, o.Items[0].Promotions = order.Amounts{order.Principal: decimal.NewFromInt(1099)}, nil
		}
		require.NoError(t, srv.Seed(o))
		file, err := srv.Settle(amazontest.Settlement{
			Seller: merchant, Marketplace: m.ID, Start: time.Date(2026, 6, 5, 0, 0, 0, 0, time.UTC), End: time.Date(2026, 6, 6, 0, 0, 0, 0, time.UTC),
			Alter: func(rows []amazontest.SettlementRow) []amazontest.SettlementRow {
				return slices.DeleteFunc(rows, func(r amazontest.SettlementRow) bool { return r.OrderID != o.Number })
			},
		})
		if err != nil {
			assert.ErrorContains(t, err, "how its reports are written is not")
			continue
		}
		written++
		rows, says := settled(t, file.Body)
		assert.NotEmpty(t, rows, m.Country)
		assert.Contains(t, rows[0], " 05 12:00", m.Country)
		assert.Equal(t, time.Date(2026, 6, 6, 0, 0, 0, 0, time.UTC), says.End, m.Country)
		assert.True(t, says.Difference.Valid && says.Difference.Decimal.IsZero(), m.Country)
		assert.Equal(t, string(m.Currency), says.Currency)
	}
	assert.GreaterOrEqual(t, written, 9)
}

func TestSettleRefuses(t *testing.T) {
	srv := open(t, amazontest.Config{})
	good := amazontest.Settlement{Seller: merchant, Marketplace: "ATVPDKIKX0DER", Start: time.Now().Add(-time.Hour), End: time.Now()}
	for want, change := range map[string]func(*amazontest.Settlement){
		"it ends before it begins": func(p *amazontest.Settlement) { p.End = p.Start },
		"the seller is unknown":    func(p *amazontest.Settlement) { p.Seller = "A0" },
		`marketplace "A0"`:         func(p *amazontest.Settlement) { p.Marketplace = "A0" },
	} {
		p := good
		change(&p)
		_, err := srv.Settle(p)
		assert.ErrorContains(t, err, want)
	}
}
