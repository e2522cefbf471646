package amazontest

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

// Settlement is a period that Amazon closes for one marketplace of a seller.
type Settlement struct {
	Seller      string // merchant ID
	Marketplace order.MarketplaceID
	Start, End  time.Time // of the period, the end not included

	// ID is Amazon's settlement ID. Empty: the next one of the seller.
	ID string

	// OwnIDs gives back the MerchantAdjustmentItemID that was sent with a refund, as
	// the schema of the report lets one expect; whether Amazon does is not public.
	// Otherwise each refund of an item has a number of Amazon's there.
	OwnIDs bool

	// Commission is Amazon's share of the principal, and Kept what Amazon keeps of it
	// when the principal is refunded, as a share of the share. Zero: 0.15 and 0.20.
	Commission, Kept decimal.Decimal

	// Alter changes the rows before they are added up and written: for tests of rows
	// that are left out, doubled, of another amount or of another kind. Nil: they
	// stay as the books have them.
	Alter func([]SettlementRow) []SettlementRow

	// Off is added to the total that the report states.
	Off decimal.Decimal
}

// SettlementRow is a row of a settlement report, in the terms of the flat file V2.
type SettlementRow struct {
	TransactionType          string // Order, Refund, other-transaction …
	OrderID                  string
	AdjustmentID             string
	AmountType               string // ItemPrice, ItemFees, Promotion …
	AmountDescription        string // Principal, Commission …
	Amount                   decimal.Decimal
	PostedAt                 time.Time
	OrderItemCode            string
	MerchantAdjustmentItemID string
	SKU                      string
	Quantity                 int // 0: blank, as in all rows of refunds
}

// Settle closes a period as Amazon does: it makes a settlement report, the flat
// file V2, of what was sold and refunded in the marketplace within the period,
// lists it and returns it. Nobody can ask for it. A refund has a row for each of
// its components and what follows of the commission; one of an item with
// [Item.Promotions] has the price before promotion, and the promotion in a row of
// its own. An order counts as sold when it was placed, if anything of it is
// shipped. Refunds by feeds of whoever, by staff and by Amazon look alike. Dates and
// decimals are written as in that marketplace. A period can be closed again, and
// with the same ID and the same rows it is the same report.
func (s *Server) Settle(p Settlement) (ReportFile, error) {
	place, known := settlementPlaces[p.Marketplace]
	switch {
	case !known:
		return ReportFile{}, fmt.Errorf("amazontest: settlement of marketplace %q: it is unknown, or how its reports are written is not", p.Marketplace)
	case !p.Start.Before(p.End):
		return ReportFile{}, fmt.Errorf("amazontest: settlement from %s to %s: it ends before it begins", p.Start, p.End)
	}
	p.Start, p.End = p.Start.UTC().Truncate(time.Second), p.End.UTC().Truncate(time.Second)
	if p.Commission.IsZero() {
		p.Commission = decimal.New(15, -2)
	}
	if p.Kept.IsZero() {
		p.Kept = decimal.New(20, -2)
	}
	rows, err := s.settled(&p)
	if err != nil {
		return ReportFile{}, fmt.Errorf("amazontest: settle seller %s: %w", p.Seller, err)
	}
	if p.Alter != nil {
		rows = p.Alter(rows)
	}
	file := ReportFile{
		Seller: p.Seller, Type: amazon.SettlementReport, Body: place.write(p, rows), ContentType: "text/plain;charset=UTF-8",
		Marketplaces: []order.MarketplaceID{p.Marketplace}, Listed: true, Start: p.Start, End: p.End,
	}
	return file, s.AddReport(file)
}

// settled are the rows of a period as the books have them. It numbers the
// settlement where it has no ID.
func (s *Server) settled(p *Settlement) ([]SettlementRow, error) {
	defer s.read()()
	a := s.books.Sellers[p.Seller]
	if a == nil {
		return nil, errors.New("the seller is unknown; add it first")
	}
	if p.ID == "" {
		made := 0
		for _, f := range a.Files {
			if f.Type == amazon.SettlementReport {
				made++
			}
		}
		p.ID = strconv.Itoa(19_000_000_001 + made)
	}
	var rows []SettlementRow
	for _, o := range s.books.ordersOf(p.Seller) {
		if p.covers(o, o.CreatedAt) {
			rows = append(rows, p.sale(o)...)
		}
	}
	for _, t := range s.books.refunds(p.Seller) {
		if o := s.books.Orders[t.payments[0].Order]; p.covers(o, t.payments[0].Time) {
			rows = append(rows, p.refund(t, o)...)
		}
	}
	return rows, nil
}

