package reportparse

// Type is a kind of report that can be read here, whatever format it has. The
// zero value is a file that is none of them.
type Type string

// The types, and the functions that read them.
const (
	TypeReturns         Type = "returns"          // Returns
	TypePrimeReturns    Type = "prime-returns"    // Returns
	TypeUnshippedOrders Type = "unshipped-orders" // Orders
	TypeOrders          Type = "orders"           // Orders: shipping, invoicing and tax
	TypeAllOrders       Type = "all-orders"       // AllOrders
	TypeSettlement      Type = "settlement"       // Settlement: V2, the only one since 2026-11-11
	TypeSettlementV1    Type = "settlement-v1"    // Settlement: the older flat file
	TypeSettlementXML   Type = "settlement-xml"   // Settlement: the older XML
	TypeFBAReturns      Type = "fba-returns"      // FBAReturns
)

// Format is how a report separates its cells. The zero value is a file that has
// none, or another one.
type Format string

// The formats.
const (
	FormatTab   Format = "tab"   // a line for each row, TABs, no quoting
	FormatComma Format = "comma" // commas, and quoting as in RFC 4180
	FormatXML   Format = "xml"   // an AmazonEnvelope
)

// Confidence is how sure a type is. The zero value is that of no type.
type Confidence string

const (
	// ConfidenceLow is a file that has signs of the type, but lacks columns that
	// the type's reader needs, or XML that only its elements speak for.
	ConfidenceLow Confidence = "low"

	// ConfidenceHigh is a file with the columns that the type's reader needs, or
	// XML with the MessageType of the type.
	ConfidenceHigh Confidence = "high"
)
