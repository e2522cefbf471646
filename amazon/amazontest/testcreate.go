package amazontest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/takebackhq/takeback/amazon"
)

// createPromises are about Create: the contract when nothing goes wrong, and for
// each fault.
func createPromises() []feedsPromise {
	const (
		once      = "Create sends exactly one createFeed request for the uploaded document. It is never repeated below this call, whatever happens."
		payTwice  = "a feed has no idempotency key: each createFeed that Amazon gets pays, also the second one for the same refunds"
		refused   = "a caller that is told less than NotSent has to wait for the fence, and then for a person"
		whatKnows = "Error.Sent tells whether Amazon got it: NotSent when nothing happened, Answered when Amazon read the request and refused it, else SentUnknown."
	)
	promises := []feedsPromise{
		{name: "create/one request", says: once, matters: payTwice, check: checkCreate},
		{name: "create/as asked for", check: checkCreateAsAsked,
			says:    "Begin names the type of the feed, Upload the content type of the document, and the account its marketplaces.",
			matters: "a cancellation that travels as a refund is refused, and one that is looked for among refunds counts as never sent"},
		{name: "create/many at once", says: once + " Implementations are safe for use from several goroutines.", matters: payTwice, check: checkManyCreates},
		{name: "create/twice", says: "A second Create is refused as not sent.", matters: payTwice, check: func(c *feedsCheck) {
			ticket := c.uploaded()
			if _, err := ticket.Create(c.ctx); err != nil {
				c.Fatalf("Create: %v; want no error, as nothing is in its way", err)
			}
			c.refuses(ticket, c.ctx, "a second time")
		}},
		{name: "create/not uploaded", says: "Create sends the uploaded document; without one it is refused as not sent.", matters: refused, check: func(c *feedsCheck) {
			c.refuses(c.begin(), c.ctx, "without Upload")
		}},
		{name: "create/closed", says: "A ticket is the right to send, once. Close ends it: Create is refused as not sent.", matters: "the token is back in the bucket, and whoever gets it sends too", check: func(c *feedsCheck) {
			ticket := c.uploaded()
			ticket.Close()
			c.refuses(ticket, c.ctx, "after Close")
		}},
		{name: "create/context done", says: "A Create whose context has ended before is refused as not sent.", matters: refused, check: func(c *feedsCheck) {
			done, stop := context.WithCancel(c.ctx)
			stop()
			c.refuses(c.uploaded(), done, "with a context that has ended")
		}},
	}
	for _, f := range createFaults() {
		promises = append(promises, feedsPromise{
			name: "create/fault/" + f.name, says: once + "\n" + whatKnows, matters: payTwice,
			check: func(c *feedsCheck) { checkCreateFault(c, f) },
		})
	}
	return promises
}

func checkCreateAsAsked(c *feedsCheck) {
	const contentType = "text/xml; charset=utf-8" // in other letters than usual
	since := c.clock.Now().Add(-time.Hour)
	ticket, err := c.feeds.Begin(c.ctx, c.with.Account, amazon.CancelFeed)
	if err != nil {
		c.Fatalf("Begin: %v; want a ticket, as there are tokens left", err)
	}
	defer ticket.Close()
	if _, _, err := ticket.Upload(c.ctx, contentType, c.refundOf(10)); err != nil {
		c.Fatalf("Upload: %v; want no error, as nothing is in its way", err)
	}
	feed, err := ticket.Create(c.ctx)
	if err != nil {
		c.Fatalf("Create: %v; want no error, as nothing is in its way", err)
	}
	all := c.amz.Feeds()
	if len(all) != 1 {
		c.Fatalf("Amazon has %d feeds after one Create", len(all))
	}
	if all[0].Type != amazon.CancelFeed {
		c.Errorf("the feed has type %s; want %s, as Begin was asked for", all[0].Type, amazon.CancelFeed)
	}
	if !slices.Equal(all[0].Marketplaces, c.with.Account.Marketplaces) {
		c.Errorf("the feed is for marketplaces %s; want the account's, %s", all[0].Marketplaces, c.with.Account.Marketplaces)
	}
	if got := all[0].ContentType; got != contentType {
		c.Errorf("the document has content type %q; want %q, as Upload was asked for, letter by letter", got, contentType)
	}
	for feedType, want := range map[amazon.FeedType]int{amazon.CancelFeed: 1, amazon.RefundFeed: 0} {
		list, err := c.feeds.ListFeeds(c.ctx, c.with.Account, feedType, since)
		if err != nil || len(list.Feeds) != want {
			c.Errorf("ListFeeds lists %d feeds of type %s (error: %v), and %s is a %s; want %d", len(list.Feeds), feedType, err, feed.ID, amazon.CancelFeed, want)
		}
	}
}

