package spapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

const transactionsPath = "/finances/2024-06-19/transactions"

// Transaction is a movement of money in the seller's account (model
// finances_2024-06-19, Transaction). Its words are Amazon's; of most of them
// Amazon documents examples only. Amounts are as they stand in the account: what
// the seller gets is above zero.
type Transaction struct {
	ID          string // empty: not told
	Type        string // such as Shipment or Refund
	Status      string // DEFERRED, RELEASED or DEFERRED_RELEASED; Amazon also wrote Released
	Description string // such as "Order Payment"
	Marketplace order.MarketplaceID
	PostedAt    time.Time
	Total       amazon.Booked
	Related     []Identifier // such as ORDER_ID, REFUND_ID, FINANCIAL_EVENT_GROUP_ID
	Items       []TransactionItem
	Parts       []amazon.FinancialPart // what the total is made of
}

// TransactionItem is the part of a transaction that is about one product.
type TransactionItem struct {
	Description string
	Related     []Identifier // such as ORDER_ADJUSTMENT_ITEM_ID
	SKU         string
	ASIN        string
	Units       int // 0: not told
	Total       amazon.Booked
	Parts       []amazon.FinancialPart
}

// Identifier is one of Amazon's names for what a transaction belongs to.
type Identifier struct {
	Name  string // the kind of identifier, such as ORDER_ID
	Value string
}

// identifier returns the first value under a name; empty: there is none.
func identifier(related []Identifier, name string) string {
	i := slices.IndexFunc(related, func(r Identifier) bool { return r.Name == name })
	if i < 0 {
		return ""
	}
	return related[i].Value
}

// TransactionQuery selects transactions: those of an order, those of a financial
// event group, or those posted in a span of time.
type TransactionQuery struct {
	Order string // Amazon order ID, 3-7-7
	Group string // FINANCIAL_EVENT_GROUP_ID

	// After and Before say when a transaction was posted: at After or later, and
	// before Before. After is required without Order and Group. Both lie two
	// minutes back at least, and 180 days apart at most, where Amazon would
	// answer an empty list. Zero: no limit, and two minutes ago.
	After, Before time.Time

	Status string // empty: all

	// Marketplace must be left empty to see seller-fulfilled orders of the US.
	// Empty: all.
	Marketplace order.MarketplaceID
}

const maxTransactionSpan = 180 * 24 * time.Hour

func (q TransactionQuery) values(now time.Time) (url.Values, error) {
	if err := cmp.Or(
		q.checkSubject(),
		checkSpan(q.After, q.Before),
		checkPast("After", q.After, now),
		checkPast("Before", q.Before, now),
		q.checkLength(now),
	); err != nil {
		return nil, err
	}
	v := url.Values{}
	setSpan(v, "postedAfter", q.After, "postedBefore", q.Before)
	if q.Status != "" {
		v.Set("transactionStatus", q.Status)
	}
	if q.Marketplace != "" {
		v.Set("marketplaceId", string(q.Marketplace))
	}
	switch {
	case q.Order != "":
		v.Set("relatedIdentifierName", "ORDER_ID")
		v.Set("relatedIdentifierValue", q.Order)
	case q.Group != "":
		v.Set("relatedIdentifierName", "FINANCIAL_EVENT_GROUP_ID")
		v.Set("relatedIdentifierValue", q.Group)
	}
	return v, nil
}

func (q TransactionQuery) checkSubject() error {
	switch {
	case q.Order != "" && q.Group != "":
		return errors.New("want one of Order and Group, not both")
	case q.Order != "":
		return order.CheckNumber(q.Order)
	case q.Group == "" && q.After.IsZero():
		return errors.New("want an Order, a Group or After")
	}
	return nil
}

func (q TransactionQuery) checkLength(now time.Time) error {
	until := q.Before
	if until.IsZero() {
		until = now
	}
	if !q.After.IsZero() && roundUp(until).Sub(q.After.Truncate(time.Second)) > maxTransactionSpan {
		return fmt.Errorf("span from %s to %s is longer than 180 days, for which Amazon answers an empty list: ask for shorter ones",
			format(q.After), format(until))
	}
	return nil
}

