package reportparse

import (
	"io"
	"time"
)

// Return is one item of one return (RMA) as a report shows it at one moment;
// later reports show the same item again with more known about it. It tells
// what the buyer asked for and what Amazon decided, and is no proof that money
// moved.
//
// Dates without a time of day are midnight UTC; Amazon names no zone.
type Return struct {
	Line int // where the row begins in the file, counted from 1

	OrderID       string    // Amazon order ID, 3-7-7 digits; never blank
	OrderDate     time.Time // zero: blank, as for all times
	RequestDate   time.Time // when the buyer asked for the return
	Status        string    // return request status, such as "Approved"; never blank
	RMAID         string    // Amazon's RMA number; case counts
	MerchantRMAID string    // the seller's own number, if one was given on authorising

	LabelType   string // such as "AmazonPrePaidLabel"; blank: no label
	LabelCost   Amount // in Currency; absent: blank, as for all amounts
	Currency    string // ISO 4217, of all amounts of the row
	Carrier     string
	TrackingID  string
	LabelPaidBy string // "Customer" or "Seller"
	AToZClaim   Flag
	IsPrime     Flag

	// At least one of OrderItemID, SKU and ASIN is never blank.
	OrderItemID string // 13 to 15 digits; a column of newer reports
	ASIN        string
	SKU         string // the seller's SKU
	ItemName    string
	Category    string
	Quantity    int // returned units, at least 1

	Reason        string // such as "CR-UNWANTED_ITEM"
	InPolicy      Flag
	ReturnType    string // such as "C-Returns"
	Resolution    string // such as "StandardRefund"
	InvoiceNumber string
	DeliveryDate  time.Time // when the parcel was back

	OrderAmount   Amount // in Currency; the price before discounts, not what was paid
	OrderQuantity int    // ordered units; 0: blank. Rows of one order may return more than this together

	SafeTReason        string // action reason of a SAFE-T claim
	SafeTClaimID       string
	SafeTState         string // such as "Approved"
	SafeTCreatedAt     time.Time
	SafeTReimbursement Amount // in Currency

	RefundedAmount Amount // in Currency; informative, no proof of a refund

	// Extra holds the cells of columns without a documented name that are not
	// blank, by the name the column has in Reader.Unknown. It is empty without any.
	Extra map[string]string
}

// Returns opens a seller-fulfilled returns report, flat file or XML
// (GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE, GET_XML_RETURNS_DATA_BY_RETURN_DATE),
// or one of Prime returns, comma-separated or XML (GET_CSV_MFN_PRIME_RETURNS_REPORT,
// GET_XML_MFN_PRIME_RETURNS_REPORT), and reads its header. Amazon does not
// document all columns of Prime returns: those named as in the other reports are
// read as there, and the rest is in Return.Extra. An error that wraps [ErrWrongReport] says what the file is
// instead, or which columns it lacks; one that wraps [ErrEmpty], that there is
// nothing in it. A header without rows is a report without returns.
//
// Prime returns in XML have the same elements in another order. Their MessageType
// is not documented, so that any is accepted if the first element in Message is
// return_details; Reader.Type is TypePrimeReturns if it speaks of Prime.
//
// A report of Amazon-fulfilled (FBA) returns is refused like any other report:
// Amazon refunds those returns itself.
func Returns(r io.Reader, o Options) (*Reader[Return], error) {
	return newReader(r, o, &returns)
}