// covers tells whether what happened to an order at a time is in the settlement,
// which has one currency.
func (p Settlement) covers(o *Order, at time.Time) bool {
	m, _ := amazon.LookupMarketplace(p.Marketplace)
	return o.Marketplace == p.Marketplace && o.Currency == m.Currency && !at.Before(p.Start) && at.Before(p.End)
}

// sale are the rows of an order that was sold.
func (p Settlement) sale(o *Order) []SettlementRow {
	var rows []SettlementRow
	for _, it := range o.Items {
		if it.Shipped == 0 || o.Status == amazon.OrderCancelled {
			continue
		}
		row := SettlementRow{
			TransactionType: "Order", OrderID: o.Number, PostedAt: o.CreatedAt, OrderItemCode: it.ID, SKU: it.SKU, Quantity: it.Quantity,
		}
		for _, c := range it.Charges.Plus(it.Promotions).Components() {
			rows = append(rows, row.prices(c, it.Charges[c], it.Promotions[c])...)
		}
		if fee := p.share(it.Charges[order.Principal], o.Currency); !fee.IsZero() {
			rows = append(rows, row.with("ItemFees", "Commission", fee.Neg()))
		}
	}
	return rows
}

// refund are the rows of a refund.
func (p Settlement) refund(t transaction, o *Order) []SettlementRow {
	var rows []SettlementRow
	for n, it := range o.Items {
		mine := slices.DeleteFunc(slices.Clone(t.payments), func(q Payment) bool { return q.Item != it.ID })
		if len(mine) == 0 {
			continue
		}
		name := fmt.Sprintf("%s/%d/%d", o.Seller, t.number, n)
		row := SettlementRow{
			TransactionType: "Refund", OrderID: o.Number, PostedAt: mine[0].Time, OrderItemCode: it.ID, SKU: it.SKU,
			AdjustmentID: adjustmentID(name), MerchantAdjustmentItemID: nineteenDigits(name),
		}
		if p.OwnIDs && mine[0].Adjustment != "" {
			row.MerchantAdjustmentItemID = mine[0].Adjustment
		}
		paid := order.Amounts{}
		for _, q := range mine {
			paid[q.Component] = paid[q.Component].Add(q.Amount)
		}
		for _, c := range paid.Components() {
			promotion := decimal.Zero
			if charged := it.Charges[c]; charged.IsPositive() {
				promotion = paid[c].Mul(it.Promotions[c]).Div(charged).Round(o.Currency.Digits())
			}
			rows = append(rows, row.prices(c, paid[c].Neg(), promotion.Neg())...)
		}
		if back := p.share(paid[order.Principal], o.Currency); !back.IsZero() {
			kept := back.Mul(p.Kept).Round(o.Currency.Digits())
			rows = append(rows, row.with("ItemFees", "Commission", back))
			if !kept.IsZero() {
				rows = append(rows, row.with("ItemFees", "RefundCommission", kept.Neg()))
			}
		}
	}
	return rows
}

// share is Amazon's of a principal.
func (p Settlement) share(principal decimal.Decimal, c order.Currency) decimal.Decimal {
	return principal.Mul(p.Commission).Round(c.Digits())
}

// prices are the rows of a component: its price before promotion, and the
// promotion, which together are the net.
func (r SettlementRow) prices(c order.Component, net, promotion decimal.Decimal) []SettlementRow {
	rows := []SettlementRow{r.with("ItemPrice", string(c), net.Add(promotion))}
	if !promotion.IsZero() {
		rows = append(rows, r.with("Promotion", string(c), promotion.Neg()))
	}
	return rows
}

func (r SettlementRow) with(amountType, description string, amount decimal.Decimal) SettlementRow {
	r.AmountType, r.AmountDescription, r.Amount = amountType, description, amount
	return r
}

// adjustmentID looks as Amazon's do: text with signs that no address takes.
func adjustmentID(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "amzn1:crow:" + base64.StdEncoding.EncodeToString(sum[:])[:22]
}

