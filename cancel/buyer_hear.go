package cancel

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

// news is what a source tells of one Amazon order.
type news struct {
	wishes    []wish
	cancelled bool         // the order is cancelled at Amazon
	by        amazon.Actor // who cancelled it, where that is known
	shipped   bool         // all of the order is shipped at Amazon
	done      []string     // items that are cancelled or shipped at Amazon
}

// wish is a buyer's wish as one source shows it.
type wish struct {
	item, sku string // either may be empty
	Sighting
}

// heard counts what became of wishes that were heard of.
type heard struct {
	New       int // the first of the item, or another than the one that was decided
	Updated   int // more is known of one
	Unchanged int // all of it was known
	Unmatched int // of orders that the host does not know; counted beside the others
	Skipped   map[string]int
}

func (h *heard) add(o heard) {
	h.New += o.New
	h.Updated += o.Updated
	h.Unchanged += o.Unchanged
	h.Unmatched += o.Unmatched
	for why, n := range o.Skipped {
		h.skip(why, n)
	}
}

func (h *heard) skip(why string, n int) {
	if n == 0 {
		return
	}
	if h.Skipped == nil {
		h.Skipped = map[string]int{}
	}
	h.Skipped[why] += n
}

// hear merges what a source tells with what is known of an order. A change without
// requests says that nothing changed.
func hear(f Facts, n news, s order.Stamp) (Change, heard) {
	var h heard
	switch {
	case f.foreign():
		h.skip("the order belongs to another company than the account", len(n.wishes))
		return Change{}, h
	case slices.ContainsFunc(f.Orders, func(o order.Order) bool { return o.Fulfilment == order.ByAmazon }):
		h.skip("the order is fulfilled by Amazon", len(n.wishes))
		return Change{}, h
	}
	w := newWishes(f, s)
	fresh := w.fresh(n)
	for _, wish := range n.wishes {
		item := f.item(wish)
		if _, known := w.find(item); !known && n.cancelled {
			h.skip("the order is cancelled at Amazon", 1)
			continue
		}
		stays := slices.ContainsFunc(fresh, func(other string) bool { return other != item })
		w.hear(item, wish.Sighting, stays, n.shipped, &h)
		if len(f.Orders) == 0 {
			h.Unmatched++
		}
	}
	w.place()
	w.over(n)
	return w.change(!n.cancelled), h
}

// foreign tells whether a host order is of another company than the account.
func (f Facts) foreign() bool {
	return slices.ContainsFunc(f.Orders, func(o order.Order) bool { return o.ID.Company != f.Account.Company })
}

// item is the order item that a wish is about: the one it names, or the only one
// with its SKU; empty when several could be meant.
func (f Facts) item(w wish) string {
	if order.CheckItem(w.item) == nil {
		return w.item
	}
	item := ""
	for _, o := range f.Orders {
		for _, l := range o.Lines {
			switch {
			case w.sku == "" || l.SKU != w.sku || l.Item == item:
			case item != "":
				return ""
			default:
				item = l.Item
			}
		}
	}
	return item
}

// wishes are the buyer's wishes of one Amazon order while they change.
type wishes struct {
	f       Facts
	s       order.Stamp
	all     []BuyerRequest
	touched map[string]bool // by item
	back    []order.ID      // host orders that a cancellation gives their status back
	ch      Change
}

func newWishes(f Facts, s order.Stamp) *wishes {
	s.At = s.At.UTC()
	f.Orders = slices.SortedFunc(slices.Values(f.Orders), func(a, b order.Order) int { return cmp.Compare(a.ID.Number, b.ID.Number) })
	return &wishes{
		f: f, s: s, all: slices.Clone(f.Requests), touched: map[string]bool{},
		ch: Change{Writes: order.Writes{Order: f.Ledger.Order, Version: f.Ledger.Version}},
	}
}

func (w *wishes) find(item string) (*BuyerRequest, bool) {
	i := slices.IndexFunc(w.all, func(r BuyerRequest) bool { return r.Item == item })
	if i < 0 {
		return nil, false
	}
	return &w.all[i], true
}

// fresh are the items of which no notification has told before. Each tells of all items
// that the buyer ever asked about, so that one with a fresh item is about that, and the
// flags of the others merely stay.
func (w *wishes) fresh(n news) (items []string) {
	for _, wish := range n.wishes {
		item := w.f.item(wish)
		r, known := w.find(item)
		if !known || !slices.ContainsFunc(r.Seen, func(g Sighting) bool { return g.Clock == ByNotification && !g.Past }) {
			items = append(items, item)
		}
	}
	return items
}

