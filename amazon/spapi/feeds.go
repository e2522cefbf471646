package spapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

const (
	feedsPath         = "/feeds/2021-06-30/feeds"
	feedDocumentsPath = "/feeds/2021-06-30/documents"

	// pageSize is the most that the models allow.
	pageSize = "100"
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

// Feed implements [amazon.Feeds] with getFeed. Amazon answers 404 for an ID it
// does not know, and at times for one it gave a moment ago.
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

// Feeds implements [amazon.Feeds] with getFeeds. A zero since goes as far back
// as Amazon does, 90 days.
func (c *Client) Feeds(ctx context.Context, a amazon.Account, t amazon.FeedType, since time.Time) ([]amazon.Feed, error) {
	if t == "" {
		return nil, notSent(getFeeds, a, errors.New("empty feed type"))
	}
	query := url.Values{"feedTypes": {string(t)}, "pageSize": {pageSize}}
	if !since.IsZero() {
		query.Set("createdSince", format(since))
	}
	var feeds []amazon.Feed
	err := eachPage(getFeeds, query, func(query url.Values) (string, error) {
		var page struct {
			Feeds []feedAnswer `json:"feeds"`
			Next  string       `json:"nextToken"`
		}
		if _, err := c.call(ctx, a, request{op: getFeeds, path: feedsPath, query: query}, &page); err != nil {
			return "", err
		}
		if page.Feeds == nil {
			return "", incomplete(getFeeds, a, errors.New("page without feeds: want a list, if an empty one"))
		}
		for _, ans := range page.Feeds {
			f, err := ans.feed()
			if err != nil {
				return "", incomplete(getFeeds, a, err)
			}
			feeds = append(feeds, f)
		}
		return page.Next, nil
	})
	if errors.Is(err, errPagesRepeat) {
		err = incomplete(getFeeds, a, err)
	}
	if err != nil {
		return nil, err
	}
	return feeds, nil
}

var errPagesRepeat = errors.New("Amazon answered the same nextToken twice: the list does not end")

// eachPage reads page after page. nextToken must be the only parameter of all
// requests but the first. A list that Amazon throttles midway begins again from
// its first page, so it must not come back before there is a token for each page
// that it has read and for the one that it has not.
func eachPage(op operation, query url.Values, read func(url.Values) (next string, err error)) error {
	seen := map[string]bool{}
	for {
		next, err := read(query)
		var e *amazon.Error
		if errors.As(err, &e) && e.Op == op.name && e.Status == http.StatusTooManyRequests {
			e.RetryAt = e.RetryAt.Add(time.Duration(len(seen)) * op.every)
		}
		if err != nil || next == "" {
			return err
		}
		if seen[next] {
			return errPagesRepeat
		}
		seen[next] = true
		query = url.Values{"nextToken": {next}}
	}
}

// incomplete is the error of an answer that cannot be what Amazon meant.
func incomplete(op operation, a amazon.Account, err error) *amazon.Error {
	return &amazon.Error{Op: op.name, Account: string(a.ID), Err: err}
}

// CancelFeed implements [amazon.Feeds] with cancelFeed.
func (c *Client) CancelFeed(ctx context.Context, a amazon.Account, id amazon.FeedID) error {
	if id == "" {
		return notSent(cancelFeed, a, errNoID)
	}
	_, err := c.call(ctx, a, request{op: cancelFeed, path: feedsPath + "/" + url.PathEscape(string(id))}, nil)
	return err
}

// Document implements [amazon.Feeds] with getFeedDocument. Reading ends with
// ctx; the caller closes the reader.
func (c *Client) Document(ctx context.Context, a amazon.Account, id amazon.DocumentID) (io.ReadCloser, error) {
	doc, _, err := c.open(ctx, a, getFeedDocument, feedDocumentsPath, id)
	return doc, err
}
