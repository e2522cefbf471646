package spapi_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

const (
	cancelReportPath = "DELETE /reports/2021-06-30/reports/9001"

	askPath       = "POST /reports/2021-06-30/reports"
	reportPath    = "GET /reports/2021-06-30/reports/9001"
	reportsPath   = "GET /reports/2021-06-30/reports"
	reportDocPath = "GET /reports/2021-06-30/documents/doc-9001"
)

func TestRequestReport(t *testing.T) {
	start := time.Date(2026, 8, 1, 2, 0, 0, 0, time.FixedZone("", 7200))
	tests := map[string]struct {
		ask  amazon.ReportRequest
		want string
	}{
		"defaults": {
			amazon.ReportRequest{Type: amazon.ReturnsFlatReport},
			`{"reportType":"GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE","marketplaceIds":["ATVPDKIKX0DER","A2EUQ1WTGCTBG2"]}`,
		},
		"everything": {
			amazon.ReportRequest{Type: amazon.ReturnsXMLReport, Marketplaces: []order.MarketplaceID{"A2EUQ1WTGCTBG2"},
				Start: start, End: start.AddDate(0, 0, 7), Options: map[string]string{"k": "v"}},
			`{"reportType":"GET_XML_RETURNS_DATA_BY_RETURN_DATE","marketplaceIds":["A2EUQ1WTGCTBG2"],
			  "dataStartTime":"2026-08-01T00:00:00Z","dataEndTime":"2026-08-08T00:00:00Z","reportOptions":{"k":"v"}}`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.on(askPath, answer(202, `{"reportId":"9001"}`))
			c, _ := connect(t, s)
			id, err := c.Request(t.Context(), seller, tt.ask)
			require.NoError(t, err)
			assert.Equal(t, amazon.ReportID("9001"), id)
			assert.JSONEq(t, tt.want, s.requests(askPath)[0].body)
		})
	}
}

func TestRequestReportRefusesBadInput(t *testing.T) {
	tests := map[string]amazon.ReportRequest{
		"no type":              {},
		"ends before it start": {Type: amazon.ReturnsFlatReport, Start: hostTime, End: hostTime.Add(-time.Second)},
		"many marketplaces":    {Type: amazon.ReturnsFlatReport, Marketplaces: make([]order.MarketplaceID, 26)},
	}
	for name, ask := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			c, _ := connect(t, s)
			_, err := c.Request(t.Context(), seller, ask)
			assert.Equal(t, amazon.NotSent, amazon.Whether(err), "%v", err)
			assert.Empty(t, s.requests(askPath))
		})
	}
}

const reportJSON = `{"reportId":"9001","reportType":"GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE","processingStatus":"DONE",
	"createdTime":"2026-09-01T12:00:00+00:00","processingEndTime":"2026-09-01T12:03:00Z","dataStartTime":"2026-08-01T00:00:00Z",
	"reportDocumentId":"doc-9001"}`

func TestReport(t *testing.T) {
	s := newServer(t)
	s.on(reportPath, answer(200, reportJSON))
	c, _ := connect(t, s)
	got, err := c.Report(t.Context(), seller, "9001")
	require.NoError(t, err)
	want := amazon.Report{
		ID: "9001", Type: amazon.ReturnsFlatReport, Status: amazon.ReportDone,
		Start: time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC), CreatedAt: amazonTime, EndedAt: amazonTime.Add(3 * time.Minute),
		Document: "doc-9001",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Report (-want +got):\n%s", diff)
	}
}