// hear adds one sighting. Stays says that what is new about it is another item's.
func (w *wishes) hear(item string, g Sighting, stays, shipped bool, h *heard) {
	r, known := w.find(item)
	if !known {
		w.all = append(w.all, BuyerRequest{Order: w.f.Ledger.Order, Item: item})
		r = &w.all[len(w.all)-1]
	}
	reason := r.Reason
	changed, anew := r.see(g, stays)
	switch {
	case anew:
		h.New++
	case changed:
		h.Updated++
	default:
		h.Unchanged++
		return
	}
	w.touched[item] = true
	w.ch.Event(order.EventImported, r.subject(), fmt.Sprintf("the buyer asked to cancel, says the %s of %s", g.Source, g.At.Format(time.RFC3339)), w.s)
	if anew {
		w.judge(r, shipped)
	}
	if anew || r.Reason != reason {
		w.tellReason(r)
	}
}

// tellReason notes why the buyer asked, as soon as it is known and as long as the wish
// is the merchant's to heed.
func (w *wishes) tellReason(r *BuyerRequest) {
	switch r.State {
	case Undecided, RequestAccepted:
		w.tell(r, "Cancel Reason: %s. The buyer asked to cancel %s.", r.reason(), r.what())
	case RequestTooLate:
		w.tell(r, "Cancel Reason: %s. The buyer asked to cancel %s too late.", r.reason(), r.what())
	}
}

// judge says where a new wish stands.
func (w *wishes) judge(r *BuyerRequest, shipped bool) {
	carriers := w.f.carriers(r.Item)
	if len(carriers) == 0 {
		r.HostOrder = order.ID{Company: w.f.Account.Company}
		w.become(r, Undecided)
		w.alert(r, "unknown", "the buyer asked to cancel %s of an order that the order book does not have: it is held when it appears", r.what())
		return
	}
	r.HostOrder = carriers[0].ID
	if carriers[0].Fulfilment == order.ByAmazon { // Amazon decides by itself
		w.become(r, RequestOver)
		return
	}
	if c, ok := w.f.cancels(r.Item); ok {
		if c.Proof == Confirmed {
			w.become(r, RequestOver)
			return
		}
		if c.Outcome == Cancelled || c.Reason == amazon.ReasonBuyerCancelled {
			w.become(r, RequestAccepted)
			r.Entry = c.ID
			return
		}
		w.become(r, Undecided)
		w.alert(r, "reason", "the buyer asked to cancel %s while cancellation %s is for %s, which counts against the seller: withdraw it and accept the wish", r.what(), c.ID, c.Reason)
		return
	}
	if r.Item == "" {
		w.alert(r, "item", "the buyer asked to cancel an item of the order, and the source does not tell which: several lines could be meant")
	}
	var late []string
	for _, o := range carriers {
		why := w.f.late(o)
		if shipped {
			why = "it is shipped at Amazon"
		}
		if why == "" {
			r.HostOrder = o.ID
			w.become(r, Undecided)
			ours := slices.ContainsFunc(w.f.holds(), func(h HeldOrder) bool { return h.ID == o.ID })
			if !ours && w.f.unheld(o) != order.StatusInProcess {
				w.alert(r, "status", "the buyer asked to cancel %s: order %s is held for it, and stays %s", r.what(), o.ID, o.Status)
			}
			return
		}
		late = append(late, fmt.Sprintf("order %s: %s", o.ID, why))
	}
	if !slices.ContainsFunc(carriers, func(o order.Order) bool { return o.Status != order.StatusCancelled && o.Status != order.StatusVoid }) {
		w.become(r, RequestOver)
		return
	}
	w.become(r, RequestTooLate)
	w.alert(r, "late", "the buyer asked to cancel %s and nothing is held: %s", r.what(), strings.Join(late, "; "))
}

// late says why a host order cannot be held any more; empty when it can.
func (f Facts) late(o order.Order) string {
	for _, g := range f.Gates {
		if g.HostOrder == o.ID && !g.HandedOver.At.IsZero() {
			return fmt.Sprintf("it was handed over by %s at %s", g.HandedOver.By, g.HandedOver.At.Format(time.RFC3339))
		}
	}
	switch {
	case o.Shipping() != order.Unshipped:
		return fmt.Sprintf("it is %s", o.Shipping())
	case o.Dropship != "" && o.Dropship != order.DropshipNone && o.Dropship != order.DropshipPending:
		return fmt.Sprintf("the supplier has it (%.40s)", o.Dropship)
	case o.Status == order.StatusCompleted || o.Status == order.StatusCancelled || o.Status == order.StatusVoid:
		return fmt.Sprintf("it is %s", o.Status)
	}
	return ""
}

