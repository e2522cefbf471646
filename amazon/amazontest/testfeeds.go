package amazontest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

// FeedsSetup is what one check of [TestFeeds] gives an implementation to work
// with.
type FeedsSetup struct {
	// Amazon is the server to call, in memory by [Server.Client] or over a
	// socket. It is fresh: nobody has called it yet.
	Amazon *Server

	// Seller holds credentials that Amazon knows, and Account is whose they are.
	Seller  Seller
	Account amazon.Account

	// Now is the clock that the implementation has to go by. It moves only when
	// a check moves it, and is ten minutes slow, as clocks are: what time it is
	// at Amazon stands in the Date header of Amazon's answers.
	Now func() time.Time
}

// TestFeeds checks that an implementation of [amazon.Feeds] keeps its contract
// where money is at stake: one request on the wire for each Create, an honest
// [amazon.Error.Sent] whatever goes wrong on the way, and a fence that holds. It
// judges by what the server saw, not by what the implementation says of itself.
//
// A host runs it in a test:
//
//	func TestFeeds(t *testing.T) {
//		amazontest.TestFeeds(t, func(t *testing.T, with amazontest.FeedsSetup) amazon.Feeds {
//			return newFeeds(with.Amazon.Client(), with.Seller, with.Now)
//		})
//	}
//
// Open returns a new implementation for each check, with nothing in its token
// cache or its buckets, and frees it by t.Cleanup where that is needed. No check
// makes it pause before it repeats a call, so its pauses may be real ones.
//
// An error may always say [amazon.SentUnknown] instead of something better,
// except where the contract names the answer: a Create that sends nothing and
// one that Amazon throttles are [amazon.NotSent].
//
// Every check that fails tells which sentence of the contract is broken and what
// that costs.
func TestFeeds(t *testing.T, open func(t *testing.T, with FeedsSetup) amazon.Feeds) {
	for _, p := range slices.Concat(feedsPromises(), createPromises()) {
		t.Run(p.name, func(t *testing.T) {
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("the contract says: %s\nit matters because %s", p.says, p.matters)
				}
			})
			p.check(newFeedsCheck(t, p.config, open))
		})
	}
}

// feedsPromise is a sentence of the contract, what breaking it costs, and what
// checks it.
type feedsPromise struct {
	name    string
	says    string
	matters string
	config  Config // of the server, apart from its clock
	check   func(*feedsCheck)
}

func feedsPromises() []feedsPromise {
	const (
		bucket   = "Begin never waits. When the account's createFeed bucket is empty it answers an error that Throttled recognises, with the time to come back."
		fence    = "The fence is the moment after which Amazon itself refuses that createFeed, because the token that Upload bound has expired; at is the time of the call on Amazon's clock."
		twice    = "once the fence has passed and no feed is seen, the refund may be sent in a new feed; a createFeed that still works then pays it twice"
		document = "Document opens the processing report of a feed, unpacked."
		result   = "a report that cannot be read leaves every refund of the feed without a result"
		list     = "ListFeeds lists every feed of a type created since a time, in all states and over all pages: the complete list, or an error."
		dated    = "The list says when Amazon answered its first page, on Amazon's clock."
		missing  = "a feed whose answer was lost is looked for in this list; one that is missing counts as never sent, and its refunds are paid twice"
	)
	return []feedsPromise{
		{
			name: "begin/throttled", says: bucket, check: checkThrottledBegin,
			matters: "a worker that waits holds up its account, and one that does not know when to come back comes too often",
		},
		{
			name: "close/not sent", says: "Close gives the token back to the bucket when nothing was sent.", check: checkCloseGivesBack,
			matters: "a batch that was set aside would cost the account two minutes",
		},
		{
			name: "close/sent", says: "Close gives the token back to the bucket when nothing was sent, and only then.", check: checkCloseKeeps,
			matters: "Amazon has counted that createFeed and throttles the next one",
		},
		{
			name: "upload/repeated", says: "Upload may be repeated; Create sends the document that was uploaded last.", check: checkUploadRepeated,
			matters: "an upload whose answer was lost is repeated, and an older document asks for other refunds",
		},
		{name: "upload/fence", says: fence, matters: twice, check: checkFence},
		{
			name: "upload/fence for late calls", says: fence + " It holds for a request that was under way when it passed, too.",
			matters: twice, check: checkFenceForLateCalls,
		},
		{
			name: "upload/fence of its own token", matters: twice, check: checkFenceOfOwnToken,
			says: fence + " Create uses no other token, not even one that was fetched for somebody else meanwhile.",
		},
		{
			name: "feed/reads", says: "Feed reads one feed.", check: checkFeed,
			matters: "a refund is settled by what is read here",
		},
		{
			name: "feed/unknown", says: "Errors are or wrap *Error.", check: checkUnknownFeed,
			matters: "an error that is not ours says nothing of what happened, and counts as unknown",
		},
		{name: "feeds/complete", says: list, matters: missing, check: checkList},
		{name: "feeds/cut off", says: list, matters: missing, check: checkListCutOff},
		{
			name: "feeds/dated", says: dated, check: checkListDated,
			matters: "a feed that a list leaves out counts as never sent once the list is late enough; a list that is older than it says leaves out one that was still to come",
		},
		{
			name: "feeds/dated, though empty", says: dated, check: checkEmptyListDated,
			matters: "this is the list by which a refund is found not to have been sent",
		},
		{
			name: "cancel feed", says: "CancelFeed stops a feed that is IN_QUEUE. Repeating it is harmless.", check: checkCancelFeed,
			matters: "this is how the second of two equal feeds is stopped before it pays",
		},
		{name: "document/plain", says: document, matters: result, check: checkDocument},
		{name: "document/packed", says: document, matters: result, check: checkDocument, config: Config{Gzip: true}},
	}
}

