package reportparse_test

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/reportparse"
)

// returnRows is a flat file of n rows with every documented column filled.
func returnRows(n int) string {
	header, row, _ := strings.Cut(flat(map[string]string{
		"Order date": "04-Mar-2026", "Return request date": "19-Mar-2026", "Amazon RMA ID": "DaaaaaaaRRMA", "Merchant RMA ID": "M-77",
		"Label type": "AmazonPrePaidLabel", "Label cost": "6.35", "Currency code": "USD", "Return carrier": "USPS",
		"Tracking ID": "9400100000000000000001", "Label to be paid by": "Seller", "A-to-Z Claim": "N", "Is prime": "Y", "ASIN": "B0EXAMPLE1",
		"Item Name": "Desk lamp, red", "Return Reason": "CR-DEFECTIVE", "In policy": "Y", "Return type": "C-Returns",
		"Resolution": "StandardRefund", "Order Amount": "80.00", "Order quantity": "3", "Refunded Amount": "53.33",
	}), "\n")
	return header + "\n" + strings.Repeat(row, n)
}

func BenchmarkReturnsNext(b *testing.B) {
	file := returnRows(10_000)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := reportparse.Returns(strings.NewReader(file), reportparse.Options{})
		require.NoError(b, err)
		var row reportparse.Return
		for err = r.Next(&row); err == nil; err = r.Next(&row) {
		}
		require.Equal(b, io.EOF, err)
	}
}

func BenchmarkReturnsAll(b *testing.B) {
	file := returnRows(10_000)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := reportparse.Returns(strings.NewReader(file), reportparse.Options{})
		require.NoError(b, err)
		for _, err := range r.All() {
			require.NoError(b, err)
		}
	}
}
