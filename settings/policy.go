package settings

import (
	"errors"
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/order"
)

// Policy is what a merchant decides beside the seven settings. Its zero value
// is the careful one: the host's order says only what Amazon has accepted.
type Policy struct {
	PaymentStatusAt PaymentStatusAt
	CancelledAt     CancelledAt
	LostAnswer      LostAnswer

	// Returns.
	FollowAmazonClose FollowAmazonClose
	CloseRMA          CloseRMA
	KitRefund         KitRefund
	RefundCeiling     RefundCeiling

	// Refunds.
	BeforeShipment  BeforeShipment
	AlreadyRefunded AlreadyRefunded
	RestockingFee   RestockingFee
	Limits          []Limit // none: nobody's approval is needed

	// Cancellations.
	OnBuyerRequest OnBuyerRequest

	// MissingAfter is how many settlements that could have shown a refund may pass
	// until it counts as missing. 0: 3.
	MissingAfter int
}

// PaymentStatusAt tells when a refund moves the payment status of the host's
// order. A word that is not known counts as the zero value.
type PaymentStatusAt string

const (
	PaymentStatusWhenAccepted PaymentStatusAt = ""       // when Amazon has accepted the refund; until then it is pending
	PaymentStatusWhenIssued   PaymentStatusAt = "Issued" // as soon as the refund is saved; a refusal takes it back
)

// CancelledAt tells when a cancellation makes the host's order Cancelled. A
// word that is not known counts as the zero value. Either way the order may not
// ship from the moment of the request.
type CancelledAt string

const (
	CancelledWhenAccepted  CancelledAt = ""          // when Amazon has accepted the cancellation
	CancelledWhenRequested CancelledAt = "Requested" // as soon as the cancellation is saved; a refusal makes it a ProblemOrder
)

// LostAnswer tells what becomes of a document whose sending Amazon did not
// confirm, once it is certain, from Amazon's complete list of feeds and after all
// the time that Amazon may take, that there is no feed that could be it. A word
// that is not known counts as the zero value.
type LostAnswer string

const (
	LostAnswerAsks      LostAnswer = ""         // a person decides
	LostAnswerSendsAnew LostAnswer = "SendAnew" // it was not sent: what it held waits in the queue again
)

// FollowAmazonClose tells whether an RMA is closed when Amazon closes the return.
// A word that is not known counts as the zero value.
type FollowAmazonClose string

const (
	FollowWhenNothingAwaited FollowAmazonClose = ""       // when neither goods nor money are awaited
	FollowAlways             FollowAmazonClose = "Always" // at once
	FollowNever              FollowAmazonClose = "Never"
)

// CloseRMA tells when an RMA is closed by itself. A word that is not known counts
// as the zero value.
type CloseRMA string

const (
	CloseWhenRefundedAndReceived CloseRMA = ""         // when the money is back at the buyer and the goods are here
	CloseWhenRefunded            CloseRMA = "Refunded" // when the money is back at the buyer
	CloseManually                CloseRMA = "Manual"   // when somebody does
)

// KitRefund tells what of a kit may be refunded while only some of its parts came
// back. A word that is not known counts as the zero value.
type KitRefund string

const (
	KitWhenComplete KitRefund = ""        // nothing, until all parts of a kit are in
	KitProRata      KitRefund = "ProRata" // the share of the parts that are in
)

// RefundCeiling tells how receipt limits what an RMA may be refunded. A word that
// is not known counts as the zero value. Who goes beyond it says why, and both are
// recorded.
type RefundCeiling string

const (
	CeilingAuthorised RefundCeiling = ""         // the units that the return was authorised for
	CeilingReceived   RefundCeiling = "Received" // the units that were received, good or damaged
	CeilingGood       RefundCeiling = "Good"     // the units that were received in good state
)

// BeforeShipment tells what becomes of a refund of units that are not confirmed
// as shipped. A word that is not known counts as the zero value.
type BeforeShipment string

const (
	BeforeShipmentRefuse BeforeShipment = ""     // it is refused: cancel instead
	BeforeShipmentWait   BeforeShipment = "Wait" // it waits, unsent, until they are
)

// AlreadyRefunded tells what becomes of a refund where the books show that money
// of the same lines went back already which is not in the ledger. A word that is not
// known counts as the zero value.
type AlreadyRefunded string

const (
	AlreadyRefundedRefuse AlreadyRefunded = ""     // it is refused, with the evidence
	AlreadyRefundedWarn   AlreadyRefunded = "Warn" // the draft warns, with the evidence
)

// RestockingFee tells how a restocking fee travels. A word that is not known counts
// as the zero value.
type RestockingFee string

const (
	FeeLowersPrincipal RestockingFee = ""          // Principal is that much less
	FeeAsComponent     RestockingFee = "Component" // as a component of its own, below zero
)

// OnBuyerRequest tells what becomes of a buyer's wish to cancel while the order
// can still be cancelled. A word that is not known counts as the zero value.
type OnBuyerRequest string

const (
	BuyerRequestHolds    OnBuyerRequest = ""           // the order is held, and a person decides
	BuyerRequestAccepted OnBuyerRequest = "AutoAccept" // it is cancelled
)

// Limit is how much an actor may refund of one Amazon order without the approval
// of another actor, who must have no limit in that currency, or one as high. Actors
// are told apart as the host names its users, compared exactly: a host that lets one
// user act under two spellings lets them go beyond their limit, and approve their own.
type Limit struct {
	Actor    string // empty: everybody who has no limit of their own in that currency
	Amount   decimal.Decimal
	Currency order.Currency
}

// Check refuses what contradicts itself or says nothing: two limits of one actor in
// one currency, an amount or a number of settlements below zero, a currency that is
// none.
func (p Policy) Check() error {
	type holder struct {
		actor    string
		currency order.Currency
	}
	var errs []error
	if p.MissingAfter < 0 {
		errs = append(errs, fmt.Errorf("missing after %d settlements: want 1 or more, or 0 for the default", p.MissingAfter))
	}
	seen := map[holder]bool{}
	for _, l := range p.Limits {
		if err := l.Currency.Check(); err != nil {
			errs = append(errs, fmt.Errorf("limit of actor %q: %w", l.Actor, err))
		}
		if l.Amount.IsNegative() {
			errs = append(errs, fmt.Errorf("limit of actor %q: %s is below zero: want what they may refund alone, 0 for nothing", l.Actor, order.Format(l.Amount, l.Currency)))
		}
		of := holder{l.Actor, l.Currency}
		if seen[of] {
			errs = append(errs, fmt.Errorf("limit of actor %q in %s stands twice: want one", l.Actor, l.Currency))
		}
		seen[of] = true
	}
	return errors.Join(errs...)
}

// LimitOf is how much of one Amazon order an actor may refund without approval, by
// their own limit, or else by everybody's; false when none is set in the currency.
func (p Policy) LimitOf(actor string, c order.Currency) (decimal.Decimal, bool) {
	everybody, found := decimal.Zero, false
	for _, l := range p.Limits {
		switch {
		case l.Currency != c:
		case l.Actor == actor:
			return l.Amount, true
		case l.Actor == "":
			everybody, found = l.Amount, true
		}
	}
	return everybody, found
}
