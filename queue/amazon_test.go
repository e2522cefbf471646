package queue_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/takebackhq/takeback/amazon"
)

// scripted is an Amazon whose answers a test writes down. Without a script it
// takes every document, processes it at once and accepts all of it. It keeps what
// was asked of it, and which documents had effect.
type scripted struct {
	now func() time.Time

	mu             sync.Mutex
	begins         int
	throttledUntil time.Time                           // Begin says so until then
	every          time.Duration                       // Begin has a token so often, over all types of an account; 0: always
	refuse         func(amazon.Account) error          // Begin of an account fails with this
	takes          time.Duration                       // how long a createFeed takes
	creates        []createCall                        // every createFeed, in order
	answers        []answer                            // of the next createFeeds; then ok
	status         amazon.FeedStatus                   // of every feed; empty: DONE
	ends           bool                                // feeds say when they ended
	noReport       bool                                // feeds that ended have no report
	report         func(ids []amazon.MessageID) []byte // nil: everything accepted
	feeds          map[amazon.FeedID]createCall        // those that exist
	statuses       map[amazon.FeedID]amazon.FeedStatus // of single feeds, before status
	reports        map[amazon.FeedID][]byte            // of single feeds, before report
	lag            time.Duration                       // how long after its creation a feed is listed
	ahead          time.Duration                       // how far Amazon's clock is ahead of ours
	lists          int                                 // how often feeds were listed
	watch          func(createCall)                    // sees every createFeed as it comes
}

// createCall is one createFeed.
type createCall struct {
	ID       amazon.FeedID
	At       time.Time
	Account  amazon.Account
	Feed     amazon.FeedType
	Document []byte
	Arrived  bool
}

// answer is what becomes of one createFeed.
type answer struct {
	arrives bool // the feed exists, whatever the caller hears
	noID    bool // answered, but without a feed ID
	err     error
}

func (s *scripted) Begin(ctx context.Context, a amazon.Account, t amazon.FeedType) (amazon.Ticket, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begins++
	if s.refuse != nil {
		if err := s.refuse(a); err != nil {
			return nil, err
		}
	}
	for _, call := range s.creates {
		if next := call.At.Add(s.every); call.Account.ID == a.ID && next.After(s.now()) {
			return nil, &amazon.Error{Op: "createFeed", Sent: amazon.NotSent, RetryAt: next}
		}
	}
	if s.throttledUntil.After(s.now()) {
		return nil, &amazon.Error{Op: "createFeed", Sent: amazon.NotSent, RetryAt: s.throttledUntil}
	}
	return &ticket{amazon: s, account: a, feed: t}, nil
}

type ticket struct {
	amazon   *scripted
	account  amazon.Account
	feed     amazon.FeedType
	document []byte
}

// tokenLife is how long after an upload its createFeed is taken.
const tokenLife = 65 * time.Minute

func (t *ticket) Upload(_ context.Context, contentType string, doc []byte) (fence, at time.Time, err error) {
	if contentType != amazon.ContentType || len(doc) == 0 {
		return fence, at, fmt.Errorf("upload of %d bytes as %q", len(doc), contentType)
	}
	t.document = bytes.Clone(doc)
	return t.amazon.clock().Add(tokenLife), t.amazon.clock(), nil
}

func (t *ticket) Create(context.Context) (amazon.Feed, error) {
	s := t.amazon
	time.Sleep(s.takes)
	s.mu.Lock()
	defer s.mu.Unlock()
	var a answer
	switch {
	case len(s.answers) > 0:
		a, s.answers = s.answers[0], s.answers[1:]
	default:
		a = answer{arrives: true}
	}
	call := createCall{amazon.FeedID(strconv.Itoa(50001 + len(s.creates))), s.clock(), t.account, t.feed, t.document, a.arrives}
	s.creates = append(s.creates, call)
	if s.watch != nil {
		s.watch(call)
	}
	feed := amazon.Feed{ID: call.ID, Type: t.feed, CreatedAt: call.At}
	if a.arrives {
		s.feeds[feed.ID] = call
	}
	switch {
	case a.err != nil:
		return amazon.Feed{}, a.err
	case a.noID:
		return amazon.Feed{}, nil
	}
	return feed, nil
}

func (t *ticket) Close() {}

func (s *scripted) Feed(_ context.Context, _ amazon.Account, id amazon.FeedID) (amazon.Feed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	call, ok := s.feeds[id]
	if !ok {
		return amazon.Feed{}, &amazon.Error{Op: "getFeed", Sent: amazon.Answered, Status: 404}
	}
	return s.feed(call), nil
}

// feed is a feed as Amazon tells of it.
func (s *scripted) feed(call createCall) amazon.Feed {
	status := cmp.Or(s.statuses[call.ID], s.status, amazon.FeedDone)
	f := amazon.Feed{ID: call.ID, Type: call.Feed, Status: status, CreatedAt: call.At}
	if s.ends {
		f.EndedAt = call.At
	}
	if _, ended := s.reports[call.ID]; ended || status == amazon.FeedDone && !s.noReport {
		f.Result = amazon.DocumentID(call.ID)
	}
	return f
}

// clock is Amazon's.
func (s *scripted) clock() time.Time { return s.now().Add(s.ahead) }

