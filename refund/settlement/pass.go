package settlement

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

// importChunk is how many orders are looked up and saved together.
const importChunk = 200

// Retry matches again the bookings of an account that could not be matched because
// the host did not know the order, and those of its open refunds. Every import does
// that, too.
func (s *Service) Retry(ctx context.Context, a amazon.Account) (Imported, error) {
	in := Imported{Bookings: map[Match]int{}, Skipped: map[ID]string{}}
	p, err := s.begin(ctx, a, order.Stamp{By: "takeback", At: s.c.Now().UTC(), Why: "matched again"}, &in)
	if err == nil {
		err = p.sweep(ctx)
	}
	if err == nil {
		err = p.check(ctx)
	}
	if err != nil {
		err = fmt.Errorf("match settlements of account %s: %w", a.ID, err)
	}
	return in, err
}

// Recorded implements [refund.Books]: it matches the bookings of the refund's order
// again.
func (s *Service) Recorded(ctx context.Context, r refund.Refund) error {
	in := Imported{Bookings: map[Match]int{}}
	a := amazon.Account{ID: r.Order.Account, Company: r.HostOrder.Company}
	p, err := s.begin(ctx, a, order.Stamp{By: r.Issued.By, At: s.c.Now().UTC(), Why: "refund " + string(r.ID) + " is recorded"}, &in)
	if err == nil {
		err = p.reconcile(ctx, []order.AmazonID{r.Order}, statement{}, nil)
	}
	if err != nil {
		return fmt.Errorf("match settlements of order %s: %w", r.Order, err)
	}
	return nil
}

// pass is one run over an account.
type pass struct {
	*Service
	account     amazon.Account
	policy      settings.Policy
	stamp       order.Stamp
	settlements []Settlement // of the account
	touched     map[order.AmazonID]bool
	created     map[string]bool // bookings
	in          *Imported
}

func (s *Service) begin(ctx context.Context, a amazon.Account, by order.Stamp, in *Imported) (*pass, error) {
	set, err := s.c.Settings.Settings(ctx, a.Company)
	if err != nil {
		return nil, fmt.Errorf("settings of company %s: %w", a.Company, err)
	}
	done, err := s.c.Store.Settlements(ctx, Query{Accounts: []order.AccountID{a.ID}})
	if err != nil {
		return nil, err
	}
	return &pass{s, a, set.Policy, by, done, map[order.AmazonID]bool{}, map[string]bool{}, in}, nil
}

// sweep matches again what may be matched otherwise now, or missing.
func (p *pass) sweep(ctx context.Context) error {
	accounts := []order.AccountID{p.account.ID}
	waiting, err := p.bookings(ctx, BookingQuery{Accounts: accounts, Matches: []Match{MatchUnknownOrder, MatchOtherCurrency, MatchUnanswered, MatchContradicted, MatchIncomplete}})
	if err != nil {
		return err
	}
	open, err := p.refunds(ctx, refund.Query{Accounts: accounts, Open: true})
	if err != nil {
		return err
	}
	orders := map[order.AmazonID]bool{}
	for _, b := range waiting {
		orders[b.Order] = true
	}
	for _, r := range open {
		orders[r.Order] = true
	}
	ids := slices.SortedFunc(maps.Keys(orders), func(a, b order.AmazonID) int { return strings.Compare(a.Number, b.Number) })
	for chunk := range slices.Chunk(ids, importChunk) {
		if err := p.reconcile(ctx, chunk, statement{}, nil); err != nil {
			return err
		}
	}
	return nil
}