func TestReportsAsksForEverythingInTheQuery(t *testing.T) {
	s := newServer(t)
	s.on(reportsPath, answer(200, `{"reports":[`+reportJSON+`],"nextToken":"n"}`), answer(200, `{"reports":[`+reportJSON+`]}`))
	c, _ := connect(t, s)
	reports, err := c.Reports(t.Context(), seller, amazon.ReportQuery{
		Types:        []amazon.ReportType{amazon.ReturnsFlatReport, amazon.ReturnsXMLReport},
		Statuses:     []amazon.ReportStatus{amazon.ReportDone, amazon.ReportInQueue},
		Marketplaces: []order.MarketplaceID{"ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"},
		Since:        hostTime, Until: amazonTime,
	})
	require.NoError(t, err)
	assert.Len(t, reports, 2)
	want := []url.Values{{
		"reportTypes":        {"GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE,GET_XML_RETURNS_DATA_BY_RETURN_DATE"},
		"processingStatuses": {"DONE,IN_QUEUE"},
		"marketplaceIds":     {"ATVPDKIKX0DER,A2EUQ1WTGCTBG2"},
		"createdSince":       {"2026-09-01T11:58:00Z"},
		"createdUntil":       {"2026-09-01T12:00:00Z"},
		"pageSize":           {"100"},
	}, {"nextToken": {"n"}}}
	if diff := cmp.Diff(want, queries(t, s, reportsPath)); diff != "" {
		t.Errorf("queries (-want +got):\n%s", diff)
	}
}

func TestReportsRefusesABadQuery(t *testing.T) {
	one := []amazon.ReportType{amazon.ReturnsFlatReport}
	tests := map[string]struct {
		query amazon.ReportQuery
		want  string
	}{
		"no type":              {amazon.ReportQuery{}, "0 report types: want 1 to 10"},
		"many types":           {amazon.ReportQuery{Types: make([]amazon.ReportType, 11)}, "11 report types: want 1 to 10"},
		"many marketplaces":    {amazon.ReportQuery{Types: one, Marketplaces: make([]order.MarketplaceID, 11)}, "11 marketplaces: want 0 to 10"},
		"ends before it start": {amazon.ReportQuery{Types: one, Since: hostTime, Until: hostTime.Add(-time.Hour)}, "ends before it starts"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			c, _ := connect(t, s)
			_, err := c.Reports(t.Context(), seller, tt.query)
			assert.ErrorContains(t, err, tt.want)
			assert.Equal(t, amazon.NotSent, amazon.Whether(err))
			assert.Empty(t, s.requests(tokenPath))
		})
	}
}

func TestCancelReport(t *testing.T) {
	s := newServer(t)
	s.on(cancelReportPath, answer(500, ""), answer(200, ""), answer(400, refused("InvalidInput", "not in queue", "")))
	c, _ := connect(t, s)
	require.NoError(t, c.CancelReport(t.Context(), seller, "9001"))
	err := c.CancelReport(t.Context(), seller, "9001")
	assert.Equal(t, amazon.Answered, amazon.Whether(err), "%v", err)
}

func TestOpenReport(t *testing.T) {
	ended := amazon.Report{ID: "9001", Type: amazon.ReturnsFlatReport, Status: amazon.ReportDone,
		CreatedAt: amazonTime, EndedAt: amazonTime.Add(time.Minute), Document: "doc-9001"}
	created := ended
	created.EndedAt = time.Time{}
	tests := map[string]struct {
		report amazon.Report
		asOf   time.Time
	}{
		"as of its end":      {ended, amazonTime.Add(time.Minute)},
		"as of its creation": {created, amazonTime},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.on(reportDocPath, answer(200, fmt.Sprintf(`{"url":"%s/s3/out?%s","compressionAlgorithm":"GZIP"}`, s.URL, noSignature)))
			s.on(downloadPath, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/plain;charset=Cp1252")
				w.Write(gzipped(t, "Order ID\t\x80"))
			})
			c, _ := connect(t, s)
			doc, meta, err := c.Open(t.Context(), seller, tt.report)
			require.NoError(t, err)
			defer doc.Close()
			got, err := io.ReadAll(doc)
			require.NoError(t, err)
			assert.Equal(t, "Order ID\t\x80", string(got), "bytes are left as they are")
			want := amazon.ReportMeta{ID: "9001", Type: amazon.ReturnsFlatReport,
				Name: "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE 9001", AsOf: tt.asOf, ContentType: "text/plain;charset=Cp1252"}
			if diff := cmp.Diff(want, meta); diff != "" {
				t.Errorf("meta (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOpenRefusesAReportWithoutADocument(t *testing.T) {
	c, _ := connect(t, newServer(t))
	_, _, err := c.Open(t.Context(), seller, amazon.Report{ID: "9001", Status: amazon.ReportCancelled})
	assert.Equal(t, amazon.NotSent, amazon.Whether(err))
	assert.ErrorContains(t, err, "report 9001 is CANCELLED and has no document")
}
