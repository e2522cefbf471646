package spapi_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/spapi"
)

const (
	restrictedPath = "POST /tokens/2021-03-01/restrictedDataToken"
	restrictedJSON = `{"restrictedDataToken":"Atz.sprdt|rdt-hush","expiresIn":3600}`
)

var restrictedReport = amazon.Report{ID: "9001", Type: "GET_FLAT_FILE_ORDER_REPORT_DATA_SHIPPING", Document: "doc-9001"}

func TestRestrictedDataToken(t *testing.T) {
	tests := map[string]string{
		"as the model has it":  restrictedJSON,
		"as the guide has it":  `{"payload":` + restrictedJSON + `}`,
		"with something added": `{"new":{},"restrictedDataToken":"Atz.sprdt|rdt-hush","expiresIn":3600}`,
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.on(restrictedPath, answer(200, body))
			c, _ := connect(t, s)
			token, expires, err := c.RestrictedDataToken(t.Context(), seller, []spapi.RestrictedResource{
				{Method: "GET", Path: "/orders/v0/orders/{orderId}", DataElements: []string{"buyerInfo"}},
				{Method: "GET", Path: "/reports/2021-06-30/documents/d"},
			})
			require.NoError(t, err)
			assert.Equal(t, "Atz.sprdt|rdt-hush", token)
			assert.Equal(t, hostTime.Add(time.Hour), expires)
			assert.JSONEq(t, `{"restrictedResources":[{"method":"GET","path":"/orders/v0/orders/{orderId}","dataElements":["buyerInfo"]},
				{"method":"GET","path":"/reports/2021-06-30/documents/d"}]}`, s.requests(restrictedPath)[0].body)
			assert.Equal(t, "Atza|access-hush", s.requests(restrictedPath)[0].header.Get("x-amz-access-token"))
		})
	}
}

func TestRestrictedDataTokenRefusesBadInput(t *testing.T) {
	tests := map[string][]spapi.RestrictedResource{
		"none":       nil,
		"many":       make([]spapi.RestrictedResource, 51),
		"no method":  {{Path: "/x"}},
		"odd method": {{Method: "get", Path: "/x"}},
		"no path":    {{Method: "GET"}},
		"whole URL":  {{Method: "GET", Path: "https://sellingpartnerapi-na.amazon.com/x"}},
	}
	for name, resources := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			c, _ := connect(t, s)
			_, _, err := c.RestrictedDataToken(t.Context(), seller, resources)
			assert.Equal(t, amazon.NotSent, amazon.Whether(err), "%v", err)
			assert.Empty(t, s.requests(tokenPath))
		})
	}
}

func TestRestrictedDataTokenRefusesABadAnswer(t *testing.T) {
	for _, body := range []string{``, `[]`, `{}`, `{"payload":{}}`, `{"restrictedDataToken":"Atz.sprdt|x"}`,
		`{"restrictedDataToken":"Atz.sprdt|x\n","expiresIn":3600}`, `{"restrictedDataToken":"Atz.sprdt|x","expiresIn":-1}`} {
		s := newServer(t)
		s.on(restrictedPath, answer(200, body))
		c, _ := connect(t, s)
		token, expires, err := c.RestrictedDataToken(t.Context(), seller, []spapi.RestrictedResource{{Method: "GET", Path: "/x"}})
		var got *amazon.Error
		require.ErrorAs(t, err, &got, body)
		assert.Equal(t, "createRestrictedDataToken", got.Op)
		assert.Empty(t, token)
		assert.Zero(t, expires)
		assert.NotContains(t, err.Error(), "Atz.sprdt|x")
	}
}

// withReport is a server that has the document of restrictedReport.
func withReport(t *testing.T) *server {
	s := newServer(t)
	s.on(restrictedPath, answer(200, restrictedJSON))
	s.on(reportDocPath, answer(200, fmt.Sprintf(`{"url":"%s/s3/out?%s"}`, s.URL, noSignature)))
	s.on(downloadPath, answer(200, "text"))
	return s
}

func TestOpenAsksForARestrictedTokenWhereOneIsNeeded(t *testing.T) {
	restricted := []amazon.ReportType{
		"GET_AMAZON_FULFILLED_SHIPMENTS_DATA_INVOICING", "GET_AMAZON_FULFILLED_SHIPMENTS_DATA_TAX",
		"GET_FLAT_FILE_ACTIONABLE_ORDER_DATA_SHIPPING", "GET_FLAT_FILE_ORDER_REPORT_DATA_SHIPPING",
		"GET_FLAT_FILE_ORDER_REPORT_DATA_INVOICING", "GET_FLAT_FILE_ORDER_REPORT_DATA_TAX",
		"GET_ORDER_REPORT_DATA_SHIPPING", "GET_ORDER_REPORT_DATA_INVOICING", "GET_ORDER_REPORT_DATA_TAX",
		"GET_EASYSHIP_DOCUMENTS", "GET_GST_MTR_B2B_CUSTOM", "GET_VAT_TRANSACTION_DATA", "SC_VAT_TAX_REPORT",
	}
	want := map[amazon.ReportType]string{amazon.ReturnsFlatReport: "Atza|access-hush", amazon.ReturnsXMLReport: "Atza|access-hush",
		"GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2": "Atza|access-hush"}
	for _, kind := range restricted {
		want[kind] = "Atz.sprdt|rdt-hush"
	}
	for kind, token := range want {
		t.Run(string(kind), func(t *testing.T) {
			s := withReport(t)
			c, _ := connect(t, s)
			doc, _, err := c.Open(t.Context(), seller, amazon.Report{ID: "9001", Type: kind, Document: "doc-9001"})
			require.NoError(t, download(doc, err))
			assert.Equal(t, token, s.requests(reportDocPath)[0].header.Get("x-amz-access-token"))
			assert.Empty(t, s.requests(downloadPath)[0].header.Get("x-amz-access-token"))
		})
	}
}

