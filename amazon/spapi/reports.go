package spapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

const (
	reportsPath         = "/reports/2021-06-30/reports"
	reportDocumentsPath = "/reports/2021-06-30/documents"
)

// reportSpecification is model reports_2021-06-30, CreateReportSpecification.
type reportSpecification struct {
	Type         amazon.ReportType     `json:"reportType"`
	Marketplaces []order.MarketplaceID `json:"marketplaceIds"`
	Start        string                `json:"dataStartTime,omitempty"`
	End          string                `json:"dataEndTime,omitempty"`
	Options      map[string]string     `json:"reportOptions,omitempty"`
}

// Request implements [amazon.Reports] with createReport. A lost answer is not
// repeated: look with [Client.Reports] first.
func (c *Client) Request(ctx context.Context, a amazon.Account, r amazon.ReportRequest) (amazon.ReportID, error) {
	spec := reportSpecification{Type: r.Type, Marketplaces: r.Marketplaces, Options: r.Options}
	if len(spec.Marketplaces) == 0 {
		spec.Marketplaces = a.Marketplaces
	}
	switch {
	case r.Type == "":
		return "", notSent(createReport, a, errors.New("empty report type"))
	case len(spec.Marketplaces) == 0 || len(spec.Marketplaces) > 25:
		return "", notSent(createReport, a, fmt.Errorf("%d marketplaces: want 1 to 25", len(spec.Marketplaces)))
	case !r.Start.IsZero() && !r.End.IsZero() && r.End.Before(r.Start):
		return "", notSent(createReport, a, fmt.Errorf("span from %s to %s: ends before it starts", format(r.Start), format(r.End)))
	}
	if !r.Start.IsZero() {
		spec.Start = format(r.Start)
	}
	if !r.End.IsZero() {
		spec.End = format(r.End)
	}
	var ans struct {
		ID amazon.ReportID `json:"reportId"`
	}
	if _, err := c.call(ctx, a, request{op: createReport, path: reportsPath, body: spec}, &ans); err != nil {
		return "", err
	}
	if ans.ID == "" {
		return "", incomplete(createReport, a, errors.New("answer without a reportId"))
	}
	return ans.ID, nil
}

// reportAnswer is model reports_2021-06-30, Report.
type reportAnswer struct {
	ID           amazon.ReportID       `json:"reportId"`
	Type         amazon.ReportType     `json:"reportType"`
	Status       amazon.ReportStatus   `json:"processingStatus"`
	Marketplaces []order.MarketplaceID `json:"marketplaceIds"`
	Start        timestamp             `json:"dataStartTime"`
	End          timestamp             `json:"dataEndTime"`
	CreatedAt    timestamp             `json:"createdTime"`
	EndedAt      timestamp             `json:"processingEndTime"`
	Document     amazon.DocumentID     `json:"reportDocumentId"`
}

func (r reportAnswer) report() (amazon.Report, error) {
	if r.ID == "" || r.Status == "" {
		return amazon.Report{}, fmt.Errorf("report %q with status %q: want both",
			clean(string(r.ID), maxCode), clean(string(r.Status), maxCode))
	}
	return amazon.Report{
		ID:           r.ID,
		Type:         r.Type,
		Status:       r.Status,
		Marketplaces: r.Marketplaces,
		Start:        r.Start.Time,
		End:          r.End.Time,
		CreatedAt:    r.CreatedAt.Time,
		EndedAt:      r.EndedAt.Time,
		Document:     r.Document,
	}, nil
}

// Report implements [amazon.Reports] with getReport.
func (c *Client) Report(ctx context.Context, a amazon.Account, id amazon.ReportID) (amazon.Report, error) {
	if id == "" {
		return amazon.Report{}, notSent(getReport, a, errNoID)
	}
	var ans reportAnswer
	if _, err := c.call(ctx, a, request{op: getReport, path: reportsPath + "/" + url.PathEscape(string(id))}, &ans); err != nil {
		return amazon.Report{}, err
	}
	r, err := ans.report()
	if err != nil {
		return amazon.Report{}, incomplete(getReport, a, err)
	}
	return r, nil
}

// Reports implements [amazon.Reports] with getReports. The list holds reports
// that others asked for too: they belong to the seller.
func (c *Client) Reports(ctx context.Context, a amazon.Account, q amazon.ReportQuery) ([]amazon.Report, error) {
	if len(q.Types) == 0 || len(q.Types) > 10 {
		return nil, notSent(getReports, a, fmt.Errorf("%d report types: want 1 to 10", len(q.Types)))
	}
	types := make([]string, len(q.Types))
	for i, t := range q.Types {
		types[i] = string(t)
	}
	query := url.Values{"reportTypes": {strings.Join(types, ",")}, "pageSize": {pageSize}}
	if !q.Since.IsZero() {
		query.Set("createdSince", format(q.Since))
	}
	var reports []amazon.Report
	err := eachPage(getReports, query, func(query url.Values) (string, error) {
		var page struct {
			Reports []reportAnswer `json:"reports"`
			Next    string         `json:"nextToken"`
		}
		if _, err := c.call(ctx, a, request{op: getReports, path: reportsPath, query: query}, &page); err != nil {
			return "", err
		}
		if page.Reports == nil {
			return "", incomplete(getReports, a, errors.New("page without reports: want a list, if an empty one"))
		}
		for _, ans := range page.Reports {
			r, err := ans.report()
			if err != nil {
				return "", incomplete(getReports, a, err)
			}
			reports = append(reports, r)
		}
		return page.Next, nil
	})
	if errors.Is(err, errPagesRepeat) {
		err = incomplete(getReports, a, err)
	}
	if err != nil {
		return nil, err
	}
	return reports, nil
}

// Open implements [amazon.Reports] with getReportDocument. The content type of
// the meta is the download's own and may name a character set in Java's words,
// such as Cp1252. Reading ends with ctx; the caller closes the reader.
func (c *Client) Open(ctx context.Context, a amazon.Account, r amazon.Report) (io.ReadCloser, amazon.ReportMeta, error) {
	if r.Document == "" {
		return nil, amazon.ReportMeta{}, notSent(getReportDocument, a,
			fmt.Errorf("report %s is %s and has no document", r.ID, r.Status))
	}
	doc, contentType, err := c.open(ctx, a, getReportDocument, reportDocumentsPath, r.Document)
	if err != nil {
		return nil, amazon.ReportMeta{}, err
	}
	meta := amazon.ReportMeta{
		ID:          r.ID,
		Type:        r.Type,
		Name:        fmt.Sprintf("%s %s", r.Type, r.ID),
		AsOf:        r.EndedAt,
		ContentType: contentType,
	}
	if meta.AsOf.IsZero() {
		meta.AsOf = r.CreatedAt
	}
	return doc, meta, nil
}
