package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/store"
)

// Scope is what [Queue.Pause] stops: one account, or a company with all of its
// accounts. Exactly one of the two is set.
type Scope struct {
	Company order.CompanyID
	Account order.AccountID
}

func (s Scope) String() string {
	if s.Account != "" {
		return "account " + string(s.Account)
	}
	return "company " + string(s.Company)
}

// cell is the name of the cell that says whether the scope is paused.
func (s Scope) cell() string {
	if s.Account != "" {
		return "queue/pause/account/" + string(s.Account)
	}
	return "queue/pause/company/" + string(s.Company)
}

func (s Scope) check() error {
	if (s.Company == "") == (s.Account == "") {
		return fmt.Errorf("scope of company %q and account %q: name one of the two", s.Company, s.Account)
	}
	return nil
}

// pause is what the cell of a scope says.
type pause struct {
	On bool        `json:"on"`
	By order.Stamp `json:"by"` // who paused or resumed it last, when and why

	// Of accounts: what a person, or a look, has found to be right.
	Known     time.Time `json:"known,omitzero"`     // feeds that nobody sent are known up to this one
	Recovered int       `json:"recovered,omitzero"` // how many recoveries are over here
}

// Pause stops sending for a company or an account, at once and in every mode:
// what is not committed to be sent by then is not sent. What was sent before is
// followed as ever, and entries can be requested, chosen, rejected and withdrawn.
// Pausing what is paused changes nothing. A company or an account that
// Config.Accounts does not list is store.ErrNotFound: a stop that stops nothing
// must not look like one.
func (q *Queue) Pause(ctx context.Context, by, why string, s Scope) error {
	err := errors.Join(s.check(), order.CheckDecision(by, why))
	if err == nil {
		err = q.listed(ctx, s)
	}
	if err != nil {
		return fmt.Errorf("pause: %w", err)
	}
	return q.pause(ctx, s, order.Stamp{By: by, At: q.now(), Why: why}, time.Time{})
}

// listed refuses a scope that no account is in.
func (q *Queue) listed(ctx context.Context, s Scope) error {
	var ids []order.AccountID
	if s.Account != "" {
		ids = append(ids, s.Account)
	}
	accounts, err := q.c.Accounts.Accounts(ctx, ids...)
	if err != nil {
		return fmt.Errorf("accounts: %w", err)
	}
	in := func(a amazon.Account) bool { return a.ID == s.Account || a.Company == s.Company }
	if !slices.ContainsFunc(accounts, in) {
		return fmt.Errorf("%s: %w", s, store.ErrNotFound)
	}
	return nil
}

// pause pauses a scope; for an account also because of feeds up to a time.
func (q *Queue) pause(ctx context.Context, s Scope, stamp order.Stamp, known time.Time) error {
	changed := false
	err := edit(ctx, q, s.cell(), func(p *pause) (bool, error) {
		changed = !p.On
		if changed {
			p.On, p.By = true, stamp
		}
		more := known.After(p.Known)
		p.Known = later(p.Known, known)
		return changed || more, nil
	})
	if err != nil {
		return fmt.Errorf("pause %s: %w", s, err)
	}
	if changed {
		q.observe(ctx, Event{Kind: EventPaused, Company: s.Company, Account: s.Account, By: stamp.By, Text: stamp.Why})
	}
	return nil
}

// Resume lets a company or an account send again, whoever or whatever had paused
// it. For an account it also says that the feeds which stopped it are known to be
// right, and that nothing is left of a [Queue.Recover]. Resuming what is not
// stopped changes nothing.
func (q *Queue) Resume(ctx context.Context, by, why string, s Scope) error {
	if err := errors.Join(s.check(), order.CheckDecision(by, why)); err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	var recoveries []recovery
	changed := false
	err := edit(ctx, q, recoverCell, func(rs *[]recovery) (bool, error) { recoveries = *rs; return false, nil })
	if err == nil {
		err = edit(ctx, q, s.cell(), func(p *pause) (bool, error) {
			changed = p.On || s.Account != "" && p.Recovered < len(recoveries)
			if !changed {
				return false, nil
			}
			p.On, p.By = false, order.Stamp{By: by, At: q.now(), Why: why}
			if s.Account != "" {
				p.Recovered = len(recoveries)
			}
			return true, nil
		})
	}
	if err != nil {
		return fmt.Errorf("resume %s: %w", s, err)
	}
	if changed {
		q.observe(ctx, Event{Kind: EventResumed, Company: s.Company, Account: s.Account, By: by, Text: why})
	}
	return nil
}

