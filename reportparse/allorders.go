package reportparse

import (
	"io"
	"time"
)

// AllOrdersItem is one item of one order as an all-orders report shows it,
// whoever ships it, whatever became of it. What belongs to the order comes again
// with each of its items; the report names neither the buyer nor a street.
//
// A flat file names no order item: OrderID and SKU together find the row again,
// but two rows of an order may have the same SKU.
//
// A blank time is zero, a blank amount absent, a blank flag Unknown, a blank
// number 0. Times are UTC. Codes, and whatever Amazon does not document, are text
// as it stands in the file.
type AllOrdersItem struct {
	Line int // where the row begins in the file, counted from 1

	OrderID            string // Amazon order ID; never blank
	MerchantOrderID    string // the seller's own
	PurchaseDate       time.Time
	LastUpdatedDate    time.Time
	OrderStatus        string // such as "Shipped"; "Cancelled" here is "Canceled" elsewhere
	FulfillmentChannel string // such as "Amazon", which ships then
	FulfilledBy        string
	SalesChannel       string // such as "Amazon.de"
	OrderChannel       string
	URL                string
	ShipServiceLevel   string // such as "Expedited"
	IsReplacementOrder Flag
	IsExchangeOrder    Flag
	OriginalOrderID    string // of a replacement or an exchange
	IsIba              Flag

	OrderItemID    string // only in XML
	ProductName    string
	SKU            string // the seller's SKU
	ASIN           string
	ItemStatus     string
	Quantity       int // ordered units; 0 also of a cancelled item
	NumberOfItems  int // in each unit
	IsTransparency Flag

	// Whether the buyer wishes to cancel this item; see OrderItem. Amazon does not
	// document these columns for all-orders reports.
	BuyerRequestedCancel Flag
	BuyerCancelReason    string

	// Totals of the row, for all its units, in Currency.
	Currency                  string // ISO 4217; may be blank, as of a cancelled item
	ItemPrice                 Amount
	ItemTax                   Amount
	ShippingPrice             Amount
	ShippingTax               Amount
	GiftWrapPrice             Amount
	GiftWrapTax               Amount
	ItemPromotionDiscount     Amount // with the sign it has in the file, as the next one
	ShipPromotionDiscount     Amount
	VATExclusiveItemPrice     Amount
	VATExclusiveShippingPrice Amount
	VATExclusiveGiftWrapPrice Amount
	PromotionIDs              string // all of the item, as one text

	TaxCollectionModel string
	TaxCollectionParty string // who is responsible for collecting it
	IOSSNumber         string
	IsAmazonInvoiced   Flag
	OrderInvoiceType   string
	CPF                string // the buyer's tax number in Brazil

	IsBusinessOrder     Flag
	PurchaseOrderNumber string // the buyer's own
	PriceDesignation    string // such as "Business Price"
	Buyer               Buyer  // at most company and tax registration

	ShipTo                Address // at most city, state, postal code and country
	AddressType           string
	SignatureConfirmation string // whether one is recommended

	// Extra holds the cells of other columns that are not blank, by the name the
	// column has in Reader.Unknown. It is empty without any.
	Extra map[string]string
}

// AllOrders opens an all-orders report, by last update or by order date, flat
// file or XML, and reads its header. An error that wraps [ErrWrongReport] says
// what the file is instead, or which columns it lacks; one that wraps
// [ErrEmpty], that there is nothing in it. A header without rows is a report
// without orders. Two currencies in one item are a [RowError].
//
// The columns are those of Amazon's page "Order Tracking reports attributes",
// https://developer-docs.amazon.com/sp-api/docs/order-tracking-reports-attributes,
// and others that sellers' files have.
func AllOrders(r io.Reader, o Options) (*Reader[AllOrdersItem], error) {
	return newReader(r, o, &allOrders)
}

const adviseOrderReport = "read an order report or the unshipped-orders report instead; " + adviseCancelColumn

