package main

import (
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/gocarina/gocsv"
	"github.com/jszwec/csvutil"
)

// payment is a row of a settlement as the peers read it, with the types of
// reportparse.SettlementRow: posted-date is text there too.
type payment struct {
	SettlementID             string  `csv:"settlement-id"`
	Start                    moment  `csv:"settlement-start-date,omitempty"`
	End                      moment  `csv:"settlement-end-date,omitempty"`
	Deposit                  moment  `csv:"deposit-date,omitempty"`
	Total                    float64 `csv:"total-amount,omitempty"`
	Currency                 string  `csv:"currency"`
	Type                     string  `csv:"transaction-type"`
	OrderID                  string  `csv:"order-id"`
	MerchantOrderID          string  `csv:"merchant-order-id"`
	AdjustmentID             string  `csv:"adjustment-id"`
	ShipmentID               string  `csv:"shipment-id"`
	Marketplace              string  `csv:"marketplace-name"`
	AmountType               string  `csv:"amount-type"`
	AmountDescription        string  `csv:"amount-description"`
	Amount                   float64 `csv:"amount,omitempty"`
	FulfillmentID            string  `csv:"fulfillment-id"`
	PostedDate               string  `csv:"posted-date"`
	PostedAt                 moment  `csv:"posted-date-time,omitempty"`
	OrderItemCode            string  `csv:"order-item-code"`
	MerchantOrderItemID      string  `csv:"merchant-order-item-id"`
	MerchantAdjustmentItemID string  `csv:"merchant-adjustment-item-id"`
	SKU                      string  `csv:"sku"`
	Quantity                 int     `csv:"quantity-purchased,omitempty"`
	PromotionID              string  `csv:"promotion-id"`
}

// moment is a time as settlements write it.
type moment struct{ time.Time }

// UnmarshalCSV is for gocsv.
func (m *moment) UnmarshalCSV(s string) error { return parseTime(&m.Time, settlementMoment, s) }

func parseTime(t *time.Time, layout, s string) (err error) {
	*t = time.Time{}
	if s != "" {
		*t, err = time.Parse(layout, s)
	}
	return err
}

func parseFloat(f *float64, s string) (err error) {
	*f = 0
	if s != "" {
		*f, err = strconv.ParseFloat(s, 64)
	}
	return err
}

func parseInt(n *int, s string) (err error) {
	*n = 0
	if s != "" {
		*n, err = strconv.Atoi(s)
	}
	return err
}

func (d *digest) payment(p *payment) {
	if p.Type == "" {
		return // the summary
	}
	d.Rows++
	d.Units += p.Quantity
	d.dollars(p.Amount)
	d.time(p.PostedAt.Time)
}

// tabs is encoding/csv as it has to be set for these files: quotation marks are
// text in them, as far as LazyQuotes goes.
func tabs(in io.Reader) *csv.Reader {
	r := csv.NewReader(in)
	r.Comma = '\t'
	r.LazyQuotes = true
	r.ReuseRecord = true
	return r
}

// columns finds the columns of a header.
func columns(r *csv.Reader, names string) ([]int, error) {
	header, err := r.Read()
	if err != nil {
		return nil, err
	}
	at := map[string]int{}
	for i, name := range header {
		at[name] = i
	}
	var found []int
	for _, name := range strings.Split(strings.TrimSuffix(names, "\n"), "\t") {
		i, ok := at[name]
		if !ok {
			return nil, fmt.Errorf("no column %q", name)
		}
		found = append(found, i)
	}
	return found, nil
}

