package main

import (
	"io"
	"math/rand/v2"
	"strconv"
	"time"
)

// generated is a file that is made while it is read, of any size, without being
// held anywhere: the same one for the same generator.
type generated struct {
	rows int
	next func(b []byte, row int) []byte // row 0 is what stands before the first one, and rows+1 what follows the last
	row  int
	buf  []byte
	rest []byte // of buf, not yet read
}

func (g *generated) Read(p []byte) (int, error) {
	for len(g.rest) == 0 {
		if g.row > g.rows+1 {
			return 0, io.EOF
		}
		g.buf = g.next(g.buf[:0], g.row)
		g.rest = g.buf
		g.row++
	}
	n := copy(p, g.rest)
	g.rest = g.rest[n:]
	return n, nil
}

// maker makes the parts of rows, by chance but always the same.
type maker struct {
	*rand.Rand
	clock time.Time
}

func newMaker() *maker {
	return &maker{rand.New(rand.NewPCG(5, 24)), time.Date(2026, time.July, 17, 7, 6, 34, 0, time.UTC)}
}

// later moves the clock by some seconds.
func (m *maker) later() time.Time {
	m.clock = m.clock.Add(time.Duration(m.IntN(40)) * time.Second)
	return m.clock
}

func pick[T any](m *maker, from ...T) T { return from[m.IntN(len(from))] }

// digits appends n digits of which the first is not 0.
func (m *maker) digits(b []byte, n int) []byte {
	b = append(b, byte('1'+m.IntN(9)))
	for range n - 1 {
		b = append(b, byte('0'+m.IntN(10)))
	}
	return b
}

func (m *maker) letters(b []byte, n int) []byte {
	const all = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789"
	for range n {
		b = append(b, all[m.IntN(len(all))])
	}
	return b
}

func (m *maker) orderID(b []byte) []byte {
	b = append(m.digits(b, 3), '-')
	b = append(m.digits(b, 7), '-')
	return m.digits(b, 7)
}

// money appends hundredths with a point.
func money(b []byte, hundredths int64) []byte {
	if hundredths < 0 {
		b, hundredths = append(b, '-'), -hundredths
	}
	b = strconv.AppendInt(b, hundredths/100, 10)
	return append(b, '.', byte('0'+hundredths/10%10), byte('0'+hundredths%10))
}

const settlementHeader = "settlement-id\tsettlement-start-date\tsettlement-end-date\tdeposit-date\ttotal-amount\tcurrency\t" +
	"transaction-type\torder-id\tmerchant-order-id\tadjustment-id\tshipment-id\tmarketplace-name\tamount-type\t" +
	"amount-description\tamount\tfulfillment-id\tposted-date\tposted-date-time\torder-item-code\tmerchant-order-item-id\t" +
	"merchant-adjustment-item-id\tsku\tquantity-purchased\tpromotion-id\n"

const (
	settlementDay    = "02.01.2006"
	settlementMoment = "02.01.2006 15:04:05 UTC"
	settlementTotal  = 21_211_895 // hundredths
)

// fee is what one row of an order or a refund is about.
type fee struct {
	kind, description string
	least, most       int64 // hundredths
}

var (
	sold = []fee{
		{"ItemPrice", "Principal", 499, 12_999},
		{"ItemPrice", "Shipping", 0, 1_299},
		{"ItemFees", "FBAPerUnitFulfillmentFee", -995, -310},
		{"ItemFees", "Commission", -1_950, -75},
		{"ItemWithheldTax", "LowValueGoodsTax-Principal", -1_300, -50},
		{"Promotion", "Principal", -600, -20},
	}
	givenBack = []fee{
		{"ItemPrice", "Principal", -12_999, -499},
		{"ItemFees", "Commission", 75, 1_950},
		{"ItemFees", "RefundCommission", -390, -15},
	}
)

