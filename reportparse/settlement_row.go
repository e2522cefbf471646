package reportparse

import (
	"iter"
	"time"
)

// SettlementRow is one row of a settlement report: one amount, in V2 and XML, or
// none to two in V1. Read it with [SettlementRow.Amounts], which gives those of
// V1 in the terms of V2.
//
// Within one format, SettlementID and Row name a row for good. V1, V2 and XML
// count the same settlement differently: import it from one of them.
//
// Codes are kept as the file has them; Amazon publishes no complete list. They
// differ in case, spaces, - and _ between files, and may have suffixes such as
// " - Reversal".
type SettlementRow struct {
	Line int // where the row begins in the file, counted from 1
	Row  int // its number within its settlement, from 1: bad rows count, the summary does not

	SettlementID string

	// What the summary says, if the row repeats it; Amazon's own files leave it
	// to the summary.
	StartDate   time.Time // zero: blank
	EndDate     time.Time // zero: blank
	DepositDate time.Time // zero: blank
	Total       Amount

	Currency        string // ISO 4217; the summary's if the cell is blank
	TransactionType string // such as "Order", "Refund" or "other-transaction"; never blank
	OrderID         string // Amazon order ID, but an inbound shipment in some rows of fees; often blank
	MerchantOrderID string // the seller's own number, or OrderID again
	AdjustmentID    string // of refunds, such as "amzn1:crow:…"
	ShipmentID      string
	Marketplace     string // marketplace-name, such as "Amazon.com" or "Non-Amazon CA"

	AmountType        string // such as "ItemPrice"; blank in V1
	AmountDescription string // such as "Principal"; blank in V1
	Amount            Amount // in Currency, negative if it is taken from the seller; absent in V1 only

	FulfillmentID string    // "AFN" for Amazon's, "MFN" for the seller's
	PostedDate    string    // as the file has it; in the marketplace's own form
	PostedAt      time.Time // UTC; the day from PostedDate if the file has no time; zero: blank

	OrderItemCode            string // 14 or 15 digits, the order item ID of the Orders API
	MerchantOrderItemID      string
	MerchantAdjustmentItemID string // the seller's own ID of a refund, or a number beyond 2^53
	SKU                      string // the seller's SKU

	// Quantity is how many units were bought; 0 if the cell is blank. V2 repeats
	// it in every row of an item and must not be added up; V1 says it once.
	// Refunds have none.
	Quantity int

	PromotionID string

	// V1 is what only the flat file V1 has; nil for the other formats, unless a
	// row has cells in such columns. [Reader.Next] uses it again for the next row.
	V1 *SettlementV1

	// Extra holds the cells of columns without a name known here, by column name
	// as the file spells it. Blank cells are not in it.
	Extra map[string]string
}

// SettlementV1 is the part of a row that only the flat file V1 has. Amounts are
// in the currency of the row, and absent where their cell is blank.
type SettlementV1 struct {
	ShipmentFeeType   string
	ShipmentFee       Amount
	OrderFeeType      string
	OrderFee          Amount
	PriceType         string // such as "Principal"
	Price             Amount
	ItemFeeType       string // item-related-fee-type, such as "Commission"
	ItemFee           Amount
	MiscFee           Amount
	OtherFee          Amount
	OtherFeeReason    string // such as "TaxAmount"
	PromotionType     string // such as "Shipping"
	Promotion         Amount
	DirectPaymentType string
	DirectPayment     Amount
	Other             Amount // of what TransactionType says
}

// SettlementAmount is one amount of a row, with the three codes by which V2 says
// what it is.
type SettlementAmount struct {
	TransactionType string // such as "Refund"
	Type            string // such as "ItemPrice"
	Description     string // such as "Principal"
	Amount          Amount
}

