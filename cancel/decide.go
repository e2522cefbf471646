package cancel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

// Facts is everything that a decision rests on.
type Facts struct {
	Account       amazon.Account // of the order; zero when it is unknown
	Orders        []order.Order  // the host orders that carry the Amazon order
	Ledger        order.Ledger
	Cancellations []Cancellation  // of the Amazon order, and the one with the request's key
	Gates         []Gate          // of the host orders
	Unsplit       []queue.EntryID // the cancellations whose split the order book refused: it never shows
	Requests      []BuyerRequest  // buyers' wishes about the Amazon order
	Settings      settings.Settings
	Now           time.Time
}

// Draft is a cancellation as it would be queued. It is good for one save, at the
// state of the order that it was decided on.
type Draft struct {
	Cancellation Cancellation
	Existing     bool        // it was asked for before; Save writes nothing
	AmazonReason string      // the word that Amazon and the buyer will be told; empty: Amazon is told nothing
	Amount       order.Money // what the buyer will not be charged, or gets back for a part
	Warnings     []string
	Cautions     []Caution // what a person must have read: Save wants them acknowledged

	unacknowledged []Caution
	change         Change
	last           bool // of the drafts that accept a buyer's wish
}

// Caution is a warning that has to be acknowledged, by naming its code in
// [Request.Acknowledge], before the draft can be saved.
type Caution struct {
	Code CautionCode
	Text string
}

// CautionCode names what a caution is about.
type CautionCode string

// CautionNoBuyerRequest is about a cancellation in the buyer's name without a wish of
// the buyer on file.
const CautionNoBuyerRequest CautionCode = "NoBuyerRequest"

// Save writes the draft, all of it or nothing: from then on the gate is closed.
// st may be bound to the host's transaction. It answers store.ErrConflict when
// anything about the Amazon order changed since the draft was made: roll back
// and draft again. Cautions that the request did not acknowledge are ErrUnacknowledged. A
// draft of an Existing cancellation writes nothing.
func (d Draft) Save(ctx context.Context, st Store) error {
	if d.Existing {
		return nil
	}
	if d.Cancellation.ID == "" {
		return errors.New("save cancellation: the draft is empty: Draft answered an error")
	}
	refuse := func(err error) error {
		return fmt.Errorf("save cancellation %s of order %s: %w", d.Cancellation.ID, d.Cancellation.Order.Number, err)
	}
	if len(d.unacknowledged) > 0 {
		var texts []string
		for _, c := range d.unacknowledged {
			texts = append(texts, fmt.Sprintf("%s (%s)", c.Code, c.Text))
		}
		return refuse(fmt.Errorf("%w: name them in Request.Acknowledge once somebody has read them: %s", ErrUnacknowledged, strings.Join(texts, "; ")))
	}
	if err := st.SaveCancellations(ctx, []Change{d.change}); err != nil {
		return refuse(err)
	}
	return nil
}

// Decide says what a request would do, or why not. It is a function of its
// arguments alone.
func Decide(f Facts, r Request) (Draft, error) {
	d, err := decide(f, r)
	if err != nil {
		return Draft{}, fmt.Errorf("cancellation of order %s: %w", r.Order.Number, err)
	}
	return d, nil
}

func decide(f Facts, r Request) (Draft, error) {
	if err := r.Order.Check(); err != nil {
		return Draft{}, err
	}
	if len(f.Orders) == 0 {
		return Draft{}, fmt.Errorf("the host's order book does not have it: %w", store.ErrNotFound)
	}
	if err := r.check(); err != nil {
		return Draft{}, err
	}
	key := f.key(r)
	id := queue.NewEntryID(queue.KindCancellation, f.Orders[0].ID.Company, key)
	if i := slices.IndexFunc(f.Cancellations, func(c Cancellation) bool { return c.ID == id }); i >= 0 {
		return existing(f.Cancellations[i], r)
	}
	t, err := f.target(r)
	if err != nil {
		return Draft{}, err
	}
	if err := f.admit(r, t); err != nil {
		return Draft{}, err
	}

	s := order.Stamp{By: r.By, At: f.Now.UTC(), Why: r.Comment}
	c := t.cancellation(s)
	f.unhold(&c, t)
	c.ID, c.Order, c.Key, c.Reason, c.Comment, c.Local = id, r.Order, key, r.Reason, r.Comment, r.Local
	c.ZeroOut = f.Settings.AllowZeroOutInventory && (r.ZeroOut || r.Reason == amazon.ReasonNoInventory)
	if err := f.buyersReason(c); err != nil {
		return Draft{}, err
	}
	charges, err := f.Ledger.Charge(s, f.Orders...)
	if err != nil {
		return Draft{}, err
	}
	l := f.Ledger.With(charges...)
	reserved, err := reserve(l, c, t.shares(), s)
	if err != nil {
		return Draft{}, err
	}
	promised := l.With(reserved...)
	d := Draft{Cancellation: c, Amount: order.Money{Amount: c.held(promised), Currency: t.carriers[0].Currency}}
	if !c.Local {
		if d.AmazonReason, err = told(c); err != nil {
			return Draft{}, err
		}
		for _, m := range messages(c, promised, queue.Entry{}) {
			if err := m.Message.Check(); err != nil {
				return Draft{}, err
			}
		}
	}
	for _, o := range t.carriers {
		d.Warnings = append(d.Warnings, order.Warnings(o)...)
	}
	if c.Part && !c.Local && slices.ContainsFunc(t.others, func(o order.Order) bool { return o.Shipping() != order.FullyShipped && !over(o) }) {
		d.Warnings = append(d.Warnings, "Amazon is told when the rest of its order is shipped: "+names(t.others))
	}
	d.caution(f, r, t)
	d.change = write(f, t, c, d.Amount, charges, reserved, s)
	d.Cancellation = d.change.Cancellations[0].clone() // what is saved is what was decided, whatever becomes of the draft
	d.change.heed(f, s)
	for _, caution := range d.Cautions {
		d.change.Event(order.EventRequested, c.subject(), fmt.Sprintf("acknowledged %s: %s", caution.Code, caution.Text), s)
	}
	return d, nil
}

