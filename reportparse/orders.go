package reportparse

import (
	"io"
	"strconv"
	"time"
)

// OrderItem is one item of one order that the seller ships, as an order report
// or the unshipped-orders report shows it. What belongs to the order comes again
// with each of its items.
//
// Which columns a report has differs by its type, by the marketplace and by what
// the seller switched on: ask [Reader.Has] or [Reader.Missing] before taking a
// blank for an answer. A blank time is zero, a blank amount absent, a blank flag
// Unknown, any other number 0. Times are UTC. Codes, and whatever Amazon does
// not document, are text as it stands in the file; a flag in such a column may
// be another word than those of Flag.
//
// In a flat file, a further promotion of an item may have a row of its own with
// nothing in it but the two IDs and the promotion: its SKU is blank and its
// Quantity 0. In XML it is among the extras, as "Item/Promotion/Principal (2)".
type OrderItem struct {
	Line int // where the row begins in the file, counted from 1

	OrderID            string    // Amazon order ID; never blank
	PurchaseDate       time.Time // when it was placed; in XML OrderDate
	PaymentsDate       time.Time
	PostedDate         time.Time // OrderPostedDate; only in XML
	ReportingDate      time.Time // only of unshipped orders, as the next two
	PromiseDate        time.Time // by when it is to be shipped
	DaysPastPromise    int       // negative: that many days are left
	SalesChannel       string    // such as "Amazon.co.uk"; a report may hold several
	IsPrime            Flag
	IsPremiumOrder     Flag
	IsIba              Flag
	IsISPUOrder        Flag // picked up in a store
	StoreChainStoreID  string
	IsGlobalExpress    Flag
	AmazonPrograms     string
	IsReplacementOrder Flag
	IsExchangeOrder    Flag
	OriginalOrderID    string // of a replacement or an exchange

	OrderItemID     string // never blank; in XML AmazonOrderItemCode
	SKU             string // the seller's SKU
	ProductName     string
	ProductTaxCode  string // only in XML
	Quantity        int    // ordered units
	QuantityShipped int    // only of unshipped orders, as the next one
	QuantityToShip  int
	CustomizedURL   string // where the buyer's wishes for a customised product are
	CustomizedPage  string
	GiftWrapType    string // in XML GiftWrapLevel
	GiftMessageText string
	IsTransparency  Flag

	// Whether the buyer wishes to cancel this item. The order stands until the
	// seller cancels or ships it. Only No is a no: Unknown is a blank, or a file
	// without the column, which each seller has to switch on, as [Reader.Missing]
	// advises. A reason alone is no Yes. Any other word makes the row bad, so that
	// a wish is not passed over.
	BuyerRequestedCancel Flag
	BuyerCancelReason    string // in the words of the buyer or the marketplace

	// Totals of the row, for all its units, in Currency.
	Currency                  string // ISO 4217
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

	ItemPromotionID     string
	ShipPromotionID     string
	MerchantPromotionID string // of both discounts; only in XML, as the next one
	PromotionClaimCode  string

	PaymentMethod        string
	PaymentMethodDetails string
	AlreadyPaid          string
	TaxCollectionModel   string // such as "MarketplaceFacilitator"
	TaxCollectionParty   string // who is responsible for collecting it
	IOSSNumber           string
	IsAmazonInvoiced     Flag

	IsBusinessOrder     Flag
	IsSoldByAB          Flag   // by Amazon Business
	PurchaseOrderNumber string // the buyer's own
	PriceDesignation    string // such as "Business Price"

	Buyer    Buyer
	BillTo   Address
	ShipTo   Address
	ShipFrom Address // where the seller's settings say that orders leave

	ShipServiceLevel           string // such as "Standard"
	FulfillmentMethod          string // such as "Ship"; only in XML
	ShipmentStatus             string
	VergeOfCancellation        string
	VergeOfLateShipment        string
	SignatureConfirmation      string // whether one is recommended
	ShippingSettingsAutomation Flag
	AutomationCarrier          string // ssa-carrier
	AutomationShipMethod       string // ssa-ship-method
	Delivery                   Delivery

	// Extra holds the cells of other columns that are not blank, by the name the
	// column has in Reader.Unknown. In XML these are, for one, Amazon's fees as it
	// estimated them when the order came, such as "Item/ItemFees/Commission". It
	// is empty without any.
	Extra map[string]string
}