// Amounts gives the amounts of a row in the terms of V2. Those of V1 become
// ItemPrice, ItemFees and Promotion with their own type as description, and
// other-amount an other-transaction described by the row's type. For the rest of
// V1 no counterpart is known: they are called after their column, as in
// "shipment-fee". A row of V1 without an amount, which only tells a quantity, has
// none.
func (r *SettlementRow) Amounts() iter.Seq[SettlementAmount] {
	return func(yield func(SettlementAmount) bool) { r.amounts(yield) } // as a closure that is inlined, it costs nothing
}

func (r *SettlementRow) amounts(yield func(SettlementAmount) bool) {
	if r.Amount.valid && !yield(SettlementAmount{r.TransactionType, r.AmountType, r.AmountDescription, r.Amount}) {
		return
	}
	v := r.V1
	if v == nil {
		return
	}
	for _, a := range [...]SettlementAmount{
		{r.TransactionType, "ItemPrice", v.PriceType, v.Price},
		{r.TransactionType, "ItemFees", v.ItemFeeType, v.ItemFee},
		{r.TransactionType, "Promotion", v.PromotionType, v.Promotion},
		{r.TransactionType, "shipment-fee", v.ShipmentFeeType, v.ShipmentFee},
		{r.TransactionType, "order-fee", v.OrderFeeType, v.OrderFee},
		{r.TransactionType, "misc-fee", "", v.MiscFee},
		{r.TransactionType, "other-fee", v.OtherFeeReason, v.OtherFee},
		{r.TransactionType, "direct-payment", v.DirectPaymentType, v.DirectPayment},
		{"other-transaction", "other-transaction", r.TransactionType, v.Other},
	} {
		if a.Amount.valid && !yield(a) {
			return
		}
	}
}

// isSummary tells the row that only says when a settlement was and how much.
func (r *SettlementRow) isSummary() bool {
	if r.TransactionType != "" || !r.Total.valid && r.StartDate.IsZero() && r.EndDate.IsZero() {
		return false
	}
	for range r.Amounts() {
		return false
	}
	return true
}

func (r *SettlementRow) v1() *SettlementV1 {
	if r.V1 == nil {
		r.V1 = &SettlementV1{}
	}
	return r.V1
}

