package amazontest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

// Fate is what becomes of a feed, or of a report ([ReportFile.Fate]). The zero
// Fate is that it is processed as [Config.ProcessingTime] says and ends DONE, a
// feed with a true processing report.
type Fate struct {
	// Queued and InProgress are how long it stays IN_QUEUE and then
	// IN_PROGRESS. 0: half of Config.ProcessingTime each; Forever: it is stuck.
	Queued, InProgress time.Duration

	// End is the status in which it ends. CANCELLED: at the end of its time in
	// the queue, and nothing of it is carried out. FATAL: after Messages of its
	// messages, the first ones, were carried out; a larger number than there are
	// means all of them. Anything else: DONE, after all of them.
	End      amazon.FeedStatus
	Messages int

	// Report is what is wrong with the processing report; empty: nothing. The
	// report of a FATAL feed tells of the messages that were carried out.
	Report ReportFate

	// Unlisted is for how long after its creation getFeeds or getReports leave it
	// out, Unknown for how long it is not found by its ID.
	Unlisted, Unknown time.Duration
}

// ReportFate is what is wrong with a processing report.
type ReportFate string

const (
	// ReportMissing: the feed has no resultFeedDocumentId.
	ReportMissing ReportFate = "missing"

	// ReportMiscounted: its summary counts one message more as successful than
	// there was, and one fewer as processed.
	ReportMiscounted ReportFate = "miscounted"

	// ReportCutOff: it ends in the middle.
	ReportCutOff ReportFate = "cut off"

	// ReportPlain: it is tab-separated text, as flat-file feeds have, and tells
	// nothing of the messages.
	ReportPlain ReportFate = "plain"
)

// FateOf asks script, once for each feed that is created from now on, what is to
// become of it; nil: every feed ends as it should. The script sees the feed
// with its ID and document. It must not use the server.
func (s *Server) FateOf(script func(Feed) Fate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fate = script
}

// AddFeed enters a feed that somebody else sent for a seller: another
// application, or a person in Seller Central. It is listed, is asked about by
// [Server.FateOf] and has its effect like any other. A nil document, and any of a
// feed type that the server does not process, has no effect and no report. An
// unknown seller and an empty type are errors.
func (s *Server) AddFeed(seller string, t amazon.FeedType, document []byte, marketplaces ...order.MarketplaceID) (amazon.FeedID, error) {
	var id amazon.FeedID
	err := s.change(func(b *books) error {
		a := b.Sellers[seller]
		switch {
		case a == nil:
			return fmt.Errorf("feed %s: seller %q is unknown; add it first", t, seller)
		case t == "":
			return errors.New("feed without a type")
		}
		now := s.now()
		feed := &job{
			Type: string(t), Marketplaces: slices.Clone(marketplaces), CreatedAt: now, Stranger: true,
			Input: a.keep("text/xml; charset=UTF-8", slices.Clone(document), now),
		}
		s.enqueue(a, feed)
		id = amazon.FeedID(feed.ID)
		return nil
	})
	return id, err
}

// enqueue gives a new feed its ID and its fate.
func (s *Server) enqueue(a *account, feed *job) {
	feed.ID, feed.Status = a.nextID(), amazon.FeedInQueue
	if s.fate != nil {
		feed.Fate = s.fate(a.feed(feed))
	}
	a.Feeds = append(a.Feeds, feed)
}

// due moves a job on and tells whether its work is to be done now; the job is
// then marked as ended.
func (j *job) due(now time.Time, takes time.Duration) bool {
	if !j.open() {
		return false
	}
	f := j.Fate
	start := j.CreatedAt.Add(cmp.Or(max(0, f.Queued), takes/2))
	end := start.Add(cmp.Or(max(0, f.InProgress), takes-takes/2))
	switch {
	case now.Before(start):
		return false
	case f.End == amazon.FeedCancelled:
		j.Status, j.EndedAt = amazon.FeedCancelled, start
		return false
	case now.Before(end):
		j.Status, j.StartedAt = amazon.FeedInProgress, start
		return false
	}
	j.Status, j.StartedAt, j.EndedAt = amazon.FeedDone, start, end
	if f.End == amazon.FeedFatal {
		j.Status = amazon.FeedFatal
	}
	return true
}

// reach is how many of a document's messages are carried out.
func (f Fate) reach(messages int) int {
	if f.End != amazon.FeedFatal {
		return messages
	}
	return min(max(0, f.Messages), messages)
}

// listed tells whether getFeeds or getReports know the job yet, known whether
// getFeed or getReport do.
func (j *job) listed(now time.Time) bool { return !now.Before(j.CreatedAt.Add(j.Fate.Unlisted)) }
func (j *job) known(now time.Time) bool  { return !now.Before(j.CreatedAt.Add(j.Fate.Unknown)) }
