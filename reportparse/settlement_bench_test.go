package reportparse_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/reportparse"
)

// manySettled is a settlement V2 of 24 columns.
func manySettled(rows int) string {
	const head = "settlement-id\tsettlement-start-date\tsettlement-end-date\tdeposit-date\ttotal-amount\tcurrency\ttransaction-type\torder-id\tmerchant-order-id\tadjustment-id\tshipment-id\tmarketplace-name\tamount-type\tamount-description\tamount\tfulfillment-id\tposted-date\tposted-date-time\torder-item-code\tmerchant-order-item-id\tmerchant-adjustment-item-id\tsku\tquantity-purchased\tpromotion-id\n" +
		"10000000001\t2026-05-01 00:00:00 UTC\t2026-05-15 00:00:00 UTC\t2026-05-17 00:00:00 UTC\t0.00\tUSD\n"
	var b strings.Builder
	b.WriteString(head)
	for i := range rows {
		fmt.Fprintf(&b, "10000000001\t\t\t\t\t\tOrder\t111-%07d-0000001\t111-%07d-0000001\t\tBaaaaaaaa\tAmazon.com\tItemPrice\tPrincipal\t%d.%02d\tAFN\t05/%02d/26\t2026-05-%02d 14:%02d:07 UTC\t100000000000001\t\t\tLAMP-%d\t1\t\n",
			i%1e7, i%1e7, i%1000, i%100, i%15+1, i%15+1, i%60, i%500)
	}
	return b.String()
}

func BenchmarkSettlementNext(b *testing.B) {
	const rows = 100_000
	file := manySettled(rows)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := reportparse.Settlement(strings.NewReader(file), reportparse.Options{})
		require.NoError(b, err)
		var row reportparse.SettlementRow
		for err = r.Next(&row); err == nil; err = r.Next(&row) {
		}
		require.Equal(b, io.EOF, err)
		require.Equal(b, rows, r.Settlements()[0].Rows)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
}

func BenchmarkSettlementAll(b *testing.B) {
	const rows = 100_000
	file := manySettled(rows)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := reportparse.Settlement(strings.NewReader(file), reportparse.Options{})
		require.NoError(b, err)
		for _, err := range r.All() {
			require.NoError(b, err)
		}
		require.Equal(b, rows, r.Settlements()[0].Rows)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
}
