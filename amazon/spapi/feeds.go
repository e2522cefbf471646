package spapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

const (
	feedsPath         = "/feeds/2021-06-30/feeds"
	feedDocumentsPath = "/feeds/2021-06-30/documents"
)

var errNoID = errors.New("empty ID: want the one that Amazon gave")

// feedAnswer is model feeds_2021-06-30, Feed.
type feedAnswer struct {
	ID           amazon.FeedID         `json:"feedId"`
	Type         amazon.FeedType       `json:"feedType"`
	Status       amazon.FeedStatus     `json:"processingStatus"`
	Marketplaces []order.MarketplaceID `json:"marketplaceIds"`
	CreatedAt    timestamp             `json:"createdTime"`
	StartedAt    timestamp             `json:"processingStartTime"`
	EndedAt      timestamp             `json:"processingEndTime"`
	Result       amazon.DocumentID     `json:"resultFeedDocumentId"`
}

// feed refuses an answer without what the model requires: evidence about a feed
// is no use without its ID, its state and its time.
func (f feedAnswer) feed() (amazon.Feed, error) {
	if f.ID == "" || f.Status == "" || f.CreatedAt.IsZero() {
		return amazon.Feed{}, fmt.Errorf("feed %q with status %q and createdTime %s: want all three",
			clean(string(f.ID), maxCode), clean(string(f.Status), maxCode), format(f.CreatedAt.Time))
	}
	return amazon.Feed{
		ID:           f.ID,
		Type:         f.Type,
		Status:       f.Status,
		Marketplaces: f.Marketplaces,
		CreatedAt:    f.CreatedAt.Time,
		StartedAt:    f.StartedAt.Time,
		EndedAt:      f.EndedAt.Time,
		Result:       f.Result,
	}, nil
}

// Feed implements [amazon.Feeds] with getFeed of model feeds_2021-06-30: a token
// in half a second, 15 at most. Amazon answers 404 for an ID it does not know,
// and at times for one it gave a moment ago.
func (c *Client) Feed(ctx context.Context, a amazon.Account, id amazon.FeedID) (amazon.Feed, error) {
	if id == "" {
		return amazon.Feed{}, notSent(getFeed, a, errNoID)
	}
	var ans feedAnswer
	if _, err := c.call(ctx, a, request{op: getFeed, path: feedsPath + "/" + url.PathEscape(string(id))}, &ans); err != nil {
		return amazon.Feed{}, err
	}
	f, err := ans.feed()
	if err != nil {
		return amazon.Feed{}, incomplete(getFeed, a, err)
	}
	return f, nil
}

// ListFeeds implements [amazon.Feeds] with getFeeds: [Client.AllFeeds] of one
// type. A zero since goes as far back as Amazon does, 90 days. The time of the
// list is in whole seconds, as the Date header has it, and our own where that is
// missing.
func (c *Client) ListFeeds(ctx context.Context, a amazon.Account, t amazon.FeedType, since time.Time) (amazon.FeedList, error) {
	var list amazon.FeedList
	feeds, err := complete(c.allFeeds(ctx, a, FeedQuery{Types: []amazon.FeedType{t}, Since: since}, func(at time.Time) {
		if list.At.IsZero() {
			list.At = at
		}
	}))
	if err != nil {
		return amazon.FeedList{}, err
	}
	list.Feeds = feeds
	return list, nil
}

// FeedQuery selects feeds to list.
type FeedQuery struct {
	Types        []amazon.FeedType     // 1 to 10
	Statuses     []amazon.FeedStatus   // none: all
	Marketplaces []order.MarketplaceID // feeds for at least one of these, 10 at most; none: all

	// Since and Until say when a feed was created. Zero: 90 days ago, as far
	// back as Amazon goes, and now.
	Since, Until time.Time
}

func (q FeedQuery) values() (url.Values, error) {
	if err := cmp.Or(
		checkCount("feed types", q.Types, 1, 10),
		checkCount("marketplaces", q.Marketplaces, 0, 10),
		checkSpan(q.Since, q.Until),
	); err != nil {
		return nil, err
	}
	v := url.Values{"pageSize": {pageSize}}
	setList(v, "feedTypes", q.Types)
	setList(v, "processingStatuses", q.Statuses)
	setList(v, "marketplaceIds", q.Marketplaces)
	setSpan(v, "createdSince", q.Since, "createdUntil", q.Until)
	return v, nil
}

// AllFeeds lists feeds with getFeeds of model feeds_2021-06-30, page by page as
// the caller goes on, in Amazon's order. An error ends the sequence; what came
// before it is a part of the list and proves nothing about the rest. Ranging
// again asks again. getFeeds refills one token in 45 seconds, ten at most, and a
// page of a hundred feeds costs one: for a longer list see [Client.Waiting].
func (c *Client) AllFeeds(ctx context.Context, a amazon.Account, q FeedQuery) iter.Seq2[amazon.Feed, error] {
	return c.allFeeds(ctx, a, q, func(time.Time) {})
}

// allFeeds is AllFeeds, and tells when each page was answered, on Amazon's clock.
func (c *Client) allFeeds(ctx context.Context, a amazon.Account, q FeedQuery, answered func(time.Time)) iter.Seq2[amazon.Feed, error] {
	query, err := q.values()
	if err != nil {
		return refuse[amazon.Feed](notSent(getFeeds, a, err))
	}
	return pages(c, getFeeds, a, func(token string) ([]amazon.Feed, string, error) {
		var page struct {
			Feeds []feedAnswer `json:"feeds"`
			Next  string       `json:"nextToken"`
		}
		at, err := c.call(ctx, a, request{op: getFeeds, path: feedsPath, query: nextOnly(query, token)}, &page)
		if err != nil {
			return nil, "", err
		}
		answered(at)
		feeds, err := each(page.Feeds, feedAnswer.feed)
		return feeds, page.Next, err
	})
}

// incomplete is the error of an answer that cannot be what Amazon meant.
func incomplete(op operation, a amazon.Account, err error) *amazon.Error {
	return &amazon.Error{Op: op.name, Account: string(a.ID), Err: err}
}

// CancelFeed implements [amazon.Feeds] with cancelFeed of model feeds_2021-06-30:
// a token in half a second, 15 at most.
func (c *Client) CancelFeed(ctx context.Context, a amazon.Account, id amazon.FeedID) error {
	if id == "" {
		return notSent(cancelFeed, a, errNoID)
	}
	_, err := c.call(ctx, a, request{op: cancelFeed, path: feedsPath + "/" + url.PathEscape(string(id))}, nil)
	return err
}

// Document implements [amazon.Feeds] with getFeedDocument of model
// feeds_2021-06-30: a token in 45 seconds, ten at most. Reading ends with ctx;
// the caller closes the reader.
func (c *Client) Document(ctx context.Context, a amazon.Account, id amazon.DocumentID) (io.ReadCloser, error) {
	if id == "" {
		return nil, notSent(getFeedDocument, a, errNoID)
	}
	doc, _, err := c.open(ctx, a, request{op: getFeedDocument, path: feedDocumentsPath + "/" + url.PathEscape(string(id))})
	return doc, err
}
