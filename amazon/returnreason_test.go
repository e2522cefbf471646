package amazon_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/takebackhq/takeback/amazon"
)

func TestReturnReason(t *testing.T) {
	for _, tt := range []struct {
		code  string
		want  amazon.Reason
		fault bool
	}{
		{"CR-DEFECTIVE", amazon.ReasonCustomerReturn, true},
		{"CR-QUALITY_UNACCEPTABLE", amazon.ReasonCustomerReturn, true},
		{"cr_quality-unacceptable ", amazon.ReasonCustomerReturn, true},
		{"CR-MISSING_PARTS", amazon.ReasonCustomerReturn, true},
		{"CR-DAMAGED_BY_CARRIER", amazon.ReasonCustomerReturn, true},
		{"CR-DAMAGED_BY_FC", amazon.ReasonCustomerReturn, true},
		{"CR-EXTRA_ITEM", amazon.ReasonCustomerReturn, true},
		{"CR-MISSED_ESTIMATED_DELIVERY", amazon.ReasonCustomerReturn, true},
		{"CR-SWITCHEROO", amazon.ReasonDifferentItem, true},
		{"AMZ-PG-BAD-DESC", amazon.ReasonCustomerReturn, true},
		{"AMZ-PG-WJ-BAD-DESC", amazon.ReasonCustomerReturn, true},
		{"CR-UNWANTED_ITEM", amazon.ReasonCustomerReturn, false},
		{"CR-ORDERED_WRONG_ITEM", amazon.ReasonCustomerReturn, false},
		{"CR-UNAUTHORIZED_PURCHASE", amazon.ReasonCustomerReturn, false},
		{"AMZ-PG-APP-TOO-SMALL", amazon.ReasonCustomerReturn, false},
		{"CR-NOT-BAD-DESC", amazon.ReasonCustomerReturn, false},
		{"DEFECTIVE", amazon.ReasonCustomerReturn, false},
		{"CR-SOMETHING_NEW", amazon.ReasonCustomerReturn, false},
		{"", amazon.ReasonCustomerReturn, false},
	} {
		reason, fault := amazon.ReturnReason(tt.code)
		assert.Equal(t, tt.want, reason, "%q", tt.code)
		assert.Equal(t, tt.fault, fault, "%q", tt.code)
	}
}

func TestSellersFault(t *testing.T) {
	faults := slices.DeleteFunc(amazon.Reasons(), func(r amazon.Reason) bool { return !r.SellersFault() })
	assert.Equal(t, []amazon.Reason{amazon.ReasonNoInventory, amazon.ReasonPriceError, amazon.ReasonDifferentItem, amazon.ReasonCouldNotShip}, faults)
	assert.False(t, amazon.Reason("Whim").SellersFault())
}
