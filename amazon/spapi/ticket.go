package spapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

// Begin implements [amazon.Feeds]. It takes one of the account's createFeed
// tokens where [Config.Buckets] keeps them, and does not call Amazon. The ticket
// must be closed.
func (c *Client) Begin(ctx context.Context, a amazon.Account, t amazon.FeedType) (amazon.Ticket, error) {
	if err := ctx.Err(); err != nil {
		return nil, notSent(createFeed, a, err)
	}
	if err := a.Check(); err != nil {
		return nil, notSent(createFeed, a, err)
	}
	if t == "" {
		return nil, notSent(createFeed, a, errors.New("empty feed type"))
	}
	b := c.buckets.bucket(a, createFeed)
	if err := b.take(ctx, 0); err != nil {
		return nil, err
	}
	return &ticket{client: c, account: a, feedType: t, bucket: b}, nil
}

// NextFeed implements [amazon.Bucket]. It reads the account's createFeed tokens
// where [Config.Buckets] keeps them, and takes none. Both feed types share them.
func (c *Client) NextFeed(ctx context.Context, a amazon.Account, _ amazon.FeedType) (time.Time, error) {
	if err := a.Check(); err != nil {
		return time.Time{}, notSent(createFeed, a, err)
	}
	comes := time.Time{}
	b := c.buckets.bucket(a, createFeed)
	err := b.change(ctx, func(l *level, now time.Time) bool {
		untouched := *l
		var ok bool
		if comes, ok = untouched.take(b.op.burst, now); ok {
			comes = now
		}
		return false
	})
	if err != nil {
		return time.Time{}, notSent(createFeed, a, quiet(err))
	}
	return comes.UTC(), nil
}

// ticket is one token of a createFeed bucket and what it is going to send.
type ticket struct {
	client   *Client
	account  amazon.Account
	feedType amazon.FeedType
	bucket   *bucket

	document amazon.DocumentID // what Create sends; empty until uploaded
	token    *accessToken      // what Create sends it with

	created bool // Create was called
	closed  bool
	onWire  bool // Amazon may have counted a request
}

// fenceMargin covers the difference between the clocks of the service that
// issues tokens and the one that checks them.
const fenceMargin = 5 * time.Minute

var (
	errTicketUsed   = errors.New("this ticket was used for a createFeed: begin another")
	errTicketClosed = errors.New("this ticket is closed: begin another")
	errNotUploaded  = errors.New("nothing is uploaded for this ticket: call Upload first")
)

// Upload implements [amazon.Ticket] with createFeedDocument of model
// feeds_2021-06-30, a token in two seconds, 15 at most, and a PUT to the address
// it answers. When that is too old, another is asked for, once. An Upload that
// fails unbinds what an earlier one bound.
func (t *ticket) Upload(ctx context.Context, contentType string, doc []byte) (fence, at time.Time, err error) {
	t.document, t.token = "", nil
	switch {
	case t.closed:
		err = errTicketClosed
	case t.created:
		err = errTicketUsed
	case len(doc) == 0:
		err = errors.New("empty document")
	case contentType == "" || contentType != strings.TrimSpace(contentType):
		err = fmt.Errorf("content type %q: want one without space around it, as the signature covers every byte", contentType)
	}
	if err != nil {
		return time.Time{}, time.Time{}, notSent(createFeedDocument, t.account, err)
	}

	id, at, err := t.client.place(ctx, t.account, contentType, doc)
	if addressExpired(err) {
		id, at, err = t.client.place(ctx, t.account, contentType, doc)
	}
	if err != nil {
		return time.Time{}, time.Time{}, err
	}
	tok, err := t.client.token(ctx, t.account, createLife)
	if err != nil {
		return time.Time{}, time.Time{}, err
	}
	t.document, t.token = id, tok
	return tok.lastUse(at, t.client.now()).Add(fenceMargin), at, nil
}

