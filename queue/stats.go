package queue

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

	Lanes    []LaneStat    // in the order of Feed, Kind and State; none without entries
	Feeds    []FeedStat    // of both types
	Unknown  int           // entries that Amazon may have: UnknownSent and UnknownResult
	Decide   int           // entries that need a person's decision
	Batches  int           // that are not finished
	Next     time.Time     // when a pass has something to look at; in the past: with the next Step; zero: nothing waits
	Failures int           // passes in a row that failed
	Paused   []order.Stamp // by whom, of the account and of the company; none: sending goes on
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
// waits and those that are not listed any more. It calls Amazon for nothing, and
// its cost depends on how many states, accounts and open batches there are. What
// it counts is read one after the other, while the work goes on.
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
	accounts = slices.DeleteFunc(slices.Clone(accounts), func(a amazon.Account) bool { return company != "" && a.Company != company })
	for _, a := range accounts {
		stat(a.Company, a.ID).Listed = true
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
	lanes, err := q.c.Store.Lanes(ctx, EntryQueued, EntryAwaitingShipment, EntryUnknownSent, EntryUnknownResult, EntryNeedsDecision)
	if err != nil {
		return nil, err
	}
	for _, l := range lanes {
		if s := of[l.Account]; s != nil {
			s.Next = earlier(s.Next, later(l.Ready, q.now()))
		}
	}
	if err := q.statCells(ctx, of); err != nil {
		return nil, err
	}
	if err := q.statBuckets(ctx, accounts, of); err != nil {
		return nil, err
	}
	stats := make([]Stat, 0, len(of))
	for _, s := range of {
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

// statCells adds what the scheduler keeps in the accounts' cells, and who paused
// what.
func (q *Queue) statCells(ctx context.Context, of map[order.AccountID]*Stat) error {
	var names []string
	for id, s := range of {
		names = append(names, "queue/account/"+string(id), "queue/pause/account/"+string(id), "queue/pause/company/"+string(s.Company))
	}
	slices.Sort(names)
	cells, err := q.c.Store.Cells(ctx, slices.Compact(names))
	if err != nil {
		return err
	}
	data := map[string][]byte{}
	for _, c := range cells {
		data[c.Name] = c.Data
	}
	read := func(name string, into any) error {
		if len(data[name]) == 0 {
			return nil
		}
		if err := json.Unmarshal(data[name], into); err != nil {
			return fmt.Errorf("cell %s holds %.80q: %w", name, data[name], err)
		}
		return nil
	}
	for id, s := range of {
		var pace struct {
			NotBefore time.Time                     `json:"not_before"`
			Failures  int                           `json:"failures"`
			Wait      map[amazon.FeedType]time.Time `json:"wait"`
			Sent      map[amazon.FeedType]time.Time `json:"sent"`
		}
		var account, whole struct {
			On bool        `json:"on"`
			By order.Stamp `json:"by"`
		}
		if err := errors.Join(
			read("queue/account/"+string(id), &pace),
			read("queue/pause/account/"+string(id), &account),
			read("queue/pause/company/"+string(s.Company), &whole),
		); err != nil {
			return err
		}
		s.Failures = pace.Failures
		if !s.Next.IsZero() {
			s.Next = later(s.Next, pace.NotBefore)
		}
		for i := range s.Feeds {
			s.Feeds[i].Last, s.Feeds[i].Next = pace.Sent[s.Feeds[i].Feed], pace.Wait[s.Feeds[i].Feed]
		}
		if account.On {
			s.Paused = append(s.Paused, account.By)
		}
		if whole.On {
			s.Paused = append(s.Paused, whole.By)
		}
	}
	return nil
}

// statBuckets asks the tokens of a Feeds that knows them, which is more than it
// said at the last Begin.
func (q *Queue) statBuckets(ctx context.Context, accounts []amazon.Account, of map[order.AccountID]*Stat) error {
	bucket, ok := q.c.Feeds.(amazon.Bucket)
	if !ok {
		return nil
	}
	for _, a := range accounts {
		if a.Check() != nil {
			continue // it cannot send, and each pass names it; the others' figures count
		}
		feeds := of[a.ID].Feeds
		for i := range feeds {
			next, err := bucket.NextFeed(ctx, a, feeds[i].Feed)
			if err != nil {
				return err
			}
			feeds[i].Next = next
		}
	}
	return nil
}

// later is the later of two times; zero is never the later one.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
