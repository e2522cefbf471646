package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

// ErrInstallation is what a [Queue.Step] answers when the store belongs to an
// installation of another name: the process works on a copy of the database, such
// as a staging system, or the installation was renamed ([Queue.TakeOver]). Nothing
// is sent then, and nothing is asked.
var ErrInstallation = errors.New("the store belongs to another installation")

const (
	installationCell = "queue/installation"
	maxInstallation  = 64
)

// installation is what the store knows of the installation that it belongs to.
type installation struct {
	Name  string      `json:"name"`
	Since order.Stamp `json:"since"`
}

// nameable tells whether people could tell an installation of this name from
// others.
func nameable(name string) bool {
	unseen := func(r rune) bool { return !unicode.IsPrint(r) }
	n := len([]rune(name))
	return n >= 1 && n <= maxInstallation && strings.TrimSpace(name) == name && !strings.ContainsFunc(name, unseen)
}

func (q *Queue) checkInstallation(here installation) error {
	if here.Name != q.c.Installation {
		return fmt.Errorf("it is %q, and this process is configured as %q: %w", here.Name, q.c.Installation, ErrInstallation)
	}
	return nil
}

// settle in: the first process to come gives the store its name.
func (q *Queue) install(ctx context.Context) error {
	return edit(ctx, q, installationCell, func(here *installation) (bool, error) {
		if here.Name != "" {
			return false, q.checkInstallation(*here)
		}
		*here = installation{q.c.Installation, order.Stamp{By: "queue", At: q.now(), Why: "first pass"}}
		return true, nil
	})
}

// TakeOver gives the store the name of this process's configuration. from is the
// name that it has, so that nobody takes over what is not meant; any other is
// [ErrInstallation]. A store that has this name already is left as it is.
//
// Whoever takes over a copy of a database makes it send: its requests may have
// been sent by the original meanwhile. Call [Queue.Recover] first.
func (q *Queue) TakeOver(ctx context.Context, by, why, from string) error {
	if err := order.CheckDecision(by, why); err != nil {
		return fmt.Errorf("take over: %w", err)
	}
	err := edit(ctx, q, installationCell, func(here *installation) (bool, error) {
		switch here.Name {
		case q.c.Installation:
			return false, nil
		case from:
			*here = installation{q.c.Installation, order.Stamp{By: by, At: q.now(), Why: why}}
			return true, nil
		}
		return false, fmt.Errorf("it is %q, not %q: %w", here.Name, from, ErrInstallation)
	})
	if err != nil {
		return fmt.Errorf("take over: %w", err)
	}
	return nil
}

const recoverCell = "queue/recover"

// recovery says that what was saved since a time may be lost.
type recovery struct {
	Since time.Time   `json:"since"`
	By    order.Stamp `json:"by"`
}