// verdict is what an honest error may say about a createFeed that failed, and
// why it may say nothing else.
type verdict struct {
	sent []amazon.Sent
	why  string
}

// createFault is something that goes wrong with the first createFeed. A
// repetition would succeed, and pay.
type createFault struct {
	name  string
	fault Fault
	verdict

	cancel    bool // the caller's context ends under way
	expire    bool // the token expires under way
	throttled bool // the error tells when to come back
}

func createFaults() []createFault {
	lost := verdict{[]amazon.Sent{amazon.SentUnknown},
		"the feed may exist, and only a look at Amazon's list can tell; on any other word the same refunds would be sent in another feed"}
	refused := verdict{[]amazon.Sent{amazon.Answered, amazon.SentUnknown},
		"Amazon has read the document's createFeed and refused it; on NotSent the same would be sent for ever"}
	throttled := verdict{[]amazon.Sent{amazon.NotSent},
		"Amazon does nothing of a call that it throttles, so the batch may go out again later, without waiting for its fence"}
	token := verdict{[]amazon.Sent{amazon.NotSent, amazon.SentUnknown},
		"Amazon named the token as the cause, so nothing was done, and another token will do"}

	const page = "<html><head><title>Service unavailable</title></head></html>"
	tokenError := func(details string) string {
		return `{"errors":[{"code":"Unauthorized","message":"Access to requested resource is denied.","details":"` + details + `"}]}`
	}

	return []createFault{
		{name: "connection broken, no feed", fault: Fault{Drop: true}, verdict: lost},
		{name: "connection broken, feed created", fault: Fault{Drop: true, After: true}, verdict: lost},
		{name: "connection broken, feed created later", fault: Fault{Late: 20 * time.Minute}, verdict: lost},
		{name: "never answered until the context ends, no feed", fault: Fault{Drop: true, Delay: Forever}, verdict: lost, cancel: true},
		{name: "never answered until the context ends, feed created", fault: Fault{Delay: Forever}, verdict: lost, cancel: true},
		{name: "never answered until the context ends, feed created later", fault: Fault{Late: 20 * time.Minute, Delay: Forever}, verdict: lost, cancel: true},

		{name: "500, no feed", fault: Fault{Status: 500}, verdict: lost},
		{name: "500, feed created", fault: Fault{Status: 500, After: true}, verdict: lost},
		{name: "500 with a page, feed created", fault: Fault{Status: 500, After: true, Body: page, ContentType: "text/html"}, verdict: lost},
		{name: "502, feed created", fault: Fault{Status: 502, After: true}, verdict: lost},
		{name: "503, no feed", fault: Fault{Status: 503}, verdict: lost},
		{name: "503, feed created", fault: Fault{Status: 503, After: true}, verdict: lost},
		{name: "504, feed created", fault: Fault{Status: 504, After: true}, verdict: lost},
		{name: "504, feed created later", fault: Fault{Status: 504, Late: 20 * time.Minute}, verdict: lost},

		{name: "200 without a body, feed created", fault: Fault{Status: 200, After: true}, verdict: lost},
		{name: "202 without a body, no feed", fault: Fault{Status: 202}, verdict: lost},
		{name: "202 without a body, feed created", fault: Fault{Status: 202, After: true}, verdict: lost},
		{name: "202 with a page, feed created", fault: Fault{Body: page, ContentType: "text/html"}, verdict: lost},
		{name: "202 with half a body, feed created", fault: Fault{Body: `{"feedId":"5000`}, verdict: lost},
		{name: "202 without a feed ID, feed created", fault: Fault{Body: `{"feedId":""}`}, verdict: lost},

		{name: "302, feed created", fault: Fault{Status: 302, After: true}, verdict: lost},
		{name: "307, no feed", fault: Fault{Status: 307}, verdict: lost},
		{name: "308, feed created", fault: Fault{Status: 308, After: true}, verdict: lost},

		{name: "401 that names no token, no feed", fault: Fault{Status: 401}, verdict: lost},
		{name: "403 that names no token, no feed", fault: Fault{Status: 403}, verdict: lost},
		{name: "403 that names no token, feed created", fault: Fault{Status: 403, After: true}, verdict: lost},
		{name: "404, no feed", fault: Fault{Status: 404}, verdict: lost},
		{name: "404, feed created", fault: Fault{Status: 404, After: true}, verdict: lost},

		{name: "403, token expired", verdict: token, expire: true},
		{name: "401, token expired", fault: Fault{Status: 401, Body: tokenError("The access token you provided has expired.")}, verdict: token},
		{name: "403, token revoked", fault: Fault{Status: 403, Body: tokenError("The access token you provided is revoked, malformed or invalid.")}, verdict: token},

		{name: "400", fault: Fault{Status: 400}, verdict: refused},
		{name: "400 with a page", fault: Fault{Status: 400, Body: page, ContentType: "text/html"}, verdict: refused},
		{name: "413", fault: Fault{Status: 413}, verdict: refused},
		{name: "415", fault: Fault{Status: 415}, verdict: refused},

		{name: "429", fault: Fault{Status: 429}, verdict: throttled, throttled: true},
		{name: "429 with a page", fault: Fault{Status: 429, Body: page, ContentType: "text/html"}, verdict: throttled, throttled: true},
	}
}

