package amazon_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

// validate checks documents against Amazon's schemas, which may not be passed on.
func validate(t *testing.T, docs ...[]byte) {
	t.Helper()
	amazonFiles := os.Getenv("TAKEBACK_AMAZON")
	if amazonFiles == "" {
		t.Skip("Amazon's schemas are not here: set TAKEBACK_AMAZON to the folder that holds them, under xsd-live")
	}
	xmllint, err := exec.LookPath("xmllint")
	if err != nil {
		t.Skip("xmllint is not installed: it comes with libxml2 (Debian: libxml2-utils)")
	}
	schema := filepath.Join(amazonFiles, "xsd-live", "amzn-envelope-TRIMMED.xsd")
	args := []string{"--nonet", "--noout", "--schema", schema}
	dir := t.TempDir()
	for i, doc := range docs {
		path := filepath.Join(dir, fmt.Sprintf("%d.xml", i))
		require.NoError(t, os.WriteFile(path, doc, 0o600))
		args = append(args, path)
	}
	out, err := exec.CommandContext(t.Context(), xmllint, args...).CombinedOutput()
	assert.NoError(t, err, "%s", out)
}

func TestRefundsAreValid(t *testing.T) {
	ms := refunds()
	for i, reason := range []amazon.RefundReason{
		amazon.RefundNoInventory, amazon.RefundCustomerReturn, amazon.RefundGeneralAdjustment,
		amazon.RefundCouldNotShip, amazon.RefundDifferentItem, amazon.RefundAbandoned,
		amazon.RefundCustomerCancel, amazon.RefundPriceError, amazon.RefundProductOutOfStock,
		amazon.RefundCustomerAddressIncorrect, amazon.RefundExchange, amazon.RefundOther,
		amazon.RefundCarrierCreditDecision, amazon.RefundRiskAssessmentInformationNotValid,
		amazon.RefundCarrierCoverageFailure, amazon.RefundTransactionRecord,
		amazon.RefundUndeliverable, amazon.RefundRefusedDelivery,
	} {
		a := adjustment()
		a.Item, a.Reason = fmt.Sprintf("%014d", i), reason
		ms = append(ms, amazon.Numbered{ID: amazon.MessageID(100 + i), Message: a})
	}
	largest := adjustment()
	largest.Order, largest.Amounts = "111-0000000-0000000", order.Amounts{order.Principal: dec("999999999999999999.99")}
	ms = append(ms, amazon.Numbered{ID: 1, Message: largest})

	doc, err := amazon.Encode(`"Shop" <&> Ü`, amazon.RefundFeed, ms)
	require.NoError(t, err)
	validate(t, doc)
}

func TestCancellationsAreValid(t *testing.T) {
	ms := cancellations()
	for i, reason := range []amazon.CancelReason{
		amazon.CancelNoInventory, amazon.CancelBuyerCanceled, amazon.CancelGeneralAdjustment,
		amazon.CancelPricingError, amazon.CancelShippingAddressUndeliverable, amazon.CancelCustomerExchange,
		amazon.CancelCarrierCreditDecision, amazon.CancelRiskAssessmentInformationNotValid,
		amazon.CancelCarrierCoverageFailure, amazon.CancelCustomerReturn, amazon.CancelMerchandiseNotReceived,
		amazon.CancelCannotVerifyInformation, amazon.CancelRejectOrder, amazon.CancelWeatherDelay,
	} {
		c := cancellation()
		c.Order, c.Reason = fmt.Sprintf("111-%07d-0000000", i), reason
		ms = append(ms, amazon.Numbered{ID: amazon.MessageID(100 + i), Message: c})
	}
	doc, err := amazon.Encode(merchant, amazon.CancelFeed, ms)
	require.NoError(t, err)
	validate(t, doc)
}

func TestProcessingReportsAreValid(t *testing.T) {
	var docs [][]byte
	for _, p := range reports() {
		doc, err := amazon.EncodeProcessingReport(merchant, p)
		require.NoError(t, err)
		docs = append(docs, doc)
	}
	validate(t, docs...)
}
