package amazon

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/order"
)

// ContentType is the media type under which documents are uploaded. Amazon signs
// it, so the upload must repeat it to the letter.
const ContentType = "text/xml; charset=UTF-8"

// EnvelopeSize is more than what a document needs around its messages, in bytes.
const EnvelopeSize = 1 << 10

// MessageID numbers a message within a document, from 1 to 1<<31 - 1. Amazon
// echoes it in the [ProcessingReport]; numbers that an account never uses twice
// tell by themselves which document a report is about.
type MessageID int64

const maxMessageID = math.MaxInt32

// Message is one message of a document: an [Adjustment] or a [Cancellation].
type Message interface {
	// Feed is the type of feed that carries messages of this kind.
	Feed() FeedType

	// Check tells everything that is wrong with the message: each finding names
	// the order, the value and what was expected. [Encode] refuses a message
	// that does not pass.
	Check() error

	// Target is the Amazon order and the order items that the message is about. No
	// two messages of a document may be about one item.
	Target() (number string, items []string)

	encode(w *writer)
}

// Numbered is a message under its number.
type Numbered struct {
	ID      MessageID
	Message Message
}

// Adjustment asks for a refund on one order item: one OrderAdjustment message
// with one AdjustedItem, so that every item has a result of its own.
//
// A refund says amounts only: what Amazon makes of a quantity there is not
// documented, and sellers saw wrong refunds with them.
type Adjustment struct {
	Order        string // Amazon order ID, 3-7-7 digits
	Item         string // Amazon order item ID, 14 or 15 digits
	AdjustmentID string // MerchantAdjustmentItemID, ours, 1 to 50 characters
	Reason       RefundReason
	Currency     order.Currency

	// Amounts are totals for all units that are refunded, not unit prices, and
	// positive: the buyer gets them. RestockingFee is the exception; below zero
	// it is kept from the buyer. All together must be above zero.
	Amounts order.Amounts

	// QuantityCancelled is how many units of the item are cancelled, in an order
	// whose other units are shipped; 0: none, this is a refund. Amazon documents it
	// (Seller Central help, "Cancel an order") with RefundNoInventory and
	// RefundCustomerCancel, and it is taken with no other reason.
	QuantityCancelled int
}

// Feed is [RefundFeed].
func (a Adjustment) Feed() FeedType { return RefundFeed }

// Check refuses order, item, reason and amounts that Amazon would refuse or
// misread, among them LabelCost, for which Amazon has no component.
func (a Adjustment) Check() error {
	errs := []error{
		order.CheckNumber(a.Order),
		checkItem(a.Item),
		checkText("adjustment ID", a.AdjustmentID, 50),
		a.Reason.Check(),
		a.Currency.Check(),
	}
	if a.AdjustmentID == "" {
		errs = append(errs, errors.New("no adjustment ID: want 1 to 50 characters"))
	}
	switch {
	case a.QuantityCancelled < 0:
		errs = append(errs, fmt.Errorf("%d units cancelled: want none below zero", a.QuantityCancelled))
	case a.QuantityCancelled > 0 && a.Reason != RefundNoInventory && a.Reason != RefundCustomerCancel:
		errs = append(errs, fmt.Errorf("%d units cancelled with reason %q: want %s or %s", a.QuantityCancelled, string(a.Reason), RefundNoInventory, RefundCustomerCancel))
	}
	errs = append(errs, checkAmounts(a.Amounts, a.Currency)...)
	return within(fmt.Sprintf("refund of order %q, item %q", a.Order, a.Item), errs)
}

// Target is Order and Item.
func (a Adjustment) Target() (number string, items []string) { return a.Order, []string{a.Item} }

func (a Adjustment) encode(w *writer) {
	w.element("OrderAdjustment", func() {
		w.text("AmazonOrderID", a.Order)
		w.element("AdjustedItem", func() {
			w.text("AmazonOrderItemCode", a.Item)
			w.text("MerchantAdjustmentItemID", a.AdjustmentID)
			w.text("AdjustmentReason", string(a.Reason))
			w.element("ItemPriceAdjustments", func() {
				for _, c := range a.Amounts.Components() {
					w.component(c, a.Amounts[c], a.Currency)
				}
			})
			if a.QuantityCancelled > 0 {
				w.text("QuantityCancelled", strconv.Itoa(a.QuantityCancelled))
			}
		})
	})
}

// Cancellation asks to cancel a whole Amazon order of which nothing is shipped:
// one OrderAcknowledgement message with status Failure. Once a part is shipped,
// it would have Amazon refund all of the order; a part is never cancelled this
// way.
type Cancellation struct {
	Order         string   // Amazon order ID, 3-7-7 digits
	MerchantOrder string   // the host's order number, up to 50 characters; empty: not told
	Items         []string // every order item ID of the order, 14 or 15 digits; without them nothing is cancelled
	Reason        CancelReason
}

