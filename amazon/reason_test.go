package amazon_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

func TestReasonsAtAmazon(t *testing.T) {
	type words struct {
		Refund amazon.RefundReason
		Cancel amazon.CancelReason // empty: not for cancellations
	}
	want := map[amazon.Reason]words{
		amazon.ReasonCustomerReturn:       {"CustomerReturn", ""},
		amazon.ReasonBuyerCancelled:       {"CustomerCancel", "BuyerCanceled"},
		amazon.ReasonNoInventory:          {"NoInventory", "NoInventory"},
		amazon.ReasonPriceError:           {"PriceError", "PricingError"},
		amazon.ReasonAddressUndeliverable: {"Undeliverable", "ShippingAddressUndeliverable"},
		amazon.ReasonExchange:             {"Exchange", "CustomerExchange"},
		amazon.ReasonDifferentItem:        {"DifferentItem", ""},
		amazon.ReasonCouldNotShip:         {"CouldNotShip", ""},
		amazon.ReasonRefusedDelivery:      {"RefusedDelivery", ""},
		amazon.ReasonGeneralAdjustment:    {"GeneralAdjustment", "GeneralAdjustment"},
	}
	got := map[amazon.Reason]words{}
	for _, r := range amazon.Reasons() {
		refund, err := r.Refund()
		require.NoError(t, err)
		require.NoError(t, refund.Check())
		cancel, _ := r.Cancel()
		got[r] = words{refund, cancel}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("words at Amazon (-want +got):\n%s", diff)
	}
}

// Seller Central offers sellers six reasons to cancel; no other may leave here.
func TestReasonsCancelOnlyAsSellerCentralOffers(t *testing.T) {
	offered := []amazon.CancelReason{
		"NoInventory", "BuyerCanceled", "GeneralAdjustment", "PricingError",
		"ShippingAddressUndeliverable", "CustomerExchange",
	}
	var got []amazon.CancelReason
	for _, r := range amazon.Reasons() {
		if cancel, err := r.Cancel(); err == nil {
			require.NoError(t, cancel.Check())
			got = append(got, cancel)
		}
	}
	assert.ElementsMatch(t, offered, got)
}

func TestReasonErrorsListWhatIsPossible(t *testing.T) {
	_, err := amazon.ReasonCustomerReturn.Cancel()
	assert.EqualError(t, err, `reason "CustomerReturn" of a cancellation: want one of `+
		`BuyerCancelled, NoInventory, PriceError, AddressUndeliverable, Exchange, GeneralAdjustment`)

	_, err = amazon.Reason("").Refund()
	assert.EqualError(t, err, `reason "" of a refund: want one of `+
		`CustomerReturn, BuyerCancelled, NoInventory, PriceError, AddressUndeliverable, Exchange, `+
		`DifferentItem, CouldNotShip, RefusedDelivery, GeneralAdjustment`)

	_, err = amazon.Reason("BuyerCanceled").Cancel()
	assert.ErrorContains(t, err, `reason "BuyerCanceled"`)
}

// Amazon's vocabularies for refunds and cancellations look alike and differ.
func TestWordsOfTheOtherVocabularyAreRefused(t *testing.T) {
	for _, r := range []amazon.RefundReason{"", "BuyerCanceled", "BuyerCancelled", "PricingError", "ProductOutOfStock"} {
		assert.ErrorContains(t, r.Check(), "CustomerCancel", "refund reason %q", r)
	}
	for _, r := range []amazon.CancelReason{"", "CustomerCancel", "BuyerCancelled", "PriceError", "nobody"} {
		assert.ErrorContains(t, r.Check(), "BuyerCanceled", "cancel reason %q", r)
	}
}

// A seller may name another word for one marketplace; elsewhere it is the usual
// one.
func TestRefundReasonsOfAMarketplace(t *testing.T) {
	const japan = "A1VC38T7YXB528"
	words := amazon.RefundReasons{japan: {amazon.ReasonCouldNotShip: amazon.RefundNoInventory}}
	require.NoError(t, words.Check())
	for _, tt := range []struct {
		words       amazon.RefundReasons
		marketplace order.MarketplaceID
		reason      amazon.Reason
		want        amazon.RefundReason
	}{
		{words, japan, amazon.ReasonCouldNotShip, amazon.RefundNoInventory},
		{words, japan, amazon.ReasonExchange, amazon.RefundExchange},
		{words, "ATVPDKIKX0DER", amazon.ReasonCouldNotShip, amazon.RefundCouldNotShip},
		{nil, japan, amazon.ReasonCouldNotShip, amazon.RefundCouldNotShip},
	} {
		got, err := tt.words.At(tt.marketplace, tt.reason)
		require.NoError(t, err)
		assert.Equal(t, tt.want, got)
	}
	_, err := words.At(japan, "Whim")
	assert.ErrorContains(t, err, `reason "Whim"`)

	assert.ErrorContains(t, amazon.RefundReasons{japan: {"Whim": amazon.RefundOther}}.Check(), `marketplace A1VC38T7YXB528: reason "Whim"`)
	assert.ErrorContains(t, amazon.RefundReasons{japan: {amazon.ReasonExchange: "Swap"}}.Check(), `marketplace A1VC38T7YXB528: refund reason "Swap"`)
}