// settlement is a V2 flat file of the given rows besides the summary: orders of
// some rows each, one in twelve of them a refund, in dotted dates and with
// points as Amazon writes them in Australia. The last row makes it add up to its
// total.
func settlement(rows int) io.Reader {
	m := newMaker()
	var (
		item []fee  // still to be written of the current one
		kind string // what it is
		same []byte // cells 8 to 12 of all its rows
		tail []byte // and 16 to 23
		id   = m.digits(nil, 11)
		sum  int64
	)
	begin := func() {
		kind, item = "Order", sold[:2+m.IntN(len(sold)-1)]
		if m.IntN(12) == 0 {
			kind, item = "Refund", givenBack
		}
		order := m.orderID(nil)
		same = append(append(append(append(same[:0], order...), '\t'), order...), '\t')
		if kind == "Refund" {
			same = append(m.letters(append(same, "amzn1:crow:"...), 22), '\t')
		} else {
			same = m.letters(append(same, '\t'), 9)
		}
		same = append(same, "\tAmazon.com.au"...)

		posted := m.later()
		tail = posted.AppendFormat(append(tail[:0], "AFN\t"...), settlementDay)
		tail = posted.AppendFormat(append(tail, '\t'), settlementMoment)
		tail = append(m.digits(append(tail, '\t'), 14), "\t\t"...)
		if kind == "Refund" {
			tail = m.digits(tail, 19)
		}
		tail = m.digits(append(append(append(tail, '\t'), pick(m, "BIO-S0000", "BDPRM00", "ACME-KIT-")...), '0'), 5)
		tail = append(tail, '\t')
		if kind == "Order" {
			tail = append(tail, pick(m, "1", "1", "1", "2", "3")...)
		}
		tail = append(tail, '\t')
	}
	return &generated{rows: rows, next: func(b []byte, row int) []byte {
		switch {
		case row == 0:
			b = append(append(append(b, settlementHeader...), id...), "\t17.07.2026 07:06:34 UTC\t31.07.2026 07:06:35 UTC\t02.08.2026 07:06:35 UTC\t"...)
			return append(money(b, settlementTotal), "\tAUD\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\n"...)
		case row == rows:
			b = append(append(b, id...), "\t\t\t\t\t\tother-transaction\t\t\t\t\t\tother-transaction\tCurrent Reserve Amount\t"...)
			b = append(money(b, settlementTotal-sum), "\t\t"...)
			b = m.clock.AppendFormat(b, settlementDay)
			b = m.clock.AppendFormat(append(b, '\t'), settlementMoment)
			return append(b, "\t\t\t\t\t\t\n"...)
		case row > rows:
			return b
		}
		if len(item) == 0 {
			begin()
		}
		f := item[0]
		item = item[1:]
		amount := f.least + m.Int64N(f.most-f.least+1)
		sum += amount
		b = append(append(append(b, id...), "\t\t\t\t\t\t"...), kind...)
		b = append(append(append(b, '\t'), same...), '\t')
		b = append(append(append(b, f.kind...), '\t'), f.description...)
		b = append(money(append(b, '\t'), amount), '\t')
		b = append(b, tail...)
		if f.kind == "Promotion" {
			b = append(b, "Subscribe & Save Promotion V2"...)
		}
		return append(b, '\n')
	}}
}

const returnsHeader = "Order ID\tOrder date\tReturn request date\tReturn request status\tAmazon RMA ID\tMerchant RMA ID\t" +
	"Label type\tLabel cost\tCurrency code\tReturn carrier\tTracking ID\tLabel to be paid by\tA-to-Z Claim\tIs prime\tASIN\t" +
	"Merchant SKU\tItem Name\tReturn quantity\tReturn Reason\tIn policy\tReturn type\tResolution\tInvoice number\t" +
	"Return delivery date\tOrder Amount\tOrder quantity\tSafeT Action reason\tSafeT claim id\tSafeT claim state\t" +
	"SafeT claim creation time\tSafeT claim reimbursement amount\tRefunded Amount\n"

const returnsDay = "02-Jan-2006"

