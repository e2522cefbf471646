package cancel

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
)

// Request asks for the cancellation of an order, or of a part of one.
//
// An Amazon order that one host order carries is cancelled as a whole. Where
// several share it, after a split, HostOrder names the one that is cancelled, as a
// part of the Amazon order, and Whole asks for all of them. Split takes units off a
// host order first and cancels those.
type Request struct {
	Order     order.AmazonID
	HostOrder order.ID // may be empty where one host order alone carries the Amazon order
	Whole     bool     // all host orders of the Amazon order

	// Split are units of the host order that are to be split off into a new host
	// order with the number SplitTo, in the save that asks for its cancellation. The
	// order book must carry out [order.EffectSplit]: until it shows the new order, nothing
	// of the Amazon order may ship.
	Split   []order.LineQuantity
	SplitTo string

	Reason  amazon.Reason
	Comment string // for people, in the notes of the order; never sent
	Key     string // the host's own, unique for ever within the company; empty: the order's, or the part's
	By      string // who asks

	// ZeroOut sets the stock of what is cancelled to nothing, and Local is Do Not Send
	// To Amazon: the host's order alone is cancelled. Each wants its setting.
	ZeroOut, Local bool

	Acknowledge []CautionCode // the cautions that somebody has read
}

// What a caller may want to tell apart.
var (
	ErrKeyReused       = errors.New("key was used for another cancellation")
	ErrShipped         = errors.New("order has shipped")
	ErrHandedOver      = errors.New("order was handed over for shipping")
	ErrShared          = errors.New("several host orders share the Amazon order")
	ErrAmazonFulfilled = errors.New("order is fulfilled by Amazon")
	ErrEnded           = errors.New("cancellation was asked for before and ended without effect")
	ErrNotAllowed      = errors.New("the settings do not allow it")
	ErrSplitPending    = errors.New("the order book does not show the split yet")
	ErrNothingLeft     = errors.New("nothing of the Amazon order would be left to ship")
	ErrUnacknowledged  = errors.New("cautions were not acknowledged")
)

func (r Request) check() error {
	switch err := cmp.Or(order.CheckActor(r.By), queue.CheckKey(r.Key), order.CheckName("split to number", r.SplitTo)); {
	case err != nil:
		return err
	case r.Whole && len(r.Split) > 0:
		return errors.New("Whole and Split contradict each other: ask for one of them")
	case (r.SplitTo == "") != (len(r.Split) == 0):
		return fmt.Errorf("split of %d items to number %q: want both, or neither", len(r.Split), r.SplitTo)
	}
	return nil
}

// key names the business event: an order, or a part of one, is cancelled once.
func (f Facts) key(r Request) string {
	switch {
	case r.Key != "":
		return "host/" + r.Key
	case r.SplitTo != "":
		return "part/" + r.SplitTo
	case r.HostOrder != order.ID{} && !r.Whole && len(f.Orders) > 1:
		return "part/" + r.HostOrder.Number
	}
	return "order/" + r.Order.String()
}

// answers tells whether the cancellation is what a request asks for: same key, same
// content.
func (c Cancellation) answers(r Request) bool {
	asked := order.ID{Company: c.HostOrder.Company, Number: r.SplitTo}
	source := r.HostOrder
	if r.SplitTo == "" {
		asked, source = r.HostOrder, order.ID{}
	}
	return c.Order == r.Order && c.Reason == r.Reason && c.Local == r.Local && (c.ZeroOut || !r.ZeroOut) &&
		(r.Whole && !c.Part || !r.Whole && (asked == order.ID{} || asked == c.HostOrder)) &&
		(source == order.ID{} || source == c.SplitFrom) &&
		(r.SplitTo == "" || sameUnits(r.Split, c.Units))
}

func sameUnits(a, b []order.LineQuantity) bool {
	inOrder := func(a []order.LineQuantity) []order.LineQuantity {
		return slices.SortedFunc(slices.Values(a), func(x, y order.LineQuantity) int { return strings.Compare(x.Item, y.Item) })
	}
	return slices.Equal(inOrder(a), inOrder(b))
}

// target is what a request is about.
type target struct {
	carriers []order.Order // host orders that are cancelled; the first one is the cancellation's
	others   []order.Order // of the Amazon order; of a whole one those that are over already
	part     bool          // of the Amazon order
	from     order.ID      // that the part is split off from
}

// target finds the host orders that a request is about, the way they are once a
// split is done.
func (f Facts) target(r Request) (target, error) {
	orders := slices.SortedFunc(slices.Values(f.Orders), func(a, b order.Order) int { return strings.Compare(a.ID.Number, b.ID.Number) })
	i := slices.IndexFunc(orders, func(o order.Order) bool { return o.ID == r.HostOrder })
	unnamed := r.HostOrder == order.ID{}
	switch {
	case i < 0 && !unnamed:
		return target{}, fmt.Errorf("host order %s does not carry it: want one of %s", r.HostOrder, names(orders))
	case r.Whole:
		open := slices.DeleteFunc(slices.Clone(orders), over)
		if len(open) == 0 {
			return target{carriers: orders}, nil // admit says what is wrong
		}
		closed := slices.DeleteFunc(orders, func(o order.Order) bool { return !over(o) })
		return target{carriers: open, others: closed}, nil
	case unnamed && len(orders) > 1:
		return target{}, fmt.Errorf("%w: Amazon would cancel them all: set HostOrder to one of %s, or Whole", ErrShared, names(orders))
	}
	i = max(i, 0)
	own, others := orders[i], slices.Delete(slices.Clone(orders), i, i+1)
	if len(r.Split) == 0 {
		return target{carriers: []order.Order{own}, others: others, part: len(others) > 0}, nil
	}
	if slices.ContainsFunc(orders, func(o order.Order) bool { return o.ID.Number == r.SplitTo }) {
		return target{}, fmt.Errorf("split to %q: host order %[1]q carries the Amazon order already: want a new number", r.SplitTo)
	}
	rest, part, err := order.Split(own, r.SplitTo, r.Split)
	if err != nil {
		return target{}, err
	}
	return target{carriers: []order.Order{part}, others: append(others, rest), part: true, from: own.ID}, nil
}

// over tells that nothing of a host order is left to ship or to cancel.
func over(o order.Order) bool {
	return o.Status == order.StatusCancelled || o.Status == order.StatusVoid
}

func names(orders []order.Order) string {
	var ids []string
	for _, o := range orders {
		ids = append(ids, o.ID.String())
	}
	return strings.Join(ids, ", ")
}
