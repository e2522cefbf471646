package sqlite_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store/sqlite"
)

var seller = amazon.Account{
	ID: "acme-us", Company: "acme", Merchant: "A1EXAMPLE", Region: amazon.NorthAmerica, Marketplaces: []order.MarketplaceID{"ATVPDKIKX0DER"},
}

// catalogue is a host's book of many orders, by number.
type catalogue struct {
	shelf
	orders map[order.AmazonID]order.Order
}

func (c catalogue) Orders(ctx context.Context, ids []order.AmazonID) (found []order.Order, err error) {
	for _, id := range ids {
		if o, ok := c.orders[id]; ok {
			found = append(found, o)
		}
	}
	return found, nil
}

func numbered(n int) order.AmazonID {
	return order.AmazonID{Account: "acme-us", Number: fmt.Sprintf("112-%07d-%07d", n/1000, n%1000)}
}

func manyOrders(n int) catalogue {
	c := catalogue{orders: map[order.AmazonID]order.Order{}}
	for i := range n {
		id := numbered(i)
		c.orders[id] = order.Order{
			ID: order.ID{Company: "acme", Number: "SO-" + id.Number}, Amazon: id, Marketplace: "ATVPDKIKX0DER", Currency: "USD",
			Fulfilment: order.ByMerchant, Status: order.StatusCompleted,
			Lines: []order.Line{{Item: shirt, SKU: "SHIRT", Ordered: 1, Shipped: 1, Charges: order.Amounts{order.Principal: decimal.RequireFromString("49.00")}}},
		}
	}
	return c
}

// settlementFile has a refund of 10.00 in four rows for every order, and sales up to
// so many rows.
func settlementFile(orders, rows int) string {
	var b strings.Builder
	b.WriteString("settlement-id\tsettlement-start-date\tsettlement-end-date\tdeposit-date\ttotal-amount\tcurrency\ttransaction-type\torder-id\tadjustment-id\t" +
		"marketplace-name\tamount-type\tamount-description\tamount\tfulfillment-id\tposted-date\tposted-date-time\torder-item-code\tmerchant-adjustment-item-id\tsku\n")
	sales := max(0, rows-4*orders)
	total := decimal.RequireFromString("49.00").Mul(decimal.NewFromInt(int64(sales))).Sub(decimal.RequireFromString("9.10").Mul(decimal.NewFromInt(int64(orders))))
	fmt.Fprintf(&b, "900\t2026-03-01 00:00:00 UTC\t2026-03-15 00:00:00 UTC\t2026-03-17 00:00:00 UTC\t%s\tUSD%s\n", total.StringFixed(2), strings.Repeat("\t", 13))
	line := func(kind, number, adjustment, amountType, description, amount string) {
		fmt.Fprintf(&b, "900\t\t\t\t\t\t%s\t%s\t%s\tAmazon.com\t%s\t%s\t%s\tMFN\t2026-03-10\t2026-03-10 10:00:00 UTC\t%s\t\tSHIRT\n",
			kind, number, adjustment, amountType, description, amount, shirt)
	}
	for i := range sales {
		line("Order", numbered(i).Number, "", "ItemPrice", "Principal", "49.00")
	}
	for i := range orders {
		for _, amount := range [][3]string{
			{"ItemPrice", "Principal", "-10.00"}, {"ItemFees", "Commission", "1.50"}, {"ItemFees", "RefundCommission", "-0.30"}, {"ItemFees", "DigitalServicesFee", "-0.30"},
		} {
			line("Refund", numbered(i).Number, fmt.Sprint("amzn1:crow:", i), amount[0], amount[1], amount[2])
		}
	}
	return b.String()
}

func settlements(tb testing.TB, st *sqlite.Store, book order.Book) *settlement.Service {
	tb.Helper()
	s, err := settlement.New(settlement.Config{Store: st, Book: book, Settings: settings.Fixed{}})
	require.NoError(tb, err)
	return s
}

// A large seller's settlement: 58,000 rows, of which 8,000 are of refunds.
func TestALargeSettlement(t *testing.T) {
	st, _ := openStore(t, newFile(t))
	s := settlements(t, st, manyOrders(2000))
	file := settlementFile(2000, 58_000)
	for _, want := range []int{0, 2000} {
		in, err := s.Import(t.Context(), seller, "", amazon.ReportMeta{Name: "900.txt"}, strings.NewReader(file))
		require.NoError(t, err)
		assert.Equal(t, want, in.Known)
		assert.True(t, in.Settlements[0].Difference().IsZero())
		assert.Equal(t, 58_000, in.Settlements[0].Rows)
	}
	rs, err := st.Refunds(t.Context(), refund.Query{Accounts: []order.AccountID{"acme-us"}})
	require.NoError(t, err)
	assert.Len(t, rs, 2000)
	ls, err := st.Ledgers(t.Context(), []order.AmazonID{numbered(1999)})
	require.NoError(t, err)
	assert.Equal(t, "Principal 10", ls[0].Sum(order.Posted, shirt).String())
}

func BenchmarkSettlement(b *testing.B) {
	file := settlementFile(2000, 58_000)
	book := manyOrders(2000)
	for b.Loop() {
		st, _ := openStore(b, newFile(b))
		_, err := settlements(b, st, book).Import(b.Context(), seller, "", amazon.ReportMeta{Name: "900.txt"}, strings.NewReader(file))
		require.NoError(b, err)
	}
}
