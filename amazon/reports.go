package amazon

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/takebackhq/takeback/order"
)

// ReportType is Amazon's name for a kind of report.
type ReportType string

const (
	ReturnsFlatReport ReportType = "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE" // tab-separated
	ReturnsXMLReport  ReportType = "GET_XML_RETURNS_DATA_BY_RETURN_DATE"

	UnshippedOrdersReport ReportType = "GET_FLAT_FILE_ACTIONABLE_ORDER_DATA_SHIPPING"         // restricted: it names buyers
	AllOrdersReport       ReportType = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL" // without buyers

	// Settlements cannot be asked for: Amazon makes them, and they are listed.
	SettlementReport    ReportType = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"
	SettlementV1Report  ReportType = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE" // none since 2026-11-11
	SettlementXMLReport ReportType = "GET_V2_SETTLEMENT_REPORT_DATA_XML"       // none since 2026-11-11
)

// ReportID is Amazon's identifier of a report, unique within a seller account.
type ReportID string

// ReportStatus is Amazon's processing status. Unknown words are kept.
type ReportStatus string

const (
	ReportInQueue    ReportStatus = "IN_QUEUE"
	ReportInProgress ReportStatus = "IN_PROGRESS"
	ReportDone       ReportStatus = "DONE"
	ReportCancelled  ReportStatus = "CANCELLED" // no data, or asked for too often
	ReportFatal      ReportStatus = "FATAL"
)

// ReportRequest asks for a report over a span of time.
type ReportRequest struct {
	Type         ReportType
	Marketplaces []order.MarketplaceID // none: those of the account
	Start, End   time.Time             // zero: Amazon's default, which is now
	Options      map[string]string
}

// Report is what Amazon tells of a report (model reports_2021-06-30, Report).
type Report struct {
	ID           ReportID
	Type         ReportType
	Status       ReportStatus
	Marketplaces []order.MarketplaceID
	Start, End   time.Time
	CreatedAt    time.Time
	EndedAt      time.Time
	Document     DocumentID // empty until DONE
}

// ReportQuery selects reports to list.
type ReportQuery struct {
	Types        []ReportType          // 1 to 10
	Statuses     []ReportStatus        // none: all
	Marketplaces []order.MarketplaceID // reports for at least one of these, 10 at most; none: all

	// Since and Until say when a report was created. Zero: 90 days ago, as far
	// back as Amazon goes, and now.
	Since, Until time.Time
}

// ReportMeta says what a report file is, for whoever reads it. A file that a
// person hands in has the same.
type ReportMeta struct {
	ID          ReportID
	Type        ReportType
	Name        string    // file name, for errors
	AsOf        time.Time // when Amazon made it; zero: unknown
	ContentType string    // as the download said; names the character set
}

// maxAhead is how far Amazon's clock, or that of who hands a file in, may be ahead.
const maxAhead = 24 * time.Hour

// Check refuses a report that was made more than 24 hours after now. What it says
// would count as newer than what every report says until then.
func (m ReportMeta) Check(now time.Time) error {
	if m.AsOf.Sub(now) > maxAhead {
		return fmt.Errorf("report %q was made at %s, and now it is %s: want an AsOf that is over, or none", m.Name, m.AsOf.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	return nil
}

// Reports asks for reports and reads them. Implementations must be safe for use
// from several goroutines. Errors are or wrap [*Error].
type Reports interface {
	// Request asks Amazon to make a report. Amazon has no idempotency key here
	// either: asking too often ends in CANCELLED.
	Request(ctx context.Context, a Account, r ReportRequest) (ReportID, error)

	// Report reads the state of one report.
	Report(ctx context.Context, a Account, id ReportID) (Report, error)

	// Reports lists reports over all pages: the complete list, or an error.
	Reports(ctx context.Context, a Account, q ReportQuery) ([]Report, error)

	// Open downloads the document of a report that is DONE, unpacked.
	Open(ctx context.Context, a Account, r Report) (io.ReadCloser, ReportMeta, error)
}

// API is all of Amazon that this library uses.
type API interface {
	Feeds
	Reports
	Orders
	Finances
}
