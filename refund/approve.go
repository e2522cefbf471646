package refund

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/store"
)

// What an approval may be refused for.
var (
	ErrSelfApproval = errors.New("nobody approves their own refund")
	ErrAboveLimit   = errors.New("above the limit")
)

// aboveLimit tells that a refund, with what the same actor has refunded of the order
// before, is more than the actor may refund alone. What was voided does not count,
// nor what somebody only recorded.
func (f Facts) aboveLimit(r Refund, actor string) error {
	limit, limited := f.Settings.Policy.LimitOf(actor, r.Currency)
	if !limited {
		return nil
	}
	before := decimal.Zero
	for _, e := range f.Refunds {
		if e.Issued.By != actor || e.happenedElsewhere() {
			continue
		}
		for _, l := range e.Lines {
			if l.Outcome != LineVoided {
				before = before.Add(l.Amounts.Total())
			}
		}
	}
	total := r.Total().Amount
	if !before.Add(total).GreaterThan(limit) {
		return nil
	}
	beside := ""
	if before.IsPositive() {
		beside = fmt.Sprintf(", with %s before,", order.Format(before, r.Currency))
	}
	return fmt.Errorf("%s of one order%s is %w of %s, %s", order.Format(total, r.Currency), beside, ErrAboveLimit, actor, order.Format(limit, r.Currency))
}

// happenedElsewhere reports whether a refund never travelled.
func (r Refund) happenedElsewhere() bool {
	return r.Origin == FromSellerCentral || r.Origin == FromAmazon
}

// Content names everything that a refund pays, to whom and for what. It never
// changes: an approval names it, so that it is of what somebody has seen.
func (r Refund) Content() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s|%s|%s|%s|%s|%s|%s|%q|%s\n", r.ID, r.Order, r.HostOrder, r.Origin, r.RMA, r.Reason, r.Currency, r.Comment, r.Surplus)
	for _, l := range r.Lines {
		fmt.Fprintf(&b, "%s|%q|%d|%s|%s|%s\n", l.Item, l.SKU, l.Units, canonical(l.Amounts), canonical(l.Fees), canonical(l.sent()))
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:12])
}

// Approve lets a refund be sent that is above its requester's limit. content is the
// [Refund.Content] of what the approver has seen; another one is ErrUnconfirmed. The
// approver is another actor than the requester (ErrSelfApproval), and must be allowed
// to refund as much alone, if limited at all (ErrAboveLimit). Of two who approve at
// once one does, and the other gets queue.ErrTransition, as for every refund that does
// not wait for approval; a repeat by who approved it returns the refund. Declining is
// [queue.Queue.Reject].
func (s *Service) Approve(ctx context.Context, id queue.EntryID, content, by, why string) (Refund, error) {
	if err := order.CheckDecision(by, why); err != nil {
		return Refund{}, fmt.Errorf("approve refund %s: %w", id, err)
	}
	var approved Refund
	err := store.Retry(func() (err error) {
		approved, err = s.approve(ctx, id, content, by, why)
		return err
	})
	if err != nil {
		return Refund{}, fmt.Errorf("approve refund %s: %w", id, err)
	}
	return approved, nil
}

func (s *Service) approve(ctx context.Context, id queue.EntryID, content, by, why string) (Refund, error) {
	found, err := s.Refund(ctx, id)
	if err != nil {
		return Refund{}, err
	}
	f := Facts{Now: s.c.Now()}
	ledgers, err := s.c.Store.Ledgers(ctx, []order.AmazonID{found.Order})
	if err != nil {
		return Refund{}, err
	}
	entries, err := s.c.Store.Entries(ctx, queue.EntryQuery{IDs: []queue.EntryID{id}})
	if err != nil {
		return Refund{}, err
	}
	if f.Refunds, err = s.c.Store.Refunds(ctx, Query{Orders: []order.AmazonID{found.Order}}); err != nil {
		return Refund{}, err
	}
	if f.Settings, err = s.c.Settings.Settings(ctx, found.HostOrder.Company); err != nil {
		return Refund{}, err
	}
	if len(entries) == 0 {
		return Refund{}, fmt.Errorf("it was never in the queue: %w", queue.ErrTransition)
	}
	f.Ledger = ledgers[0]
	for _, r := range f.Refunds {
		if r.ID == id {
			found = r // as it is beside that ledger
		}
	}
	if found.Approved.By == by && found.Content() == content {
		return found, nil
	}
	c, err := f.approval(found, entries[0], content, order.Stamp{By: by, At: f.Now.UTC(), Why: why})
	if err != nil {
		return Refund{}, err
	}
	if err := s.c.Store.SaveRefunds(ctx, []Change{c}); err != nil {
		return Refund{}, err
	}
	approved := c.Refunds[0]
	approved.Version++
	return approved, nil
}

// approval is what an approval changes, or why it does not count.
func (f Facts) approval(r Refund, e queue.Entry, content string, s order.Stamp) (Change, error) {
	e, err := e.Approved(s)
	if err != nil {
		return Change{}, err
	}
	if content != r.Content() {
		return Change{}, fmt.Errorf("%w: the approval is of content %q, and the refund has %s: show it first", ErrUnconfirmed, content, r.Content())
	}
	if s.By == r.Issued.By {
		return Change{}, fmt.Errorf("%w: %s has asked for it", ErrSelfApproval, s.By)
	}
	if err := f.aboveLimit(r, s.By); err != nil {
		return Change{}, err
	}
	r.Approved = s
	c := Change{Refunds: []Refund{r}, Entries: []queue.Entry{e}, Writes: order.Writes{Order: f.Ledger.Order, Version: f.Ledger.Version}}
	c.Changed(order.EventChanged, "refund "+string(r.ID), string(queue.EntryAwaitingApproval), string(e.State), s)
	c.Effect(note("Refund %s of %s: approved by %s. %s", r.ID, r.Total(), s.By, s.Why), r.HostOrder, s)
	return c, nil
}