// Feed is [CancelFeed].
func (c Cancellation) Feed() FeedType { return CancelFeed }

// Check refuses order, items and reason that Amazon would refuse or misread. It
// cannot know whether the items are all items of the order.
func (c Cancellation) Check() error {
	errs := []error{
		order.CheckNumber(c.Order),
		checkText("merchant order ID", c.MerchantOrder, 50),
		c.Reason.Check(),
	}
	if len(c.Items) == 0 {
		errs = append(errs, errors.New("no items: want every order item of the order"))
	}
	for i, item := range c.Items {
		errs = append(errs, checkItem(item))
		if slices.Contains(c.Items[:i], item) {
			errs = append(errs, fmt.Errorf("order item ID %q stands twice in the cancellation", item))
		}
	}
	return within(fmt.Sprintf("cancellation of order %q", c.Order), errs)
}

// Target is Order and Items.
func (c Cancellation) Target() (number string, items []string) { return c.Order, c.Items }

func (c Cancellation) encode(w *writer) {
	w.element("OrderAcknowledgement", func() {
		w.text("AmazonOrderID", c.Order)
		if c.MerchantOrder != "" {
			w.text("MerchantOrderID", c.MerchantOrder)
		}
		w.text("StatusCode", "Failure")
		for _, item := range c.Items {
			w.element("Item", func() {
				w.text("AmazonOrderItemCode", item)
				w.text("CancelReason", string(c.Reason))
			})
		}
	})
}

// Encode writes the document of a feed, in the order given. The same arguments
// give the same bytes. It refuses, by number, order and item, whatever Amazon
// would refuse or misread: no messages, a message that belongs into another type
// of feed, a number out of range or used twice, an order item that stands in two
// messages, and a message that does not pass its Check.
//
// Encode does not bound the size; see [EncodedSize].
func Encode(merchant string, t FeedType, ms []Numbered) ([]byte, error) {
	messageType, err := messageTypeOf(t)
	if err != nil {
		return nil, err
	}
	if err := checkDocument(t, ms); err != nil {
		return nil, err
	}
	return encodeEnvelope(merchant, messageType, func(w *writer) {
		for _, m := range ms {
			w.message(m.ID, m.Message.encode)
		}
	})
}

// EncodedSize is the most that a message adds to a document, in bytes, whatever
// its number. A document stays under a limit when the sizes of its messages and
// [EnvelopeSize] together do. It is 0 for a message that [Encode] refuses.
func EncodedSize(m Message) int {
	if m == nil || m.Check() != nil {
		return 0
	}
	w := writer{depth: 1}
	w.message(maxMessageID, m.encode)
	return w.buf.Len()
}

func messageTypeOf(t FeedType) (string, error) {
	switch t {
	case RefundFeed:
		return "OrderAdjustment", nil
	case CancelFeed:
		return "OrderAcknowledgement", nil
	}
	return "", fmt.Errorf("feed type %q: want %s or %s", string(t), RefundFeed, CancelFeed)
}

// checkDocument refuses messages that may not stand together in a document.
func checkDocument(t FeedType, ms []Numbered) error {
	if len(ms) == 0 {
		return fmt.Errorf("document for %s: no messages", t)
	}
	type orderItem struct{ number, item string }
	numbers := map[MessageID]bool{}
	holder := map[orderItem]MessageID{}
	for i, m := range ms {
		switch {
		case m.ID < 1 || m.ID > maxMessageID:
			return fmt.Errorf("message at place %d: message ID %d: want 1 to %d", i+1, m.ID, maxMessageID)
		case numbers[m.ID]:
			return fmt.Errorf("message at place %d: message ID %d is used twice", i+1, m.ID)
		case m.Message == nil:
			return fmt.Errorf("message %d is empty", m.ID)
		case m.Message.Feed() != t:
			return fmt.Errorf("message %d belongs into a document for %s, not for %s", m.ID, m.Message.Feed(), t)
		}
		if err := m.Message.Check(); err != nil {
			return fmt.Errorf("message %d: %w", m.ID, err)
		}
		numbers[m.ID] = true
		number, items := m.Message.Target()
		for _, item := range items {
			first, found := holder[orderItem{number, item}]
			if found {
				return fmt.Errorf("message %d: order %s, item %s stands in message %d already: want it in another document", m.ID, number, item, first)
			}
			holder[orderItem{number, item}] = m.ID
		}
	}
	return nil
}

func checkItem(item string) error {
	if err := order.CheckItem(item); err != nil {
		return err
	}
	if len(item) < 14 {
		return fmt.Errorf("order item ID %q has %d digits: want 14 or 15; a leading zero may be lost, as spreadsheets do", item, len(item))
	}
	return nil
}

