package amazon

import "strings"

// ReturnReason reads the code under which a buyer sends something back ("Return
// Reason" of the returns reports): what is the reason of its refund, and whether
// the seller is at fault, who then gives the outbound shipping back too.
//
// Amazon publishes no list of these codes; the ones here were met in reports up to
// 2026-08. They are compared without regard to case, and hyphens are as good as
// underscores; of codes that name a product group only the end counts. A code that
// is not known is a plain customer return and nobody's fault.
func ReturnReason(code string) (r Reason, sellersFault bool) {
	folded := strings.ReplaceAll(strings.ToUpper(strings.TrimSpace(code)), "-", "_")
	for _, f := range sellersFaults {
		if folded == f.code || f.group && strings.HasPrefix(folded, productGroup) && strings.HasSuffix(folded, "_"+f.code) {
			return f.reason, true
		}
	}
	return ReasonCustomerReturn, false
}

// productGroup begins the codes of product groups, such as AMZ-PG-APP-TOO-SMALL.
const productGroup = "AMZ_PG_"

// sellersFaults are the codes that say that the buyer did not get what was sold,
// or not as it was sold.
var sellersFaults = [...]struct {
	code   string
	reason Reason
	group  bool // the end of a product group's code
}{
	{"CR_DEFECTIVE", ReasonCustomerReturn, false},
	{"CR_QUALITY_UNACCEPTABLE", ReasonCustomerReturn, false},
	{"CR_MISSING_PARTS", ReasonCustomerReturn, false},
	{"CR_DAMAGED_BY_CARRIER", ReasonCustomerReturn, false},
	{"CR_DAMAGED_BY_FC", ReasonCustomerReturn, false},
	{"CR_EXTRA_ITEM", ReasonCustomerReturn, false},
	{"CR_MISSED_ESTIMATED_DELIVERY", ReasonCustomerReturn, false},
	{"CR_SWITCHEROO", ReasonDifferentItem, false},
	{"BAD_DESC", ReasonCustomerReturn, true},
}

// SellersFault reports whether a refund for this reason is one where the seller
// is at fault: fit for pre-ticking the outbound shipping on a form.
func (r Reason) SellersFault() bool {
	switch r {
	case ReasonNoInventory, ReasonPriceError, ReasonDifferentItem, ReasonCouldNotShip:
		return true
	}
	return false
}
