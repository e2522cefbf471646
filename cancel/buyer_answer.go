package cancel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

// AcceptRequest grants a buyer's wish: the items are cancelled in the buyer's name.
type AcceptRequest struct {
	Order   order.AmazonID
	Items   []string // order item IDs; none: all whose wish is undecided
	SplitTo string   // number of the host order that they are split off into, where others stay; empty: Config.SplitNumber makes one
	By      string   // who accepts
	Why     string   // for people
}

// Accept cancels what the buyer wishes to have cancelled, with
// [amazon.ReasonBuyerCancelled]: the whole order when nothing else is left of it,
// otherwise the items are split off first, and the rest is free to ship once no wish
// is undecided. Where the rest already waits to be cancelled in parts, for the
// buyer, those are withdrawn and all of the order is cancelled together. Wishes that
// were declined or came too late can be accepted too, by naming their items, as long
// as the order can be cancelled.
//
// It saves on the service's own store, and decides again on conflict. It answers the
// cancellations: one, or one for each host order when several share the items. Where
// two of those have to be split, the second is ErrSplitPending until the order book
// shows the first: accept again then. A wish that was accepted before answers with
// its cancellation, and nothing is saved. A wish that is not on file is
// store.ErrNotFound.
func (s *Service) Accept(ctx context.Context, r AcceptRequest) ([]Cancellation, error) {
	var accepted []Cancellation
	joined := false
	for {
		var d Draft
		err := store.Retry(func() (err error) {
			if d, err = s.AcceptDraft(ctx, r); err != nil {
				return err
			}
			return d.Save(ctx, s.c.Store)
		})
		if errors.Is(err, ErrNothingLeft) && !joined {
			joined = true
			items, e := s.takeBackParts(ctx, r)
			if e != nil {
				return accepted, errors.Join(err, e)
			}
			if len(items) > 0 {
				r.Items, r.SplitTo = items, ""
				continue
			}
		}
		if err != nil {
			return accepted, err
		}
		d.Cancellation.Version = max(d.Cancellation.Version, 1)
		if slices.ContainsFunc(accepted, func(c Cancellation) bool { return c.ID == d.Cancellation.ID }) {
			return accepted, nil
		}
		accepted = append(accepted, d.Cancellation)
		if d.Existing || d.last {
			return accepted, nil
		}
		r.SplitTo = "" // it has its host order
	}
}

