package amazon

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/takebackhq/takeback/order"
)

// Reason says why something is taken back, in one vocabulary for refunds and
// cancellations; Amazon has a different one for each. The zero value is unset.
type Reason string

const (
	ReasonCustomerReturn       Reason = "CustomerReturn"       // the buyer sent it back; refunds only
	ReasonBuyerCancelled       Reason = "BuyerCancelled"       // the buyer asked to cancel
	ReasonNoInventory          Reason = "NoInventory"          // out of stock
	ReasonPriceError           Reason = "PriceError"           // offered at a wrong price
	ReasonAddressUndeliverable Reason = "AddressUndeliverable" // nobody can deliver there
	ReasonExchange             Reason = "Exchange"             // another item goes out instead
	ReasonDifferentItem        Reason = "DifferentItem"        // the buyer got something else; refunds only
	ReasonCouldNotShip         Reason = "CouldNotShip"         // refunds only
	ReasonRefusedDelivery      Reason = "RefusedDelivery"      // the buyer did not take the parcel; refunds only
	ReasonGeneralAdjustment    Reason = "GeneralAdjustment"    // none of the others
)

// RefundReason is Amazon's AdjustmentReason (OrderAdjustment schema).
type RefundReason string

// All words that Amazon's schema knows.
const (
	RefundNoInventory                       RefundReason = "NoInventory"
	RefundCustomerReturn                    RefundReason = "CustomerReturn"
	RefundGeneralAdjustment                 RefundReason = "GeneralAdjustment"
	RefundCouldNotShip                      RefundReason = "CouldNotShip"
	RefundDifferentItem                     RefundReason = "DifferentItem"
	RefundAbandoned                         RefundReason = "Abandoned"
	RefundCustomerCancel                    RefundReason = "CustomerCancel"
	RefundPriceError                        RefundReason = "PriceError"
	RefundProductOutOfStock                 RefundReason = "ProductOutofStock" // Amazon's small o
	RefundCustomerAddressIncorrect          RefundReason = "CustomerAddressIncorrect"
	RefundExchange                          RefundReason = "Exchange"
	RefundOther                             RefundReason = "Other"
	RefundCarrierCreditDecision             RefundReason = "CarrierCreditDecision"
	RefundRiskAssessmentInformationNotValid RefundReason = "RiskAssessmentInformationNotValid"
	RefundCarrierCoverageFailure            RefundReason = "CarrierCoverageFailure"
	RefundTransactionRecord                 RefundReason = "TransactionRecord"
	RefundUndeliverable                     RefundReason = "Undeliverable"
	RefundRefusedDelivery                   RefundReason = "RefusedDelivery"
)

// CancelReason is Amazon's CancelReason (OrderAcknowledgement schema). Its words
// differ from those of [RefundReason] even where the meaning is the same.
type CancelReason string

// The six that Seller Central offers to sellers. A [Reason] becomes one of these.
const (
	CancelNoInventory                  CancelReason = "NoInventory"
	CancelBuyerCanceled                CancelReason = "BuyerCanceled" // Amazon's single l
	CancelGeneralAdjustment            CancelReason = "GeneralAdjustment"
	CancelPricingError                 CancelReason = "PricingError"
	CancelShippingAddressUndeliverable CancelReason = "ShippingAddressUndeliverable"
	CancelCustomerExchange             CancelReason = "CustomerExchange"
)

// The other words of Amazon's schema.
const (
	CancelCarrierCreditDecision             CancelReason = "CarrierCreditDecision"
	CancelRiskAssessmentInformationNotValid CancelReason = "RiskAssessmentInformationNotValid"
	CancelCarrierCoverageFailure            CancelReason = "CarrierCoverageFailure"
	CancelCustomerReturn                    CancelReason = "CustomerReturn"
	CancelMerchandiseNotReceived            CancelReason = "MerchandiseNotReceived"
	CancelCannotVerifyInformation           CancelReason = "CannotVerifyInformation"
	CancelRejectOrder                       CancelReason = "RejectOrder"
	CancelWeatherDelay                      CancelReason = "WeatherDelay"
)

var refundReasons = [...]RefundReason{
	RefundNoInventory, RefundCustomerReturn, RefundGeneralAdjustment, RefundCouldNotShip,
	RefundDifferentItem, RefundAbandoned, RefundCustomerCancel, RefundPriceError,
	RefundProductOutOfStock, RefundCustomerAddressIncorrect, RefundExchange, RefundOther,
	RefundCarrierCreditDecision, RefundRiskAssessmentInformationNotValid,
	RefundCarrierCoverageFailure, RefundTransactionRecord, RefundUndeliverable, RefundRefusedDelivery,
}