// Buyer is what a report says about who bought.
type Buyer struct {
	Name                   string
	Email                  string
	Phone                  string
	Company                string
	TaxRegistrationID      string
	TaxRegistrationCountry string
	TaxRegistrationType    string
	IdentificationNumber   string
	IdentificationType     string
}

// Address is one of the addresses of an order.
type Address struct {
	Name       string
	Line1      string
	Line2      string
	Line3      string
	City       string
	State      string // or region
	PostalCode string
	Country    string // two letters, as in ISO 3166
	Phone      string
}

// aligned tells whether a country stands where it should: a TAB within the lines
// before it would have put a postal code there.
func (a *Address) aligned() bool { return a.Country == "" || len(a.Country) == 2 }

// Delivery is what the buyer and Amazon agreed on for bringing the parcel.
type Delivery struct {
	Start           string
	End             string
	TimeZone        string
	PreferredTime   string
	Instructions    string
	DropOffLocation string
	Pallet          string
}

// Orders opens an order report (shipping, invoicing or tax; flat file or XML) or
// the unshipped-orders report, and reads its header. An error that wraps
// [ErrWrongReport] says what the file is instead, or which columns it lacks; one
// that wraps [ErrEmpty], that there is nothing in it. A header without rows is a
// report without orders.
//
// The report's window counts when orders became ready to ship, not when they
// were placed, so that windows should overlap; an item is known again by
// OrderID and OrderItemID. Two currencies in one item are a [RowError].
//
// In XML, where Amazon documents no element for the buyer's request, both
// IsBuyerRequestedCancellation and BuyerRequestedCancelReason are read if an
// Item has them.
//
// The columns are those of Amazon's page "Order reports attributes",
// https://developer-docs.amazon.com/sp-api/docs/order-reports-attributes, and
// others that sellers' files have.
func Orders(r io.Reader, o Options) (*Reader[OrderItem], error) {
	return newReader(r, o, &orders)
}

// adviseCancelColumn says how to get the columns of the buyer's request into
// order reports. No call of the API is known to switch them on.
const adviseCancelColumn = "in Seller Central, under Orders > Order Reports > Add or remove order report columns, switch on Buyer Requested Cancel; it is a setting of each seller account"

// flagOrWord is for columns that Amazon does not document: a word that is neither
// yes nor no is kept, for an item is not lost over it.
var flagOrWord = format[Flag]{flag.expected, func(d *dialect, s string) (Flag, bool) {
	if f, ok := parseFlag(d, s); ok {
		return f, true
	}
	return Flag(s), true
}}

var tally = format[int]{"a whole number from 0 on", parseTally}

func parseTally(_ *dialect, s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err == nil
}

// oneCurrency is a column that a row may fill several times, each time alike: in
// XML each amount names its currency.
func oneCurrency[T any](name string, field func(*T) *string) column[T] {
	c := of(name, currency, field)
	set := c.set
	c.set = func(row *T, d *dialect, text string) string {
		if other := *field(row); other != "" && other != text {
			return other + ", the currency of another amount of the same item"
		}
		return set(row, d, text)
	}
	return c
}

// withPrices adds the components of an item's price to the elements of a shape,
// and that each names the currency.
func withPrices(item string, elements map[string]string) map[string]string {
	for component, column := range map[string]string{
		"Principal":   "item-price",
		"Tax":         "item-tax",
		"Shipping":    "shipping-price",
		"ShippingTax": "shipping-tax",
		"GiftWrap":    "gift-wrap-price",
		"GiftWrapTax": "gift-wrap-tax",
	} {
		path := item + "/ItemPrice/" + component
		elements[path], elements[path+"@currency"] = column, "currency"
	}
	return elements
}

