package refund

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/store"
)

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
		a.Currency == b.Currency && a.OverRefund == b.OverRefund && a.SurplusAs == b.SurplusAs && slices.EqualFunc(a.Asked, b.Asked, func(x, y Ask) bool {
		return x.Item == y.Item && x.Units == y.Units && x.Shipping == y.Shipping && x.Amounts.Equal(y.Amounts) && x.Fees.Equal(y.Fees)
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
	fmt.Fprintf(&b, "%s|%s|%s|%s|%s|%t|%s|%s|%d\n", r.Order, r.Origin, r.RMA, r.Reason, r.Currency, r.OverRefund, r.SurplusAs, l.LeftTotal(), earlier)
	for _, ask := range r.Asked {
		fmt.Fprintf(&b, "%s|%d|%t|%s|%s|%s\n", ask.Item, ask.Units, ask.Shipping, canonical(ask.Amounts), canonical(ask.Fees), canonical(l.Left(ask.Item)))
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