// place puts a document where createFeed will find it, and returns the time of
// createFeedDocument on Amazon's clock.
func (c *Client) place(ctx context.Context, a amazon.Account, contentType string, doc []byte) (amazon.DocumentID, time.Time, error) {
	var ans struct {
		ID  amazon.DocumentID `json:"feedDocumentId"`
		URL string            `json:"url"`
	}
	at, err := c.call(ctx, a, request{
		op:   createFeedDocument,
		path: feedDocumentsPath,
		body: map[string]string{"contentType": contentType},
	}, &ans)
	if err != nil {
		return "", time.Time{}, err
	}
	if ans.ID == "" || ans.URL == "" {
		return "", time.Time{}, incomplete(createFeedDocument, a, errors.New("answer without a feedDocumentId or a url"))
	}
	return ans.ID, at, c.put(ctx, a, ans.URL, contentType, doc)
}

// Create implements [amazon.Ticket] with createFeed of model feeds_2021-06-30: a
// token in 120 seconds, 15 at most.
func (t *ticket) Create(ctx context.Context) (amazon.Feed, error) {
	switch {
	case t.closed:
		return amazon.Feed{}, notSent(createFeed, t.account, errTicketClosed)
	case t.created:
		return amazon.Feed{}, notSent(createFeed, t.account, errTicketUsed)
	case t.document == "":
		return amazon.Feed{}, notSent(createFeed, t.account, errNotUploaded)
	}
	t.created = true
	payload, err := json.Marshal(feedSpecification{Type: t.feedType, Marketplaces: t.account.Marketplaces, Document: t.document})
	if err != nil {
		return amazon.Feed{}, notSent(createFeed, t.account, err)
	}
	ans, onWire, err := t.client.sendOnce(ctx, t.account, request{op: createFeed, path: feedsPath}, payload, t.token)
	t.onWire = onWire
	if onWire {
		t.bucket.spend()
	}
	if ans.status == 0 {
		return amazon.Feed{}, err
	}
	retryAt := t.bucket.heard(ans.status, ans.header)
	return t.judge(ans, retryAt, err)
}

// feedSpecification is model feeds_2021-06-30, CreateFeedSpecification.
type feedSpecification struct {
	Type         amazon.FeedType       `json:"feedType"`
	Marketplaces []order.MarketplaceID `json:"marketplaceIds"`
	Document     amazon.DocumentID     `json:"inputFeedDocumentId"`
}

// judge says what an answer to createFeed means:
//
//	2xx with a feedId                      the feed
//	429                                    NotSent: throttled, come back later
//	401, 403 that name the access token    NotSent: come back with another token
//	400, 413, 415                          Answered: refused as it is
//	anything else                          SentUnknown
//
// Other 403s and 5xx have been answered in outages whatever became of the feed,
// and a redirect or a 404 need not be Amazon's.
func (t *ticket) judge(ans answer, retryAt time.Time, err error) (amazon.Feed, error) {
	e := ans.failure(nil)
	switch {
	case ans.status/100 == 2:
		var created struct {
			ID amazon.FeedID `json:"feedId"`
		}
		if err == nil {
			err = json.Unmarshal(ans.body, &created)
		}
		if err == nil && created.ID != "" {
			return amazon.Feed{
				ID:           created.ID,
				Type:         t.feedType,
				Status:       amazon.FeedInQueue,
				Marketplaces: slices.Clone(t.account.Marketplaces),
				CreatedAt:    ans.date,
			}, nil
		}
		e.Sent, e.Err = amazon.SentUnknown, errors.New("answer without a readable feedId")
	case ans.status == http.StatusTooManyRequests:
		e.Sent, e.RetryAt = amazon.NotSent, retryAt
	case ans.tokenRefused():
		t.client.tokens.drop(t.token)
		e.Sent, e.RetryAt = amazon.NotSent, t.client.now()
	case ans.status == http.StatusBadRequest,
		ans.status == http.StatusRequestEntityTooLarge,
		ans.status == http.StatusUnsupportedMediaType:
		e.Sent = amazon.Answered
	default:
		e.Sent = amazon.SentUnknown
	}
	return amazon.Feed{}, e
}

// Close implements [amazon.Ticket]. Closing again does nothing. With
// [Config.Buckets] it saves what became of the token, for five seconds at most.
func (t *ticket) Close() {
	switch {
	case t.closed:
	case t.onWire:
		t.bucket.flush(context.Background())
	default:
		t.bucket.giveBack(context.Background())
	}
	t.closed = true
}
