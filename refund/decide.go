package refund

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

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

	// OverRefund lets what goes beyond a line's charges travel as Goodwill. It
	// needs the setting, and a Token: somebody saw the draft.
	OverRefund bool

	Key   string // the host's own; unique for ever within the company
	Token string // of the draft that somebody confirmed
	By    string // who asks
}

// What a caller may want to tell apart. More than is left is [order.ErrOver],
// another currency [order.ErrCurrency].
var (
	ErrKeyReused       = errors.New("key was used for another refund")
	ErrUnconfirmed     = errors.New("refund was not confirmed")
	ErrNotShipped      = errors.New("units are not confirmed as shipped")
	ErrAmazonFulfilled = errors.New("order is fulfilled by Amazon")
	ErrOverNotAllowed  = errors.New("over-refund is not allowed")
	ErrEnded           = errors.New("refund was asked for before and ended without paying")
)

// Facts is everything that a decision rests on.
type Facts struct {
	Account  amazon.Account // of the order; zero when it is unknown
	Orders   []order.Order  // the host orders that carry the Amazon order
	Ledger   order.Ledger
	Refunds  []Refund // of the Amazon order, and the one with the request's key
	Settings settings.Settings
	Now      time.Time
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
	refund := Refund{
		HostOrder: f.hostOrder(r).ID, Order: r.Order, Origin: r.Origin, RMA: r.RMA,
		Token: r.Token, Asked: r.Lines, Currency: r.Currency, Reason: r.Reason, Comment: r.Comment,
		OverRefund: r.OverRefund,
		Issued:     order.Stamp{By: r.By, At: f.Now.UTC(), Why: r.Comment},
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
	if r.By == "" {
		return r, errors.New("nobody asks: set By to who does")
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
	if r.Currency == "" {
		r.Currency = f.Orders[0].Currency
	}
	if cur := f.Orders[0].Currency; r.Currency != cur {
		return r, fmt.Errorf("%w: asked in %s, the order is in %s", order.ErrCurrency, r.Currency, cur)
	}
	for _, ask := range r.Lines {
		if err := order.CheckAmounts(ask.Amounts, r.Currency); err != nil {
			return r, fmt.Errorf("item %s: %w", ask.Item, err)
		}
	}
	_, err := r.Reason.Refund()
	return r, err
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

// ordinal numbers the refunds of one RMA. It is the number that was shown, which
// a token carries, not one counted again.
func (f Facts) ordinal(r Request) int {
	if r.RMA == "" {
		return 0
	}
	if shown, _, ok := strings.Cut(r.Token, "."); ok {
		if n, err := strconv.Atoi(shown); err == nil && n > 0 {
			return n
		}
	}
	n := 1
	for _, earlier := range f.Refunds {
		if earlier.RMA == r.RMA {
			n = max(n, earlier.Ordinal+1)
		}
	}
	return n
}

// first looks for the refund that this one repeats.
func (f Facts) first(refund Refund, r Request) (Draft, error) {
	if r.Key == "" && r.Token == "" {
		return Draft{}, nil
	}
	id := queue.NewEntryID(queue.KindRefund, refund.HostOrder.Company, key(refund, r))
	at := slices.IndexFunc(f.Refunds, func(e Refund) bool { return e.ID == id })
	if at < 0 {
		return Draft{}, nil
	}
	first := f.Refunds[at]
	switch {
	case same(first, refund) && (r.Key != "" || r.Token == first.Token):
		d := Draft{Refund: first, Token: first.Token, Existing: true}
		if first.ended() {
			d.Warnings = []string{first.renew()}
		}
		return d, nil
	case r.Key == "" && r.Token == first.Token:
		return Draft{}, fmt.Errorf("the token confirmed %s, which asks for something else: show this one first: %w", first.ID, store.ErrConflict)
	case r.Key == "":
		return Draft{}, fmt.Errorf("another refund of RMA %s was issued since this one was shown: show it anew: %w", r.RMA, store.ErrConflict)
	}
	return Draft{}, fmt.Errorf("%w: key %q belongs to %s of order %s: use a new key for a new refund", ErrKeyReused, r.Key, first.ID, first.Order.Number)
}

// same compares what was asked for as values. Who asks, and what the comment
// says, may differ.
func same(a, b Refund) bool {
	return a.Order == b.Order && a.Origin == b.Origin && a.RMA == b.RMA && a.Reason == b.Reason &&
		a.Currency == b.Currency && a.OverRefund == b.OverRefund && slices.EqualFunc(a.Asked, b.Asked, func(x, y Ask) bool {
		return x.Item == y.Item && x.Units == y.Units && x.Shipping == y.Shipping && x.Amounts.Equal(y.Amounts)
	})
}

// key names the business event behind a refund.
func key(refund Refund, r Request) string {
	switch {
	case r.Key != "":
		return "host/" + r.Key
	case refund.RMA != "":
		return fmt.Sprintf("rma/%s/%d", refund.RMA, refund.Ordinal)
	}
	return fmt.Sprintf("order/%s/%s", refund.Order.Number, refund.Token)
}

// earlier counts the refunds that the Amazon order has had, whatever became of
// them.
func (f Facts) earlier() int {
	n := 0
	for _, r := range f.Refunds {
		if r.Order == f.Ledger.Order {
			n++
		}
	}
	return n
}

// newToken names the content of a refund and the balances it was decided on. It
// counts the earlier refunds too: when Amazon refused one, the balances are what
// they were before it, and the next one like it is still another. The row
// version is left out on purpose: a tracking number that arrives meanwhile does
// not undo what a person confirmed.
func newToken(r Refund, l order.Ledger, earlier int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s|%s|%s|%s|%s|%t|%s|%d\n", r.Order, r.Origin, r.RMA, r.Reason, r.Currency, r.OverRefund, l.LeftTotal(), earlier)
	for _, ask := range r.Asked {
		fmt.Fprintf(&b, "%s|%d|%t|%s|%s\n", ask.Item, ask.Units, ask.Shipping, canonical(ask.Amounts), canonical(l.Left(ask.Item)))
	}
	sum := sha256.Sum256([]byte(b.String()))
	token := hex.EncodeToString(sum[:12])
	if r.RMA != "" {
		return fmt.Sprintf("%d.%s", r.Ordinal, token)
	}
	return token
}

// canonical writes equal amounts equally: 1.5 and 1.50 are the same money.
func canonical(a order.Amounts) string {
	var b strings.Builder
	for _, c := range a.Components() {
		fmt.Fprintf(&b, "%s=%s;", c, a[c].String())
	}
	return b.String()
}

// admit refuses orders that this library must not refund.
func (f Facts) admit(r Request) error {
	for _, o := range f.Orders {
		if o.Fulfilment == order.ByAmazon {
			return fmt.Errorf("%w: Amazon refunds its own orders; the settlement will show it", ErrAmazonFulfilled)
		}
		if f.Account.ID != r.Order.Account {
			return fmt.Errorf("account %s is unknown: add it to Accounts", r.Order.Account)
		}
		if f.Account.Company != o.ID.Company {
			return fmt.Errorf("account %s belongs to company %s, order %s does not", f.Account.ID, f.Account.Company, o.ID)
		}
	}
	if r.OverRefund && !f.Settings.AllowOverRefund {
		return fmt.Errorf("%w: the setting %q is off", ErrOverNotAllowed, settings.AllowOverRefund)
	}
	return nil
}

// line decides one line: its amounts and the postings that reserve them.
func (f Facts) line(l order.Ledger, d *Draft, r Request, ask Ask) (Line, []order.Posting, error) {
	of := f.orderLine(ask.Item)
	switch {
	case of.Item == "":
		if err := order.CheckItem(ask.Item); err != nil {
			return Line{}, nil, err
		}
		return Line{}, nil, fmt.Errorf("item %s is not in the order; its items are %s", ask.Item, strings.Join(f.items(), ", "))
	case slices.ContainsFunc(d.Refund.Lines, func(e Line) bool { return e.Item == ask.Item }):
		return Line{}, nil, fmt.Errorf("item %s is asked for twice: add the two up", ask.Item)
	case ask.Units < 0:
		return Line{}, nil, fmt.Errorf("item %s: %d units: want 0 or more", ask.Item, ask.Units)
	case of.Shipped == 0:
		return Line{}, nil, fmt.Errorf("item %s: %w: cancel instead", ask.Item, ErrNotShipped)
	}
	refunded := f.unitsRefunded(ask.Item)
	if free := of.Shipped - refunded; ask.Units > free {
		reason := ErrNotShipped
		if of.Shipped >= of.Ordered-of.Cancelled {
			reason = order.ErrOver
		}
		return Line{}, nil, fmt.Errorf("item %s: %d units: %w: %d of %d are shipped and %d refunded: ask for at most %d",
			ask.Item, ask.Units, reason, of.Shipped, of.Ordered, refunded, max(0, free))
	}

	if err := f.returned(r, ask); err != nil {
		return Line{}, nil, err
	}

	amounts := ask.Amounts
	if amounts != nil {
		if err := shippedShare(l, of, ask, r.Currency); err != nil {
			return Line{}, nil, err
		}
	}
	if amounts == nil {
		if ask.Units == 0 {
			return Line{}, nil, fmt.Errorf("item %s: nothing asked for: name units or amounts", ask.Item)
		}
		left := l.Left(ask.Item)
		if !ask.Shipping {
			delete(left, order.Shipping)
			delete(left, order.ShippingTax)
		}
		amounts = order.Prorate(left, ask.Units, of.Ordered-of.Cancelled-refunded, r.Currency)
	}
	switch {
	case amounts.IsZero() && ask.Amounts == nil:
		return Line{}, nil, fmt.Errorf("item %s: %d units: %w: their share of %s is nothing", ask.Item, ask.Units, order.ErrOver, l.Left(ask.Item).In(r.Currency))
	case amounts.IsZero():
		return Line{}, nil, fmt.Errorf("item %s: a refund of nothing; left of it is %s", ask.Item, l.Left(ask.Item).In(r.Currency))
	}
	for _, c := range amounts.Components() {
		if !c.Charged() && !c.Concession() {
			return Line{}, nil, fmt.Errorf("item %s: %s is a deduction: lower Principal by it instead", ask.Item, c)
		}
	}

	if r.OverRefund {
		amounts = d.surplus(l, ask.Item, amounts)
	}
	reserved, err := l.Reserve(d.Refund.Cause(), ask.Item, amounts, r.OverRefund, d.Refund.Issued)
	if err != nil {
		return Line{}, nil, err
	}
	return Line{Item: ask.Item, SKU: of.SKU, Units: ask.Units, Amounts: amounts.Plus(nil), Outcome: LineOpen}, reserved, nil
}

// orderLine is the order line of an item. A split may have left units of it on
// several host orders: the money is shared by all of them.
func (f Facts) orderLine(item string) order.Line {
	var of order.Line
	for _, o := range f.Orders {
		if part, ok := o.Line(item); ok {
			of.Item, of.SKU = part.Item, part.SKU
			of.Ordered += part.Ordered
			of.Shipped += part.Shipped
			of.Cancelled += part.Cancelled
		}
	}
	return of
}

// surplus turns what goes beyond the charges of a line into Goodwill, because
// Amazon refuses it under its own name.
func (d *Draft) surplus(l order.Ledger, item string, ask order.Amounts) order.Amounts {
	left := l.Left(item)
	over := order.Amounts{}
	for _, c := range ask.Components() {
		if beyond := ask[c].Sub(decimal.Max(decimal.Zero, left[c])); c.Charged() && beyond.IsPositive() {
			over[c] = beyond
		}
	}
	return ask.Minus(over).Plus(order.Amounts{order.Goodwill: over.Total()})
}

// returned refuses units beyond those that come back on the RMA.
func (f Facts) returned(r Request, ask Ask) error {
	if r.RMA == "" || ask.Returned == 0 {
		return nil
	}
	var ofRMA Facts
	for _, earlier := range f.Refunds {
		if earlier.RMA == r.RMA {
			ofRMA.Refunds = append(ofRMA.Refunds, earlier)
		}
	}
	if refunded := ofRMA.unitsRefunded(ask.Item); refunded+ask.Units > ask.Returned {
		return fmt.Errorf("item %s: %d units are %w of RMA %s: %d come back, %d are refunded", ask.Item, ask.Units, order.ErrOver, r.RMA, ask.Returned, refunded)
	}
	return nil
}

// shippedShare refuses exact amounts beyond what the shipped units cost, while
// others of the line are not shipped: those are cancelled.
func shippedShare(l order.Ledger, of order.Line, ask Ask, cur order.Currency) error {
	units := of.Ordered - of.Cancelled
	if of.Shipped >= units {
		return nil
	}
	charged := order.Prorate(l.Sum(order.Charged, ask.Item), of.Shipped, units, cur)
	left := charged.Minus(l.Sum(order.Posted, ask.Item)).Minus(l.Sum(order.Reserved, ask.Item))
	for _, c := range ask.Amounts.Components() {
		if c.Charged() && ask.Amounts[c].GreaterThan(left[c]) {
			return fmt.Errorf("item %s: %s of %s is more than the %s left of the %d shipped of %d units: %w: cancel the others", ask.Item,
				order.Format(ask.Amounts[c], cur), c, order.Format(decimal.Max(decimal.Zero, left[c]), cur), of.Shipped, units, ErrNotShipped)
		}
	}
	return nil
}

// unitsRefunded counts the units whose refund is open or paid.
func (f Facts) unitsRefunded(item string) int {
	n := 0
	for _, r := range f.Refunds {
		for _, l := range r.Lines {
			if l.Item == item && l.Outcome != LineVoided {
				n += l.Units
			}
		}
	}
	return n
}

func (f Facts) items() []string {
	var items []string
	for _, o := range f.Orders {
		for _, l := range o.Lines {
			items = append(items, l.Item)
		}
	}
	return items
}
