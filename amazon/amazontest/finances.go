package amazontest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/order"
)

const (
	// transactionsPage is how many transactions one page looks at. What the
	// other arguments leave out of them is missing from it, so that pages may be
	// short and even empty before the last, as Amazon's may.
	transactionsPage = 20

	// financeSpan is the longest span of time that has an answer.
	financeSpan = 180 * 24 * time.Hour

	usMarketplace = "ATVPDKIKX0DER"
)

// transaction is a refund as it is booked: what one message of a feed, or one
// refund without a feed, paid for one order.
type transaction struct {
	number   int // of its first payment in the ledger, from 1
	payments []Payment
}

// refunds are the transactions of a seller, oldest first.
func (b *books) refunds(merchant string) []transaction {
	var all []transaction
	for i, p := range b.Payments {
		switch n := len(all); {
		case p.Seller != merchant:
		case n > 0 && all[n-1].includes(p):
			all[n-1].payments = append(all[n-1].payments, p)
		default:
			all = append(all, transaction{i + 1, []Payment{p}})
		}
	}
	return all
}

// includes tells whether the next payment in the ledger belongs to the same
// refund. One without a feed is for one item and pays no component twice.
func (t transaction) includes(p Payment) bool {
	first := t.payments[0]
	if !p.Time.Equal(first.Time) || p.By != first.By || p.Feed != first.Feed || p.Message != first.Message || p.Order != first.Order {
		return false
	}
	return p.Feed != "" || p.Item == first.Item &&
		!slices.ContainsFunc(t.payments, func(q Payment) bool { return q.Component == p.Component })
}

// listTransactions lists the refunds of the seller, oldest first. Other
// transactions, those of shipments too, are not kept.
func (s *Server) listTransactions(r *request, a *account) answer {
	values := r.URL.Query()
	c, err := resume(values, "nextToken", r.now)
	if err != nil {
		return invalid("%v", err)
	}
	args, err := arguments(values, "postedAfter", "postedBefore", "marketplaceId", "transactionStatus", "relatedIdentifierName", "relatedIdentifierValue")
	if err != nil {
		return invalid("%v", err)
	}
	q, err := parseTransactionQuery(args, r.now)
	if err != nil {
		return invalid("%v", err)
	}
	if !c.Until.IsZero() {
		q.before = c.Until
	}
	read, _ := strconv.Atoi(c.After) // empty on the first page, which is 0

	payload := map[string]any{}
	page, looked := []any{}, 0
	for _, t := range s.books.refunds(a.Merchant) {
		first := t.payments[0]
		if t.number <= read || !q.finds(first) || r.now.Before(first.Time.Add(s.config.FinanceLag)) {
			continue
		}
		if looked == transactionsPage {
			payload["nextToken"] = c.next(strconv.Itoa(read), q.before, r.now)
			break
		}
		looked, read = looked+1, t.number
		if o := s.books.Orders[first.Order]; q.selects(o) {
			page = append(page, t.view(o))
		}
	}
	payload["transactions"] = page
	return jsonAnswer(200, map[string]any{"payload": payload})
}

// transactionQuery is what listTransactions selects by; empty is everything.
type transactionQuery struct {
	after, before       time.Time
	order, group        string
	marketplace, status string
}

func parseTransactionQuery(args map[string]string, now time.Time) (transactionQuery, error) {
	latest := now.Add(-settling)
	q := transactionQuery{before: latest, marketplace: args["marketplaceId"], status: args["transactionStatus"]}
	name, value := args["relatedIdentifierName"], args["relatedIdentifierValue"]
	switch {
	case (name == "") != (value == ""):
		return q, errors.New("relatedIdentifierName and relatedIdentifierValue go together")
	case name == "ORDER_ID":
		q.order = value
	case name == "FINANCIAL_EVENT_GROUP_ID":
		q.group = value
	case name != "":
		return q, fmt.Errorf("relatedIdentifierName %q: only ORDER_ID and FINANCIAL_EVENT_GROUP_ID can be filtered by", name)
	case args["postedAfter"] == "":
		return q, errors.New("want postedAfter or a related identifier")
	}
	if q.status != "" && !slices.Contains([]string{"DEFERRED", "RELEASED", "DEFERRED_RELEASED"}, q.status) {
		return q, fmt.Errorf("transactionStatus %q: want DEFERRED, RELEASED or DEFERRED_RELEASED", q.status)
	}
	for _, bound := range []struct {
		name string
		into *time.Time
	}{{"postedAfter", &q.after}, {"postedBefore", &q.before}} {
		given := args[bound.name]
		if given == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339, given)
		if err != nil {
			return q, fmt.Errorf("%s: %w", bound.name, err)
		}
		if !t.Before(latest) {
			return q, fmt.Errorf("%s: want a time of more than two minutes ago", bound.name)
		}
		*bound.into = t
	}
	if !q.after.Before(q.before) {
		return q, errors.New("postedBefore must be later than postedAfter")
	}
	return q, nil
}