// takeBackParts withdraws the parts of an order that wait to be cancelled for the buyer,
// and answers their items with those of an acceptance: all of it can go together. It
// answers none where that is not so.
func (s *Service) takeBackParts(ctx context.Context, r AcceptRequest) ([]string, error) {
	if s.c.Withdraw == nil {
		return nil, nil
	}
	f, err := s.facts(ctx, Request{Order: r.Order})
	if err != nil {
		return nil, err
	}
	items, _, err := f.toAccept(r)
	if err != nil {
		return nil, err
	}
	parts := f.grantedParts()
	var ids []queue.EntryID
	for _, c := range parts {
		ids, items = append(ids, c.ID), append(items, c.Items...)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return items, s.c.Withdraw(ctx, r.By, "All of the order is cancelled.", ids...)
}

// grantedParts are the cancellations under way, if all of them are of parts for which
// the buyer asked, and whose host orders can be cancelled together.
func (f Facts) grantedParts() (parts []Cancellation) {
	for _, c := range f.Cancellations {
		if c.Outcome != Open {
			continue
		}
		granted := c.Part && !slices.ContainsFunc(c.Items, func(item string) bool {
			return !slices.ContainsFunc(f.Requests, func(b BuyerRequest) bool { return b.Item == item && b.State == RequestAccepted })
		})
		// One that the book shows as Cancelled has to be shown as it was before.
		cancelled := slices.ContainsFunc(f.Orders, func(o order.Order) bool { return o.ID == c.HostOrder && over(o) })
		if !granted || cancelled {
			return nil
		}
		parts = append(parts, c)
	}
	return parts
}

// AcceptDraft shows the cancellation that [Service.Accept] would save first, to be
// saved in a transaction of the host's. It only reads. Where several host orders
// have the items, each takes a draft of its own.
func (s *Service) AcceptDraft(ctx context.Context, r AcceptRequest) (Draft, error) {
	fail := func(err error) (Draft, error) {
		return Draft{}, fmt.Errorf("accept the buyer's wish about order %s: %w", r.Order.Number, err)
	}
	f, err := s.facts(ctx, Request{Order: r.Order})
	if err != nil {
		return fail(err)
	}
	if len(f.Orders) == 0 {
		return fail(fmt.Errorf("the host's order book does not have it: %w", store.ErrNotFound))
	}
	items, first, err := f.toAccept(r)
	if err != nil {
		return fail(err)
	}
	if first != "" {
		i := slices.IndexFunc(f.Cancellations, func(c Cancellation) bool { return c.ID == first })
		if i < 0 {
			return fail(fmt.Errorf("cancellation %s: %w", first, store.ErrNotFound))
		}
		return Draft{Cancellation: f.Cancellations[i], Existing: true}, nil
	}
	q, last, err := f.granting(items, s.c.SplitNumber, r)
	if err != nil {
		return fail(err)
	}
	d, err := Decide(f, q)
	if err != nil {
		return fail(err)
	}
	d.last = last
	return d, nil
}

// toAccept are the items whose wishes an acceptance is about, or the cancellation of
// the first one if all were accepted before.
func (f Facts) toAccept(r AcceptRequest) (items []string, first queue.EntryID, err error) {
	var accepted queue.EntryID
	unnamed := false
	for _, q := range f.Requests {
		asked := slices.Contains(r.Items, q.Item)
		switch {
		case q.State == RequestAccepted && (asked || len(r.Items) == 0):
			if accepted == "" {
				accepted = q.Entry
			}
		case q.Item == "":
			unnamed = unnamed || q.State == Undecided
		case asked && q.State == RequestOver:
			return nil, "", fmt.Errorf("the wish about item %s is over: %s", q.Item, q.Decided.By)
		case asked, len(r.Items) == 0 && q.State == Undecided:
			items = append(items, q.Item)
		}
	}
	for _, item := range r.Items {
		onFile := slices.ContainsFunc(f.Requests, func(q BuyerRequest) bool { return q.Item == item })
		switch {
		case !onFile && !unnamed:
			return nil, "", fmt.Errorf("no wish of the buyer about item %s: %w", item, store.ErrNotFound)
		case !onFile:
			items = append(items, item)
		}
	}
	switch {
	case len(items) > 0:
		return items, "", nil
	case unnamed:
		return nil, "", errors.New("the buyer's wish does not name its item: say which, in Items")
	case accepted != "":
		return nil, accepted, nil
	}
	return nil, "", fmt.Errorf("no wish of the buyer is undecided: %w", store.ErrNotFound)
}

// granting is the request that cancels items, or the first of the requests that do.
// Last says that it is the only one that is left.
func (f Facts) granting(items []string, number func(order.ID, int) string, r AcceptRequest) (q Request, last bool, err error) {
	q = Request{Order: r.Order, Reason: amazon.ReasonBuyerCancelled, Comment: r.Why, By: r.By}
	var open, with []order.Order
	whole := true
	for _, o := range slices.SortedFunc(slices.Values(f.Orders), func(a, b order.Order) int { return strings.Compare(a.ID.Number, b.ID.Number) }) {
		if over(o) || f.underCancellation(o.ID) {
			whole = whole && over(o) && !slices.ContainsFunc(f.Cancellations, func(c Cancellation) bool { return c.Outcome == Open && c.covers(o.ID) })
			continue
		}
		open = append(open, o)
		units, all := waiting(o, items)
		whole = whole && all
		if len(units) > 0 {
			with = append(with, o)
		}
	}
	switch {
	case len(with) == 0:
		return Request{}, false, fmt.Errorf("%w, or is being cancelled: nothing of these items waits", ErrShipped)
	case whole && len(f.Orders) > 1 && len(open) > 0:
		q.Whole = true
		return f.fresh(q), true, nil
	case whole:
		return f.fresh(q), true, nil
	}
	// Those that need no split go first: after a split the order book has to show it.
	slices.SortStableFunc(with, func(a, b order.Order) int {
		_, all := waiting(a, items)
		_, other := waiting(b, items)
		switch {
		case all == other:
			return 0
		case all:
			return -1
		}
		return 1
	})
	o := with[0]
	q.HostOrder = o.ID
	if units, all := waiting(o, items); !all {
		q.Split, q.SplitTo = units, r.SplitTo
		if q.SplitTo == "" {
			q.SplitTo = f.newNumber(o.ID, number)
		}
	}
	return f.fresh(q), len(with) == 1, nil
}

// waiting are the units of items that a host order still has to ship, and whether
// they are all of the order.
func waiting(o order.Order, items []string) (units []order.LineQuantity, all bool) {
	all = o.Shipping() == order.Unshipped
	for _, l := range o.Lines {
		n := waits(l)
		switch {
		case n <= 0:
		case slices.Contains(items, l.Item):
			units = append(units, order.LineQuantity{Item: l.Item, Quantity: n})
		default:
			all = false
		}
	}
	return units, all
}

// waits counts the units of a line that are still to be shipped.
func waits(l order.Line) int {
	return l.Ordered - l.Cancelled - max(l.Shipped, l.Returned, l.Refunded)
}

// fresh gives a request a key of its own when a cancellation under the usual one has
// ended without effect: the buyer's wish stands.
func (f Facts) fresh(q Request) Request {
	id := queue.NewEntryID(queue.KindCancellation, f.Orders[0].ID.Company, f.key(q))
	if slices.ContainsFunc(f.Cancellations, func(c Cancellation) bool { return c.ID == id && c.ended() }) {
		q.Key = fmt.Sprintf("buyer/%s/%d", q.Order, len(f.Cancellations))
	}
	return q
}

// newNumber is a number for a host order that is split off which no other one of the
// Amazon order has.
func (f Facts) newNumber(of order.ID, number func(order.ID, int) string) string {
	for n := 1; ; n++ {
		to := fmt.Sprintf("%s-%d", of.Number, n)
		if number != nil {
			to = number(of, n)
		}
		taken := slices.ContainsFunc(f.Orders, func(o order.Order) bool { return o.ID.Number == to }) ||
			slices.ContainsFunc(f.Cancellations, func(c Cancellation) bool { return c.HostOrder.Number == to })
		if !taken || n > len(f.Orders)+len(f.Cancellations) {
			return to
		}
	}
}

// Decline records that the merchant ships what the buyer wished to have cancelled:
// the items, or all whose wish is undecided when none is named. Our hold is released
// once no wish about the Amazon order is undecided, and the previous status returns unless
// somebody changed it. The same wish holds nothing again; a notification of a later
// change, or another reason, is another wish. It answers the order's wishes. Declining
// again changes nothing; a wish that is not on file is store.ErrNotFound, and naming one
// that was accepted is an error: its cancellation has to be withdrawn. Without items,
// accepted wishes stay accepted.
func (s *Service) Decline(ctx context.Context, id order.AmazonID, by, why string, items ...string) (rs []BuyerRequest, err error) {
	if err = order.CheckActor(by); err == nil {
		err = store.Retry(func() error {
			f, err := s.facts(ctx, Request{Order: id})
			if err != nil {
				return err
			}
			ch, err := f.decline(items, order.Stamp{By: by, At: f.Now.UTC(), Why: why})
			if err != nil || len(ch.Requests) == 0 {
				return err
			}
			return s.c.Store.SaveCancellations(ctx, []Change{ch})
		})
	}
	if err == nil {
		rs, err = s.c.Store.BuyerRequests(ctx, RequestQuery{Orders: []order.AmazonID{id}})
	}
	if err != nil {
		return nil, fmt.Errorf("decline the buyer's wish about order %s: %w", id.Number, err)
	}
	return rs, nil
}

func (f Facts) decline(items []string, s order.Stamp) (Change, error) {
	w := newWishes(f, s)
	for _, item := range items {
		if _, ok := w.find(item); !ok {
			return Change{}, fmt.Errorf("no wish of the buyer about item %s: %w", item, store.ErrNotFound)
		}
	}
	if len(w.all) == 0 {
		return Change{}, fmt.Errorf("no wish of the buyer: %w", store.ErrNotFound)
	}
	for i := range w.all {
		r := &w.all[i]
		switch {
		case len(items) > 0 && !slices.Contains(items, r.Item):
		case r.State == Undecided:
			w.become(r, RequestDeclined)
			w.tell(r, "The buyer's wish to cancel %s was declined: the order ships.%s", r.what(), because(s.Why))
		case r.State == RequestAccepted && len(items) > 0:
			return Change{}, fmt.Errorf("the wish about item %s was accepted by %s: withdraw cancellation %s instead", r.Item, r.Decided.By, r.Entry)
		}
	}
	return w.change(true), nil
}

// byPolicy is who accepts where the policy does.
const byPolicy = "policy"

// autoAccept accepts what is undecided about orders of an account, where the policy
// says so. What cannot be accepted stays held, and people are told.
func (s *Service) autoAccept(ctx context.Context, a amazon.Account, ids []order.AmazonID) error {
	open, err := s.c.Store.BuyerRequests(ctx, RequestQuery{Orders: ids, States: []RequestState{Undecided}})
	if err != nil || len(open) == 0 {
		return err
	}
	set, err := s.c.Settings.Settings(ctx, a.Company)
	if err != nil || set.Policy.OnBuyerRequest != settings.BuyerRequestAccepted {
		return err
	}
	var errs []error
	tried := map[order.AmazonID]bool{}
	for _, r := range open {
		if r.HostOrder.Number == "" || tried[r.Order] {
			continue
		}
		tried[r.Order] = true
		_, err := s.Accept(ctx, AcceptRequest{Order: r.Order, By: byPolicy, Why: "The policy accepts buyers' wishes."})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			errs = append(errs, s.notAccepted(ctx, a, r, err))
		}
	}
	return errors.Join(errs...)
}

// notAccepted tells people, once for each wish, that the policy could not accept it.
func (s *Service) notAccepted(ctx context.Context, a amazon.Account, r BuyerRequest, why error) error {
	key := r.alertKey("policy")
	told, err := s.c.Store.Alerts(ctx, order.AlertQuery{Keys: []string{key}, Closed: true})
	if err != nil || len(told) > 0 {
		return err
	}
	return store.Retry(func() error {
		facts, err := s.factsOf(ctx, a, []order.AmazonID{r.Order})
		if err != nil {
			return err
		}
		w := newWishes(facts[0], order.Stamp{By: byPolicy, At: s.c.Now().UTC()})
		w.alert(&r, "policy", "the policy accepts the buyer's wish to cancel %s, and that is not possible: %v", r.what(), why)
		return s.c.Store.SaveCancellations(ctx, []Change{w.ch})
	})
}
