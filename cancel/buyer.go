package cancel

import (
	"slices"
	"time"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
)

// BuyerRequest is a buyer's wish to have an order item cancelled. There is one for
// each item, for ever: a later wish changes it, and the audit rows of the order tell
// what came before. It has no effect at Amazon until the merchant cancels.
type BuyerRequest struct {
	Order     order.AmazonID
	Item      string   // order item ID; empty: one of the order that the source does not name
	HostOrder order.ID // that carries the item; without a number: the host does not know the order
	Version   int64

	Wish     int        // which wish of the item it is: 1 for the first
	Reason   string     // the buyer's, in Amazon's words; empty: unknown
	Seen     []Sighting // the earliest first
	Deadline time.Time  // until when Amazon wants an answer, counted from the earliest evidence
	Overdue  bool       // people were told that the deadline is over

	State   RequestState
	Holds   []HeldOrder   // the host orders that are held while it is undecided
	Decided order.Stamp   // who or what brought it to its state; zero while it is undecided
	Entry   queue.EntryID // the cancellation, when it was accepted

	LookAt time.Time // when to look after it next; zero: not any more
}

// HeldOrder is a host order that is held for a buyer's wish.
type HeldOrder struct {
	ID     order.ID
	Before order.Status // comes back with the release, unless somebody changed it
}

// RequestState is where a buyer's wish stands.
type RequestState string

const (
	Undecided       RequestState = "Undecided" // the order must not ship until somebody decides
	RequestAccepted RequestState = "Accepted"  // its cancellation was asked for
	RequestDeclined RequestState = "Declined"  // the merchant ships; the same wish holds nothing again
	RequestTooLate  RequestState = "TooLate"   // it came when the order could not be held any more
	RequestOver     RequestState = "Over"      // the item is cancelled or shipped at Amazon
)

// Sighting is one place where a buyer's wish was seen.
type Sighting struct {
	Source string    // such as [FromOrderReport]
	At     time.Time // when the wish was made at the latest, as the source says
	Clock  Clock     // what At is
	Reason string    // in the words of the source; empty: it gives none
	Past   bool      // of an earlier wish, which was decided; it does not count for the deadline
}

// Where a wish is seen.
const (
	FromOrderReport  = "order report"
	FromAllOrders    = "all-orders report"
	FromOrdersAPI    = "Orders API"
	FromNotification = "notification"
)

// Clock tells what the time of a [Sighting] is. The earliest of all is what the
// deadline counts from.
type Clock string

const (
	ByNotification Clock = "Notification" // when the change was made that Amazon notified of
	ByLastUpdate   Clock = "LastUpdate"   // when the order last changed at Amazon
	ByFirstSeen    Clock = "FirstSeen"    // when Amazon made the report, or else when it was first seen here
)

// RequestKey names a buyer's wish.
type RequestKey struct {
	Order order.AmazonID
	Item  string
}

// Key is the wish's name.
func (r BuyerRequest) Key() RequestKey { return RequestKey{r.Order, r.Item} }

// RequestQuery selects buyers' wishes. An empty field selects all; the fields are
// joined by "and". Answers are in the order of Deadline, then of account, order
// number and item.
type RequestQuery struct {
	Company order.CompanyID
	Orders  []order.AmazonID
	States  []RequestState
	LookBy  time.Time // not zero: those whose LookAt is set and this or earlier
	After   RequestCursor
	Limit   int // 0: no limit
}

// RequestCursor is a place between two wishes of a list.
type RequestCursor struct {
	Deadline time.Time
	Key      RequestKey
}

// Cursor marks a place in a list of wishes; see [RequestQuery.After].
func (r BuyerRequest) Cursor() RequestCursor { return RequestCursor{r.Deadline, r.Key()} }

// Match reports whether the query selects a wish; After and Limit are about lists
// and do not count.
func (q RequestQuery) Match(r BuyerRequest) bool {
	return (q.Company == "" || q.Company == r.HostOrder.Company) &&
		(len(q.Orders) == 0 || slices.Contains(q.Orders, r.Order)) &&
		(len(q.States) == 0 || slices.Contains(q.States, r.State)) &&
		(q.LookBy.IsZero() || !r.LookAt.IsZero() && !r.LookAt.After(q.LookBy))
}