var allOrders = schema[AllOrdersItem]{
	report: report{
		title: "an all-orders report, GET_FLAT_FILE_ALL_ORDERS_DATA_* or GET_XML_ALL_ORDERS_DATA_* (BY_LAST_UPDATE_GENERAL, BY_ORDER_DATE_GENERAL)",
		types: []Type{TypeAllOrders},
		required: [][]string{
			{"amazon-order-id"},
			{"order-status", "item-status"},
			{"sku", "asin"},
		},
		shape: xmlShape{
			records: []string{"Order"},
			item:    "OrderItem",
			groups:  []string{"FulfillmentData"},
			elements: withPrices("OrderItem", map[string]string{
				"FulfillmentData/Address/AddressType":                "address-type",
				"FulfillmentData/Address/City":                       "ship-city",
				"FulfillmentData/Address/State":                      "ship-state",
				"FulfillmentData/Address/PostalCode":                 "ship-postal-code",
				"FulfillmentData/Address/Country":                    "ship-country",
				"OrderItem/AmazonOrderItemCode":                      "order-item-id",
				"OrderItem/BuyerRequestedCancel/Reason":              "buyer-requested-cancel-reason",
				"OrderItem/Promotion/PromotionIDs":                   "promotion-ids",
				"OrderItem/Promotion/ItemPromotionDiscount":          "item-promotion-discount",
				"OrderItem/Promotion/ItemPromotionDiscount@currency": "currency",
				"OrderItem/Promotion/ShipPromotionDiscount":          "ship-promotion-discount",
				"OrderItem/Promotion/ShipPromotionDiscount@currency": "currency",
			}),
			pairs: []pair{{"OrderItem/ItemPrice/Component", "Type", "Amount"}},
		},
	},
	columns: []column[AllOrdersItem]{
		of("amazon-order-id", text, func(o *AllOrdersItem) *string { return &o.OrderID }),
		of("merchant-order-id", text, func(o *AllOrdersItem) *string { return &o.MerchantOrderID }),
		of("purchase-date", date, func(o *AllOrdersItem) *time.Time { return &o.PurchaseDate }),
		of("last-updated-date", date, func(o *AllOrdersItem) *time.Time { return &o.LastUpdatedDate }),
		of("order-status", text, func(o *AllOrdersItem) *string { return &o.OrderStatus }),
		of("fulfillment-channel", text, func(o *AllOrdersItem) *string { return &o.FulfillmentChannel }, "fulfilment-channel"),
		of("sales-channel", text, func(o *AllOrdersItem) *string { return &o.SalesChannel }),
		of("order-channel", text, func(o *AllOrdersItem) *string { return &o.OrderChannel }),
		of("ship-service-level", text, func(o *AllOrdersItem) *string { return &o.ShipServiceLevel }),
		of("product-name", text, func(o *AllOrdersItem) *string { return &o.ProductName }),
		of("sku", text, func(o *AllOrdersItem) *string { return &o.SKU }),
		of("asin", text, func(o *AllOrdersItem) *string { return &o.ASIN }),
		of("item-status", text, func(o *AllOrdersItem) *string { return &o.ItemStatus }),
		of("quantity", tally, func(o *AllOrdersItem) *int { return &o.Quantity }),
		oneCurrency("currency", func(o *AllOrdersItem) *string { return &o.Currency }),
		of("item-price", amount, func(o *AllOrdersItem) *Amount { return &o.ItemPrice }),
		of("item-tax", amount, func(o *AllOrdersItem) *Amount { return &o.ItemTax }),
		of("shipping-price", amount, func(o *AllOrdersItem) *Amount { return &o.ShippingPrice }),
		of("shipping-tax", amount, func(o *AllOrdersItem) *Amount { return &o.ShippingTax }),
		of("gift-wrap-price", amount, func(o *AllOrdersItem) *Amount { return &o.GiftWrapPrice }),
		of("gift-wrap-tax", amount, func(o *AllOrdersItem) *Amount { return &o.GiftWrapTax }),
		of("item-promotion-discount", amount, func(o *AllOrdersItem) *Amount { return &o.ItemPromotionDiscount }).several(),
		of("ship-promotion-discount", amount, func(o *AllOrdersItem) *Amount { return &o.ShipPromotionDiscount }).several(),
		of("ship-city", text, func(o *AllOrdersItem) *string { return &o.ShipTo.City }),
		of("ship-state", text, func(o *AllOrdersItem) *string { return &o.ShipTo.State }),
		of("ship-postal-code", text, func(o *AllOrdersItem) *string { return &o.ShipTo.PostalCode }),
		of("ship-country", text, func(o *AllOrdersItem) *string { return &o.ShipTo.Country }),
		of("promotion-ids", text, func(o *AllOrdersItem) *string { return &o.PromotionIDs }),
		of("is-business-order", flag, func(o *AllOrdersItem) *Flag { return &o.IsBusinessOrder }),
		of("purchase-order-number", text, func(o *AllOrdersItem) *string { return &o.PurchaseOrderNumber }),
		of("price-designation", text, func(o *AllOrdersItem) *string { return &o.PriceDesignation }),
		of("is-buyer-requested-cancellation", flag, func(o *AllOrdersItem) *Flag { return &o.BuyerRequestedCancel }, "is-buyer-requested-cancelation").
			advise(adviseOrderReport),
		of("buyer-requested-cancel-reason", text, func(o *AllOrdersItem) *string { return &o.BuyerCancelReason }).
			advise(adviseOrderReport),

		of("url", text, func(o *AllOrdersItem) *string { return &o.URL }).seldom(),
		of("number-of-items", tally, func(o *AllOrdersItem) *int { return &o.NumberOfItems }).seldom(),
		of("tax-collection-model", text, func(o *AllOrdersItem) *string { return &o.TaxCollectionModel }).seldom(),
		of("tax-collection-responsible-party", text, func(o *AllOrdersItem) *string { return &o.TaxCollectionParty }).seldom(),
		of("address-type", text, func(o *AllOrdersItem) *string { return &o.AddressType }).seldom(),
		of("cpf", text, func(o *AllOrdersItem) *string { return &o.CPF }).seldom(),
		of("fulfilled-by", text, func(o *AllOrdersItem) *string { return &o.FulfilledBy }).seldom(),
		of("buyer-company-name", text, func(o *AllOrdersItem) *string { return &o.Buyer.Company }).seldom(),
		of("buyer-tax-registration-id", text, func(o *AllOrdersItem) *string { return &o.Buyer.TaxRegistrationID }).seldom(),
		of("buyer-tax-registration-country", text, func(o *AllOrdersItem) *string { return &o.Buyer.TaxRegistrationCountry }).seldom(),
		of("buyer-tax-registration-type", text, func(o *AllOrdersItem) *string { return &o.Buyer.TaxRegistrationType }).seldom(),
		of("is-replacement-order", flagOrWord, func(o *AllOrdersItem) *Flag { return &o.IsReplacementOrder }).seldom(),
		of("is-exchange-order", flagOrWord, func(o *AllOrdersItem) *Flag { return &o.IsExchangeOrder }).seldom(),
		of("original-order-id", text, func(o *AllOrdersItem) *string { return &o.OriginalOrderID }).seldom(),
		of("is-amazon-invoiced", flagOrWord, func(o *AllOrdersItem) *Flag { return &o.IsAmazonInvoiced }).seldom(),
		of("vat-exclusive-item-price", amount, func(o *AllOrdersItem) *Amount { return &o.VATExclusiveItemPrice }).seldom(),
		of("vat-exclusive-shipping-price", amount, func(o *AllOrdersItem) *Amount { return &o.VATExclusiveShippingPrice }).seldom(),
		of("vat-exclusive-giftwrap-price", amount, func(o *AllOrdersItem) *Amount { return &o.VATExclusiveGiftWrapPrice }).seldom(),
		of("is-iba", flagOrWord, func(o *AllOrdersItem) *Flag { return &o.IsIba }).seldom(),
		of("is-transparency", flagOrWord, func(o *AllOrdersItem) *Flag { return &o.IsTransparency }).seldom(),
		of("ioss-number", text, func(o *AllOrdersItem) *string { return &o.IOSSNumber }).seldom(),
		of("order-invoice-type", text, func(o *AllOrdersItem) *string { return &o.OrderInvoiceType }).seldom(),
		of("signature-confirmation-recommended", text, func(o *AllOrdersItem) *string { return &o.SignatureConfirmation }).seldom(),

		// Only XML has it.
		of("order-item-id", text, func(o *AllOrdersItem) *string { return &o.OrderItemID }).seldom(),
	},
	begin: func(o *AllOrdersItem, line int) {
		clear(o.Extra)
		*o = AllOrdersItem{Line: line, Extra: o.Extra}
	},
	extra: func(o *AllOrdersItem, name, text string) { addExtra(&o.Extra, name, text) },
	check: func(o *AllOrdersItem) (column, expected string) {
		if o.OrderID == "" {
			return "amazon-order-id", "an Amazon order ID"
		}
		return "", ""
	},
	aligned: func(o *AllOrdersItem) bool { return o.ShipTo.aligned() },
}