func checkCreateFault(c *feedsCheck, f createFault) {
	ticket := c.uploaded()
	c.amz.Fail(Nth("createFeed", 1, f.fault))
	if f.expire {
		c.expireTokens()
	}
	feed, err := c.createUntil(ticket, f.cancel)
	c.amz.Fail(nil)

	if n := c.count("createFeed"); n != 1 {
		c.Errorf("one Create sent %d createFeed requests; want exactly one on the wire, whatever comes back", n)
	}
	c.clock.pass(f.fault.Late)
	if made, want := len(c.amz.Feeds()), f.feeds(); made != want {
		c.Errorf("Amazon has %d feeds after one Create; want %d, as each of them pays", made, want)
	}
	if err == nil {
		c.Errorf("Create answers feed %q and no error; want an error that says %s", feed.ID, either(f.sent))
		return
	}
	c.ours("Create", err)
	if got := amazon.Whether(err); !slices.Contains(f.sent, got) {
		c.Errorf("Create says %q (%v); want %s: %s", got, err, either(f.sent), f.why)
	}
	at, throttled := amazon.Throttled(err)
	switch {
	case f.throttled && !throttled:
		c.Errorf("Create: %v; want an error that amazon.Throttled recognises: NotSent, with RetryAt", err)
	case f.throttled && !at.After(c.with.Now()):
		c.Errorf("Create says to come back at %s, when it is %s; want a time to come", at, c.with.Now())
	}
	c.refuses(ticket, c.ctx, "a second time")
}

// createUntil calls Create, with a context that ends once Amazon has dealt with
// the request, if that is wanted.
func (c *feedsCheck) createUntil(ticket amazon.Ticket, dealtWith bool) (amazon.Feed, error) {
	ctx, stop := context.WithCancel(c.ctx)
	var wg sync.WaitGroup
	if dealtWith {
		wg.Go(func() {
			for ctx.Err() == nil && !c.dealtWith() {
				wait(ctx, time.Millisecond)
			}
			stop()
		})
	}
	feed, err := ticket.Create(ctx)
	stop()
	wg.Wait()
	return feed, err
}

// dealtWith tells whether a createFeed has met its fault, and so had its effect,
// if any.
func (c *feedsCheck) dealtWith() bool {
	return slices.ContainsFunc(c.amz.Calls(), func(call Call) bool { return call.Op == "createFeed" && !call.Fault.none() })
}

// feeds is how many there are in the end, of one request.
func (f createFault) feeds() int {
	if f.expire || !f.fault.spares() && f.fault.Late == 0 {
		return 0
	}
	return 1
}