// nineteenDigits is a number too large for a float.
func nineteenDigits(name string) string {
	sum := sha256.Sum256([]byte(name))
	n := new(big.Int).SetBytes(sum[:7]) // below 10^17
	return fmt.Sprintf("22%017s", n)
}

// settlementPlace is how a marketplace writes its settlements.
type settlementPlace struct {
	name  string // of the marketplace
	day   string // layout of posted-date
	point byte   // what stands before the decimals: a point or a comma
}

// The layouts of posted-date. The other times have the day with four digits of its
// year.
const (
	americanDay = "01/02/06"
	dottedDay   = "02.01.2006"
	japaneseDay = "2006/01/02"
	isoDay      = "2006-01-02"
)

// settlementPlaces are the marketplaces whose reports have been seen or described.
var settlementPlaces = map[order.MarketplaceID]settlementPlace{
	usMarketplace:    {"Amazon.com", americanDay, '.'},
	"A2EUQ1WTGCTBG2": {"Amazon.ca", americanDay, '.'},
	"A1PA6795UKMFR9": {"Amazon.de", dottedDay, ','},
	"A13V1IB3VIYZZH": {"Amazon.fr", dottedDay, ','},
	"APJ6JRA9NG5V4":  {"Amazon.it", dottedDay, ','},
	"A1RKKUPIHCS9HS": {"Amazon.es", dottedDay, ','},
	"A39IBJ37TRP1C6": {"Amazon.com.au", dottedDay, '.'},
	"A1VC38T7YXB528": {"Amazon.co.jp", japaneseDay, '.'},
	"A21TJRUUN4KGV":  {"Amazon.in", isoDay, '.'},
}

// settlementColumns are the documented columns of the flat file V2.
var settlementColumns = []string{
	"settlement-id", "settlement-start-date", "settlement-end-date", "deposit-date", "total-amount", "currency",
	"transaction-type", "order-id", "merchant-order-id", "adjustment-id", "shipment-id", "marketplace-name",
	"amount-type", "amount-description", "amount", "fulfillment-id", "posted-date", "posted-date-time",
	"order-item-code", "merchant-order-item-id", "merchant-adjustment-item-id", "sku", "quantity-purchased", "promotion-id",
}

// depositAfter is how long after the end of a period its money is paid out.
const depositAfter = 48 * time.Hour

func (place settlementPlace) write(p Settlement, rows []SettlementRow) []byte {
	m, _ := amazon.LookupMarketplace(p.Marketplace)
	moment := func(at time.Time) string {
		day := place.day
		if day == americanDay {
			day = isoDay
		}
		return at.UTC().Format(day + " 15:04:05 UTC")
	}
	amount := func(d decimal.Decimal) string {
		text := d.StringFixed(max(m.Currency.Digits(), -d.Exponent()))
		return strings.Replace(text, ".", string(place.point), 1)
	}
	total := p.Off
	for _, r := range rows {
		total = total.Add(r.Amount)
	}
	var b strings.Builder
	line := func(cells map[string]string) {
		for i, c := range settlementColumns {
			if i > 0 {
				b.WriteByte('\t')
			}
			b.WriteString(cells[c])
		}
		b.WriteByte('\n')
	}
	b.WriteString(strings.Join(settlementColumns, "\t") + "\n")
	line(map[string]string{
		"settlement-id": p.ID, "settlement-start-date": moment(p.Start), "settlement-end-date": moment(p.End),
		"deposit-date": moment(p.End.Add(depositAfter)), "total-amount": amount(total), "currency": string(m.Currency),
	})
	for _, r := range rows {
		cells := map[string]string{
			"settlement-id": p.ID, "transaction-type": r.TransactionType, "order-id": r.OrderID, "merchant-order-id": r.OrderID,
			"adjustment-id": r.AdjustmentID, "amount-type": r.AmountType, "amount-description": r.AmountDescription, "amount": amount(r.Amount),
			"posted-date": r.PostedAt.UTC().Format(place.day), "posted-date-time": moment(r.PostedAt),
			"order-item-code": r.OrderItemCode, "merchant-adjustment-item-id": r.MerchantAdjustmentItemID, "sku": r.SKU,
		}
		if r.OrderID != "" {
			cells["marketplace-name"] = place.name
			cells["fulfillment-id"] = "MFN"
		}
		if r.Quantity > 0 {
			cells["quantity-purchased"] = strconv.Itoa(r.Quantity)
		}
		line(cells)
	}
	return []byte(b.String())
}