// settlementCSV is what is written by hand with the standard library.
func settlementCSV(in io.Reader) (d digest, err error) {
	r := tabs(in)
	at, err := columns(r, settlementHeader)
	if err != nil {
		return d, err
	}
	var p payment
	for {
		cells, err := r.Read()
		if err == io.EOF {
			return d, nil
		}
		if err != nil {
			return d, err
		}
		p.SettlementID, p.Currency, p.Type = cells[at[0]], cells[at[5]], cells[at[6]]
		p.OrderID, p.MerchantOrderID, p.AdjustmentID = cells[at[7]], cells[at[8]], cells[at[9]]
		p.ShipmentID, p.Marketplace, p.AmountType = cells[at[10]], cells[at[11]], cells[at[12]]
		p.AmountDescription, p.FulfillmentID, p.OrderItemCode = cells[at[13]], cells[at[15]], cells[at[18]]
		p.MerchantOrderItemID, p.MerchantAdjustmentItemID = cells[at[19]], cells[at[20]]
		p.PostedDate, p.SKU, p.PromotionID = cells[at[16]], cells[at[21]], cells[at[23]]
		if err := first(
			parseTime(&p.Start.Time, settlementMoment, cells[at[1]]),
			parseTime(&p.End.Time, settlementMoment, cells[at[2]]),
			parseTime(&p.Deposit.Time, settlementMoment, cells[at[3]]),
			parseFloat(&p.Total, cells[at[4]]),
			parseFloat(&p.Amount, cells[at[14]]),
			parseTime(&p.PostedAt.Time, settlementMoment, cells[at[17]]),
			parseInt(&p.Quantity, cells[at[22]]),
		); err != nil {
			return d, err
		}
		d.payment(&p)
	}
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func settlementCSVUtil(in io.Reader) (d digest, err error) {
	dec, err := csvutil.NewDecoder(tabs(in))
	if err != nil {
		return d, err
	}
	dec.WithUnmarshalers(csvutil.NewUnmarshalers(
		csvutil.UnmarshalFunc(func(b []byte, to *moment) error { return to.UnmarshalCSV(string(b)) }),
	))
	var p payment
	for {
		p = payment{} // Decode leaves what is blank
		if err := dec.Decode(&p); err == io.EOF {
			return d, nil
		} else if err != nil {
			return d, err
		}
		d.payment(&p)
	}
}

// settlementGoCSV reads into a slice, for gocsv's callbacks, which are fed
// through a channel, take longer.
func settlementGoCSV(in io.Reader) (d digest, err error) {
	var rows []payment
	if err := gocsv.UnmarshalCSV(tabs(in), &rows); err != nil {
		return d, err
	}
	for i := range rows {
		d.payment(&rows[i])
	}
	return d, nil
}

// asked is a row of a returns report as the peers read it.
type asked struct {
	OrderID, Status, RMAID, MerchantRMAID, LabelType, Currency, Carrier, TrackingID, LabelPaidBy string
	ASIN, SKU, ItemName, Reason, Type, Resolution, Invoice, SafeTReason, SafeTClaim, SafeTState  string
	OrderDate, RequestDate, DeliveryDate, SafeTCreated                                           time.Time
	LabelCost, OrderAmount, SafeTReimbursement, RefundedAmount                                   float64
	AToZ, Prime, InPolicy                                                                        bool
	Quantity, OrderQuantity                                                                      int
}

func (d *digest) asked(a *asked) {
	d.Rows++
	d.Units += a.Quantity
	d.dollars(a.OrderAmount)
	d.dollars(a.RefundedAmount)
	d.dollars(a.LabelCost)
	d.time(a.OrderDate)
	d.time(a.RequestDate)
	d.time(a.DeliveryDate)
}

func returnsCSV(in io.Reader) (d digest, err error) {
	r := tabs(in)
	at, err := columns(r, returnsHeader)
	if err != nil {
		return d, err
	}
	var a asked
	for {
		cells, err := r.Read()
		if err == io.EOF {
			return d, nil
		}
		if err != nil {
			return d, err
		}
		typed := func(i int) string { return strings.TrimSpace(cells[at[i]]) }
		a.OrderID, a.Status, a.RMAID, a.MerchantRMAID = cells[at[0]], cells[at[3]], cells[at[4]], cells[at[5]]
		a.LabelType, a.Currency, a.Carrier, a.TrackingID = cells[at[6]], cells[at[8]], cells[at[9]], cells[at[10]]
		a.LabelPaidBy, a.ASIN, a.SKU, a.ItemName = cells[at[11]], cells[at[14]], cells[at[15]], cells[at[16]]
		a.Reason, a.Type, a.Resolution, a.Invoice = cells[at[18]], cells[at[20]], cells[at[21]], cells[at[22]]
		a.SafeTReason, a.SafeTClaim, a.SafeTState = cells[at[26]], cells[at[27]], cells[at[28]]
		a.AToZ, a.Prime, a.InPolicy = typed(12) == "Y", typed(13) == "Y", typed(19) == "Y"
		if err := first(
			parseTime(&a.OrderDate, returnsDay, typed(1)),
			parseTime(&a.RequestDate, returnsDay, typed(2)),
			parseFloat(&a.LabelCost, typed(7)),
			parseInt(&a.Quantity, typed(17)),
			parseTime(&a.DeliveryDate, returnsDay, typed(23)),
			parseFloat(&a.OrderAmount, typed(24)),
			parseInt(&a.OrderQuantity, typed(25)),
			parseTime(&a.SafeTCreated, returnsDay+" 15:04:05", typed(29)),
			parseFloat(&a.SafeTReimbursement, typed(30)),
			parseFloat(&a.RefundedAmount, typed(31)),
		); err != nil {
			return d, err
		}
		d.asked(&a)
	}
}

// returnDetails is an RMA as encoding/xml reads it.
type returnDetails struct {
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
	AToZ        bool      `xml:"a_to_z_claim"`
	Prime       string    `xml:"is_prime"`
	Label       struct {
		TrackingID string  `xml:"tracking_id"`
		Carrier    string  `xml:"return_carrier"`
		Currency   string  `xml:"currency_code"`
		Cost       float64 `xml:"label_cost"`
		Type       string  `xml:"label_type"`
	} `xml:"label_details"`
	LabelPaidBy   string  `xml:"label_to_be_paid_by"`
	Type          string  `xml:"return_type"`
	OrderAmount   float64 `xml:"order_amount"`
	OrderQuantity int     `xml:"order_quantity"`
}

func returnsEncodingXML(in io.Reader) (d digest, err error) {
	dec := xml.NewDecoder(in)
	for {
		token, err := dec.Token()
		if err == io.EOF {
			return d, nil
		}
		if err != nil {
			return d, err
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "return_details" {
			continue
		}
		var r returnDetails
		if err := dec.DecodeElement(&r, &start); err != nil {
			return d, err
		}
		for i := range r.Items {
			item := &r.Items[i]
			d.Rows++
			d.Units += item.Quantity
			d.dollars(r.OrderAmount)
			d.dollars(item.Refund)
			d.dollars(r.Label.Cost)
			d.time(r.OrderDate)
			d.time(r.RequestDate)
		}
	}
}