// reconcile matches all bookings of orders, with what groups of a settlement have
// beyond them, and does it again when an order changed meanwhile.
func (p *pass) reconcile(ctx context.Context, ids []order.AmazonID, st statement, groups map[order.AmazonID][]*group) error {
	var changes []Change
	err := store.Retry(func() (err error) {
		if changes, err = p.decide(ctx, ids, st, groups); err != nil || len(changes) == 0 {
			return err
		}
		return p.c.Store.SaveBookings(ctx, changes)
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		p.touched[id] = true
	}
	for _, c := range changes {
		for _, b := range c.Bookings {
			if b.Version == 0 {
				p.in.Bookings[b.Match]++
				p.created[b.ID] = true
			} else {
				p.in.Rematched++
			}
		}
	}
	return nil
}

func (p *pass) decide(ctx context.Context, ids []order.AmazonID, st statement, groups map[order.AmazonID][]*group) ([]Change, error) {
	facts, err := p.facts(ctx, ids)
	if err != nil {
		return nil, err
	}
	var changes []Change
	for _, id := range ids {
		f := facts[id]
		f.Shown = st.shows(f.Bookings, groups[id], f.expects)
		c, err := Reconcile(*f, p.stamp)
		if err != nil {
			return nil, fmt.Errorf("order %s: %w", id, err)
		}
		if !c.empty() {
			changes = append(changes, c)
		}
	}
	return changes, nil
}

// facts reads what is known of orders. The heads come first: what is read after
// them can only be newer, and then the save conflicts.
func (p *pass) facts(ctx context.Context, ids []order.AmazonID) (map[order.AmazonID]*Facts, error) {
	facts := map[order.AmazonID]*Facts{}
	ledgers, err := p.c.Store.Ledgers(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, l := range ledgers {
		facts[l.Order] = &Facts{Ledger: l, Settlements: p.settlements, Policy: p.policy}
	}
	named := slices.DeleteFunc(slices.Clone(ids), func(id order.AmazonID) bool { return id.Number == "" })
	orders, err := p.c.Book.Orders(ctx, named)
	if err != nil {
		return nil, fmt.Errorf("order book: %w", err)
	}
	for _, o := range orders {
		if f := facts[o.Amazon]; f != nil && o.ID.Company == p.account.Company {
			f.Orders = append(f.Orders, o)
		}
	}
	refunds, err := p.c.Store.Refunds(ctx, refund.Query{Orders: ids})
	if err != nil {
		return nil, err
	}
	for _, r := range refunds {
		facts[r.Order].Refunds = append(facts[r.Order].Refunds, r)
	}
	entries, err := p.c.Store.Entries(ctx, queue.EntryQuery{Orders: ids})
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		facts[e.Order].Entries = append(facts[e.Order].Entries, e)
	}
	bookings, err := p.bookings(ctx, BookingQuery{Orders: ids})
	if err != nil {
		return nil, err
	}
	for _, b := range bookings {
		facts[b.Order].Bookings = append(facts[b.Order].Bookings, b)
	}
	return facts, nil
}

// expects reports whether a refund of ours, or a cancellation, without a booking would
// be settled by this one.
func (f *Facts) expects(b Booking) bool {
	for _, r := range refund.OfCancellations(f.Orders, f.Ledger, f.Entries) {
		for _, l := range r.Lines {
			shown := slices.ContainsFunc(f.Bookings, func(o Booking) bool { return o.Cancellation == r.ID && o.RefundItem == l.Item })
			if !shown && b.equals(l.Amounts) {
				return true
			}
		}
	}
	for _, r := range f.Refunds {
		for _, l := range r.Lines {
			if len(l.Bookings) == 0 && r.Origin != refund.FromAmazon && b.equals(l.Amounts) {
				return true
			}
		}
	}
	return false
}

// check proves that the books of all orders of the pass add up. What somebody
// changes between two reads may look wrong once.
func (p *pass) check(ctx context.Context) error {
	ids := slices.SortedFunc(maps.Keys(p.touched), func(a, b order.AmazonID) int { return strings.Compare(a.Number, b.Number) })
	for chunk := range slices.Chunk(ids, importChunk) {
		var wrong error
		for range 3 {
			r, err := p.openEnds(ctx, EndsQuery{Orders: chunk})
			if err != nil {
				return err
			}
			if wrong = r.Check(); wrong == nil {
				break
			}
		}
		if wrong != nil {
			key := fmt.Sprintf("unbalanced/%s/%s", p.account.ID, p.stamp.At.Format("2006-01-02T15:04:05"))
			return errors.Join(wrong, p.alert(ctx, key, "account "+string(p.account.ID), wrong.Error()))
		}
	}
	return nil
}

// alert leaves an alert about the account, for who runs the installation.
func (p *pass) alert(ctx context.Context, key, subject, text string) error {
	return p.write(ctx, func(w *order.Writes) {
		w.Alert(key, subject, text, p.stamp)
		w.Events[len(w.Events)-1].For = order.Administrator
	})
}

// write appends to the journal of the account, which is that of no order.
func (p *pass) write(ctx context.Context, add func(*order.Writes)) error {
	id := order.AmazonID{Account: p.account.ID}
	return store.Retry(func() error {
		ls, err := p.c.Store.Ledgers(ctx, []order.AmazonID{id})
		if err != nil {
			return err
		}
		c := Change{Writes: order.Writes{Order: id, Version: ls[0].Version}}
		add(&c.Writes)
		return p.c.Store.SaveBookings(ctx, []Change{c})
	})
}