var settlements = schema[SettlementRow]{
	report: report{
		title: "a settlement report, GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2 or one of the older two",
		types: []Type{TypeSettlement, TypeSettlementV1, TypeSettlementXML},
		required: [][]string{
			{"settlement-id"},
			{"transaction-type"},
			{
				"amount", "price-amount", "item-related-fee-amount", "promotion-amount", "shipment-fee-amount", "order-fee-amount",
				"misc-fee-amount", "other-fee-amount", "direct-payment-amount", "other-amount",
			},
		},
		shape: xmlShape{records: []string{"SettlementReport"}},
	},
	columns: []column[SettlementRow]{
		of("settlement-id", text, func(r *SettlementRow) *string { return &r.SettlementID }),
		of("settlement-start-date", moment, func(r *SettlementRow) *time.Time { return &r.StartDate }),
		of("settlement-end-date", moment, func(r *SettlementRow) *time.Time { return &r.EndDate }),
		of("deposit-date", moment, func(r *SettlementRow) *time.Time { return &r.DepositDate }),
		moneyColumn("total-amount", func(r *SettlementRow) *Amount { return &r.Total }),
		of("currency", currency, func(r *SettlementRow) *string { return &r.Currency }),
		of("transaction-type", text, func(r *SettlementRow) *string { return &r.TransactionType }),
		of("order-id", text, func(r *SettlementRow) *string { return &r.OrderID }),
		of("merchant-order-id", text, func(r *SettlementRow) *string { return &r.MerchantOrderID }),
		of("adjustment-id", text, func(r *SettlementRow) *string { return &r.AdjustmentID }),
		of("shipment-id", text, func(r *SettlementRow) *string { return &r.ShipmentID }),
		of("marketplace-name", text, func(r *SettlementRow) *string { return &r.Marketplace }),
		of("amount-type", text, func(r *SettlementRow) *string { return &r.AmountType }).in(TypeSettlement, TypeSettlementXML),
		of("amount-description", text, func(r *SettlementRow) *string { return &r.AmountDescription }).in(TypeSettlement, TypeSettlementXML),
		moneyColumn("amount", func(r *SettlementRow) *Amount { return &r.Amount }).in(TypeSettlement, TypeSettlementXML),
		of("shipment-fee-type", text, func(r *SettlementRow) *string { return &r.v1().ShipmentFeeType }).in(TypeSettlementV1),
		moneyColumn("shipment-fee-amount", func(r *SettlementRow) *Amount { return &r.v1().ShipmentFee }).in(TypeSettlementV1),
		of("order-fee-type", text, func(r *SettlementRow) *string { return &r.v1().OrderFeeType }).in(TypeSettlementV1),
		moneyColumn("order-fee-amount", func(r *SettlementRow) *Amount { return &r.v1().OrderFee }).in(TypeSettlementV1),
		of("fulfillment-id", text, func(r *SettlementRow) *string { return &r.FulfillmentID }),
		of("posted-date", text, func(r *SettlementRow) *string { return &r.PostedDate }),
		of("posted-date-time", moment, func(r *SettlementRow) *time.Time { return &r.PostedAt }).in(TypeSettlement),
		of("order-item-code", text, func(r *SettlementRow) *string { return &r.OrderItemCode }),
		of("merchant-order-item-id", text, func(r *SettlementRow) *string { return &r.MerchantOrderItemID }),
		of("merchant-adjustment-item-id", text, func(r *SettlementRow) *string { return &r.MerchantAdjustmentItemID }),
		of("sku", text, func(r *SettlementRow) *string { return &r.SKU }),
		of("quantity-purchased", count, func(r *SettlementRow) *int { return &r.Quantity }),
		of("price-type", text, func(r *SettlementRow) *string { return &r.v1().PriceType }).in(TypeSettlementV1),
		moneyColumn("price-amount", func(r *SettlementRow) *Amount { return &r.v1().Price }).in(TypeSettlementV1),
		of("item-related-fee-type", text, func(r *SettlementRow) *string { return &r.v1().ItemFeeType }).in(TypeSettlementV1),
		moneyColumn("item-related-fee-amount", func(r *SettlementRow) *Amount { return &r.v1().ItemFee }).in(TypeSettlementV1),
		moneyColumn("misc-fee-amount", func(r *SettlementRow) *Amount { return &r.v1().MiscFee }).in(TypeSettlementV1),
		moneyColumn("other-fee-amount", func(r *SettlementRow) *Amount { return &r.v1().OtherFee }).in(TypeSettlementV1),
		of("other-fee-reason-description", text, func(r *SettlementRow) *string { return &r.v1().OtherFeeReason }).in(TypeSettlementV1),
		of("promotion-id", text, func(r *SettlementRow) *string { return &r.PromotionID }),
		of("promotion-type", text, func(r *SettlementRow) *string { return &r.v1().PromotionType }).in(TypeSettlementV1),
		moneyColumn("promotion-amount", func(r *SettlementRow) *Amount { return &r.v1().Promotion }).in(TypeSettlementV1),
		of("direct-payment-type", text, func(r *SettlementRow) *string { return &r.v1().DirectPaymentType }).in(TypeSettlementV1),
		moneyColumn("direct-payment-amount", func(r *SettlementRow) *Amount { return &r.v1().DirectPayment }).in(TypeSettlementV1),
		moneyColumn("other-amount", func(r *SettlementRow) *Amount { return &r.v1().Other }).in(TypeSettlementV1),
	},
	begin: func(r *SettlementRow, line int) {
		clear(r.Extra)
		v1 := r.V1
		if v1 != nil {
			*v1 = SettlementV1{}
		}
		*r = SettlementRow{Line: line, V1: v1, Extra: r.Extra}
	},
	extra:   func(r *SettlementRow, name, text string) { addExtra(&r.Extra, name, text) },
	check:   func(*SettlementRow) (column, expected string) { return "", "" },
	aligned: func(*SettlementRow) bool { return true },
}