// Transactions lists transactions with listTransactions of model
// finances_2024-06-19, page by page as the caller goes on, in Amazon's order. An
// error ends the sequence; what came before it is a part of the list. Ranging
// again asks again. listTransactions refills one token in two seconds, ten at
// most, and a page of up to 500 costs one. Transactions of the last 48 hours may
// be missing, so that an empty list proves nothing.
func (c *Client) Transactions(ctx context.Context, a amazon.Account, q TransactionQuery) iter.Seq2[Transaction, error] {
	query, err := q.values(c.now())
	if err != nil {
		return refuse[Transaction](notSent(listTransactions, a, err))
	}
	return pages(c, listTransactions, a, func(token string) ([]Transaction, string, error) {
		var ans struct {
			Payload *struct {
				Transactions []transactionAnswer `json:"transactions"`
				Next         string              `json:"nextToken"`
			} `json:"payload"`
		}
		if _, err := c.call(ctx, a, request{op: listTransactions, path: transactionsPath, query: nextToo(query, "nextToken", token)}, &ans); err != nil {
			return nil, "", err
		}
		if ans.Payload == nil {
			return nil, "", errors.New("answer without a payload")
		}
		if ans.Payload.Transactions == nil { // the model does not require a list
			return nil, ans.Payload.Next, nil
		}
		transactions, err := each(ans.Payload.Transactions, transactionAnswer.transaction)
		return transactions, ans.Payload.Next, err
	})
}

// Refunds implements [amazon.Finances] with listTransactions by order. A
// transaction counts as a refund when Amazon calls its type Refund or gives it a
// REFUND_ID; neither is documented to be the rule, and a refund that a bank
// charged back has been seen under the type Refund too. A refund whose money is
// held back at first has a second transaction for its release, which names the
// first as its DEFERRED_TRANSACTION_ID: of the two, the first is told.
func (c *Client) Refunds(ctx context.Context, a amazon.Account, number string) ([]amazon.FinancialRefund, error) {
	if err := order.CheckNumber(number); err != nil {
		return nil, notSent(listTransactions, a, err)
	}
	transactions, err := complete(c.Transactions(ctx, a, TransactionQuery{Order: number}))
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, t := range transactions {
		known[t.ID] = true
		if !t.about(number) {
			return nil, incomplete(listTransactions, a, fmt.Errorf("transaction %q is about other orders than %s", clean(t.ID, maxCode), number))
		}
	}
	var refunds []amazon.FinancialRefund
	for _, t := range transactions {
		deferred := identifier(t.Related, "DEFERRED_TRANSACTION_ID")
		if t.isRefund() && (deferred == "" || !known[deferred]) {
			refunds = append(refunds, t.refund())
		}
	}
	return refunds, nil
}

// about tells whether a transaction can be about an order: it names it, or none.
func (t Transaction) about(number string) bool {
	return identifier(t.Related, "ORDER_ID") == "" ||
		slices.Contains(t.Related, Identifier{Name: "ORDER_ID", Value: number})
}

func (t Transaction) isRefund() bool {
	return strings.EqualFold(t.Type, "Refund") || identifier(t.Related, "REFUND_ID") != ""
}

func (t Transaction) refund() amazon.FinancialRefund {
	r := amazon.FinancialRefund{
		ID:          identifier(t.Related, "REFUND_ID"),
		Transaction: t.ID,
		Status:      t.Status,
		PostedAt:    t.PostedAt,
		Total:       t.Total,
		Parts:       t.Parts,
	}
	for _, item := range t.Items {
		r.Items = append(r.Items, amazon.FinancialItem{
			Adjustment: identifier(item.Related, "ORDER_ADJUSTMENT_ITEM_ID"),
			SKU:        item.SKU,
			ASIN:       item.ASIN,
			Units:      item.Units,
			Total:      item.Total,
			Parts:      item.Parts,
		})
	}
	return r
}

// transactionAnswer is what is read of model finances_2024-06-19, Transaction.
type transactionAnswer struct {
	ID          string    `json:"transactionId"`
	Type        string    `json:"transactionType"`
	Status      string    `json:"transactionStatus"`
	Description string    `json:"description"`
	PostedAt    timestamp `json:"postedDate"`
	Marketplace struct {
		ID order.MarketplaceID `json:"marketplaceId"`
	} `json:"marketplaceDetails"`
	Total   moneyAnswer `json:"totalAmount"`
	Related []struct {
		Name  string `json:"relatedIdentifierName"`
		Value string `json:"relatedIdentifierValue"`
	} `json:"relatedIdentifiers"`
	Items []transactionItemAnswer `json:"items"`
	Parts []partAnswer            `json:"breakdowns"`
}