// Recover is to be called after a restore, or a failover that may have lost what
// was saved after since: what the store holds as waiting may have been sent.
// Sending stops for every account, until the complete list of its feeds since
// then, read a Config.Margin after this call, shows none that the store does not
// know. If it shows one, the account is paused with an alert for the
// Administrator, and only [Queue.Resume] lets it send again. What was sent is
// followed as ever.
func (q *Queue) Recover(ctx context.Context, by string, since time.Time) error {
	now := q.now()
	if err := order.CheckActor(by); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	if since.IsZero() || since.After(now) {
		return fmt.Errorf("recover since %s: want a time that is over", since)
	}
	err := edit(ctx, q, recoverCell, func(rs *[]recovery) (bool, error) {
		*rs = append(*rs, recovery{since.UTC(), order.Stamp{By: by, At: now}})
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	q.observe(ctx, Event{Kind: EventPaused, By: by, Text: recovery{Since: since}.why()})
	return nil
}

func (r recovery) why() string {
	return "what was saved since " + r.Since.UTC().Format(time.RFC3339) + " may be lost"
}

// cleared tells whether an account may send, as far as its feeds at Amazon tell,
// and if not, when to look again. The first time in each process, and after a
// [Queue.Recover], it looks for feeds that nobody here sent.
func (q *Queue) cleared(ctx context.Context, a amazon.Account, t *turn, open []Batch) (ok bool, next time.Time, err error) {
	h, err := q.halted(ctx, a.Company, a.ID)
	if err != nil || h.paused() {
		return false, time.Time{}, err
	}
	var since, complete time.Time // the list begins here, and is to be made after
	for _, r := range h.recovering() {
		since, complete = earlier(since, r.Since), later(complete, r.By.At.Add(q.c.Margin))
	}
	if complete.After(q.now()) {
		return false, complete, nil
	}
	newest := t.Newest
	for _, b := range open {
		newest = later(newest, b.AttemptedAt)
	}
	recovering := !since.IsZero()
	if !recovering {
		if newest.IsZero() || q.knows(a.ID) {
			q.know(a.ID)
			return true, time.Time{}, nil
		}
		since = newest
	}

	strange, at, err := q.strangers(ctx, a, since, recovering)
	if err != nil {
		return false, time.Time{}, fmt.Errorf("look for feeds that were not sent from here: %w", err)
	}
	strange = slices.DeleteFunc(strange, func(f amazon.Feed) bool {
		return !f.CreatedAt.After(h.account.Known) || !recovering && (a.OtherSenders || !f.CreatedAt.After(newest))
	})
	if len(strange) > 0 {
		return false, time.Time{}, errors.Join(q.pauseStrange(ctx, a, strange), q.unbuild(ctx, open))
	}
	if recovering && at.Before(complete) {
		return false, q.now().Add(idle), nil // Amazon's clock is behind ours
	}
	if recovering {
		err = edit(ctx, q, Scope{Account: a.ID}.cell(), func(p *pause) (bool, error) {
			p.Recovered = len(h.recoveries)
			return true, nil
		})
	}
	if err != nil {
		return false, time.Time{}, err
	}
	if recovering {
		q.observe(ctx, Event{Kind: EventResumed, Company: a.Company, Account: a.ID, By: "queue", Text: "Amazon has no feed since then that the store does not know"})
	}
	q.know(a.ID)
	return true, time.Time{}, nil
}

func (q *Queue) knows(a order.AccountID) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.known[a]
}

func (q *Queue) know(a order.AccountID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.known[a] = true
}

// strangers lists the feeds since a time that no batch of the account has, and of
// which none can be the one whose answer was lost; at is when the list was begun,
// on Amazon's clock. After a restore also those count that only time and type
// speak for: they may be of a document that was forgotten.
func (q *Queue) strangers(ctx context.Context, a amazon.Account, since time.Time, restored bool) (strange []amazon.Feed, at time.Time, err error) {
	for _, t := range []amazon.FeedType{amazon.CancelFeed, amazon.RefundFeed} {
		list, err := q.c.Feeds.ListFeeds(ctx, a, t, since.Add(-lookSkew))
		if err != nil {
			return nil, at, fmt.Errorf("list feeds: %w", err)
		}
		at = earlier(at, list.At)
		// Others may be sending meanwhile. Whatever is in the list was committed
		// before it, and is found here without an answer, or after this with one.
		open, err := q.c.Store.Batches(ctx, BatchQuery{Accounts: []order.AccountID{a.ID}, Feeds: []amazon.FeedType{t}, Unapplied: true})
		if err != nil {
			return nil, at, err
		}
		owned, err := q.owners(ctx, a, list.Feeds)
		if err != nil {
			return nil, at, err
		}
		if restored {
			if err := q.disregardAdopted(ctx, a, owned); err != nil {
				return nil, at, err
			}
		}
		for _, b := range open {
			if b.Unanswered && !restored {
				for _, f := range candidates(b, list.Feeds, owned) {
					owned[f.ID] = b.ID
				}
			}
		}
		for _, f := range list.Feeds {
			if owned[f.ID] == "" {
				strange = append(strange, f)
			}
		}
	}
	return strange, at, nil
}

// disregardAdopted leaves of the owned feeds those that are known to be ours.
func (q *Queue) disregardAdopted(ctx context.Context, a amazon.Account, owned map[amazon.FeedID]BatchID) error {
	for chunk := range slices.Chunk(slices.Collect(maps.Keys(owned)), ownersChunk) {
		bs, err := q.c.Store.Batches(ctx, BatchQuery{Accounts: []order.AccountID{a.ID}, DocumentNumbers: chunk})
		if err != nil {
			return err
		}
		for _, b := range bs {
			if b.Adopted {
				delete(owned, b.DocumentNumber)
			}
		}
	}
	return nil
}

// unbuild gives the entries of documents that are not sent back to the queue, where
// people can take back what a feed that nobody here sent may hold.
func (q *Queue) unbuild(ctx context.Context, open []Batch) error {
	var errs []error
	for _, b := range open {
		if b.unsent() {
			_, err := q.dissolve(ctx, b, "feeds were found that were not sent from here")
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// pauseStrange pauses an account that has feeds which nobody here sent: requests
// that wait here may have been sent from elsewhere.
func (q *Queue) pauseStrange(ctx context.Context, a amazon.Account, strange []amazon.Feed) error {
	var errs []error
	var known time.Time
	for _, f := range strange {
		known = later(known, f.CreatedAt)
		errs = append(errs, q.alarm(ctx, a.ID, fmt.Sprintf("unclaimed/%s/%s", a.ID, f.ID), fmt.Sprintf(
			"Amazon has feed %s (%s, created %s), which was not sent from here: find out who sent it and what of the queue it holds, then resume the account",
			f.ID, f.Type, f.CreatedAt.UTC().Format(time.RFC3339))))
	}
	why := fmt.Sprintf("not sent from here: feed %s", strange[0].ID)
	if more := len(strange) - 1; more > 0 {
		why += fmt.Sprintf(" and %d more", more)
	}
	return errors.Join(append(errs, q.pause(ctx, Scope{Account: a.ID}, order.Stamp{By: "queue", At: q.now(), Why: why}, known))...)
}
