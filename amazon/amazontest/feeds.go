package amazontest

import (
	"net/http"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

func (s *Server) createFeed(r *request, a *account) answer {
	var ask struct {
		FeedType            amazon.FeedType       `json:"feedType"`
		MarketplaceIDs      []order.MarketplaceID `json:"marketplaceIds"`
		InputFeedDocumentID string                `json:"inputFeedDocumentId"`
		FeedOptions         map[string]string     `json:"feedOptions"`
	}
	if refused, ok := r.json(&ask); !ok {
		return refused
	}
	d := a.Documents[ask.InputFeedDocumentID]
	switch {
	case ask.FeedType != amazon.RefundFeed && ask.FeedType != amazon.CancelFeed:
		return invalid("feedType %q: this server knows %s and %s", string(ask.FeedType), amazon.RefundFeed, amazon.CancelFeed)
	case len(ask.MarketplaceIDs) < 1 || len(ask.MarketplaceIDs) > 25:
		return invalid("marketplaceIds: %d given, want 1 to 25", len(ask.MarketplaceIDs))
	case len(ask.FeedOptions) > 0:
		return invalid("feedOptions: feed type %s has none", ask.FeedType)
	case d == nil || !d.Upload:
		return invalid("inputFeedDocumentId %q is not a document of createFeedDocument", ask.InputFeedDocumentID)
	case d.Body == nil:
		return invalid("inputFeedDocumentId %q: nothing was uploaded", ask.InputFeedDocumentID)
	case !r.now.Before(d.CreatedAt.Add(documentLife)):
		return invalid("inputFeedDocumentId %q: the document is older than two days", ask.InputFeedDocumentID)
	}
	feed := &job{Type: string(ask.FeedType), Marketplaces: ask.MarketplaceIDs, CreatedAt: r.now, Input: ask.InputFeedDocumentID}
	s.enqueue(a, feed)
	return jsonAnswer(202, map[string]string{"feedId": feed.ID})
}

func (s *Server) getFeed(r *request, a *account) answer {
	feed := find(a.Feeds, r.id)
	if feed == nil || !feed.known(r.now) {
		return apiError(404, "NotFound", "feed "+r.id+" does not exist", "")
	}
	return jsonAnswer(200, feedView(feed))
}

// cancelFeed stops a feed that is IN_QUEUE; in every other state, CANCELLED
// too, it is refused.
func (s *Server) cancelFeed(r *request, a *account) answer {
	feed := find(a.Feeds, r.id)
	if feed == nil || !feed.known(r.now) {
		return apiError(404, "NotFound", "feed "+r.id+" does not exist", "")
	}
	if feed.Status != amazon.FeedInQueue {
		return invalid("feed %s is %s; only a feed that is %s can be cancelled", feed.ID, feed.Status, amazon.FeedInQueue)
	}
	feed.Status, feed.EndedAt = amazon.FeedCancelled, r.now
	return answer{status: 200, header: http.Header{}}
}

func (s *Server) getFeeds(r *request, a *account) answer {
	return r.list(a.Feeds, "feedTypes", "feeds", feedView)
}

// feedView is the model's Feed. It does not name the document that was sent.
func feedView(j *job) any {
	return struct {
		ID           string                `json:"feedId"`
		Type         string                `json:"feedType"`
		Marketplaces []order.MarketplaceID `json:"marketplaceIds,omitempty"`
		Created      time.Time             `json:"createdTime"`
		Status       amazon.FeedStatus     `json:"processingStatus"`
		Started      time.Time             `json:"processingStartTime,omitzero"`
		Ended        time.Time             `json:"processingEndTime,omitzero"`
		Result       string                `json:"resultFeedDocumentId,omitempty"`
	}{j.ID, j.Type, j.Marketplaces, j.CreatedAt, j.Status, j.StartedAt, j.EndedAt, j.Result}
}