// returnsFlat is a flat file of the given returns, in which a blank cell is one
// space, as it often is.
func returnsFlat(rows int) io.Reader {
	m := newMaker()
	return &generated{rows: rows, next: func(b []byte, row int) []byte {
		switch {
		case row == 0:
			return append(b, returnsHeader...)
		case row > rows:
			return b
		}
		price := 500 + m.Int64N(12_000)
		asked := m.later()
		b = append(m.orderID(b), '\t')
		b = append(asked.AddDate(0, 0, -1-m.IntN(30)).AppendFormat(b, returnsDay), '\t')
		b = append(asked.AppendFormat(b, returnsDay), '\t')
		b = append(append(b, pick(m, "Approved", "Approved", "Approved", "PendingApproval", "Completed")...), '\t')
		b = append(m.letters(append(b, 'D'), 7), "RRMA\t \t"...)
		b = append(b, pick(m, "AmazonPrePaidLabel\t6.35\tUSD\tUSPS\t", "AmazonUnPaidLabel\t0.00\tUSD\tUPS\t")...)
		b = append(m.digits(append(b, "94"...), 20), '\t')
		b = append(append(b, pick(m, "Customer", "Seller")...), '\t')
		b = append(append(b, pick(m, "N\tN", "N\tY", "N\tN", "Y\tN")...), "\tB0"...)
		b = append(m.digits(b, 8), "\tACME-"...)
		b = append(append(m.digits(b, 6), '\t'), pick(m,
			"Garden hose, 20 m, with four couplings and a spray gun",
			"Desk lamp 12\" adjustable, white",
			"Café au lait bowl, set of 4, hand-painted")...)
		b = append(append(b, '\t'), pick(m, "1", "1", "1", "2")...)
		b = append(append(b, '\t'), pick(m, "CR-UNWANTED_ITEM", "CR-DEFECTIVE", "AMZ-PG-APP-TOO-SMALL")...)
		b = append(append(b, pick(m, "\tY", "\tY", "\tN")...), "\tC-Returns\tStandardRefund\t \t"...)
		if m.IntN(2) == 0 {
			b = asked.AddDate(0, 0, 9).AppendFormat(b, returnsDay)
		} else {
			b = append(b, ' ')
		}
		b = append(money(append(b, '\t'), price), "\t2\t \t \t \t \t \t"...)
		if m.IntN(2) == 0 {
			b = money(b, price)
		} else {
			b = append(b, ' ')
		}
		return append(b, '\n')
	}}
}

// returnsXML is a file of the given returns of one item each.
func returnsXML(rows int) io.Reader {
	m := newMaker()
	element := func(b []byte, name, text string) []byte {
		b = append(append(append(b, '<'), name...), '>')
		b = append(append(append(b, text...), "</"...), name...)
		return append(b, ">\n"...)
	}
	return &generated{rows: rows, next: func(b []byte, row int) []byte {
		switch {
		case row == 0:
			return append(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<AmazonEnvelope>\n<Header>\n<DocumentVersion>1.00</DocumentVersion>\n</Header>\n<MessageType>Returns-Report</MessageType>\n<Message>\n"...)
		case row > rows:
			return append(b, "</Message>\n</AmazonEnvelope>\n"...)
		}
		asked := m.later()
		price := string(money(nil, 500+m.Int64N(12_000)))
		b = append(b, "<return_details>\n<item_details>\n"...)
		b = element(b, "item_name", pick(m, "Garden hose, 20 m &amp; spray gun", "Desk lamp 12&quot;, white", "Café au lait bowl, set of 4"))
		b = element(b, "asin", string(m.digits([]byte("B0"), 8)))
		b = element(b, "return_reason_code", pick(m, "CR-UNWANTED_ITEM", "CR-DEFECTIVE", "AMZ-PG-APP-TOO-SMALL"))
		b = element(b, "merchant_sku", string(m.digits([]byte("ACME-"), 6)))
		b = element(b, "in_policy", pick(m, "Y", "N"))
		b = element(b, "return_quantity", pick(m, "1", "1", "2"))
		b = element(b, "resolution", "StandardRefund")
		b = element(b, "category", pick(m, "Apparel", "Home", "Garden"))
		b = element(b, "refund_amount", price)
		b = append(b, "</item_details>\n"...)
		b = element(b, "order_id", string(m.orderID(nil)))
		b = element(b, "order_date", asked.AddDate(0, 0, -1-m.IntN(30)).Format(time.RFC3339))
		b = element(b, "amazon_rma_id", string(append(m.letters([]byte("D"), 7), "RRMA"...)))
		b = element(b, "return_request_date", asked.Format(time.RFC3339))
		b = element(b, "return_request_status", pick(m, "Approved", "Approved", "PendingApproval"))
		b = element(b, "a_to_z_claim", pick(m, "true", "false", "false"))
		b = element(b, "is_prime", pick(m, "Y", "N"))
		b = append(b, "<label_details>\n"...)
		b = element(b, "tracking_id", string(m.digits([]byte("94"), 20)))
		b = element(b, "return_carrier", "USPS")
		b = element(b, "currency_code", "USD")
		b = element(b, "label_cost", pick(m, "0.0", "6.35"))
		b = element(b, "label_type", "AmazonUnPaidLabel")
		b = append(b, "</label_details>\n"...)
		b = element(b, "label_to_be_paid_by", pick(m, "Customer", "Seller"))
		b = element(b, "return_type", "C-Returns")
		b = element(b, "order_amount", price)
		b = element(b, "order_quantity", "2")
		return append(b, "</return_details>\n"...)
	}}
}