// carriers are the host orders that have an item: all of the Amazon order when
// none has it, or no item is named.
func (f Facts) carriers(item string) []order.Order {
	with := slices.DeleteFunc(slices.Clone(f.Orders), func(o order.Order) bool {
		_, ok := o.Line(item)
		return !ok
	})
	if len(with) == 0 {
		return f.Orders
	}
	return with
}

// cancels finds a cancellation of an item that is under way, or was carried out.
func (f Facts) cancels(item string) (Cancellation, bool) {
	for _, c := range f.Cancellations {
		if c.Order == f.Ledger.Order && !c.ended() && (item != "" || !c.Part) && c.concerns(item) && f.standing(item) == 0 {
			return c, true
		}
	}
	return Cancellation{}, false
}

// concerns tells whether a cancellation is of an item; each is of one that is not
// named.
func (c Cancellation) concerns(item string) bool { return item == "" || slices.Contains(c.Items, item) }

// place gives wishes of an unknown order their host order, once it is there.
func (w *wishes) place() {
	for i := range w.all {
		r := &w.all[i]
		if r.HostOrder.Number == "" && len(w.f.Orders) > 0 && r.State == Undecided {
			w.touched[r.Item] = true
			w.judge(r, false)
			w.tellReason(r)
		}
	}
}

// over ends the wishes that Amazon shows as carried out, or as too late.
func (w *wishes) over(n news) {
	for i := range w.all {
		r := &w.all[i]
		how := ""
		switch {
		case n.cancelled:
			how = "the order is cancelled at Amazon"
		case n.shipped:
			how = "the order is shipped at Amazon"
		case slices.Contains(n.done, r.Item):
			how = "the item is cancelled or shipped at Amazon"
		}
		if how != "" && r.waits() {
			w.end(r, how)
		}
	}
}

func (w *wishes) end(r *BuyerRequest, how string) {
	w.become(r, RequestOver)
	w.tell(r, "The buyer's wish to cancel %s is over: %s.", r.what(), how)
}

// waits tells that the wish still waits for the merchant or for Amazon.
func (r BuyerRequest) waits() bool { return r.State == Undecided || r.State == RequestAccepted }

// become moves a wish to a state.
func (w *wishes) become(r *BuyerRequest, to RequestState) {
	w.touched[r.Item] = true
	if r.State != to {
		w.ch.Changed(order.EventChanged, r.subject(), string(r.State), string(to), w.s)
	}
	r.State, r.Decided = to, w.s
	if to == Undecided {
		r.Decided, r.Entry = order.Stamp{}, ""
	}
}

// change is everything that changed. Back says whether the orders that are held no
// longer go back to their status.
func (w *wishes) change(back bool) Change {
	w.hold(back)
	for _, r := range w.all {
		if w.touched[r.Item] {
			r.Deadline = amazon.CancelDeadline(w.f.marketplace(), r.Evidence().At)
			r.LookAt = r.next(w.s.At)
			w.ch.Requests = append(w.ch.Requests, r)
		}
	}
	return w.ch
}

func (f Facts) marketplace() order.MarketplaceID {
	for _, o := range f.Orders {
		if o.Marketplace != "" {
			return o.Marketplace
		}
	}
	if len(f.Account.Marketplaces) == 1 {
		return f.Account.Marketplaces[0]
	}
	return ""
}

func (w *wishes) alert(r *BuyerRequest, what, format string, args ...any) {
	w.ch.Alert(r.alertKey(what), r.subject(), fmt.Sprintf(format, args...), w.s)
}

// alertKey names an alert about one wish.
func (r BuyerRequest) alertKey(what string) string {
	return fmt.Sprintf("buyer-%s/%s/%s/%d", what, r.Order, r.Item, r.Wish)
}

// tell puts a note on the host orders that have the item.
func (w *wishes) tell(r *BuyerRequest, format string, args ...any) {
	for _, o := range w.f.carriers(r.Item) {
		w.ch.Effect(order.Effect{Kind: order.EffectNote, Note: &order.Note{Text: fmt.Sprintf(format, args...)}}, o.ID, w.s)
	}
}

func (r BuyerRequest) subject() string { return "buyer request " + cmp.Or(r.Item, "of no named item") }

func (r BuyerRequest) what() string {
	if r.Item == "" {
		return "an item that cannot be told"
	}
	return "item " + r.Item
}

// reason is the buyer's reason in one short line, for a note.
func (r BuyerRequest) reason() string {
	text := []rune(strings.Join(strings.FieldsFunc(r.Reason, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }), " "))
	return cmp.Or(strings.TrimRight(string(text[:min(len(text), 200)]), ". "), "not given")
}
