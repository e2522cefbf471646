package amazontest

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

// message is one message of a document: an adjustment or an acknowledgement.
type message struct {
	id              string
	order           string // empty when the order is named by the merchant's own number
	adjustment      *adjustment
	acknowledgement *acknowledgement
}

// adjustment is the payload OrderAdjustment.
type adjustment struct {
	action string // Refund, Cancel or empty
	items  []adjustedItem
	odd    string // the first element that the server has no rule for
}

type adjustedItem struct {
	code      string // empty when the item is named by the merchant's own ID
	own       string // MerchantAdjustmentItemID
	reason    string
	amounts   []amount
	cancelled int // QuantityCancelled; 0: absent
}

type amount struct {
	component order.Component
	value     decimal.Decimal
	currency  order.Currency
}

// acknowledgement is the payload OrderAcknowledgement.
type acknowledgement struct {
	failure bool
	items   []acknowledgedItem
}

type acknowledgedItem struct {
	code     string
	reason   string
	quantity bool // whether the element Quantity is there
}

var (
	messageTypes = map[amazon.FeedType]string{
		amazon.RefundFeed: "OrderAdjustment",
		amazon.CancelFeed: "OrderAcknowledgement",
	}
	adjustmentReasons = []string{
		"NoInventory", "CustomerReturn", "GeneralAdjustment", "CouldNotShip", "DifferentItem", "Abandoned",
		"CustomerCancel", "PriceError", "ProductOutofStock", "CustomerAddressIncorrect", "Exchange", "Other",
		"CarrierCreditDecision", "RiskAssessmentInformationNotValid", "CarrierCoverageFailure", "TransactionRecord",
		"Undeliverable", "RefusedDelivery",
	}
	adjustmentComponents = []string{
		"Principal", "Shipping", "Tax", "ShippingTax", "RestockingFee", "RestockingFeeTax", "GiftWrap", "GiftWrapTax",
		"Surcharge", "ReturnShipping", "Goodwill", "ExportCharge", "COD", "CODTax", "Other", "FreeReplacementReturnShipping",
	}
	cancelReasons = []string{
		"NoInventory", "ShippingAddressUndeliverable", "CustomerExchange", "BuyerCanceled", "GeneralAdjustment",
		"CarrierCreditDecision", "RiskAssessmentInformationNotValid", "CarrierCoverageFailure", "CustomerReturn",
		"MerchandiseNotReceived", "CannotVerifyInformation", "PricingError", "RejectOrder", "WeatherDelay",
	}

	versionForm   = regexp.MustCompile(`^[0-9]{1,2}\.[0-9]{1,2}$`)
	releaseForm   = regexp.MustCompile(`^[0-9]{1,4}\.[0-9]{1,4}$`)
	messageIDForm = regexp.MustCompile(`^[1-9][0-9]{0,19}$`)
	nameForm      = regexp.MustCompile(`^.{1,50}$`)
	longForm      = regexp.MustCompile(`^.{1,80}$`)
	claimForm     = regexp.MustCompile(`^.{6,12}$`)
	boolForm      = regexp.MustCompile(`^(true|false|1|0)$`)
	dateTimeForm  = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?$`)
	quantityForm  = regexp.MustCompile(`^[1-9][0-9]{0,8}$`)
	currencyForm  = regexp.MustCompile(`^[A-Z]{3}$`)

	// Zeros at the end do not count as decimals.
	amountForm = regexp.MustCompile(`^[+-]?[0-9]{1,18}(\.[0-9]{0,2}0{0,16})?$`)
)

// decode reads a document of one message type. It shares nothing with the
// encoder of package amazon, whose mistakes it is there to find. The order of
// elements is that of Amazon's schemas for order feeds.
func decode(doc []byte, messageType string) ([]message, *malformed) {
	root, bad := parse(doc)
	if bad != nil {
		return nil, bad
	}
	c := &check{}
	if root.name != "AmazonEnvelope" {
		c.bad(root, "want AmazonEnvelope")
	}
	// The root alone has attributes: where its schema is.
	for _, a := range root.attrs {
		if a.Name.Space != "xmlns" && a.Name.Space != schemaInstance {
			c.bad(root, "attribute %s is not allowed", a.Name.Local)
		}
	}
	envelope := c.in(&node{name: root.name, text: root.text, kids: root.kids, line: root.line})
	header := c.in(envelope.need("Header"))
	c.text(header.need("DocumentVersion"), versionForm, "a version such as 1.01")
	// Whose document it is, the access token decides.
	c.text(header.need("MerchantIdentifier"), nameForm, "1 to 50 characters")
	c.text(header.maybe("OverrideReleaseId"), releaseForm, "a release such as 1.01")
	header.end()
	c.word(envelope.need("MessageType"), []string{messageType})
	c.text(envelope.maybe("MarketplaceName"), nameForm, "1 to 50 characters")
	c.text(envelope.maybe("PurgeAndReplace"), boolForm, "true or false")
	c.text(envelope.maybe("EffectiveDate"), dateTimeForm, "a date and time")
	first := envelope.need("Message")

	var ms []message
	seen := map[string]bool{}
	for _, n := range append([]*node{first}, envelope.all("Message")...) {
		in := c.in(n)
		m := message{id: c.text(in.need("MessageID"), messageIDForm, "a positive whole number of at most 20 digits")}
		if seen[m.id] {
			c.bad(n, "MessageID %s stands twice", m.id)
		}
		seen[m.id] = true
		c.word(in.maybe("OperationType"), []string{"Update", "Delete", "PartialUpdate"})
		payload := in.need(messageType)
		if messageType == "OrderAdjustment" {
			m.order, m.adjustment = c.adjustment(payload)
		} else {
			m.order, m.acknowledgement = c.acknowledgement(payload)
		}
		in.end()
		ms = append(ms, m)
	}
	envelope.end()
	return ms, c.first
}

func (c *check) adjustment(n *node) (orderID string, a *adjustment) {
	in := c.in(n)
	a = &adjustment{}
	if own := in.maybe("MerchantOrderID"); own != nil {
		c.text(own, nameForm, "1 to 50 characters")
	} else {
		orderID = c.orderID(in.need("AmazonOrderID"))
	}
	if action := in.maybe("ActionType"); action != nil {
		a.action = c.word(action, []string{"Refund", "Cancel"})
	}
	if cod := in.maybe("CODCollectionMethod"); cod != nil {
		c.word(cod, []string{"DirectPayment"})
		a.odd = cod.name
	}
	first := in.need("AdjustedItem")
	for _, item := range append([]*node{first}, in.all("AdjustedItem")...) {
		a.items = append(a.items, c.adjustedItem(item, a))
	}
	in.end()
	return orderID, a
}

func (c *check) adjustedItem(n *node, a *adjustment) adjustedItem {
	var it adjustedItem
	in := c.in(n)
	if own := in.maybe("MerchantOrderItemID"); own != nil {
		c.text(own, nameForm, "1 to 50 characters")
	} else {
		it.code = c.itemCode(in.need("AmazonOrderItemCode"))
	}
	it.own = c.text(in.maybe("MerchantAdjustmentItemID"), nameForm, "1 to 50 characters")
	it.reason = c.word(in.need("AdjustmentReason"), adjustmentReasons)
	if prices := in.maybe("ItemPriceAdjustments"); prices != nil {
		it.amounts = c.amounts(c.in(prices), func(n *node) string { return c.word(n, adjustmentComponents) })
	}
	for _, promotion := range in.all("PromotionAdjustments") {
		a.odd = promotion.name
		p := c.in(promotion)
		c.text(p.maybe("PromotionClaimCode"), claimForm, "6 to 12 characters")
		c.text(p.maybe("MerchantPromotionID"), longForm, "1 to 80 characters")
		c.amounts(p, func(n *node) string { return c.word(n, []string{"Principal", "Shipping"}) })
	}
	if direct := in.maybe("DirectPaymentAdjustments"); direct != nil {
		a.odd = direct.name
		c.amounts(c.in(direct), func(n *node) string { return c.text(n, anything, "text") })
	}
	if quantity := in.maybe("QuantityCancelled"); quantity != nil {
		it.cancelled = c.quantity(quantity)
	}
	if quantity := in.maybe("Quantity"); quantity != nil {
		c.quantity(quantity)
		a.odd = quantity.name
	}
	in.end()
	return it
}

// amounts reads the Components that end an element, each a Type and an Amount.
func (c *check) amounts(in *sequence, kind func(*node) string) []amount {
	var as []amount
	first := in.need("Component")
	for _, n := range append([]*node{first}, in.all("Component")...) {
		parts := c.in(n)
		a := amount{component: order.Component(kind(parts.need("Type")))}
		a.value, a.currency = c.money(parts.need("Amount"))
		parts.end()
		as = append(as, a)
	}
	in.end()
	return as
}

// money reads an Amount. Its currency may be any code of three capitals: the
// public list lags behind, it lacks the rand of a marketplace that exists.
func (c *check) money(n *node) (decimal.Decimal, order.Currency) {
	if len(n.attrs) != 1 || n.attrs[0].Name.Space != "" || n.attrs[0].Name.Local != "currency" {
		c.bad(n, "want the attribute currency, and no other")
		return decimal.Zero, ""
	}
	currency := n.attrs[0].Value
	if !currencyForm.MatchString(currency) {
		c.bad(n, "currency %.60q, want an ISO 4217 code", currency)
	}
	n.text = strings.TrimSpace(n.text)
	value, err := decimal.NewFromString(c.content(n, amountForm, "a number of at most 20 digits, two of them decimals"))
	if err != nil {
		c.bad(n, "%v", err)
	}
	return value, order.Currency(currency)
}

func (c *check) acknowledgement(n *node) (orderID string, a *acknowledgement) {
	in := c.in(n)
	orderID = c.orderID(in.need("AmazonOrderID"))
	c.text(in.maybe("MerchantOrderID"), nameForm, "1 to 50 characters")
	a = &acknowledgement{failure: c.word(in.need("StatusCode"), []string{"Success", "Failure"}) == "Failure"}
	for _, item := range in.all("Item") {
		parts := c.in(item)
		it := acknowledgedItem{code: c.itemCode(parts.need("AmazonOrderItemCode"))}
		c.text(parts.maybe("MerchantOrderItemID"), nameForm, "1 to 50 characters")
		it.reason = c.word(parts.maybe("CancelReason"), cancelReasons)
		if quantity := parts.maybe("Quantity"); quantity != nil {
			c.quantity(quantity)
			it.quantity = true
		}
		parts.end()
		a.items = append(a.items, it)
	}
	in.end()
	return orderID, a
}

func (c *check) orderID(n *node) string {
	return c.text(n, orderNumber, "an order ID of 3-7-7 characters")
}

func (c *check) itemCode(n *node) string {
	return c.text(n, itemCode, "an order item code of 14 or 15 digits")
}

func (c *check) quantity(n *node) int {
	count, err := strconv.Atoi(c.text(n, quantityForm, "a quantity of at least 1"))
	if err != nil {
		c.bad(n, "%v", err)
	}
	return count
}