var returns = schema[Return]{
	report: report{
		title: "the seller-fulfilled returns report, GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE or GET_XML_RETURNS_DATA_BY_RETURN_DATE",
		types: []Type{TypeReturns, TypePrimeReturns},
		required: [][]string{
			{"Order ID"},
			{"Return request status"},
			{"Return quantity"},
			{"Merchant SKU", "ASIN", "Order Item ID"},
		},
		strayTab: [3]string{"Return carrier", "Tracking ID", "Label to be paid by"},
		shape: xmlShape{
			records: []string{"return_details"},
			item:    "item_details",
			groups:  []string{"label_details"},
			elements: map[string]string{
				"item_details/refund_amount@currency": "Currency code",
				"label_details/currency_code":         "Currency code",
				"label_details/label_cost@currency":   "Currency code",
				"order_amount@currency":               "Currency code",
			},
		},
	},
	columns: []column[Return]{
		of("Order ID", orderID, func(r *Return) *string { return &r.OrderID }),
		of("Order date", date, func(r *Return) *time.Time { return &r.OrderDate }),
		of("Return request date", date, func(r *Return) *time.Time { return &r.RequestDate }),
		of("Return request status", text, func(r *Return) *string { return &r.Status }),
		of("Amazon RMA ID", text, func(r *Return) *string { return &r.RMAID }),
		of("Merchant RMA ID", text, func(r *Return) *string { return &r.MerchantRMAID }),
		of("Label type", text, func(r *Return) *string { return &r.LabelType }),
		of("Label cost", amount, func(r *Return) *Amount { return &r.LabelCost }),
		oneCurrency("Currency code", func(r *Return) *string { return &r.Currency }),
		of("Return carrier", text, func(r *Return) *string { return &r.Carrier }),
		of("Tracking ID", text, func(r *Return) *string { return &r.TrackingID }),
		of("Label to be paid by", text, func(r *Return) *string { return &r.LabelPaidBy }),
		of("A-to-Z Claim", flag, func(r *Return) *Flag { return &r.AToZClaim }),
		of("Is prime", flag, func(r *Return) *Flag { return &r.IsPrime }),
		of("ASIN", text, func(r *Return) *string { return &r.ASIN }),
		of("Merchant SKU", text, func(r *Return) *string { return &r.SKU }),
		of("Item Name", text, func(r *Return) *string { return &r.ItemName }),
		of("Return quantity", units, func(r *Return) *int { return &r.Quantity }),
		of("Return Reason", text, func(r *Return) *string { return &r.Reason }, "return_reason_code"),
		of("In policy", flag, func(r *Return) *Flag { return &r.InPolicy }),
		of("Return type", text, func(r *Return) *string { return &r.ReturnType }),
		of("Resolution", text, func(r *Return) *string { return &r.Resolution }),
		of("Invoice number", text, func(r *Return) *string { return &r.InvoiceNumber }),
		of("Return delivery date", date, func(r *Return) *time.Time { return &r.DeliveryDate }),
		of("Order Amount", amount, func(r *Return) *Amount { return &r.OrderAmount }),
		of("Order quantity", units, func(r *Return) *int { return &r.OrderQuantity }),
		of("SafeT Action reason", text, func(r *Return) *string { return &r.SafeTReason }),
		of("SafeT claim id", text, func(r *Return) *string { return &r.SafeTClaimID }),
		of("SafeT claim state", text, func(r *Return) *string { return &r.SafeTState }),
		of("SafeT claim creation time", date, func(r *Return) *time.Time { return &r.SafeTCreatedAt }),
		of("SafeT claim reimbursement amount", amount, func(r *Return) *Amount { return &r.SafeTReimbursement }),
		of("Refunded Amount", amount, func(r *Return) *Amount { return &r.RefundedAmount }, "refund_amount"),
		of("Order Item ID", itemID, func(r *Return) *string { return &r.OrderItemID }).seldom(),
		of("Category", text, func(r *Return) *string { return &r.Category }).seldom(),
	},
	begin: func(r *Return, line int) {
		clear(r.Extra)
		*r = Return{Line: line, Extra: r.Extra}
	},
	extra: func(r *Return, name, text string) { addExtra(&r.Extra, name, text) },
	check: func(r *Return) (column, expected string) {
		switch {
		case r.OrderID == "":
			return "Order ID", orderID.expected
		case r.Status == "":
			return "Return request status", "a status, such as Approved"
		case r.Quantity == 0:
			return "Return quantity", units.expected
		case r.SKU == "" && r.ASIN == "" && r.OrderItemID == "":
			return "Merchant SKU", "a SKU, or an ASIN or an order item ID in place of it"
		}
		return "", ""
	},
	aligned: func(r *Return) bool {
		return r.LabelPaidBy == "" || r.LabelPaidBy == "Customer" || r.LabelPaidBy == "Seller"
	},
}
