package reportparse_test

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/reportparse"
)

// peerReturn is a returns record as a program without this package reads it.
type peerReturn struct {
	Items []struct {
		Name       string  `xml:"item_name"`
		ASIN       string  `xml:"asin"`
		Reason     string  `xml:"return_reason_code"`
		SKU        string  `xml:"merchant_sku"`
		InPolicy   string  `xml:"in_policy"`
		Quantity   int     `xml:"return_quantity"`
		Resolution string  `xml:"resolution"`
		Category   string  `xml:"category"`
		Refund     float64 `xml:"refund_amount"`
	} `xml:"item_details"`
	OrderID     string    `xml:"order_id"`
	OrderDate   time.Time `xml:"order_date"`
	RMAID       string    `xml:"amazon_rma_id"`
	RequestDate time.Time `xml:"return_request_date"`
	Status      string    `xml:"return_request_status"`
	AToZ        string    `xml:"a_to_z_claim"`
	IsPrime     string    `xml:"is_prime"`
	Label       struct {
		Carrier  string  `xml:"return_carrier"`
		Tracking string  `xml:"tracking_id"`
		Currency string  `xml:"currency_code"`
		Cost     float64 `xml:"label_cost"`
		Type     string  `xml:"label_type"`
	} `xml:"label_details"`
	LabelPaidBy   string  `xml:"label_to_be_paid_by"`
	ReturnType    string  `xml:"return_type"`
	OrderAmount   float64 `xml:"order_amount"`
	OrderQuantity int     `xml:"order_quantity"`
}

func manyReturns(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `<return_details><item_details><item_name>Camisa de algodón, talla %d, color azul marino</item_name><asin>B0%08d</asin><return_reason_code>AMZ-PG-APP-TOO-SMALL</return_reason_code><merchant_sku>CAM-%d</merchant_sku><in_policy>Y</in_policy><return_quantity>1</return_quantity><resolution>StandardRefund</resolution><category>Apparel</category><refund_amount>%d.9</refund_amount></item_details><order_id>406-%07d-0000001</order_id><order_date>2026-02-03T17:08:47Z</order_date><amazon_rma_id>D%07dRRMA</amazon_rma_id><return_request_date>2026-02-12T11:44:17Z</return_request_date><return_request_status>Approved</return_request_status><a_to_z_claim>false</a_to_z_claim><is_prime>N</is_prime><label_details><tracking_id>PK%09d</tracking_id><return_carrier>Correos</return_carrier><currency_code>EUR</currency_code><label_cost>4.95</label_cost><label_type>AmazonUnPaidLabel</label_type></label_details><label_to_be_paid_by>Customer</label_to_be_paid_by><return_type>C-Returns</return_type><order_amount>%d.9</order_amount><order_quantity>1</order_quantity></return_details>`,
			i%60, i, i, i%90+10, i, i, i, i%90+10)
	}
	return envelope(b.String())
}

// BenchmarkReturnsXML reads the same file with this package and with
// encoding/xml, turn by turn, and reports how often the one goes into the other.
func BenchmarkReturnsXML(b *testing.B) {
	const n = 20_000
	file := manyReturns(n)
	peer := func() {
		d := xml.NewDecoder(strings.NewReader(file))
		rows := 0
		for {
			t, err := d.Token()
			if err == io.EOF {
				break
			}
			require.NoError(b, err)
			if start, ok := t.(xml.StartElement); ok && start.Name.Local == "return_details" {
				var ret peerReturn
				require.NoError(b, d.DecodeElement(&ret, &start))
				rows++
			}
		}
		require.Equal(b, n, rows)
	}
	reused := func() {
		r, err := reportparse.Returns(strings.NewReader(file), reportparse.Options{})
		require.NoError(b, err)
		rows := 0
		var ret reportparse.Return
		for err = r.Next(&ret); err == nil; err = r.Next(&ret) {
			rows++
		}
		require.Equal(b, io.EOF, err)
		require.Equal(b, n, rows)
	}
	kept := func() {
		r, err := reportparse.Returns(strings.NewReader(file), reportparse.Options{})
		require.NoError(b, err)
		rows := 0
		for _, err := range r.All() {
			require.NoError(b, err)
			rows++
		}
		require.Equal(b, n, rows)
	}
	for _, way := range []struct {
		name string
		read func()
	}{{"reused", reused}, {"kept", kept}} {
		b.Run(way.name, func(b *testing.B) {
			var ours, theirs time.Duration
			for b.Loop() {
				start := time.Now()
				way.read()
				ours += time.Since(start)
				b.StopTimer()
				start = time.Now()
				peer()
				theirs += time.Since(start)
				b.StartTimer()
			}
			b.ReportMetric(theirs.Seconds()/ours.Seconds(), "x-encoding/xml")
			b.ReportMetric(testing.AllocsPerRun(1, way.read)/n, "allocs/return")
			b.ReportMetric(float64(ours.Nanoseconds())/float64(b.N)/n, "ns/return")
		})
	}
}
