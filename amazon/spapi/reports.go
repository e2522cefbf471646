package spapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"

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

// Request implements [amazon.Reports] with createReport of model
// reports_2021-06-30: a token in 60 seconds, 15 at most. A lost answer is not
// repeated: look with [Client.Reports] first.
func (c *Client) Request(ctx context.Context, a amazon.Account, r amazon.ReportRequest) (amazon.ReportID, error) {
	spec := reportSpecification{Type: r.Type, Marketplaces: r.Marketplaces, Options: r.Options}
	if len(spec.Marketplaces) == 0 {
		spec.Marketplaces = a.Marketplaces
	}
	if err := cmp.Or(
		checkType(r.Type),
		checkCount("marketplaces", spec.Marketplaces, 1, 25),
		checkSpan(r.Start, r.End),
	); err != nil {
		return "", notSent(createReport, a, err)
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

func checkType(t amazon.ReportType) error {
	if t == "" {
		return errors.New("empty report type")
	}
	return nil
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

// Report implements [amazon.Reports] with getReport of model reports_2021-06-30:
// a token in half a second, 15 at most.
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

// Reports implements [amazon.Reports] with getReports: the whole of
// [Client.AllReports].
func (c *Client) Reports(ctx context.Context, a amazon.Account, q amazon.ReportQuery) ([]amazon.Report, error) {
	return complete(c.AllReports(ctx, a, q))
}

// AllReports lists reports with getReports of model reports_2021-06-30, page by
// page as the caller goes on, in Amazon's order. The list holds reports that
// others asked for too: they belong to the seller. An error ends the sequence;
// what came before it is a part of the list. Ranging again asks again.
// getReports refills one token in 45 seconds, ten at most, and a page of a
// hundred reports costs one: for a longer list see [Client.Waiting].
func (c *Client) AllReports(ctx context.Context, a amazon.Account, q amazon.ReportQuery) iter.Seq2[amazon.Report, error] {
	query, err := reportParameters(q)
	if err != nil {
		return refuse[amazon.Report](notSent(getReports, a, err))
	}
	return pages(c, getReports, a, func(token string) ([]amazon.Report, string, error) {
		var page struct {
			Reports []reportAnswer `json:"reports"`
			Next    string         `json:"nextToken"`
		}
		if _, err := c.call(ctx, a, request{op: getReports, path: reportsPath, query: nextOnly(query, token)}, &page); err != nil {
			return nil, "", err
		}
		reports, err := each(page.Reports, reportAnswer.report)
		return reports, page.Next, err
	})
}

func reportParameters(q amazon.ReportQuery) (url.Values, error) {
	if err := cmp.Or(
		checkCount("report types", q.Types, 1, 10),
		checkCount("marketplaces", q.Marketplaces, 0, 10),
		checkSpan(q.Since, q.Until),
	); err != nil {
		return nil, err
	}
	v := url.Values{"pageSize": {pageSize}}
	setList(v, "reportTypes", q.Types)
	setList(v, "processingStatuses", q.Statuses)
	setList(v, "marketplaceIds", q.Marketplaces)
	setSpan(v, "createdSince", q.Since, "createdUntil", q.Until)
	return v, nil
}

// CancelReport stops a report that is IN_QUEUE, with cancelReport of model
// reports_2021-06-30: a token in 45 seconds, ten at most. Repeating it is
// harmless. Amazon answers an error when the report is further on.
func (c *Client) CancelReport(ctx context.Context, a amazon.Account, id amazon.ReportID) error {
	if id == "" {
		return notSent(cancelReport, a, errNoID)
	}
	_, err := c.call(ctx, a, request{op: cancelReport, path: reportsPath + "/" + url.PathEscape(string(id))}, nil)
	return err
}

// Open implements [amazon.Reports] with getReportDocument of model
// reports_2021-06-30: a token in 60 seconds, 15 at most. For a type of report
// that holds buyers' data it asks for a restricted data token first, so r needs
// its Type: order reports for shipping, invoicing and tax, and what else Amazon's
// page "Get authorization to access restricted report types" lists; returns and
// settlement reports are not among them. A document may have 1 GiB, unpacked. The content type of the meta is the download's own and may name a
// character set in Java's words, such as Cp1252. Reading ends with ctx; the
// caller closes the reader.
func (c *Client) Open(ctx context.Context, a amazon.Account, r amazon.Report) (io.ReadCloser, amazon.ReportMeta, error) {
	if r.Document == "" {
		return nil, amazon.ReportMeta{}, notSent(getReportDocument, a,
			fmt.Errorf("report %s is %s and has no document", r.ID, r.Status))
	}
	ask := request{op: getReportDocument, path: reportDocumentsPath + "/" + url.PathEscape(string(r.Document))}
	if restricted(r.Type) {
		ask.token = func(ctx context.Context) (*accessToken, error) {
			return c.restrictedToken(ctx, a, []RestrictedResource{{Method: ask.op.method, Path: ask.path}})
		}
	}
	doc, contentType, err := c.open(ctx, a, ask)
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
