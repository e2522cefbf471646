package refund

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

// Request asks for a refund of one Amazon order.
type Request struct {
	Order    order.AmazonID
	Origin   Origin         // empty: FromRMA with an RMA, else FromOrder
	RMA      string         // the RMA's ID, when the refund is for one
	Currency order.Currency // of the amounts; empty: the order's
	Lines    []Ask
	Reason   amazon.Reason
	Comment  string // for people; never sent

	// OverRefund lets what goes beyond a line's charges travel as a concession. It
	// needs the setting, and a Token: somebody saw the draft. SurplusAs is the
	// concession: Goodwill, also when empty, or ReturnShipping.
	OverRefund bool
	SurplusAs  order.Component

	// Cautions are what whoever built the request wants acknowledged, beside those
	// that the draft finds, and Acknowledge names the codes of those that By has read.
	Cautions    []Caution
	Acknowledge []CautionCode

	// Look has the draft ask Amazon what it has booked for the order, which takes a
	// request to Amazon. What settlements showed is known without it.
	Look bool

	Key   string // the host's own; unique for ever within the company
	Token string // of the draft that somebody confirmed
	By    string // who asks: always the same text for one user, see [order.CheckActor] and settings.Limit
}

// What a caller may want to tell apart. More than is left, and more than Amazon
// allows as a concession, is [order.ErrOver]; another currency [order.ErrCurrency].
var (
	ErrKeyReused       = errors.New("key was used for another refund")
	ErrUnconfirmed     = errors.New("refund was not confirmed")
	ErrUnacknowledged  = errors.New("cautions were not acknowledged")
	ErrNotShipped      = errors.New("units are not confirmed as shipped")
	ErrAmazonFulfilled = errors.New("order is fulfilled by Amazon")
	ErrOverNotAllowed  = errors.New("over-refund is not allowed")
	ErrAlreadyRefunded = errors.New("money that went back already is not among our refunds")
	ErrFees            = errors.New("deductions are more than the Principal refunded")
	ErrTax             = errors.New("Amazon takes no tax here")
	ErrEnded           = errors.New("refund was asked for before and ended without paying")
)

// Facts is everything that a decision rests on.
type Facts struct {
	Account  amazon.Account // of the order; zero when it is unknown
	Orders   []order.Order  // the host orders that carry the Amazon order
	Ledger   order.Ledger
	Refunds  []Refund // of the Amazon order, and the one with the request's key
	Settings settings.Settings
	Reasons  amazon.RefundReasons     // where a marketplace has words of its own
	Returns  []OpenReturn             // of the Amazon order
	Due      *Due                     // of the request's RMA; nil: not known
	Booked   []Booked                 // what settlements showed of it
	Finances []amazon.FinancialRefund // what Amazon says of it now, where it was asked
	Now      time.Time

	// Cancellations are the entries of those units that were split off and cancelled,
	// for which Amazon pays too.
	Cancellations []queue.Entry
}

// Decide says what a request would do, or why not. It is a function of its
// arguments alone.
func Decide(f Facts, r Request) (Draft, error) {
	d, err := decide(f, r)
	if err != nil {
		return Draft{}, fmt.Errorf("refund of order %s: %w", r.Order.Number, err)
	}
	return d, nil
}

func decide(f Facts, r Request) (Draft, error) {
	r, err := r.complete(f)
	if err != nil {
		return Draft{}, err
	}
	of := f.hostOrder(r)
	refund := Refund{
		HostOrder: of.ID, Order: r.Order, Origin: r.Origin, RMA: r.RMA,
		Token: r.Token, Asked: r.Lines, Currency: r.Currency, Reason: r.Reason, Comment: r.Comment,
		OverRefund: r.OverRefund, SurplusAs: r.SurplusAs,
		Issued: order.Stamp{By: r.By, At: f.Now.UTC(), Why: r.Comment},
	}
	if refund.AmazonReason, err = f.Reasons.At(of.Marketplace, r.Reason); err != nil {
		return Draft{}, err
	}
	refund.Ordinal = f.ordinal(r)

	// A repeat is answered before anything can refuse it: the first refund has
	// changed the balances that it would be judged by.
	if first, err := f.first(refund, r); err != nil || first.Existing {
		return first, err
	}
	if err := f.admit(r); err != nil {
		return Draft{}, err
	}

	charges, err := f.Ledger.Charge(refund.Issued, f.Orders...)
	if err != nil {
		return Draft{}, err
	}
	before := f.Ledger.With(charges...)
	token := newToken(refund, before, f.earlier())
	if r.Token != "" && r.Token != token {
		return Draft{}, fmt.Errorf("the token is not of a draft with this content and these balances, which may have changed since it was shown: show it anew: %w", store.ErrConflict)
	}
	refund.Token = token
	refund.Key = key(refund, r)
	refund.ID = queue.NewEntryID(queue.KindRefund, refund.HostOrder.Company, refund.Key)

	d := Draft{Refund: refund, Token: token}
	d.change.Writes = order.Writes{Order: r.Order, Version: f.Ledger.Version, Postings: charges}
	ledger := before
	for i, ask := range r.Lines {
		line, reserved, err := f.line(ledger, &d, r, ask)
		if err != nil {
			return Draft{}, err
		}
		if err := message(d.Refund, line, i, 1).Check(); err != nil {
			return Draft{}, err
		}
		d.Refund.Lines = append(d.Refund.Lines, line)
		d.change.Postings = append(d.change.Postings, reserved...)
		ledger = ledger.With(reserved...)
	}
	if err := f.conceded(d.Refund, ledger); err != nil {
		return Draft{}, err
	}
	if err := f.look(&d, r); err != nil {
		return Draft{}, err
	}
	d.finish(f, r, before, ledger)
	return d, nil
}