const (
	// slow is by how much the implementation's clock is behind Amazon's. It is
	// more than the margin that a fence adds to its token's expiry, so a fence
	// that goes by that clock does not hold.
	slow = 10 * time.Minute

	// longestFence is what an implementation needs that cannot bind a token: its
	// createFeed works as long as its document does. The margin is for clocks.
	longestFence = documentLife + 5*time.Minute

	// patience ends a call that hangs.
	patience = 30 * time.Second
)

// feedsCheck is one check: a fresh Amazon and a fresh implementation.
type feedsCheck struct {
	*testing.T
	ctx   context.Context
	with  FeedsSetup
	amz   *Server
	clock *movingClock // Amazon's
	feeds amazon.Feeds
}

const (
	feedsOrder = "111-7654321-7654321"
	feedsItem  = "12345678901234"
)

func newFeedsCheck(t *testing.T, config Config, open func(*testing.T, FeedsSetup) amazon.Feeds) *feedsCheck {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), patience)
	t.Cleanup(stop)
	c := &feedsCheck{T: t, ctx: ctx, clock: &movingClock{now: time.Date(2026, 3, 8, 12, 0, 0, 0, time.UTC)}}
	config.Now = c.clock.Now
	// A Feeds that reads short pages may ask often here, and 429s are scripted.
	config.Throttle = Throttle{Off: true}
	amz, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	c.amz = amz
	c.with = FeedsSetup{
		Amazon: amz,
		Seller: Seller{Merchant: "A1FEEDSTEST", ClientID: "amzn1.application-oa2-client.feedstest", ClientSecret: "amzn1.oa2-cs.v1.feedstest", RefreshToken: "Atzr|feedstest"},
		Account: amazon.Account{
			ID: "feedstest-na", Company: "feedstest", Merchant: "A1FEEDSTEST", Region: amazon.NorthAmerica,
			Marketplaces: []order.MarketplaceID{"ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"},
		},
		Now: func() time.Time { return c.clock.Now().Add(-slow) },
	}
	err = errors.Join(amz.AddSeller(c.with.Seller), amz.Seed(Order{
		Seller: c.with.Seller.Merchant, Number: feedsOrder, Marketplace: "ATVPDKIKX0DER", Currency: "USD",
		Items: []Item{{ID: feedsItem, SKU: "MUG", Quantity: 1, Shipped: 1, Charges: order.Amounts{order.Principal: decimal.NewFromInt(100)}}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	if c.feeds = open(t, c.with); c.feeds == nil {
		t.Fatal("open returned no implementation")
	}
	return c
}

// movingClock is a time that passes only when it is told to.
type movingClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *movingClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *movingClock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

func (c *movingClock) pass(d time.Duration) { c.set(c.Now().Add(d)) }

// refundOf is a document that refunds so many dollars.
func (c *feedsCheck) refundOf(dollars int64) []byte {
	c.Helper()
	doc, err := amazon.Encode(c.with.Seller.Merchant, amazon.RefundFeed, []amazon.Numbered{{ID: amazon.MessageID(dollars), Message: amazon.Adjustment{
		Order: feedsOrder, Item: feedsItem, AdjustmentID: fmt.Sprint("RF", dollars), Reason: amazon.RefundCustomerReturn,
		Currency: "USD", Amounts: order.Amounts{order.Principal: decimal.NewFromInt(dollars)},
	}}})
	if err != nil {
		c.Fatal(err)
	}
	return doc
}

// begin takes a ticket that has to be there.
func (c *feedsCheck) begin() amazon.Ticket {
	c.Helper()
	ticket, err := c.feeds.Begin(c.ctx, c.with.Account, amazon.RefundFeed)
	if err != nil {
		c.Fatalf("Begin: %v; want a ticket, as there are tokens left", err)
	}
	c.Cleanup(ticket.Close)
	return ticket
}

// upload uploads a document for a ticket; nothing is in its way.
func (c *feedsCheck) upload(ticket amazon.Ticket, doc []byte) (fence, at time.Time) {
	c.Helper()
	fence, at, err := ticket.Upload(c.ctx, amazon.ContentType, doc)
	if err != nil {
		c.Fatalf("Upload: %v; want no error, as nothing is in its way", err)
	}
	return fence, at
}

// uploaded is a ticket that is ready for Create.
func (c *feedsCheck) uploaded() amazon.Ticket {
	c.Helper()
	ticket := c.begin()
	c.upload(ticket, c.refundOf(10))
	return ticket
}

// created is a feed that was created without a fault.
func (c *feedsCheck) created() amazon.Feed {
	c.Helper()
	feed, err := c.uploaded().Create(c.ctx)
	if err != nil {
		c.Fatalf("Create: %v; want no error, as nothing is in its way", err)
	}
	return feed
}

// count counts the calls of an operation that arrived at Amazon.
func (c *feedsCheck) count(op string) int {
	n := 0
	for _, call := range c.amz.Calls() {
		if call.Op == op {
			n++
		}
	}
	return n
}

// ours checks the type of an error.
func (c *feedsCheck) ours(method string, err error) {
	c.Helper()
	var e *amazon.Error
	if err != nil && !errors.As(err, &e) {
		c.Errorf("%s answers an error of type %T (%v); want one that is or wraps *amazon.Error", method, err, err)
	}
}

// exhaust takes tickets until there are none, and returns when to come back.
func (c *feedsCheck) exhaust() (taken []amazon.Ticket, at time.Time) {
	c.Helper()
	const most = 100 // Amazon's bucket holds 15
	for range most {
		ticket, err := c.feeds.Begin(c.ctx, c.with.Account, amazon.RefundFeed)
		if err == nil {
			c.Cleanup(ticket.Close)
			taken = append(taken, ticket)
			continue
		}
		at, throttled := amazon.Throttled(err)
		switch {
		case !throttled:
			c.Fatalf("Begin on an empty bucket: %v; want an error that amazon.Throttled recognises: NotSent, with RetryAt", err)
		case !at.After(c.with.Now()):
			c.Fatalf("Begin on an empty bucket says to come back at %s, when it is %s; want a time to come", at, c.with.Now())
		case len(taken) < 2:
			c.Fatalf("Begin gives %d tickets from a full bucket; want at least 2, Amazon's holds 15", len(taken))
		}
		return taken, at
	}
	c.Fatalf("Begin gave %d tickets in a row; want a refusal once the bucket is empty, Amazon's holds 15", most)
	return nil, time.Time{}
}

func checkThrottledBegin(c *feedsCheck) {
	_, at := c.exhaust()
	c.clock.pass(at.Sub(c.with.Now()))
	if _, err := c.feeds.Begin(c.ctx, c.with.Account, amazon.RefundFeed); err != nil {
		c.Errorf("Begin at %s, when it said to come back: %v; want a ticket", at, err)
	}
}

func checkCloseGivesBack(c *feedsCheck) {
	taken, _ := c.exhaust()
	taken[0].Close()
	if _, err := c.feeds.Begin(c.ctx, c.with.Account, amazon.RefundFeed); err != nil {
		c.Fatalf("Begin after another ticket was closed unsent: %v; want that ticket's token", err)
	}
	taken[0].Close()
	if _, err := c.feeds.Begin(c.ctx, c.with.Account, amazon.RefundFeed); err == nil {
		c.Error("Begin gives a ticket after another one was closed for the second time; want its token back once only")
	}
}

func checkCloseKeeps(c *feedsCheck) {
	taken, _ := c.exhaust()
	c.upload(taken[0], c.refundOf(10))
	if _, err := taken[0].Create(c.ctx); err != nil {
		c.Fatalf("Create: %v; want no error, as nothing is in its way", err)
	}
	taken[0].Close()
	if _, err := c.feeds.Begin(c.ctx, c.with.Account, amazon.RefundFeed); err == nil {
		c.Error("Begin gives a ticket after one that was sent is closed; want a refusal, as its token is used up")
	}
}

func checkUploadRepeated(c *feedsCheck) {
	ticket := c.begin()
	c.upload(ticket, c.refundOf(10))
	c.amz.Fail(func(call Call) Fault {
		if call.Op == "upload" {
			return Fault{Status: 400}
		}
		return Fault{}
	})
	if _, _, err := ticket.Upload(c.ctx, amazon.ContentType, c.refundOf(20)); err == nil {
		c.Error("Upload says nothing of a document that the storage refused; want an error")
	}
	c.amz.Fail(nil)
	c.upload(ticket, c.refundOf(30))
	if _, err := ticket.Create(c.ctx); err != nil {
		c.Fatalf("Create after a repeated Upload: %v; want no error", err)
	}
	if feeds := c.amz.Feeds(); len(feeds) != 1 || string(feeds[0].Document) != string(c.refundOf(30)) {
		c.Errorf("Create did not send the document that was uploaded last, but this in %d feeds:\n%s", len(feeds), documents(feeds))
	}
}

func documents(feeds []Feed) (all []byte) {
	for _, f := range feeds {
		all = append(all, f.Document...)
	}
	return all
}

func checkFence(c *feedsCheck) {
	ticket := c.begin()
	fence := c.fence(ticket)
	c.clock.set(fence.Add(time.Second))
	c.holds(ticket, fence)
}

func checkFenceOfOwnToken(c *feedsCheck) {
	ticket := c.begin()
	fence := c.fence(ticket)
	c.clock.set(fence.Add(time.Second))
	c.upload(c.begin(), c.refundOf(20)) // which needs a token that has not expired
	c.holds(ticket, fence)
}

func checkFenceForLateCalls(c *feedsCheck) {
	ticket := c.begin()
	fence := c.fence(ticket)
	late := fence.Add(time.Second).Sub(c.clock.Now())
	c.amz.Fail(Nth("createFeed", 1, Fault{Late: late}))
	_, err := ticket.Create(c.ctx)
	c.ours("Create", err)
	c.clock.pass(late)
	c.noFeedAfter(fence)
}

// fence uploads for a ticket and checks the times that Upload answers.
func (c *feedsCheck) fence(ticket amazon.Ticket) time.Time {
	c.Helper()
	now := c.clock.Now()
	fence, at := c.upload(ticket, c.refundOf(10))
	if at.Sub(now).Abs() > time.Second {
		c.Errorf("Upload says that it was called at %s, when Amazon's Date header said %s; want Amazon's clock, not one's own", at, now)
	}
	switch {
	case !fence.After(now):
		c.Fatalf("Upload says that the fence was at %s, and it is %s at Amazon; want a time to come", fence, now)
	case fence.After(now.Add(longestFence)):
		c.Fatalf("Upload says that the fence is at %s, in %s; want the expiry of the bound token and a margin of minutes, "+
			"or two days where no token can be bound: the account waits so long after a lost answer", fence, fence.Sub(now))
	}
	return fence
}

// holds checks that a createFeed comes to nothing after its fence.
func (c *feedsCheck) holds(ticket amazon.Ticket, fence time.Time) {
	c.Helper()
	logins := c.count("login")
	feed, err := ticket.Create(c.ctx)
	c.ours("Create", err)
	if err == nil {
		c.Errorf("Create after the fence of %s answers feed %q and no error; want one", fence, feed.ID)
	}
	if c.count("login") > logins {
		c.Error("Create fetched an access token; want it to use the one that Upload bound, and no other")
	}
	c.noFeedAfter(fence)
}

// noFeedAfter checks that Amazon took no createFeed that came after its fence.
func (c *feedsCheck) noFeedAfter(fence time.Time) {
	c.Helper()
	for _, f := range c.amz.Feeds() {
		c.Errorf("feed %s was created at %s, after the fence of %s; want a fence after which Amazon refuses that createFeed", f.ID, f.CreatedAt, fence)
	}
}

func checkFeed(c *feedsCheck) {
	id := c.created().ID
	for _, wait := range []time.Duration{0, 45 * time.Second, time.Minute} { // in queue, in progress, done
		c.clock.pass(wait)
		want := c.amz.Feeds()[0]
		got, err := c.feeds.Feed(c.ctx, c.with.Account, id)
		if err != nil {
			c.Fatalf("Feed %s, which is %s: %v; want no error", id, want.Status, err)
		}
		if got.ID != want.ID || got.Type != want.Type || got.Status != want.Status || !got.CreatedAt.Equal(want.CreatedAt) ||
			!got.EndedAt.Equal(want.EndedAt) || (got.Result != "") != (want.Report != nil) {
			c.Errorf("Feed answers %+v;\nwant %s of type %s, %s, created at %s, ended at %s, with a result: %t",
				got, want.ID, want.Type, want.Status, want.CreatedAt, want.EndedAt, want.Report != nil)
		}
	}
}

func checkUnknownFeed(c *feedsCheck) {
	feed, err := c.feeds.Feed(c.ctx, c.with.Account, "1")
	if err == nil {
		c.Errorf("Feed answers %+v for an ID that Amazon does not know; want an error", feed)
	}
	c.ours("Feed", err)
}

// stock gives the seller more feeds than one page of getFeeds holds, and some
// that are not asked for, and returns since when and which ones to list.
func (c *feedsCheck) stock() (since time.Time, ids []amazon.FeedID) {
	c.Helper()
	now := c.clock.Now()
	since = now.Add(-time.Hour)
	states := []amazon.FeedStatus{amazon.FeedDone, amazon.FeedInQueue, amazon.FeedCancelled, amazon.FeedInProgress, amazon.FeedFatal}
	err := c.amz.change(func(b *books) error {
		a := b.Sellers[c.with.Seller.Merchant]
		feed := func(t amazon.FeedType, status amazon.FeedStatus, at time.Time) amazon.FeedID {
			j := &job{
				ID: a.nextID(), Type: string(t), Marketplaces: c.with.Account.Marketplaces,
				Status: status, CreatedAt: at, Input: a.keep(amazon.ContentType, c.refundOf(10), at),
			}
			a.Feeds = append(a.Feeds, j)
			return amazon.FeedID(j.ID)
		}
		feed(amazon.RefundFeed, amazon.FeedDone, since.Add(-time.Hour))
		for i := range 101 { // a page holds 100 at most
			ids = append(ids, feed(amazon.RefundFeed, states[i%len(states)], since.Add(time.Duration(i)*time.Second)))
			feed(amazon.CancelFeed, amazon.FeedDone, since.Add(time.Duration(i)*time.Second))
		}
		return nil
	})
	if err != nil {
		c.Fatal(err)
	}
	return since, ids
}

func checkList(c *feedsCheck) {
	since, ids := c.stock()
	listed, err := c.feeds.ListFeeds(c.ctx, c.with.Account, amazon.RefundFeed, since)
	if err != nil {
		c.Fatalf("ListFeeds: %v; want no error, as nothing is in its way", err)
	}
	for _, f := range listed.Feeds {
		if !slices.Contains(ids, f.ID) {
			c.Errorf("ListFeeds lists feed %s of type %s, created at %s; want type %s, none from before %s, and none twice",
				f.ID, f.Type, f.CreatedAt, amazon.RefundFeed, since)
		}
		ids = slices.DeleteFunc(ids, func(id amazon.FeedID) bool { return id == f.ID })
	}
	if len(ids) > 0 {
		c.Errorf("ListFeeds lists %d feeds and leaves out %d, among them %s; want every one, on all pages and in all states", len(listed.Feeds), len(ids), ids[0])
	}
}

func checkListCutOff(c *feedsCheck) {
	since, ids := c.stock()
	c.amz.Fail(func(call Call) Fault {
		if call.Op == "getFeeds" && call.Nth > 1 {
			return Fault{Status: 400}
		}
		return Fault{}
	})
	listed, err := c.feeds.ListFeeds(c.ctx, c.with.Account, amazon.RefundFeed, since)
	if err == nil {
		c.Errorf("ListFeeds answers %d of %d feeds and no error, when Amazon refused to give the second page; want an error", len(listed.Feeds), len(ids))
	}
	c.ours("ListFeeds", err)
}

func checkListDated(c *feedsCheck) {
	since, _ := c.stock()
	c.amz.Fail(func(call Call) Fault {
		if call.Op == "getFeeds" && call.Nth > 1 {
			c.clock.pass(time.Minute) // a list of many pages takes its time
		}
		return Fault{}
	})
	c.listedAt(c.clock.Now(), since)
}

func checkEmptyListDated(c *feedsCheck) {
	now := c.clock.Now()
	c.listedAt(now, now.Add(-time.Hour))
}

// listedAt checks the time of a list whose first page Amazon answers at that time.
func (c *feedsCheck) listedAt(want, since time.Time) {
	c.Helper()
	listed, err := c.feeds.ListFeeds(c.ctx, c.with.Account, amazon.RefundFeed, since)
	if err != nil {
		c.Fatalf("ListFeeds: %v; want no error, as nothing is in its way", err)
	}
	if late := listed.At.Sub(want); late > 0 || late < -time.Second {
		c.Errorf("ListFeeds says that it was answered at %s, when the Date header of its first page said %s; "+
			"want Amazon's clock, not one's own, and the first page, not the last", listed.At, want)
	}
}

func checkCancelFeed(c *feedsCheck) {
	id := c.created().ID
	if err := c.feeds.CancelFeed(c.ctx, c.with.Account, id); err != nil {
		c.Errorf("CancelFeed of a feed that is %s: %v; want no error", amazon.FeedInQueue, err)
	}
	// Amazon refuses the repetition. Whether that is an error is left open.
	c.ours("CancelFeed, repeated,", c.feeds.CancelFeed(c.ctx, c.with.Account, id))
	c.clock.pass(time.Hour)
	if f := c.amz.Feeds()[0]; f.Status != amazon.FeedCancelled {
		c.Errorf("feed %s is %s after CancelFeed, and has paid %v; want %s", id, f.Status, c.amz.Paid(), amazon.FeedCancelled)
	}
}

func checkDocument(c *feedsCheck) {
	id := c.created().ID
	c.clock.pass(time.Hour)
	feed, err := c.feeds.Feed(c.ctx, c.with.Account, id)
	if err != nil {
		c.Fatalf("Feed %s: %v; want no error", id, err)
	}
	r, err := c.feeds.Document(c.ctx, c.with.Account, feed.Result)
	if err != nil {
		c.Fatalf("Document %q of feed %s: %v; want its processing report", feed.Result, id, err)
	}
	got, err := io.ReadAll(r)
	if err = errors.Join(err, r.Close()); err != nil {
		c.Errorf("reading the document: %v; want no error", err)
	}
	if want := c.amz.Feeds()[0].Report; string(got) != string(want) {
		c.Errorf("Document is\n%q\nwant the report that Amazon wrote, unpacked and otherwise as it is:\n%q", got, want)
	}
}