// Paused tells who paused a scope, when and why; the zero value when nobody did.
func (q *Queue) Paused(ctx context.Context, s Scope) (order.Stamp, error) {
	if err := s.check(); err != nil {
		return order.Stamp{}, err
	}
	found, err := q.cells(ctx, s.cell())
	if err != nil {
		return order.Stamp{}, err
	}
	var p pause
	if err := decode(found[s.cell()], &p); err != nil || !p.On {
		return order.Stamp{}, err
	}
	return p.By, nil
}

// halt is what stands against sending for an account.
type halt struct {
	pauses     []order.Stamp // of the company and of the account; none: it may send
	recoveries []recovery    // all there ever were
	account    pause
}

// haltCells are the cells that a halt is drawn from.
func haltCells(c order.CompanyID, a order.AccountID) []string {
	return []string{recoverCell, Scope{Company: c}.cell(), Scope{Account: a}.cell()}
}

func haltOf(found map[string]store.Cell, c order.CompanyID, a order.AccountID) (h halt, err error) {
	var all pause
	err = errors.Join(
		decode(found[recoverCell], &h.recoveries),
		decode(found[Scope{Company: c}.cell()], &all), decode(found[Scope{Account: a}.cell()], &h.account),
	)
	for _, p := range []pause{all, h.account} {
		if p.On {
			h.pauses = append(h.pauses, p.By)
		}
	}
	return h, err
}

func (h halt) paused() bool { return len(h.pauses) > 0 }

// recovering are the recoveries that are not over for the account.
func (h halt) recovering() []recovery {
	return h.recoveries[min(max(0, h.account.Recovered), len(h.recoveries)):]
}

// halted reads what stands against sending for an account. That the store is
// another installation's is an error.
func (q *Queue) halted(ctx context.Context, c order.CompanyID, a order.AccountID) (halt, error) {
	found, err := q.cells(ctx, append(haltCells(c, a), installationCell)...)
	if err != nil {
		return halt{}, err
	}
	h, err := haltOf(found, c, a)
	var here installation
	if err = errors.Join(err, decode(found[installationCell], &here)); err == nil {
		err = q.checkInstallation(here)
	}
	return h, err
}

// mayNotSend says why an account must not send now; empty when it may. It is asked
// last, before the commit to send.
func (q *Queue) mayNotSend(ctx context.Context, b Batch) (string, error) {
	h, err := q.halted(ctx, b.Company, b.Account)
	switch {
	case err != nil:
		return "", err
	case h.paused():
		return fmt.Sprintf("paused by %s: %s", h.pauses[0].By, h.pauses[0].Why), nil
	case len(h.recovering()) > 0:
		return "waits for the look that was asked for after a restore", nil
	}
	return "", nil
}

// tooManyCancelled is how many feeds in a row Amazon may cancel before somebody
// has to look.
const tooManyCancelled = 2

// count follows what became of an account's feeds.
func (t *turn) count(was BatchState, b Batch) {
	if was != BatchInQueue && was != BatchInProgress {
		return
	}
	byUs := len(b.Evidence) > 0 && b.Evidence[len(b.Evidence)-1].Kind == EvidenceDecision
	switch b.State {
	case BatchCancelled:
		if !byUs {
			t.Cancelled++
			t.Culprit = b.ID
		}
	case BatchDone, BatchFatal:
		t.Cancelled = 0
	}
}

// pauseCancelled pauses an account whose feeds Amazon cancels one after the other.
func (q *Queue) pauseCancelled(ctx context.Context, t *turn) error {
	if t.Cancelled < tooManyCancelled {
		return nil
	}
	why := fmt.Sprintf("Amazon cancelled %d feeds in a row", t.Cancelled)
	key := fmt.Sprintf("cancelled/%s/%s", t.account, t.Culprit)
	err := errors.Join(
		q.alarm(ctx, t.account, key, why+": look why in Seller Central, then resume the account"),
		q.pause(ctx, Scope{Account: t.account}, order.Stamp{By: "queue", At: q.now(), Why: why}, time.Time{}),
	)
	if err == nil {
		t.Cancelled = 0
	}
	return err
}