// existing is the draft of a request that was made before.
func existing(first Cancellation, r Request) (Draft, error) {
	if !first.answers(r) {
		return Draft{}, fmt.Errorf("%w: %s of order %s (%s) for %s is %s: Queue.Retry renews it, and another Key is another cancellation", ErrKeyReused, first.ID, first.Order.Number, first.HostOrder, first.Reason, first.Outcome)
	}
	d := Draft{Cancellation: first, Existing: true}
	if first.ended() {
		d.Warnings = []string{first.renew()}
	}
	if first.Local {
		return d, nil
	}
	var err error
	d.AmazonReason, err = told(first)
	return d, err
}

// caution adds what a person must have read before the draft is saved.
func (d *Draft) caution(f Facts, r Request, t target) {
	if r.Reason == amazon.ReasonBuyerCancelled {
		switch wished, others := f.wished(t); {
		case !wished:
			d.Cautions = append(d.Cautions, Caution{CautionNoBuyerRequest, "no wish of the buyer to cancel is on file for these items"})
		case len(others) > 0:
			d.Warnings = append(d.Warnings, "Amazon is told that the buyer asked to cancel item "+strings.Join(others, ", ")+", too: no such wish is on file")
		}
	}
	for _, c := range d.Cautions {
		if !slices.Contains(r.Acknowledge, c.Code) {
			d.unacknowledged = append(d.unacknowledged, c)
		}
	}
}

// wished tells whether the buyer has asked to cancel an item of a target, and which
// others it has.
func (f Facts) wished(t target) (wished bool, others []string) {
	for _, o := range t.carriers {
		for _, l := range o.Lines {
			switch {
			case slices.ContainsFunc(f.Requests, func(b BuyerRequest) bool { return b.Item == "" || b.Item == l.Item }):
				wished = true
			case waits(l) > 0 && !slices.Contains(others, l.Item):
				others = append(others, l.Item)
			}
		}
	}
	return wished, others
}

// cancellation is what a request about the target asks for, as far as the host
// orders tell.
func (t target) cancellation(s order.Stamp) Cancellation {
	c := Cancellation{Part: t.part, SplitFrom: t.from, Outcome: Open, Requested: s}
	for i, o := range t.carriers {
		if i == 0 {
			c.HostOrder, c.Before = o.ID, o.Status
		} else {
			c.Also = append(c.Also, Carrier{o.ID, o.Status})
		}
	}
	lines := t.carriers
	if !t.part { // Amazon wants every item of its order
		lines = slices.Concat(t.carriers, t.others)
	}
	for _, o := range lines {
		for _, l := range o.Lines {
			at := slices.Index(c.Items, l.Item)
			if at < 0 {
				at = len(c.Items)
				c.Items, c.Units = append(c.Items, l.Item), append(c.Units, order.LineQuantity{Item: l.Item})
			}
			c.Units[at].Quantity += l.Ordered - l.Cancelled
		}
	}
	if c.Part { // units that were cancelled before do not travel
		c.Units = slices.DeleteFunc(c.Units, func(u order.LineQuantity) bool { return u.Quantity == 0 })
		c.Items = nil
		for _, u := range c.Units {
			c.Items = append(c.Items, u.Item)
		}
	}
	return c
}

