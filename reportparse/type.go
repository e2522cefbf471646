package reportparse

// Type is a kind of report that can be read here.
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
