package amazon

import (
	"context"
	"io"
	"time"

	"github.com/takebackhq/takeback/order"
)

// FeedType is Amazon's name for a kind of feed.
type FeedType string

const (
	RefundFeed FeedType = "POST_PAYMENT_ADJUSTMENT_DATA"    // OrderAdjustment documents
	CancelFeed FeedType = "POST_ORDER_ACKNOWLEDGEMENT_DATA" // OrderAcknowledgement documents
)

type (
	// FeedID is Amazon's identifier of a feed, unique within a seller account.
	// Staff know it as the Document Number.
	FeedID string
	// DocumentID is Amazon's identifier of an uploaded document or a result.
	DocumentID string
)

// FeedStatus is Amazon's processing status. Unknown words are kept.
type FeedStatus string

const (
	FeedInQueue    FeedStatus = "IN_QUEUE"    // not started; the only state in which CancelFeed works
	FeedInProgress FeedStatus = "IN_PROGRESS" // may already have paid
	FeedDone       FeedStatus = "DONE"        // ended; the report tells each message's fate
	FeedCancelled  FeedStatus = "CANCELLED"   // nothing happened
	FeedFatal      FeedStatus = "FATAL"       // some, none or all messages may have had effect
)

// Feed is what Amazon tells of a feed (model feeds_2021-06-30, Feed).
type Feed struct {
	ID           FeedID
	Type         FeedType
	Status       FeedStatus
	Marketplaces []order.MarketplaceID
	CreatedAt    time.Time
	StartedAt    time.Time  // zero until processing started
	EndedAt      time.Time  // zero until processing ended
	Result       DocumentID // the processing report; empty when there is none
}

// FeedList is what Amazon has of one type since some time.
type FeedList struct {
	Feeds []Feed
	At    time.Time // when Amazon answered the first page, on its clock
}

// Feeds sends documents and follows them. Implementations must be safe for use
// from several goroutines. Errors are or wrap [*Error].
type Feeds interface {
	// Begin reserves the right to create one feed, without waiting. When the
	// account's createFeed bucket is empty it answers an error that
	// [Throttled] recognises, with the time to come back.
	Begin(ctx context.Context, a Account, t FeedType) (Ticket, error)

	// Feed reads one feed.
	Feed(ctx context.Context, a Account, id FeedID) (Feed, error)

	// ListFeeds lists every feed of a type created since a time, in all states and
	// over all pages: the complete list, or an error.
	ListFeeds(ctx context.Context, a Account, t FeedType, since time.Time) (FeedList, error)

	// CancelFeed stops a feed that is IN_QUEUE. Repeating it is harmless.
	CancelFeed(ctx context.Context, a Account, id FeedID) error

	// Document opens the processing report of a feed, unpacked.
	Document(ctx context.Context, a Account, id DocumentID) (io.ReadCloser, error)
}

// Bucket is a [Feeds] that knows its createFeed tokens. It is optional: whoever
// shows the state of an account asks for it.
type Bucket interface {
	// NextFeed is when Begin is next going to give a ticket, and takes none; a time
	// that is not in the future means now.
	NextFeed(ctx context.Context, a Account, t FeedType) (time.Time, error)
}

// Ticket is the whole right to send, once. It is used by one goroutine.
type Ticket interface {
	// Upload puts the document where createFeed will find it, and binds the
	// access token that Create is going to use. It may be repeated. The fence is
	// the moment after which Amazon itself refuses that createFeed, because the
	// token has expired; at is the time of the call on Amazon's clock.
	Upload(ctx context.Context, contentType string, doc []byte) (fence, at time.Time, err error)

	// Create sends exactly one createFeed request for the uploaded document. It
	// is never repeated below this call, whatever happens; [Error.Sent] tells
	// whether Amazon got it. A second Create is refused as not sent.
	Create(ctx context.Context) (Feed, error)

	// Close gives the token back to the bucket when nothing was sent.
	Close()
}