// checkText refuses text that XML could not carry unchanged.
func checkText(name, s string, limit int) error {
	if n := utf8.RuneCountInString(s); n > limit {
		return fmt.Errorf("%s has %d characters: want %d at most", name, n, limit)
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("%s %q: want printable characters", name, s)
	}
	return nil
}

// maxDigits are the decimals of Amazon's type for amounts, whatever the currency.
const maxDigits = 2

// checkAmounts tells what is wrong with amounts of one message.
func checkAmounts(as order.Amounts, cur order.Currency) []error {
	cs := as.Components()
	if len(cs) == 0 {
		return []error{errors.New("no amounts: want at least one that is not zero")}
	}
	var errs []error
	for _, c := range cs {
		if err := checkAmount(c, as[c], cur); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return errs
	}
	if total := as.Total(); !total.IsPositive() {
		return []error{fmt.Errorf("amounts come to %s in total: want more than zero", order.Format(total, cur))}
	}
	return nil
}

func checkAmount(c order.Component, v decimal.Decimal, cur order.Currency) error {
	if c == order.LabelCost {
		return errors.New("LabelCost: Amazon has no component for it; take it off another one, such as Principal")
	}
	if !c.Charged() && !c.Concession() && c != order.RestockingFee {
		return fmt.Errorf("component %q is unknown: want one of %s", string(c), list([]order.Component{
			order.Principal, order.Tax, order.Shipping, order.ShippingTax, order.GiftWrap, order.GiftWrapTax,
			order.Goodwill, order.ReturnShipping, order.RestockingFee,
		}))
	}
	// Amazon's type has 20 digits. Extreme exponents are refused before any
	// arithmetic, which would write them out.
	if v.NumDigits()+int(v.Exponent()) > 20-maxDigits || v.Exponent() < -40 {
		return fmt.Errorf("%s is out of range: want at most %d digits before the decimal point", c, 20-maxDigits)
	}
	if v.IsNegative() && c != order.RestockingFee {
		return fmt.Errorf("%s %s is below zero: want what the buyer gets, as a positive amount", c, order.Format(v, cur))
	}
	if digits := min(cur.Digits(), maxDigits); !v.Equal(v.Truncate(digits)) {
		return fmt.Errorf("%s %s: want at most %d decimals; %s has %d and Amazon takes %d", c, v, digits, cur, cur.Digits(), maxDigits)
	}
	return nil
}

// within joins what is wrong and puts the place before each finding. Without
// any it is nil.
func within(place string, errs []error) error {
	var found []error
	for _, err := range errs {
		if err != nil {
			found = append(found, fmt.Errorf("%s: %w", place, err))
		}
	}
	return errors.Join(found...)
}

// encodeEnvelope writes an AmazonEnvelope around messages of one type.
func encodeEnvelope(merchant, messageType string, messages func(w *writer)) ([]byte, error) {
	if merchant == "" {
		return nil, errors.New("no merchant: want the seller ID of 1 to 50 characters")
	}
	if err := checkText("merchant", merchant, 50); err != nil {
		return nil, err
	}
	var w writer
	// Amazon refuses a document that begins with anything else, such as a
	// byte-order mark.
	w.buf.WriteString(xml.Header)
	w.buf.WriteString(`<AmazonEnvelope xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="amzn-envelope.xsd">` + "\n")
	w.depth++
	w.element("Header", func() {
		w.text("DocumentVersion", "1.01")
		w.text("MerchantIdentifier", merchant)
	})
	w.text("MessageType", messageType)
	messages(&w)
	w.buf.WriteString("</AmazonEnvelope>\n")
	return w.buf.Bytes(), nil
}

// writer writes XML, one element a line. Names of elements are taken as they
// are; text is escaped.
type writer struct {
	buf   bytes.Buffer
	depth int
}

func (w *writer) message(id MessageID, payload func(w *writer)) {
	w.element("Message", func() {
		w.text("MessageID", strconv.FormatInt(int64(id), 10))
		payload(w)
	})
}

func (w *writer) element(name string, content func()) {
	w.indent()
	w.buf.WriteString("<" + name + ">\n")
	w.depth++
	content()
	w.depth--
	w.indent()
	w.buf.WriteString("</" + name + ">\n")
}

func (w *writer) text(name, value string) {
	w.indent()
	w.buf.WriteString("<" + name + ">")
	_ = xml.EscapeText(&w.buf, []byte(value)) // a bytes.Buffer never fails
	w.buf.WriteString("</" + name + ">\n")
}

// component takes a known component and a checked currency: nothing to escape.
func (w *writer) component(c order.Component, v decimal.Decimal, cur order.Currency) {
	w.indent()
	fmt.Fprintf(&w.buf, "<Component><Type>%s</Type><Amount currency=\"%s\">%s</Amount></Component>\n",
		c, cur, v.StringFixed(min(cur.Digits(), maxDigits)))
}

func (w *writer) indent() {
	for range w.depth {
		w.buf.WriteString("  ")
	}
}