// complete checks what can be told from the request alone, and fills in what it
// left to be filled in.
func (r Request) complete(f Facts) (Request, error) {
	if err := r.Order.Check(); err != nil {
		return r, err
	}
	if len(f.Orders) == 0 {
		return r, fmt.Errorf("the host's order book does not have it: %w", store.ErrNotFound)
	}
	for _, o := range f.Orders {
		if err := order.Check(o); err != nil {
			return r, err
		}
	}
	if err := order.CheckActor(r.By); err != nil {
		return r, fmt.Errorf("By: %w", err)
	}
	if len(r.Lines) == 0 {
		return r, errors.New("no lines: name at least one order item")
	}
	if err := queue.CheckKey(r.Key); err != nil {
		return r, err
	}
	if r.Origin == "" {
		r.Origin = FromOrder
		if r.RMA != "" {
			r.Origin = FromRMA
		}
	}
	if fromRMA := r.RMA != ""; fromRMA != (r.Origin == FromRMA) || !slices.Contains([]Origin{FromOrder, FromRMA, FromGoodwill}, r.Origin) {
		return r, fmt.Errorf("origin %q with RMA %q: want %s or %s, or %s with its RMA", string(r.Origin), r.RMA, FromOrder, FromGoodwill, FromRMA)
	}
	if r.SurplusAs != "" && !r.SurplusAs.Concession() {
		return r, fmt.Errorf("surplus as %q: want %s or %s", string(r.SurplusAs), order.Goodwill, order.ReturnShipping)
	}
	if r.Currency == "" {
		r.Currency = f.Orders[0].Currency
	}
	if cur := f.Orders[0].Currency; r.Currency != cur {
		return r, fmt.Errorf("%w: asked in %s, the order is in %s", order.ErrCurrency, r.Currency, cur)
	}
	for _, ask := range r.Lines {
		if err := ask.check(r); err != nil {
			return r, fmt.Errorf("item %s: %w", ask.Item, err)
		}
	}
	if err := f.Settings.Policy.Check(); err != nil {
		return r, fmt.Errorf("settings of company %s: %w", f.Orders[0].ID.Company, err)
	}
	_, err := r.Reason.Refund()
	return r, err
}

// check checks what can be told from one line of a request alone.
func (a Ask) check(r Request) error {
	if err := order.CheckAmounts(a.Amounts, r.Currency); err != nil {
		return err
	}
	if err := order.CheckAmounts(a.Fees, r.Currency); err != nil {
		return fmt.Errorf("fees: %w", err)
	}
	for _, c := range a.Fees.Components() {
		if c != order.RestockingFee && c != order.LabelCost {
			return fmt.Errorf("fees: %s is no deduction: want %s or %s", c, order.RestockingFee, order.LabelCost)
		}
	}
	if r.Origin == FromGoodwill {
		for _, c := range a.Amounts.Components() {
			if !c.Concession() {
				return fmt.Errorf("%s is no goodwill: want amounts of %s or %s, or a refund of the order", c, order.Goodwill, order.ReturnShipping)
			}
		}
		if a.Amounts.IsZero() {
			return fmt.Errorf("no goodwill: want amounts of %s or %s", order.Goodwill, order.ReturnShipping)
		}
	}
	return nil
}

// hostOrder is the host order that a refund is shown on: the one with the first
// line asked for.
func (f Facts) hostOrder(r Request) order.Order {
	for _, o := range f.Orders {
		if _, ok := o.Line(r.Lines[0].Item); ok {
			return o
		}
	}
	return f.Orders[0]
}

// admit refuses orders that this library must not refund.
func (f Facts) admit(r Request) error {
	if err := f.ours(r.Order); err != nil {
		return err
	}
	if r.OverRefund && !f.Settings.AllowOverRefund {
		return fmt.Errorf("%w: the setting %q is off", ErrOverNotAllowed, settings.AllowOverRefund)
	}
	return nil
}

// ours refuses orders of others: of Amazon, of no account, of another company.
func (f Facts) ours(id order.AmazonID) error {
	for _, o := range f.Orders {
		if o.Fulfilment == order.ByAmazon {
			return fmt.Errorf("%w: Amazon refunds its own orders; the settlement will show it", ErrAmazonFulfilled)
		}
		if f.Account.ID != id.Account {
			return fmt.Errorf("account %s is unknown: add it to Accounts", id.Account)
		}
		if f.Account.Company != o.ID.Company {
			return fmt.Errorf("account %s belongs to company %s, order %s does not", f.Account.ID, f.Account.Company, o.ID)
		}
	}
	return nil
}
