package reportparse

import (
	"io"
	"strings"
	"time"
)

// FBAReturn is one unit, or several alike, that came back to Amazon from an order
// which Amazon fulfilled (FBA). Amazon refunds these returns by itself: the row
// tells where the goods are, and not what the buyer got.
//
// Reports asked for at different times show one return with different dates, so
// a return is known by its license plate number, order ID and SKU together, and
// never by its date.
type FBAReturn struct {
	Line int // where the row begins in the file, counted from 1

	ReturnDate        time.Time // UTC; zero: blank
	OrderID           string    // never blank
	SKU               string    // the seller's SKU; at least one of SKU, ASIN and FNSKU is never blank
	ASIN              string
	FNSKU             string // Amazon's number of the goods in its warehouses
	ProductName       string
	Quantity          int    // at least 1
	FulfillmentCenter string // ID of the warehouse, such as "ABC1"
	Disposition       string // detailed disposition, such as "SELLABLE" or "CUSTOMER_DAMAGED"
	Reason            string // such as "UNWANTED_ITEM"
	Status            string // such as "Unit returned to inventory"; some marketplaces have no such column
	LicensePlate      string // license plate number, which the unit has in Amazon's warehouses
	Comments          string // the buyer's own words

	// Extra holds the cells of all other columns that are not blank, by the name
	// of the column as in Reader.Unknown. Nil if there are none.
	Extra map[string]string
}

// FBAReturns reads a report of Amazon-fulfilled returns,
// GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA, which has a flat file only. The
// report has no returns of goods that the seller ships; [Returns] reads those.
//
// The columns are those of Amazon's page "FBA concessions reports attributes",
// https://developer-docs.amazon.com/sp-api/docs/fba-customer-concessions-reports-attributes.
// Errors are as those of [Returns].
func FBAReturns(r io.Reader, o Options) (*Reader[FBAReturn], error) {
	return newReader(r, o, fbaReturnSchema)
}

var fbaReturnSchema = &schema[FBAReturn]{
	report: report{
		title: "the Amazon-fulfilled (FBA) returns report, GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA",
		types: []Type{TypeFBAReturns},
		required: [][]string{
			{"order-id"},
			{"quantity"},
			{"sku", "asin", "fnsku"},
			{"detailed-disposition", "license-plate-number"},
		},
	},
	columns: []column[FBAReturn]{
		of("return-date", date, func(r *FBAReturn) *time.Time { return &r.ReturnDate }),
		of("order-id", text, func(r *FBAReturn) *string { return &r.OrderID }),
		of("sku", text, func(r *FBAReturn) *string { return &r.SKU }),
		of("asin", text, func(r *FBAReturn) *string { return &r.ASIN }),
		of("fnsku", text, func(r *FBAReturn) *string { return &r.FNSKU }),
		of("product-name", text, func(r *FBAReturn) *string { return &r.ProductName }),
		of("quantity", units, func(r *FBAReturn) *int { return &r.Quantity }),
		of("fulfillment-center-id", text, func(r *FBAReturn) *string { return &r.FulfillmentCenter }, "fulfilment-center-id"),
		of("detailed-disposition", text, func(r *FBAReturn) *string { return &r.Disposition }),
		of("reason", text, func(r *FBAReturn) *string { return &r.Reason }),
		of("status", text, func(r *FBAReturn) *string { return &r.Status }),
		of("license-plate-number", text, func(r *FBAReturn) *string { return &r.LicensePlate }),
		of("customer-comments", text, func(r *FBAReturn) *string { return &r.Comments }),
	},
	begin: func(r *FBAReturn, line int) {
		clear(r.Extra)
		*r = FBAReturn{Line: line, Extra: r.Extra}
	},
	extra: func(r *FBAReturn, name, text string) { addExtra(&r.Extra, name, text) },
	check: func(r *FBAReturn) (column, expected string) {
		switch {
		case r.OrderID == "":
			return "order-id", "an order ID, such as 111-2222222-3333333"
		case r.Quantity == 0:
			return "quantity", units.expected
		case r.SKU == "" && r.ASIN == "" && r.FNSKU == "":
			return "sku", "a SKU, or an ASIN or an FNSKU in place of it"
		}
		return "", ""
	},
	aligned: func(r *FBAReturn) bool {
		return r.LicensePlate == "" || strings.HasPrefix(r.LicensePlate, "LPN")
	},
}