func TestARestrictedTokenIsForOneDocument(t *testing.T) {
	s := withReport(t)
	c, _ := connect(t, s)
	doc, _, err := c.Open(t.Context(), seller, restrictedReport)
	require.NoError(t, download(doc, err))
	asked := s.requests(restrictedPath)
	require.Len(t, asked, 1)
	assert.JSONEq(t, `{"restrictedResources":[{"method":"GET","path":"/reports/2021-06-30/documents/doc-9001"}]}`, asked[0].body)
	s.on(reportPath, answer(200, reportJSON))
	_, err = c.Report(t.Context(), seller, "9001")
	require.NoError(t, err)
	assert.Equal(t, "Atza|access-hush", s.requests(reportPath)[0].header.Get("x-amz-access-token"), "other calls keep the seller's token")
}

func TestARefusedRestrictedTokenIsAskedForOnceMore(t *testing.T) {
	expired := answer(403, refused("Unauthorized", "denied", "The access token you provided has expired."))
	found := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"url":"http://%s/s3/out?%s"}`, r.Host, noSignature)
	}
	tests := map[string]struct {
		steps           []step
		ok              bool
		rdts, documents int
	}{
		"a new one helps":     {[]step{expired, found}, true, 2, 2},
		"a new one is no use": {[]step{expired}, false, 2, 2},
		"refused otherwise":   {[]step{answer(403, refused("Unauthorized", "denied", ""))}, false, 1, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := withReport(t)
			s.on(reportDocPath, tt.steps...)
			c, _ := connect(t, s)
			doc, _, err := c.Open(t.Context(), seller, restrictedReport)
			err = download(doc, err)
			assert.Equal(t, tt.ok, err == nil, "%v", err)
			assert.Len(t, s.requests(restrictedPath), tt.rdts)
			assert.Len(t, s.requests(reportDocPath), tt.documents)
			assert.Len(t, s.requests(tokenPath), 1, "the seller's token was not the one refused")
		})
	}
}

func TestARestrictedTokenThatIsRefusedIsNoDocument(t *testing.T) {
	s := withReport(t)
	s.on(restrictedPath, answer(400, refused("InvalidInput", "Invalid or unsupported document ID found", "")))
	c, _ := connect(t, s)
	_, _, err := c.Open(t.Context(), seller, restrictedReport)
	var got *amazon.Error
	require.ErrorAs(t, err, &got)
	assert.Equal(t, "createRestrictedDataToken", got.Op)
	assert.Empty(t, s.requests(reportDocPath))
}

func TestARestrictedTokenStaysOutOfLogsAndErrors(t *testing.T) {
	var logged bytes.Buffer
	s := withReport(t)
	s.on(reportDocPath, answer(403, refused("Unauthorized", "Atz.sprdt|rdt-hush", "The access token Atz.sprdt%7Crdt-hush has expired.")))
	c, _ := connect(t, s, func(conf *spapi.Config) {
		conf.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	_, _, err := c.Open(t.Context(), seller, restrictedReport)
	require.Error(t, err)
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), "hush")
	assert.Contains(t, logged.String(), "op=createRestrictedDataToken account=acme-na status=200")
	assert.NotContains(t, logged.String(), "hush")
}

func FuzzRestrictedTokenAnswer(f *testing.F) {
	f.Add([]byte(restrictedJSON))
	f.Add([]byte(`{"payload":` + restrictedJSON + `}`))
	f.Add([]byte(`{"restrictedDataToken":"Atz.sprdt|x\u0000","expiresIn":3600}`))
	f.Add([]byte(`{"restrictedDataToken":{},"payload":5}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var sent string
		c := offline(t, roundTrip(func(r *http.Request) (*http.Response, error) {
			switch r.URL.Path {
			case "/auth/o2/token":
				return inMemory(200, `{"access_token":"Atza|access-hush","expires_in":3600}`), nil
			case "/tokens/2021-03-01/restrictedDataToken":
				return inMemory(200, string(body)), nil
			}
			sent = r.Header.Get("x-amz-access-token")
			return nil, io.ErrUnexpectedEOF
		}))
		_, _, err := c.Open(context.Background(), seller, restrictedReport)
		var e *amazon.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, e.Op == "getReportDocument", sent != "", "a call goes out with a restricted token, or not at all: %v", err)
		assert.NotEqual(t, "Atza|access-hush", sent)
		assert.NotRegexp(t, `(?i)atz\.sprdt\|\w`, err.Error())
	})
}
