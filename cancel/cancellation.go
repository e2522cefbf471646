package cancel

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
)

// Outcome is what became of a cancellation.
type Outcome string

const (
	Open      Outcome = "Open"      // asked for; Amazon has not answered
	Cancelled Outcome = "Cancelled" // Amazon accepted it, or the order was cancelled another way
	Refused   Outcome = "Refused"   // Amazon refused it; the gate stays closed until a person opens it
	GivenUp   Outcome = "GivenUp"   // a person decided not to send it any more; the gate stays closed as well
	Dropped   Outcome = "Dropped"   // rejected or withdrawn before it was sent
)

// Proof is what the order at Amazon says of a cancellation. No settlement shows one,
// but what the buyer gets back for a part.
type Proof string

const (
	Unproven  Proof = ""          // Amazon has not shown the order as cancelled yet
	Confirmed Proof = "Confirmed" // it has
)

// Cancellation is a host order that shall not be shipped. The queue entry with
// the same ID tells how far its way to Amazon is.
type Cancellation struct {
	ID        queue.EntryID
	Version   int64
	HostOrder order.ID
	Order     order.AmazonID
	Key       string   // unique for ever within the company
	Items     []string // every item of the order, or of the part
	Reason    amazon.Reason
	Comment   string // for people; never sent

	// Units are the units of each item that are cancelled. Part says that they are
	// the units of a host order that was split off, while others of the Amazon order
	// are shipped: it travels as an adjustment, once those are.
	Units []order.LineQuantity
	Part  bool

	// SplitFrom is the host order that the part was split off from in the save that
	// asked for its cancellation; zero: none was. SplitBy is the key of the effect that
	// does it. Also are the other host orders of the Amazon order, where all of them are
	// cancelled together.
	SplitFrom order.ID
	SplitBy   string
	Also      []Carrier

	Local   bool // Do Not Send To Amazon: the host's order alone is cancelled
	ZeroOut bool // the stock of its SKUs was set to nothing

	Before  order.Status // the order's status when it was asked for; comes back when it is dropped
	Shown   order.Status // the status that its host orders got by it
	Outcome Outcome

	// Proof is what the order at Amazon showed. LookAt is when to read it next; zero:
	// not any more.
	Proof  Proof
	LookAt time.Time
	Code   int    // Amazon's, when it refused
	Text   string // Amazon's words, when it refused

	Requested order.Stamp
	Ended     order.Stamp // when its entry came to its end; zero while it has none
}

// Carrier is a host order and the status that it had when its cancellation was
// asked for.
type Carrier struct {
	HostOrder order.ID
	Before    order.Status
}

// carriers are the host orders that are cancelled.
func (c Cancellation) carriers() []Carrier {
	return append([]Carrier{{c.HostOrder, c.Before}}, c.Also...)
}

// before is the status that a host order had when its cancellation was asked for: one
// that was split off since had that of the first.
func (c Cancellation) before(id order.ID) order.Status {
	for _, o := range c.carriers() {
		if o.HostOrder == id {
			return o.Before
		}
	}
	return c.Before
}

// setBefore notes the status that a host order had when the cancellation was asked for.
func (c *Cancellation) setBefore(id order.ID, status order.Status) {
	if c.HostOrder == id {
		c.Before = status
	}
	for i := range c.Also {
		if c.Also[i].HostOrder == id {
			c.Also[i].Before = status
		}
	}
}

// covers tells whether a host order of the Amazon order is cancelled with it. What
// is no part is all of the Amazon order, however it is split later.
func (c Cancellation) covers(id order.ID) bool { return !c.Part || c.HostOrder == id }

func (c Cancellation) clone() Cancellation {
	c.Items, c.Units, c.Also = slices.Clone(c.Items), slices.Clone(c.Units), slices.Clone(c.Also)
	return c
}

// ended tells that the cancellation has no effect any more, unless it is tried
// again.
func (c Cancellation) ended() bool {
	return c.Outcome == Dropped || c.Outcome == Refused || c.Outcome == GivenUp
}

// retried tells that the entry is tried again after it had ended.
func (c Cancellation) retried(e queue.Entry) bool {
	return e.State == queue.EntryQueued && !c.Ended.At.IsZero()
}

func (c Cancellation) renew() string {
	return fmt.Sprintf("cancellation %s was asked for before and is %s: Queue.Retry renews it", c.ID, c.Outcome)
}

// Cause is the cancellation as the ledger names it.
func (c Cancellation) Cause() order.Cause {
	return order.Cause{Kind: order.CauseCancellation, ID: string(c.ID)}
}

// Gate records what happened at the ship gate of a host order. An order without
// one was never handed over.
type Gate struct {
	HostOrder order.ID
	Order     order.AmazonID
	Version   int64

	HandedOver order.Stamp // zero: not handed over
	Opened     order.Stamp // zero: no person has opened it; counts for refusals before it only
}

// Query selects cancellations. An empty field selects all; the fields are
// joined by "and". Answers are in the order of Requested.At, then of ID.
type Query struct {
	IDs        []queue.EntryID
	Company    order.CompanyID
	Orders     []order.AmazonID
	HostOrders []order.ID
	LookBy     time.Time // not zero: those whose LookAt is set and this or earlier
	After      Cursor
	Limit      int // 0: no limit
}

// Cursor is a place between two cancellations of a list.
type Cursor struct {
	RequestedAt time.Time
	ID          queue.EntryID
}

// Cursor marks a place in a list of cancellations; see [Query.After].
func (c Cancellation) Cursor() Cursor { return Cursor{c.Requested.At, c.ID} }

// Match reports whether the query selects a cancellation; After and Limit are
// about lists and do not count.
func (q Query) Match(c Cancellation) bool {
	return (len(q.IDs) == 0 || slices.Contains(q.IDs, c.ID)) &&
		(q.Company == "" || q.Company == c.HostOrder.Company) &&
		(len(q.Orders) == 0 || slices.Contains(q.Orders, c.Order)) &&
		(len(q.HostOrders) == 0 || slices.Contains(q.HostOrders, c.HostOrder)) &&
		(q.LookBy.IsZero() || !c.LookAt.IsZero() && !c.LookAt.After(q.LookBy))
}

// Store keeps cancellations and ship gates. See package store for what every
// save and read owes.
type Store interface {
	// Cancellations returns the cancellations that a query selects.
	Cancellations(ctx context.Context, q Query) ([]Cancellation, error)

	// Gates returns the gates of these host orders, in any order, leaving out
	// those that have none.
	Gates(ctx context.Context, ids []order.ID) ([]Gate, error)

	// BuyerRequests returns the buyers' wishes that a query selects.
	BuyerRequests(ctx context.Context, q RequestQuery) ([]BuyerRequest, error)

	// Alerts returns the alerts that a query selects: what was told once is not told
	// again.
	Alerts(ctx context.Context, q order.AlertQuery) ([]order.Alert, error)

	// Ledgers returns the ledger of each of these Amazon orders, in their order.
	// An order about which nothing was saved has an empty ledger of version 0.
	Ledgers(ctx context.Context, ids []order.AmazonID) ([]order.Ledger, error)

	// SaveCancellations saves changes, all or nothing.
	SaveCancellations(ctx context.Context, cs []Change) error
}

// Change is everything that one decision about one Amazon order writes.
type Change struct {
	Cancellations []Cancellation
	Gates         []Gate
	Requests      []BuyerRequest
	Entries       []queue.Entry
	order.Writes
}