var cancelReasons = [...]CancelReason{
	CancelNoInventory, CancelBuyerCanceled, CancelGeneralAdjustment, CancelPricingError,
	CancelShippingAddressUndeliverable, CancelCustomerExchange,
	CancelCarrierCreditDecision, CancelRiskAssessmentInformationNotValid, CancelCarrierCoverageFailure,
	CancelCustomerReturn, CancelMerchandiseNotReceived, CancelCannotVerifyInformation,
	CancelRejectOrder, CancelWeatherDelay,
}

// reasons says what each of ours is called at Amazon; empty where Amazon has no
// word that means the same.
var reasons = [...]struct {
	reason Reason
	refund RefundReason
	cancel CancelReason
}{
	{ReasonCustomerReturn, RefundCustomerReturn, ""},
	{ReasonBuyerCancelled, RefundCustomerCancel, CancelBuyerCanceled},
	{ReasonNoInventory, RefundNoInventory, CancelNoInventory},
	{ReasonPriceError, RefundPriceError, CancelPricingError},
	{ReasonAddressUndeliverable, RefundUndeliverable, CancelShippingAddressUndeliverable},
	{ReasonExchange, RefundExchange, CancelCustomerExchange},
	{ReasonDifferentItem, RefundDifferentItem, ""},
	{ReasonCouldNotShip, RefundCouldNotShip, ""},
	{ReasonRefusedDelivery, RefundRefusedDelivery, ""},
	{ReasonGeneralAdjustment, RefundGeneralAdjustment, CancelGeneralAdjustment},
}

// Reasons lists every Reason, in an order fit for showing. The slice is the
// caller's.
func Reasons() []Reason {
	rs := make([]Reason, len(reasons))
	for i, row := range reasons {
		rs[i] = row.reason
	}
	return rs
}

// Refund is Amazon's word for this reason of a refund. An unset or unknown
// reason is an error that lists the possible ones.
func (r Reason) Refund() (RefundReason, error) {
	var possible []Reason
	for _, row := range reasons {
		if row.reason == r {
			return row.refund, nil
		}
		possible = append(possible, row.reason)
	}
	return "", fmt.Errorf("reason %q of a refund: want one of %s", string(r), list(possible))
}

// RefundReasons is what reasons of refunds are called at marketplaces where that
// differs from [Reason.Refund]. Amazon has published no such difference; a seller
// whose marketplace refuses a word names another one here.
type RefundReasons map[order.MarketplaceID]map[Reason]RefundReason

// Check refuses reasons that are not known, and words that are not in Amazon's
// list.
func (rs RefundReasons) Check() error {
	var errs []error
	for m, words := range rs {
		for r, word := range words {
			if _, err := r.Refund(); err != nil {
				errs = append(errs, fmt.Errorf("marketplace %s: %w", m, err))
			}
			if err := word.Check(); err != nil {
				errs = append(errs, fmt.Errorf("marketplace %s: %w", m, err))
			}
		}
	}
	return errors.Join(errs...)
}

// At is Amazon's word for a reason of a refund at a marketplace. An unset or
// unknown reason is an error that lists the possible ones.
func (rs RefundReasons) At(m order.MarketplaceID, r Reason) (RefundReason, error) {
	if word, named := rs[m][r]; named {
		return word, nil
	}
	return r.Refund()
}

// Cancel is Amazon's word for this reason of a cancellation. An unset or unknown
// reason, and one that can only be given for a refund, is an error that lists
// the possible ones.
func (r Reason) Cancel() (CancelReason, error) {
	var possible []Reason
	for _, row := range reasons {
		if row.cancel == "" {
			continue
		}
		if row.reason == r {
			return row.cancel, nil
		}
		possible = append(possible, row.reason)
	}
	return "", fmt.Errorf("reason %q of a cancellation: want one of %s", string(r), list(possible))
}

// Check refuses a word that is not in Amazon's list.
func (r RefundReason) Check() error {
	if !slices.Contains(refundReasons[:], r) {
		return fmt.Errorf("refund reason %q: want one of %s", string(r), list(refundReasons[:]))
	}
	return nil
}

// Check refuses a word that is not in Amazon's list.
func (r CancelReason) Check() error {
	if !slices.Contains(cancelReasons[:], r) {
		return fmt.Errorf("cancel reason %q: want one of %s", string(r), list(cancelReasons[:]))
	}
	return nil
}

// list writes words for an error message.
func list[T ~string](words []T) string {
	ss := make([]string, len(words))
	for i, w := range words {
		ss[i] = string(w)
	}
	return strings.Join(ss, ", ")
}
