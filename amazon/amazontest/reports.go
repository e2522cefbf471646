package amazontest

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

// ReportFile is a report that the server gives out.
type ReportFile struct {
	Seller       string // merchant ID
	Type         amazon.ReportType
	Body         []byte
	ContentType  string // of the download; empty: it has none
	Gzip         bool   // it is packed when it is downloaded
	Marketplaces []order.MarketplaceID

	// Listed reports exist from the start and are found with getReports, as
	// Amazon's settlement reports are. Others wait for createReport: it gives
	// the file of its type that was added last by then. Of those that are for one
	// request only, it first gives each once, in the order in which they were added;
	// the same file added again is not given again.
	//
	// Of [amazon.UnshippedOrdersReport] and [amazon.AllOrdersReport] the server makes
	// the file from its order book when it has none.
	Listed     bool
	Once       bool
	Start, End time.Time // the span of a listed report

	// Fate is what becomes of each report that is made of the file: it can be
	// slow, stuck, CANCELLED, FATAL or not seen at once. A listed report ends at
	// once unless Queued or InProgress is set. Messages and Report are of feeds
	// only.
	Fate Fate

	// Explanation is the document of a report that ends FATAL, in place of Body;
	// empty: it has no document.
	Explanation []byte
}

func (f ReportFile) same(g ReportFile) bool { return f.Type == g.Type && bytes.Equal(f.Body, g.Body) }

// settlements cannot be asked for: Amazon makes them by itself.
const settlements = "GET_V2_SETTLEMENT_REPORT_DATA"

func (s *Server) createReport(r *request, a *account) answer {
	var ask struct {
		ReportType     string                `json:"reportType"`
		MarketplaceIDs []order.MarketplaceID `json:"marketplaceIds"`
		ReportOptions  map[string]string     `json:"reportOptions"`
		DataStartTime  time.Time             `json:"dataStartTime"`
		DataEndTime    time.Time             `json:"dataEndTime"`
	}
	if refused, ok := r.json(&ask); !ok {
		return refused
	}
	for _, t := range []*time.Time{&ask.DataStartTime, &ask.DataEndTime} {
		if t.IsZero() {
			*t = r.now
		}
	}
	switch {
	case ask.ReportType == "" || strings.HasPrefix(ask.ReportType, settlements):
		return invalid("reportType %q cannot be requested", ask.ReportType)
	case len(ask.MarketplaceIDs) < 1 || len(ask.MarketplaceIDs) > 25:
		return invalid("marketplaceIds: %d given, want 1 to 25", len(ask.MarketplaceIDs))
	case ask.DataStartTime.After(r.now) || ask.DataEndTime.After(r.now):
		return invalid("dataStartTime and dataEndTime must not be in the future")
	case ask.DataEndTime.Before(ask.DataStartTime):
		return invalid("dataEndTime is before dataStartTime")
	}
	report := &job{
		Type: ask.ReportType, Marketplaces: ask.MarketplaceIDs,
		CreatedAt: r.now, DataStart: ask.DataStartTime, DataEnd: ask.DataEndTime,
	}
	tooSoon := slices.ContainsFunc(a.Reports, func(earlier *job) bool {
		return earlier.Type == ask.ReportType && earlier.Status != amazon.FeedCancelled && r.now.Before(earlier.CreatedAt.Add(s.config.ReportPause))
	})
	if tooSoon {
		a.report(report, nil)
	} else {
		a.report(report, s.books.file(a, report))
	}
	return jsonAnswer(202, map[string]string{"reportId": report.ID})
}

// file is what a report that somebody asked for is made of; nil: there is no data.
func (b *books) file(a *account, report *job) *ReportFile {
	var found *ReportFile
	for i := range a.Files {
		f := &a.Files[i]
		switch {
		case string(f.Type) != report.Type || f.Listed || f.Once && slices.Contains(a.Given, f.name()):
		case f.Once:
			a.Given = append(a.Given, f.name())
			return f
		default:
			found = f
		}
	}
	if found == nil {
		return b.orderReport(a, report)
	}
	return found
}

// name tells a file from all others of its seller.
func (f ReportFile) name() string { return string(f.Type) + " " + fingerprint(f.Body) }

// report enters a new report, with the document that it gets when it is done.
func (a *account) report(report *job, f *ReportFile) {
	report.ID, report.Status = a.nextID(), amazon.FeedInQueue
	a.Reports = append(a.Reports, report)
	if f == nil {
		return
	}
	report.Fate = f.Fate
	body := f.Body
	if f.Fate.End == amazon.FeedFatal {
		if body = f.Explanation; len(body) == 0 {
			return
		}
	}
	report.Input = a.keep(f.ContentType, body, report.CreatedAt)
	a.Documents[report.Input].Gzip = f.Gzip
}

// publish gives a report its document. Without data, or when it was asked for
// too soon, Amazon ends it CANCELLED.
func (j *job) publish() {
	if j.Result = j.Input; j.Result == "" && j.Fate.End != amazon.FeedFatal {
		j.Status = amazon.FeedCancelled
	}
}

func (s *Server) getReport(r *request, a *account) answer {
	report := find(a.Reports, r.id)
	if report == nil || !report.known(r.now) {
		return apiError(404, "NotFound", "report "+r.id+" does not exist", "")
	}
	return jsonAnswer(200, reportView(report))
}

func (s *Server) getReports(r *request, a *account) answer {
	return r.list(a.Reports, "reportTypes", "reports", reportView)
}

// cancelReport stops a report that is IN_QUEUE; in every other state, CANCELLED
// too, it is refused.
func (s *Server) cancelReport(r *request, a *account) answer {
	report := find(a.Reports, r.id)
	switch {
	case report == nil || !report.known(r.now):
		return apiError(404, "NotFound", "report "+r.id+" does not exist", "")
	case report.Status != amazon.FeedInQueue:
		return invalid("report %s is %s; only a report that is %s can be cancelled", report.ID, report.Status, amazon.FeedInQueue)
	}
	report.Status, report.EndedAt = amazon.FeedCancelled, r.now
	return emptyAnswer(200)
}

// reportView is the model's Report.
func reportView(j *job) any {
	return struct {
		ID           string                `json:"reportId"`
		Type         string                `json:"reportType"`
		Marketplaces []order.MarketplaceID `json:"marketplaceIds,omitempty"`
		DataStart    time.Time             `json:"dataStartTime,omitzero"`
		DataEnd      time.Time             `json:"dataEndTime,omitzero"`
		Schedule     string                `json:"reportScheduleId,omitempty"`
		Created      time.Time             `json:"createdTime"`
		Status       amazon.FeedStatus     `json:"processingStatus"`
		Started      time.Time             `json:"processingStartTime,omitzero"`
		Ended        time.Time             `json:"processingEndTime,omitzero"`
		Result       string                `json:"reportDocumentId,omitempty"`
	}{j.ID, j.Type, j.Marketplaces, j.DataStart, j.DataEnd, j.Schedule, j.CreatedAt, j.Status, j.StartedAt, j.EndedAt, j.Result}
}