func (s *scripted) Document(_ context.Context, _ amazon.Account, id amazon.DocumentID) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	call := s.feeds[amazon.FeedID(id)]
	if own, ok := s.reports[call.ID]; ok {
		return io.NopCloser(bytes.NewReader(own)), nil
	}
	report := s.report
	if report == nil {
		report = allAccepted
	}
	return io.NopCloser(bytes.NewReader(report(messageIDs(call.Document)))), nil
}

func (s *scripted) ListFeeds(_ context.Context, a amazon.Account, t amazon.FeedType, since time.Time) (amazon.FeedList, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lists++
	list := amazon.FeedList{At: s.clock()}
	for _, call := range s.feeds {
		if call.Account.ID == a.ID && call.Feed == t && !call.At.Before(since) && !call.At.Add(s.lag).After(list.At) {
			list.Feeds = append(list.Feeds, s.feed(call))
		}
	}
	slices.SortFunc(list.Feeds, func(x, y amazon.Feed) int { return cmp.Compare(x.ID, y.ID) })
	return list, nil
}

func (s *scripted) CancelFeed(_ context.Context, _ amazon.Account, id amazon.FeedID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	call, ok := s.feeds[id]
	if !ok || s.feed(call).Status != amazon.FeedInQueue {
		return &amazon.Error{Op: "cancelFeed", Sent: amazon.Answered, Status: 400}
	}
	s.setStatus(id, amazon.FeedCancelled)
	return nil
}

func (s *scripted) setStatus(id amazon.FeedID, to amazon.FeedStatus) {
	if s.statuses == nil {
		s.statuses = map[amazon.FeedID]amazon.FeedStatus{}
	}
	s.statuses[id] = to
}

func (s *scripted) setReport(id amazon.FeedID, body []byte) {
	if s.reports == nil {
		s.reports = map[amazon.FeedID][]byte{}
	}
	s.reports[id] = body
}

// stranger is a feed of another application, or of ours that came late.
func (s *scripted) stranger(id amazon.FeedID, a amazon.Account, t amazon.FeedType) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.feeds[id] = createCall{ID: id, At: s.clock(), Account: a, Feed: t}
}

// strangerAt is a feed of another application of account us, created at a time.
func (s *scripted) strangerAt(id amazon.FeedID, t amazon.FeedType, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.feeds[id] = createCall{ID: id, At: at, Account: account("us", "acme"), Feed: t}
}

// sent is every createFeed so far.
func (s *scripted) sent() []createCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.creates)
}

// effects counts how often each message had effect, by the name that its
// handler gave it.
func (s *scripted) effects() map[string]int {
	counts := map[string]int{}
	for _, call := range s.sent() {
		if call.Arrived && s.statuses[call.ID] != amazon.FeedCancelled {
			for _, name := range messageNames(call.Document) {
				counts[name]++
			}
		}
	}
	return counts
}

var (
	idElement   = regexp.MustCompile(`<MessageID>(\d+)</MessageID>`)
	nameElement = regexp.MustCompile(`<(?:MerchantAdjustmentItemID|MerchantOrderID)>([^<]+)<`)
)

func messageIDs(doc []byte) []amazon.MessageID {
	var ids []amazon.MessageID
	for _, m := range idElement.FindAllSubmatch(doc, -1) {
		id, err := strconv.ParseInt(string(m[1]), 10, 64)
		if err == nil {
			ids = append(ids, amazon.MessageID(id))
		}
	}
	return ids
}

func messageNames(doc []byte) []string {
	var names []string
	for _, m := range nameElement.FindAllSubmatch(doc, -1) {
		names = append(names, string(m[1]))
	}
	return names
}

// reported is a processing report of n messages, of which these have an error or
// a warning.
func reported(n int, results ...amazon.Result) amazon.ProcessingReport {
	failed := map[amazon.MessageID]bool{}
	for _, r := range results {
		if r.ResultCode == "Error" && r.MessageID != 0 {
			failed[r.MessageID] = true
		}
	}
	return amazon.ProcessingReport{
		TransactionID: "50001", StatusCode: "Complete",
		Summary: &amazon.Summary{Processed: n, Successful: n - len(failed), WithError: len(failed)},
		Results: results,
	}
}

func refusal(id amazon.MessageID, code int, text string) amazon.Result {
	return amazon.Result{MessageID: id, ResultCode: "Error", Code: code, Description: text}
}

// encoded is a report as Amazon would send it. It is for reports that a test
// wrote down, so an error shows as an unreadable report.
func encoded(p amazon.ProcessingReport) []byte {
	body, err := amazon.EncodeProcessingReport("A1MERCHANT", p)
	if err != nil {
		return []byte(err.Error())
	}
	return body
}

func allAccepted(ids []amazon.MessageID) []byte { return encoded(reported(len(ids))) }

// refusing reports an error with this code for the first n messages.
func refusing(code, n int) func([]amazon.MessageID) []byte {
	return func(ids []amazon.MessageID) []byte {
		var rs []amazon.Result
		for _, id := range ids[:n] {
			rs = append(rs, refusal(id, code, "no"))
		}
		return encoded(reported(len(ids), rs...))
	}
}

func throttled(until time.Time) error {
	return &amazon.Error{Op: "createFeed", Sent: amazon.NotSent, Status: 429, RetryAt: until}
}