type transactionItemAnswer struct {
	Description string `json:"description"`
	Related     []struct {
		Name  string `json:"itemRelatedIdentifierName"`
		Value string `json:"itemRelatedIdentifierValue"`
	} `json:"relatedIdentifiers"`
	Contexts []struct { // of which ProductContext has these
		SKU   string `json:"sku"`
		ASIN  string `json:"asin"`
		Units int    `json:"quantityShipped"`
	} `json:"contexts"`
	Total moneyAnswer  `json:"totalAmount"`
	Parts []partAnswer `json:"breakdowns"`
}

type partAnswer struct {
	Type  string       `json:"breakdownType"`
	Total moneyAnswer  `json:"breakdownAmount"`
	Parts []partAnswer `json:"breakdowns"`
}

// moneyAnswer is model finances_2024-06-19, Currency. Its amount is a JSON
// number, which must not become a float on the way.
type moneyAnswer struct {
	Amount   json.Number    `json:"currencyAmount"`
	Currency order.Currency `json:"currencyCode"`
}

// transaction refuses what cannot be understood; the model requires nothing of a
// transaction, but none is booked without a date.
func (t transactionAnswer) transaction() (Transaction, error) {
	if t.PostedAt.IsZero() {
		return Transaction{}, fmt.Errorf("transaction %q without a postedDate", clean(t.ID, maxCode))
	}
	own := Transaction{
		ID:          t.ID,
		Type:        t.Type,
		Status:      t.Status,
		Description: t.Description,
		Marketplace: t.Marketplace.ID,
		PostedAt:    t.PostedAt.Time,
	}
	for _, r := range t.Related {
		own.Related = append(own.Related, Identifier(r))
	}
	var err error
	if own.Total, own.Parts, err = booked(t.Total, t.Parts); err != nil {
		return Transaction{}, fmt.Errorf("transaction %q: %w", clean(t.ID, maxCode), err)
	}
	for i, item := range t.Items {
		it, err := item.item()
		if err != nil {
			return Transaction{}, fmt.Errorf("transaction %q: item %d: %w", clean(t.ID, maxCode), i+1, err)
		}
		own.Items = append(own.Items, it)
	}
	return own, nil
}

func (i transactionItemAnswer) item() (TransactionItem, error) {
	own := TransactionItem{Description: i.Description}
	for _, r := range i.Related {
		own.Related = append(own.Related, Identifier(r))
	}
	for _, c := range i.Contexts {
		own.SKU = cmp.Or(own.SKU, c.SKU)
		own.ASIN = cmp.Or(own.ASIN, c.ASIN)
		own.Units = cmp.Or(own.Units, c.Units)
	}
	var err error
	own.Total, own.Parts, err = booked(i.Total, i.Parts)
	return own, err
}

// booked reads a total and what it is made of.
func booked(total moneyAnswer, made []partAnswer) (sum amazon.Booked, of []amazon.FinancialPart, err error) {
	if sum, err = total.booked(); err != nil {
		return amazon.Booked{}, nil, err
	}
	of, err = parts(made)
	return sum, of, err
}

func parts(answers []partAnswer) ([]amazon.FinancialPart, error) {
	var own []amazon.FinancialPart
	for _, p := range answers {
		total, err := p.Total.booked()
		if err != nil {
			return nil, fmt.Errorf("breakdown %q: %w", clean(p.Type, maxCode), err)
		}
		of, err := parts(p.Parts)
		if err != nil {
			return nil, err
		}
		own = append(own, amazon.FinancialPart{Type: p.Type, Total: total, Parts: of})
	}
	return own, nil
}

// maxAmount is how many characters of an amount are read, and how far its
// exponent goes. A decimal can have an exponent that fills the memory when it is
// written out or added up.
const maxAmount = 40

func (m moneyAnswer) booked() (amazon.Booked, error) {
	if m.Amount == "" { // the model requires none
		return amazon.Booked{}, nil
	}
	if m.Currency == "" {
		return amazon.Booked{}, fmt.Errorf("amount %s without a currency", clean(m.Amount.String(), maxAmount))
	}
	if len(m.Amount) <= maxAmount {
		amount, err := decimal.NewFromString(m.Amount.String())
		if err == nil && -maxAmount <= amount.Exponent() && amount.Exponent() <= maxAmount {
			return amazon.Booked{Amount: amount, Currency: m.Currency}, nil
		}
	}
	return amazon.Booked{}, fmt.Errorf("amount %s: want a number of at most %d digits", clean(m.Amount.String(), maxAmount), maxAmount)
}