// either lists what an error may say.
func either(sent []amazon.Sent) string {
	s := fmt.Sprintf("%q", sent[0])
	for _, other := range sent[1:] {
		s += fmt.Sprintf(" or %q", other)
	}
	return s
}

// expireTokens ends the life of every access token that was given out so far.
func (c *feedsCheck) expireTokens() {
	c.Helper()
	err := c.amz.change(func(b *books) error {
		for access, t := range b.Tokens {
			t.Expires = c.clock.Now()
			b.Tokens[access] = t
		}
		return nil
	})
	if err != nil {
		c.Fatal(err)
	}
}

// refuses checks that a Create, made in a way that may not be, sends nothing and
// says so.
func (c *feedsCheck) refuses(ticket amazon.Ticket, ctx context.Context, how string) {
	c.Helper()
	before := c.count("createFeed")
	_, err := ticket.Create(ctx)
	c.ours("Create", err)
	if got := amazon.Whether(err); err == nil || got != amazon.NotSent {
		c.Errorf("Create %s says %q (%v); want an error that says %q", how, got, err, amazon.NotSent)
	}
	if n := c.count("createFeed") - before; n > 0 {
		c.Errorf("Create %s sent %d createFeed requests; want none", how, n)
	}
}

func checkCreate(c *feedsCheck) {
	ticket := c.uploaded()
	logins := c.count("login")
	feed, err := ticket.Create(c.ctx)
	if err != nil {
		c.Fatalf("Create: %v; want no error, as nothing is in its way", err)
	}
	if n, made := c.count("createFeed"), len(c.amz.Feeds()); n != 1 || made != 1 {
		c.Errorf("one Create sent %d createFeed requests, and Amazon has %d feeds; want one and one", n, made)
	}
	if c.count("login") > logins {
		c.Error("Create fetched an access token; want it to use the one that Upload bound, and no other")
	}
	for _, f := range c.amz.Feeds() {
		if feed.ID != f.ID || feed.Type != f.Type {
			c.Errorf("Create answers feed %q of type %q; want %q of type %q, as Amazon said: staff look for it under this number", feed.ID, feed.Type, f.ID, f.Type)
		}
		if f.Type != amazon.RefundFeed || !slices.Equal(f.Marketplaces, c.with.Account.Marketplaces) {
			c.Errorf("Amazon has a feed of type %q in %v; want %q in %v, as Begin was asked for", f.Type, f.Marketplaces, amazon.RefundFeed, c.with.Account.Marketplaces)
		}
		if string(f.Document) != string(c.refundOf(10)) {
			c.Errorf("Amazon has the document\n%q\nwant what was uploaded:\n%q", f.Document, c.refundOf(10))
		}
	}
}

// checkManyCreates sends from as many goroutines as a bucket has tokens for.
func checkManyCreates(c *feedsCheck) {
	const many = 7
	var (
		wg   sync.WaitGroup
		ids  [many]amazon.FeedID
		errs [many]error
	)
	for i := range many {
		wg.Go(func() {
			ticket, err := c.feeds.Begin(c.ctx, c.with.Account, amazon.RefundFeed)
			if err != nil {
				errs[i] = err
				return
			}
			defer ticket.Close()
			if _, _, errs[i] = ticket.Upload(c.ctx, amazon.ContentType, c.refundOf(int64(i+1))); errs[i] != nil {
				return
			}
			var feed amazon.Feed
			feed, errs[i] = ticket.Create(c.ctx)
			ids[i] = feed.ID
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			c.Errorf("goroutine %d: %v; want no error, as nothing is in its way", i+1, err)
		}
	}
	if n := c.count("createFeed"); n > many {
		c.Errorf("%d Creates sent %d createFeed requests; want one each", many, n)
	}
	for _, f := range c.amz.Feeds() {
		i := slices.Index(ids[:], f.ID)
		if i < 0 || string(f.Document) != string(c.refundOf(int64(i+1))) {
			c.Errorf("Amazon has feed %s, which is not what Create answered to the goroutine whose document it holds (the answers: %q)", f.ID, ids)
		}
	}
}