var orders = schema[OrderItem]{
	report: report{
		title: "an order report, GET_FLAT_FILE_ORDER_REPORT_DATA_* or GET_ORDER_REPORT_DATA_* (SHIPPING, INVOICING, TAX), or the unshipped-orders report, GET_FLAT_FILE_ACTIONABLE_ORDER_DATA_SHIPPING",
		types: []Type{TypeOrders, TypeUnshippedOrders},
		required: [][]string{
			{"order-id"},
			{"order-item-id"},
			{"purchase-date", "quantity-purchased", "buyer-name", "buyer-email", "recipient-name", "is-buyer-requested-cancellation"},
		},
		shape: xmlShape{
			records: []string{"OrderReport"},
			item:    "Item",
			elements: withPrices("Item", map[string]string{
				"AmazonOrderID":                             "order-id",
				"OrderDate":                                 "purchase-date",
				"BillingData/BuyerName":                     "buyer-name",
				"BillingData/BuyerEmailAddress":             "buyer-email",
				"BillingData/BuyerPhoneNumber":              "buyer-phone-number",
				"BillingData/Address/Name":                  "bill-name",
				"BillingData/Address/AddressFieldOne":       "bill-address-1",
				"BillingData/Address/AddressFieldTwo":       "bill-address-2",
				"BillingData/Address/AddressFieldThree":     "bill-address-3",
				"BillingData/Address/City":                  "bill-city",
				"BillingData/Address/StateOrRegion":         "bill-state",
				"BillingData/Address/PostalCode":            "bill-postal-code",
				"BillingData/Address/CountryCode":           "bill-country",
				"BillingData/Address/PhoneNumber":           "bill-phone-number",
				"FulfillmentData/FulfillmentMethod":         "fulfillment-method",
				"FulfillmentData/FulfillmentServiceLevel":   "ship-service-level",
				"FulfillmentData/Address/Name":              "recipient-name",
				"FulfillmentData/Address/AddressFieldOne":   "ship-address-1",
				"FulfillmentData/Address/AddressFieldTwo":   "ship-address-2",
				"FulfillmentData/Address/AddressFieldThree": "ship-address-3",
				"FulfillmentData/Address/City":              "ship-city",
				"FulfillmentData/Address/StateOrRegion":     "ship-state",
				"FulfillmentData/Address/PostalCode":        "ship-postal-code",
				"FulfillmentData/Address/CountryCode":       "ship-country",
				"FulfillmentData/Address/PhoneNumber":       "ship-phone-number",
				"Item/AmazonOrderItemCode":                  "order-item-id",
				"Item/Title":                                "product-name",
				"Item/Quantity":                             "quantity-purchased",
				"Item/GiftWrapLevel":                        "gift-wrap-type",
				"Item/Promotion/PromotionClaimCode":         "promotion-claim-code",
				"Item/Promotion/MerchantPromotionID":        "merchant-promotion-id",
				"Item/Promotion/Principal":                  "item-promotion-discount",
				"Item/Promotion/Principal@currency":         "currency",
				"Item/Promotion/Shipping":                   "ship-promotion-discount",
				"Item/Promotion/Shipping@currency":          "currency",
			}),
			pairs: []pair{
				{"Item/ItemPrice/Component", "Type", "Amount"},
				{"Item/ItemFees/Fee", "Type", "Amount"},
				{"Item/Promotion/Component", "Type", "Amount"},
			},
		},
	},
	columns: []column[OrderItem]{
		of("order-id", text, func(o *OrderItem) *string { return &o.OrderID }),
		of("order-item-id", text, func(o *OrderItem) *string { return &o.OrderItemID }),
		of("purchase-date", date, func(o *OrderItem) *time.Time { return &o.PurchaseDate }),
		of("payments-date", date, func(o *OrderItem) *time.Time { return &o.PaymentsDate }),
		of("reporting-date", date, func(o *OrderItem) *time.Time { return &o.ReportingDate }).in(TypeUnshippedOrders),
		of("promise-date", date, func(o *OrderItem) *time.Time { return &o.PromiseDate }).in(TypeUnshippedOrders),
		of("days-past-promise", count, func(o *OrderItem) *int { return &o.DaysPastPromise }).in(TypeUnshippedOrders),
		of("buyer-email", text, func(o *OrderItem) *string { return &o.Buyer.Email }),
		of("buyer-name", text, func(o *OrderItem) *string { return &o.Buyer.Name }),
		of("buyer-phone-number", text, func(o *OrderItem) *string { return &o.Buyer.Phone }),
		of("sku", text, func(o *OrderItem) *string { return &o.SKU }),
		of("product-name", text, func(o *OrderItem) *string { return &o.ProductName }),
		of("quantity-purchased", tally, func(o *OrderItem) *int { return &o.Quantity }),
		of("quantity-shipped", tally, func(o *OrderItem) *int { return &o.QuantityShipped }).in(TypeUnshippedOrders),
		of("quantity-to-ship", tally, func(o *OrderItem) *int { return &o.QuantityToShip }).in(TypeUnshippedOrders),
		oneCurrency("currency", func(o *OrderItem) *string { return &o.Currency }).in(TypeOrders),
		of("item-price", amount, func(o *OrderItem) *Amount { return &o.ItemPrice }).in(TypeOrders),
		of("item-tax", amount, func(o *OrderItem) *Amount { return &o.ItemTax }).in(TypeOrders),
		of("shipping-price", amount, func(o *OrderItem) *Amount { return &o.ShippingPrice }).in(TypeOrders),
		of("shipping-tax", amount, func(o *OrderItem) *Amount { return &o.ShippingTax }).in(TypeOrders),
		of("ship-service-level", text, func(o *OrderItem) *string { return &o.ShipServiceLevel }),
		of("recipient-name", text, func(o *OrderItem) *string { return &o.ShipTo.Name }),
		of("ship-address-1", text, func(o *OrderItem) *string { return &o.ShipTo.Line1 }),
		of("ship-address-2", text, func(o *OrderItem) *string { return &o.ShipTo.Line2 }),
		of("ship-address-3", text, func(o *OrderItem) *string { return &o.ShipTo.Line3 }),
		of("ship-city", text, func(o *OrderItem) *string { return &o.ShipTo.City }),
		of("ship-state", text, func(o *OrderItem) *string { return &o.ShipTo.State }),
		of("ship-postal-code", text, func(o *OrderItem) *string { return &o.ShipTo.PostalCode }),
		of("ship-country", text, func(o *OrderItem) *string { return &o.ShipTo.Country }),
		of("ship-phone-number", text, func(o *OrderItem) *string { return &o.ShipTo.Phone }).in(TypeOrders),
		of("delivery-start-date", text, func(o *OrderItem) *string { return &o.Delivery.Start }).in(TypeOrders),
		of("delivery-end-date", text, func(o *OrderItem) *string { return &o.Delivery.End }).in(TypeOrders),
		of("delivery-time-zone", text, func(o *OrderItem) *string { return &o.Delivery.TimeZone }).in(TypeOrders),
		of("delivery-Instructions", text, func(o *OrderItem) *string { return &o.Delivery.Instructions }).in(TypeOrders),
		of("sales-channel", text, func(o *OrderItem) *string { return &o.SalesChannel }).in(TypeOrders).
			advise("ask for the report with ShowSalesChannel=true among its options"),
		of("is-business-order", flag, func(o *OrderItem) *Flag { return &o.IsBusinessOrder }),
		of("purchase-order-number", text, func(o *OrderItem) *string { return &o.PurchaseOrderNumber }),
		of("price-designation", text, func(o *OrderItem) *string { return &o.PriceDesignation }),
		of("is-prime", flag, func(o *OrderItem) *Flag { return &o.IsPrime }).in(TypeUnshippedOrders),
		of("is-sold-by-ab", flag, func(o *OrderItem) *Flag { return &o.IsSoldByAB }).in(TypeOrders),
		of("is-buyer-requested-cancellation", flag, func(o *OrderItem) *Flag { return &o.BuyerRequestedCancel }, "is-buyer-requested-cancelation").
			advise(adviseCancelColumn),
		of("buyer-requested-cancel-reason", text, func(o *OrderItem) *string { return &o.BuyerCancelReason }).
			advise(adviseCancelColumn),

		// Those that a seller or a marketplace may add.
		of("item-promotion-discount", amount, func(o *OrderItem) *Amount { return &o.ItemPromotionDiscount }).several().in(TypeOrders),
		of("item-promotion-id", text, func(o *OrderItem) *string { return &o.ItemPromotionID }).in(TypeOrders),
		of("ship-promotion-discount", amount, func(o *OrderItem) *Amount { return &o.ShipPromotionDiscount }).several().in(TypeOrders),
		of("ship-promotion-id", text, func(o *OrderItem) *string { return &o.ShipPromotionID }).in(TypeOrders),
		of("bill-address-1", text, func(o *OrderItem) *string { return &o.BillTo.Line1 }).in(TypeOrders),
		of("bill-address-2", text, func(o *OrderItem) *string { return &o.BillTo.Line2 }).in(TypeOrders),
		of("bill-address-3", text, func(o *OrderItem) *string { return &o.BillTo.Line3 }).in(TypeOrders),
		of("bill-city", text, func(o *OrderItem) *string { return &o.BillTo.City }).in(TypeOrders),
		of("bill-state", text, func(o *OrderItem) *string { return &o.BillTo.State }).in(TypeOrders),
		of("bill-postal-code", text, func(o *OrderItem) *string { return &o.BillTo.PostalCode }).in(TypeOrders),
		of("bill-country", text, func(o *OrderItem) *string { return &o.BillTo.Country }).in(TypeOrders),
		of("buyer-company-name", text, func(o *OrderItem) *string { return &o.Buyer.Company }).in(TypeOrders),
		of("buyer-tax-registration-id", text, func(o *OrderItem) *string { return &o.Buyer.TaxRegistrationID }).in(TypeOrders),
		of("buyer-tax-registration-country", text, func(o *OrderItem) *string { return &o.Buyer.TaxRegistrationCountry }).in(TypeOrders),
		of("buyer-tax-registration-type", text, func(o *OrderItem) *string { return &o.Buyer.TaxRegistrationType }).in(TypeOrders),
		of("payment-method-details", text, func(o *OrderItem) *string { return &o.PaymentMethodDetails }).in(TypeOrders),

		of("customized-url", text, func(o *OrderItem) *string { return &o.CustomizedURL }).seldom(),
		of("customized-page", text, func(o *OrderItem) *string { return &o.CustomizedPage }).seldom(),
		of("is-global-express", flagOrWord, func(o *OrderItem) *Flag { return &o.IsGlobalExpress }).seldom(),
		of("is-premium-order", flagOrWord, func(o *OrderItem) *Flag { return &o.IsPremiumOrder }).seldom(),
		of("is-iba", flagOrWord, func(o *OrderItem) *Flag { return &o.IsIba }).seldom(),
		of("is-replacement-order", flagOrWord, func(o *OrderItem) *Flag { return &o.IsReplacementOrder }).seldom(),
		of("is-exchange-order", flagOrWord, func(o *OrderItem) *Flag { return &o.IsExchangeOrder }).seldom(),
		of("original-order-id", text, func(o *OrderItem) *string { return &o.OriginalOrderID }).seldom(),
		of("is-transparency", flagOrWord, func(o *OrderItem) *Flag { return &o.IsTransparency }).seldom(),
		of("default-ship-from-address-name", text, func(o *OrderItem) *string { return &o.ShipFrom.Name }).seldom(),
		of("default-ship-from-address-field-1", text, func(o *OrderItem) *string { return &o.ShipFrom.Line1 }).seldom(),
		of("default-ship-from-address-field-2", text, func(o *OrderItem) *string { return &o.ShipFrom.Line2 }).seldom(),
		of("default-ship-from-address-field-3", text, func(o *OrderItem) *string { return &o.ShipFrom.Line3 }).seldom(),
		of("default-ship-from-city", text, func(o *OrderItem) *string { return &o.ShipFrom.City }, "default-ship-from-address-city").seldom(),
		of("default-ship-from-state", text, func(o *OrderItem) *string { return &o.ShipFrom.State }, "default-ship-from-address-state").seldom(),
		of("default-ship-from-country", text, func(o *OrderItem) *string { return &o.ShipFrom.Country }, "default-ship-from-address-country").seldom(),
		of("default-ship-from-postal-code", text, func(o *OrderItem) *string { return &o.ShipFrom.PostalCode }, "default-ship-from-address-postal-code").seldom(),
		of("is-ispu-order", flagOrWord, func(o *OrderItem) *Flag { return &o.IsISPUOrder }).seldom(),
		of("store-chain-store-id", text, func(o *OrderItem) *string { return &o.StoreChainStoreID }).seldom(),
		of("ioss-number", text, func(o *OrderItem) *string { return &o.IOSSNumber }).seldom(),
		of("is-shipping-settings-automation-enabled", flagOrWord, func(o *OrderItem) *Flag { return &o.ShippingSettingsAutomation }).seldom(),
		of("ssa-carrier", text, func(o *OrderItem) *string { return &o.AutomationCarrier }).seldom(),
		of("ssa-ship-method", text, func(o *OrderItem) *string { return &o.AutomationShipMethod }).seldom(),
		of("tax-collection-model", text, func(o *OrderItem) *string { return &o.TaxCollectionModel }).seldom(),
		of("tax-collection-responsible-party", text, func(o *OrderItem) *string { return &o.TaxCollectionParty }).seldom(),
		of("verge-of-cancellation", text, func(o *OrderItem) *string { return &o.VergeOfCancellation }).seldom(),
		of("verge-of-lateShipment", text, func(o *OrderItem) *string { return &o.VergeOfLateShipment }).seldom(),
		of("signature-confirmation-recommended", text, func(o *OrderItem) *string { return &o.SignatureConfirmation }).seldom(),
		of("buyer-identification-number", text, func(o *OrderItem) *string { return &o.Buyer.IdentificationNumber }).seldom(),
		of("buyer-identification-type", text, func(o *OrderItem) *string { return &o.Buyer.IdentificationType }).seldom(),
		of("amazon-programs", text, func(o *OrderItem) *string { return &o.AmazonPrograms }).seldom(),
		of("delivery-preferred-time", text, func(o *OrderItem) *string { return &o.Delivery.PreferredTime }).seldom(),
		of("drop-off-location", text, func(o *OrderItem) *string { return &o.Delivery.DropOffLocation }).seldom(),
		of("pallet-delivery", text, func(o *OrderItem) *string { return &o.Delivery.Pallet }).seldom(),
		of("shipment-status", text, func(o *OrderItem) *string { return &o.ShipmentStatus }).seldom(),
		of("gift-wrap-price", amount, func(o *OrderItem) *Amount { return &o.GiftWrapPrice }).seldom(),
		of("gift-wrap-tax", amount, func(o *OrderItem) *Amount { return &o.GiftWrapTax }).seldom(),
		of("gift-wrap-type", text, func(o *OrderItem) *string { return &o.GiftWrapType }).seldom(),
		of("gift-message-text", text, func(o *OrderItem) *string { return &o.GiftMessageText }).seldom(),
		of("payment-method", text, func(o *OrderItem) *string { return &o.PaymentMethod }).seldom(),
		of("already-paid", text, func(o *OrderItem) *string { return &o.AlreadyPaid }).seldom(),
		of("is-amazon-invoiced", flagOrWord, func(o *OrderItem) *Flag { return &o.IsAmazonInvoiced }).seldom(),
		of("vat-exclusive-item-price", amount, func(o *OrderItem) *Amount { return &o.VATExclusiveItemPrice }).seldom(),
		of("vat-exclusive-shipping-price", amount, func(o *OrderItem) *Amount { return &o.VATExclusiveShippingPrice }).seldom(),
		of("vat-exclusive-giftwrap-price", amount, func(o *OrderItem) *Amount { return &o.VATExclusiveGiftWrapPrice }).seldom(),
		of("bill-name", text, func(o *OrderItem) *string { return &o.BillTo.Name }).seldom(),

		// Those that only XML has.
		of("order-posted-date", date, func(o *OrderItem) *time.Time { return &o.PostedDate }).seldom(),
		of("bill-phone-number", text, func(o *OrderItem) *string { return &o.BillTo.Phone }).seldom(),
		of("fulfillment-method", text, func(o *OrderItem) *string { return &o.FulfillmentMethod }).seldom(),
		of("product-tax-code", text, func(o *OrderItem) *string { return &o.ProductTaxCode }).seldom(),
		of("merchant-promotion-id", text, func(o *OrderItem) *string { return &o.MerchantPromotionID }).seldom(),
		of("promotion-claim-code", text, func(o *OrderItem) *string { return &o.PromotionClaimCode }).seldom(),
	},
	begin: func(o *OrderItem, line int) {
		clear(o.Extra)
		*o = OrderItem{Line: line, Extra: o.Extra}
	},
	extra: func(o *OrderItem, name, text string) { addExtra(&o.Extra, name, text) },
	check: func(o *OrderItem) (column, expected string) {
		switch {
		case o.OrderID == "":
			return "order-id", "an Amazon order ID"
		case o.OrderItemID == "":
			return "order-item-id", "the ID of an item of the order"
		}
		return "", ""
	},
	aligned: func(o *OrderItem) bool { return o.ShipTo.aligned() && o.BillTo.aligned() },
}