// write is the save that queues a cancellation, or carries it out here alone.
func write(f Facts, t target, c Cancellation, amount order.Money, charges, reserved []order.Posting, s order.Stamp) Change {
	e := queue.Entry{
		ID: c.ID, Kind: queue.KindCancellation, Feed: amazon.CancelFeed, HostOrder: c.HostOrder, Order: c.Order,
		Amount: amount, Label: strings.Join(t.skus(), ", "),
		State: queue.EntryQueued, QueuedAt: s.At, Mode: f.Settings.Mode(), Requested: s, Changed: s,
	}
	if c.Part {
		e.Feed = amazon.RefundFeed
	}
	ch := Change{Writes: order.Writes{Order: c.Order, Version: f.Ledger.Version, Postings: charges}}
	if t.from != (order.ID{}) {
		ch.Effect(order.Effect{Kind: order.EffectSplit, Split: &order.SplitOff{To: c.HostOrder.Number, Lines: c.Units}}, t.from, s)
		c.SplitBy = ch.Effects[len(ch.Effects)-1].Key
	}
	if c.Local {
		e.State = queue.EntryAppliedLocally
		c.Outcome, c.Shown, c.Ended, c.LookAt = Cancelled, order.StatusCancelled, s, s.At.Add(patience)
		ch.status(c, c.Shown, s)
		ch.note(c, s, "Cancellation %s (%s): cancelled here alone. Amazon is not told.%s", c.ID, c.Reason, because(s.Why))
	} else {
		ch.Postings = append(ch.Postings, reserved...)
		ch.hold(&c, f.Settings.Policy, s, f.heldFor(c)...)
	}
	ch.Cancellations, ch.Entries = []Cancellation{c}, []queue.Entry{e}
	ch.Event(order.EventRequested, c.subject(), string(c.Reason), s)
	if c.ZeroOut {
		stock := t.stock()
		for _, sku := range stock {
			ch.Effect(order.Effect{Kind: order.EffectStock, Stock: &order.StockMove{SKU: sku, Zero: true}}, c.HostOrder, s)
		}
		ch.Event(order.EventChanged, c.subject(), "stock set to nothing: "+strings.Join(stock, ", "), s)
	}
	return ch
}

func (c Cancellation) subject() string { return "cancellation " + string(c.ID) }

// skus are those of the lines, as they were ordered.
func (t target) skus() []string {
	var skus []string
	for _, o := range t.carriers {
		for _, l := range o.Lines {
			skus = append(skus, l.SKU)
		}
	}
	return skus
}

// stock is what lies in the warehouse for the lines, each SKU once: of a kit its
// parts.
func (t target) stock() []string {
	var skus []string
	for _, o := range t.carriers {
		for _, l := range o.Lines {
			switch {
			case l.Cancelled == l.Ordered: // before, for reasons of its own
			case len(l.Kit) == 0:
				skus = append(skus, l.SKU)
			default:
				for _, p := range l.Kit {
					skus = append(skus, p.SKU)
				}
			}
		}
	}
	slices.Sort(skus)
	return slices.Compact(skus)
}

// hold closes the gate for people to see: the order's status and our hold. What
// MayShip reads is the cancellation itself. A host order whose status is one of held,
// and no longer the one before, is held too.
func (ch *Change) hold(c *Cancellation, p settings.Policy, s order.Stamp, held ...order.Status) {
	c.Shown = order.StatusOnHold
	if p.CancelledAt == settings.CancelledWhenRequested {
		c.Shown = order.StatusCancelled
	}
	for _, o := range c.carriers() {
		ch.Effect(order.Effect{Kind: order.EffectHold, Hold: &order.Hold{Owner: order.HeldByCancellation, Why: string(c.Reason), Since: s.At}}, o.HostOrder, s)
		ch.statusOf(o, c.Shown, s, append([]order.Status{o.Before, order.StatusProblemOrder}, held...)...)
	}
	ch.note(*c, s, "Cancellation %s (%s) is queued.%s", c.ID, c.Reason, because(c.Comment))
}

// returnsTo is the status that a host order gets back when a cancellation of it has no
// effect: the one before, or OnHold where somebody else has begun to hold it meanwhile.
func (f Facts) returnsTo(c Cancellation, id order.ID) order.Status {
	before := c.before(id)
	meanwhile := slices.ContainsFunc(f.Orders, func(o order.Order) bool {
		return o.ID == id && slices.ContainsFunc(o.Holds, func(h order.Hold) bool {
			return h.Owner != order.HeldByCancellation && h.Owner != order.HeldByBuyer && h.Since.After(c.Requested.At)
		})
	})
	if meanwhile && before == order.StatusInProcess {
		return order.StatusOnHold
	}
	return before
}

func (ch *Change) release(c Cancellation, s order.Stamp) {
	for _, o := range c.carriers() {
		ch.Effect(order.Effect{Kind: order.EffectRelease, Release: &order.Release{Owner: order.HeldByCancellation}}, o.HostOrder, s)
	}
}

// status asks for a status of every host order that is cancelled, from one of
// these, or from any when none is named.
func (ch *Change) status(c Cancellation, to order.Status, s order.Stamp, expect ...order.Status) {
	for _, o := range c.carriers() {
		ch.statusOf(o, to, s, expect...)
	}
}

func (ch *Change) statusOf(o Carrier, to order.Status, s order.Stamp, expect ...order.Status) {
	ch.Effect(order.Effect{Kind: order.EffectStatus, Status: &order.StatusChange{To: to, Expect: expect}}, o.HostOrder, s)
}

func (ch *Change) note(c Cancellation, s order.Stamp, format string, args ...any) {
	for _, o := range c.carriers() {
		ch.Effect(order.Effect{Kind: order.EffectNote, Note: &order.Note{Text: fmt.Sprintf(format, args...)}}, o.HostOrder, s)
	}
}