// finds tells whether a transaction is among those that a page looks at: those
// of the order and the time that are asked for. The server has no groups of
// financial events.
func (q transactionQuery) finds(first Payment) bool {
	tooLong := !q.after.IsZero() && q.before.Sub(q.after) > financeSpan
	return !tooLong && q.group == "" && (q.order == "" || q.order == first.Order) &&
		!first.Time.Before(q.after) && first.Time.Before(q.before)
}

// selects tells whether a page shows what it found. All orders are fulfilled by
// the merchant, and those of the US store are left out where a marketplace is
// named, as Amazon does.
func (q transactionQuery) selects(o *Order) bool {
	here := q.marketplace == "" || q.marketplace == string(o.Marketplace) && q.marketplace != usMarketplace
	return here && (q.status == "" || q.status == "RELEASED")
}

// money is the model's Currency: an amount of the seller's account, as a number.
type money struct {
	Currency order.Currency `json:"currencyCode"`
	Amount   json.Number    `json:"currencyAmount"`
}

// breakdown is the model's Breakdown. Amazon's types are not public; here they
// are the components of the refund.
type breakdown struct {
	Type   order.Component `json:"breakdownType"`
	Amount money           `json:"breakdownAmount"`
}

// booked sums up payments for the seller's account: what the buyer got is below
// zero.
func booked(payments []Payment) (money, []breakdown) {
	in := func(d decimal.Decimal) money {
		return money{payments[0].Currency, json.Number(d.Neg().String())}
	}
	total, sums := decimal.Zero, order.Amounts{}
	var components []order.Component // in the order of the document
	for _, p := range payments {
		total = total.Add(p.Amount)
		if _, known := sums[p.Component]; !known {
			components = append(components, p.Component)
		}
		sums[p.Component] = sums[p.Component].Add(p.Amount)
	}
	var parts []breakdown
	for _, c := range components {
		parts = append(parts, breakdown{c, in(sums[c])})
	}
	return in(total), parts
}

// view is the model's Transaction.
func (t transaction) view(o *Order) any {
	type identifier struct {
		Name  string `json:"relatedIdentifierName"`
		Value string `json:"relatedIdentifierValue"`
	}
	type seller struct {
		Merchant    string              `json:"sellingPartnerId"`
		Marketplace order.MarketplaceID `json:"marketplaceId,omitempty"`
	}
	first := t.payments[0]
	total, parts := booked(t.payments)
	return struct {
		Seller      seller       `json:"sellingPartnerMetadata"`
		Identifiers []identifier `json:"relatedIdentifiers"`
		Type        string       `json:"transactionType"`
		ID          string       `json:"transactionId"`
		Status      string       `json:"transactionStatus"`
		Description string       `json:"description"`
		Posted      time.Time    `json:"postedDate"`
		Total       money        `json:"totalAmount"`
		Items       []any        `json:"items"`
		Parts       []breakdown  `json:"breakdowns"`
	}{
		seller{first.Seller, o.Marketplace},
		[]identifier{{"ORDER_ID", first.Order}, {"REFUND_ID", fmt.Sprintf("R%09d", t.number)}},
		"Refund", fmt.Sprintf("T%09d", t.number), "RELEASED", "Refund Order",
		first.Time, total, t.items(o), parts,
	}
}

// items are the model's Items: the payments of each order item.
func (t transaction) items(o *Order) []any {
	type identifier struct {
		Name  string `json:"itemRelatedIdentifierName"`
		Value string `json:"itemRelatedIdentifierValue"`
	}
	type product struct {
		Type    string `json:"contextType"`
		ASIN    string `json:"asin,omitempty"`
		SKU     string `json:"sku,omitempty"`
		Network string `json:"fulfillmentNetwork"`
	}
	var views []any
	for _, it := range o.Items {
		mine := slices.DeleteFunc(slices.Clone(t.payments), func(p Payment) bool { return p.Item != it.ID })
		if len(mine) == 0 {
			continue
		}
		total, parts := booked(mine)
		views = append(views, struct {
			Identifiers []identifier `json:"relatedIdentifiers"`
			Total       money        `json:"totalAmount"`
			Parts       []breakdown  `json:"breakdowns"`
			Contexts    []product    `json:"contexts"`
		}{
			[]identifier{{"ORDER_ADJUSTMENT_ITEM_ID", fmt.Sprintf("A%09d-%d", t.number, len(views)+1)}}, total, parts,
			[]product{{"ProductContext", it.ASIN, it.SKU, "MFN"}},
		})
	}
	return views
}
