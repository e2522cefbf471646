package reportparse

import (
	"fmt"
	"slices"
	"strings"
)

// kind is how a report begins. Its names are folded.
type kind struct {
	typ     Type // "": none that is read here
	format  Format
	title   string
	reports []string // Amazon's names of it

	marks []string   // columns, of which each is a sign of it
	needs [][]string // columns without which its reader refuses it, of each group at least one
	alone bool       // no other report has one of its marks

	messageType string // part of the MessageType of XML
	record      string // child of Message
}

// kinds are the reports that are known. A file of which several could be said is
// the first of them.
var kinds = []kind{
	{
		typ: TypeFBAReturns, format: FormatTab,
		title:   "an Amazon-fulfilled (FBA) returns report; Amazon refunds these returns itself",
		reports: []string{"GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA"},
		marks:   []string{"detaileddisposition", "licenseplatenumber"},
		needs:   [][]string{{"orderid"}, {"quantity"}, {"sku", "asin", "fnsku"}},
		alone:   true,
	},
	{
		typ: TypeSettlement, format: FormatTab,
		title:   "a settlement report",
		reports: []string{"GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"},
		marks:   []string{"settlementid"},
		needs:   [][]string{{"transactiontype"}, {"amount"}},
	},
	{
		typ: TypeSettlementV1, format: FormatTab,
		title:   "a settlement report of the older kind (V1)",
		reports: []string{"GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE"},
		marks: []string{
			"priceamount", "itemrelatedfeeamount", "promotionamount", "shipmentfeeamount", "orderfeeamount",
			"miscfeeamount", "otherfeeamount", "directpaymentamount", "otheramount",
		},
		needs: [][]string{{"settlementid"}, {"transactiontype"}},
	},
	{
		typ: TypeReturns, format: FormatTab,
		title:   "a seller-fulfilled returns report",
		reports: []string{"GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE"},
		marks:   returnsMarks, needs: returnsNeeds,
	},
	{
		typ: TypePrimeReturns, format: FormatComma,
		title:   "a seller-fulfilled Prime returns report",
		reports: []string{"GET_CSV_MFN_PRIME_RETURNS_REPORT"},
		marks:   returnsMarks, needs: returnsNeeds,
	},
	{
		typ: TypeAllOrders, format: FormatTab,
		title: "an all-orders report",
		reports: []string{
			"GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL",
			"GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL",
		},
		marks: []string{"amazonorderid"},
		needs: [][]string{{"sku", "asin"}, {"orderstatus", "itemstatus"}},
	},
	{
		typ: TypeUnshippedOrders, format: FormatTab,
		title:   "an unshipped-orders report",
		reports: []string{"GET_FLAT_FILE_ACTIONABLE_ORDER_DATA_SHIPPING"},
		marks:   []string{"quantitytoship", "dayspastpromise", "promisedate", "reportingdate"},
		needs:   [][]string{{"orderid"}, {"orderitemid"}, ordersMarks},
	},
	{
		typ: TypeOrders, format: FormatTab,
		title: "an order report",
		reports: []string{
			"GET_FLAT_FILE_ORDER_REPORT_DATA_SHIPPING",
			"GET_FLAT_FILE_ORDER_REPORT_DATA_INVOICING",
			"GET_FLAT_FILE_ORDER_REPORT_DATA_TAX",
		},
		marks: ordersMarks,
		needs: [][]string{{"orderid"}, {"orderitemid"}},
	},
	{
		typ: TypePrimeReturns, format: FormatXML,
		title:       "a seller-fulfilled Prime returns report",
		reports:     []string{"GET_XML_MFN_PRIME_RETURNS_REPORT"},
		messageType: "prime", record: "returndetails",
	},
	{
		// The MessageType of Prime returns is not known for sure: by the record
		// alone it may be either, and is read alike.
		typ: TypeReturns, format: FormatXML,
		title:       "a seller-fulfilled returns report",
		reports:     []string{"GET_XML_RETURNS_DATA_BY_RETURN_DATE"},
		messageType: "returnsreport", record: "returndetails",
	},
	{
		typ: TypeOrders, format: FormatXML,
		title: "an order report",
		reports: []string{
			"GET_ORDER_REPORT_DATA_SHIPPING",
			"GET_ORDER_REPORT_DATA_INVOICING",
			"GET_ORDER_REPORT_DATA_TAX",
		},
		messageType: "orderreport", record: "orderreport",
	},
	{
		typ: TypeAllOrders, format: FormatXML,
		title: "an all-orders report",
		reports: []string{
			"GET_XML_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL",
			"GET_XML_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL",
		},
		messageType: "allorders", record: "order",
	},
	{
		typ: TypeSettlementXML, format: FormatXML,
		title:       "a settlement report of the older kind (XML)",
		reports:     []string{"GET_V2_SETTLEMENT_REPORT_DATA_XML"},
		messageType: "settlementreport", record: "settlementreport",
	},
	{
		format: FormatTab,
		title:  "a report about Amazon-fulfilled (FBA) goods",
		marks:  []string{"fnsku", "fulfillmentcenterid", "fulfilmentcenterid"},
	},
}

var (
	returnsMarks = []string{"returnrequeststatus", "amazonrmaid", "returnrequestdate", "returnquantity"}
	returnsNeeds = [][]string{{"orderid"}, {"returnrequeststatus"}, {"returnquantity"}, {"merchantsku", "asin", "orderitemid"}}
	ordersMarks  = []string{
		"purchasedate", "quantitypurchased", "buyername", "buyeremail", "recipientname",
		"isbuyerrequestedcancellation", "isbuyerrequestedcancelation",
	}
)

// mark is where the first of some columns stands that is a sign of the kind; -1:
// there is none.
func (k *kind) mark(columns []string) int {
	return slices.IndexFunc(columns, func(c string) bool { return slices.Contains(k.marks, c) })
}

// fits tells whether columns have what the kind needs.
func (k *kind) fits(columns []string) bool {
	for _, group := range k.needs {
		if !slices.ContainsFunc(group, func(c string) bool { return slices.Contains(columns, c) }) {
			return false
		}
	}
	return true
}

// readable lists the types, for errors.
func readable() string {
	var types []string
	for _, k := range kinds {
		if k.typ != "" && !slices.Contains(types, string(k.typ)) {
			types = append(types, string(k.typ))
		}
	}
	return strings.Join(types, ", ")
}

// ParseType gives the type of a name: the type itself, such as "prime-returns",
// or Amazon's report type, such as GET_CSV_MFN_PRIME_RETURNS_REPORT. Case, spaces
// and punctuation do not count. A name that is neither is an error, which lists
// the types.
func ParseType(name string) (Type, error) {
	for _, k := range kinds {
		called := func(known string) bool { return fold(known) == fold(name) }
		if k.typ != "" && called(string(k.typ)) || slices.ContainsFunc(k.reports, called) {
			return k.typ, nil
		}
	}
	return "", fmt.Errorf("type %q: expected one of %s, or Amazon's name of such a report", clip(name), readable())
}
