package queue

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

// Stat is how the queue of one account stands.
type Stat struct {
	Company order.CompanyID
	Account order.AccountID
	Listed  bool // in Config.Accounts; what is not listed is not worked on

	Lanes   []LaneStat // in the order of Feed, Kind and State; none without entries
	Feeds   []FeedStat // of both types
	Unknown int        // entries that Amazon may have: UnknownSent and UnknownResult
	Decide  int        // entries that need a person's decision
	Batches int        // that are not finished

	// Next is when a pass has something to do: a document to look at again, an
	// entry to ask about, or one that may be sent, as far as that is known. In the
	// past: with the next Step. Zero: nothing is to come, unless a person chooses,
	// resumes or decides, or somebody asks for more.
	Next     time.Time
	Failures int // passes in a row in which nothing worked

	// Paused says why nothing is sent: the pauses of the company and of the account,
	// which a feed that nobody here sent and feeds that Amazon cancels are too, and
	// each Recover whose look has not been made. An installation of another name, which
	// sends nothing either, shows as the error of Step.
	Paused []order.Stamp
}

// LaneStat is the entries of an account that stand in one state.
type LaneStat struct {
	Feed    amazon.FeedType
	Kind    Kind
	State   State
	Label   string // the name of the state that staff read
	Entries int
	Oldest  time.Time // since when the oldest of them is in the queue
}

// FeedStat is when documents of one type were and can be sent.
type FeedStat struct {
	Feed amazon.FeedType
	Last time.Time // when createFeed was last called; zero: never
	Next time.Time // when there is a token for the next one, which both types share; in the past: now
}

// Stats shows how the queue stands, in the order of Company and Account: the
// accounts of a company, or of all when it is empty, also those in which nothing
// waits and those that are not listed any more. It calls Amazon for nothing. What
// it reads depends on the accounts, their lanes and open batches; entries are only
// counted, in the store. What it counts is read one after the other, while the
// work goes on.
func (q *Queue) Stats(ctx context.Context, company order.CompanyID) ([]Stat, error) {
	stats, err := q.stats(ctx, company)
	if err != nil {
		return nil, fmt.Errorf("stats: %w", err)
	}
	return stats, nil
}

func (q *Queue) stats(ctx context.Context, company order.CompanyID) ([]Stat, error) {
	accounts, err := q.c.Accounts.Accounts(ctx)
	if err != nil {
		return nil, fmt.Errorf("accounts: %w", err)
	}
	of := map[order.AccountID]*Stat{}
	stat := func(company order.CompanyID, id order.AccountID) *Stat {
		if of[id] == nil {
			of[id] = &Stat{Company: company, Account: id, Feeds: []FeedStat{{Feed: amazon.CancelFeed}, {Feed: amazon.RefundFeed}}}
		}
		return of[id]
	}
	listed := map[order.AccountID]amazon.Account{}
	for _, a := range accounts {
		if company == "" || a.Company == company {
			stat(a.Company, a.ID).Listed = true
			listed[a.ID] = a
		}
	}
	counts, err := q.c.Store.Counts(ctx, company)
	if err != nil {
		return nil, err
	}
	for _, c := range counts {
		stat(c.Company, c.Account).count(c)
	}
	batches, err := q.c.Store.Batches(ctx, BatchQuery{Company: company, Unapplied: true})
	if err != nil {
		return nil, err
	}
	for _, b := range batches {
		s := stat(b.Company, b.Account)
		s.Batches++
		s.Next = earlier(s.Next, b.Due)
	}
	lanes, err := q.c.Store.Lanes(ctx, dueLanes...)
	if err != nil {
		return nil, err
	}
	turns, err := q.turns(ctx, slices.Collect(maps.Keys(of)))
	if err != nil {
		return nil, err
	}
	visits := map[order.AccountID]*visit{}
	for id, t := range turns {
		visits[id] = &visit{turn: t, waiting: map[amazon.FeedType]bool{}}
	}
	now := q.now()
	for _, l := range lanes {
		s := of[l.Account]
		_, sends := listed[l.Account]
		switch {
		case s == nil: // another company's
		case sends && l.State == EntryQueued && !l.Ready.After(now):
			visits[l.Account].waiting[l.Feed] = true
		default:
			s.Next = earlier(s.Next, later(now, l.Ready))
		}
	}
	halts, err := q.halts(ctx, of)
	if err != nil {
		return nil, err
	}
	stats := make([]Stat, 0, len(of))
	for id, s := range of {
		if err := q.pace(ctx, s, listed[id], *visits[id], halts[id]); err != nil {
			return nil, err
		}
		stats = append(stats, *s)
	}
	slices.SortFunc(stats, func(a, b Stat) int {
		return cmp.Or(cmp.Compare(a.Company, b.Company), cmp.Compare(a.Account, b.Account))
	})
	return stats, nil
}

func (s *Stat) count(c Count) {
	s.Lanes = append(s.Lanes, LaneStat{Feed: c.Feed, Kind: c.Kind, State: c.State, Label: c.State.Label(), Entries: c.Entries, Oldest: c.Oldest})
	switch c.State {
	case EntryUnknownSent, EntryUnknownResult:
		s.Unknown += c.Entries
	case EntryNeedsDecision:
		s.Decide += c.Entries
	}
}

// halts reads what keeps accounts from sending.
func (q *Queue) halts(ctx context.Context, of map[order.AccountID]*Stat) (map[order.AccountID]halt, error) {
	var names []string
	for id, s := range of {
		names = append(names, haltCells(s.Company, id)...)
	}
	slices.Sort(names)
	found, err := q.cells(ctx, slices.Compact(names)...)
	if err != nil {
		return nil, err
	}
	halts := map[order.AccountID]halt{}
	for id, s := range of {
		if halts[id], err = haltOf(found, s.Company, id); err != nil {
			return nil, err
		}
	}
	return halts, nil
}

// pace adds what the workers share about an account, what keeps it from sending,
// and what follows for its next document.
func (q *Queue) pace(ctx context.Context, s *Stat, a amazon.Account, v visit, h halt) error {
	t := v.turn
	if t.wrong != nil {
		return t.wrong
	}
	for i := range s.Feeds {
		f := &s.Feeds[i]
		f.Last, f.Next = t.Sent[f.Feed], t.Wait[f.Feed]
	}
	s.Paused = h.pauses
	for _, r := range h.recovering() {
		s.Paused = append(s.Paused, order.Stamp{By: r.By.By, At: r.By.At, Why: r.why()})
	}
	if len(v.waiting) > 0 {
		next, err := q.sendable(ctx, a, v, h)
		if err != nil {
			return err
		}
		s.Next = earlier(s.Next, next)
	}
	if s.Failures = t.Failures; !s.Next.IsZero() {
		s.Next = later(s.Next, t.NotBefore)
	}
	bucket, ok := q.c.Feeds.(amazon.Bucket)
	if !ok || !s.Listed || a.Check() != nil {
		return nil // an account that cannot send is named by each pass; the others' figures count
	}
	for i := range s.Feeds {
		next, err := bucket.NextFeed(ctx, a, s.Feeds[i].Feed)
		if err != nil {
			return err
		}
		s.Feeds[i].Next = next
	}
	return nil
}
