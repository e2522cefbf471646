package spapi_test

import (
	"bytes"
	"compress/gzip"
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
	feedsPath    = "GET /feeds/2021-06-30/feeds"
	cancelPath   = "DELETE /feeds/2021-06-30/feeds/50001"
	feedDocPath  = "GET /feeds/2021-06-30/documents/amzn1.tortuga.4.na.out"
	downloadPath = "GET /s3/out"
)

func TestFeed(t *testing.T) {
	s := newServer(t)
	s.on(feedPath, answer(200, feedJSON))
	c, _ := connect(t, s)
	got, err := c.Feed(t.Context(), seller, "50001")
	require.NoError(t, err)
	want := amazon.Feed{
		ID: "50001", Type: amazon.RefundFeed, Status: amazon.FeedDone,
		Marketplaces: []order.MarketplaceID{"ATVPDKIKX0DER"},
		CreatedAt:    amazonTime,
		StartedAt:    amazonTime.Add(time.Minute + 500*time.Millisecond),
		Result:       "amzn1.tortuga.4.na.out",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Feed (-want +got):\n%s", diff)
	}
	asked := s.requests(feedPath)[0]
	assert.Zero(t, asked.length, "a GET with a body is refused")
	assert.Empty(t, asked.header.Get("Content-Type"))
}

func TestFeedRefusesAnAnswerThatProvesNothing(t *testing.T) {
	tests := map[string]string{
		"empty":      ``,
		"no ID":      `{"processingStatus":"DONE","createdTime":"2026-09-01T12:00:00Z"}`,
		"no status":  `{"feedId":"50001","createdTime":"2026-09-01T12:00:00Z"}`,
		"no time":    `{"feedId":"50001","processingStatus":"DONE"}`,
		"empty time": `{"feedId":"50001","processingStatus":"DONE","createdTime":""}`,
		"odd time":   `{"feedId":"50001","processingStatus":"DONE","createdTime":"yesterday"}`,
		"too long":   `{"feedId":"` + string(bytes.Repeat([]byte("5"), 5<<20)) + `"}`,
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.on(feedPath, answer(200, body))
			c, _ := connect(t, s)
			_, err := c.Feed(t.Context(), seller, "50001")
			var got *amazon.Error
			require.ErrorAs(t, err, &got)
			assert.Less(t, len(err.Error()), 700)
		})
	}
}

func TestFeedsReadsAllPages(t *testing.T) {
	s := newServer(t)
	page := func(id, next string) step {
		return answer(200, fmt.Sprintf(`{"feeds":[{"feedId":%q,"feedType":"POST_PAYMENT_ADJUSTMENT_DATA","processingStatus":"IN_QUEUE","createdTime":"2026-09-01T12:00:00Z"}],"nextToken":%q}`, id, next))
	}
	s.on(feedsPath, page("1", "a+b/c=="), answer(200, `{"feeds":[],"nextToken":"d"}`), answer(503, ""), page("3", ""))
	c, _ := connect(t, s)
	since := time.Date(2026, 9, 1, 10, 0, 0, 999, time.FixedZone("", 7200))
	feeds, err := c.Feeds(t.Context(), seller, amazon.RefundFeed, since)
	require.NoError(t, err)
	require.Len(t, feeds, 2)
	assert.Equal(t, []amazon.FeedID{"1", "3"}, []amazon.FeedID{feeds[0].ID, feeds[1].ID})

	var queries []url.Values
	for _, r := range s.requests(feedsPath) {
		q, err := url.ParseQuery(r.query)
		require.NoError(t, err)
		queries = append(queries, q)
	}
	want := []url.Values{
		{"feedTypes": {"POST_PAYMENT_ADJUSTMENT_DATA"}, "pageSize": {"100"}, "createdSince": {"2026-09-01T08:00:00Z"}},
		{"nextToken": {"a+b/c=="}}, {"nextToken": {"d"}}, {"nextToken": {"d"}},
	}
	if diff := cmp.Diff(want, queries); diff != "" {
		t.Errorf("queries (-want +got):\n%s", diff)
	}
}

func TestFeedsIsCompleteOrAnError(t *testing.T) {
	ok := `{"feeds":[{"feedId":"1","processingStatus":"DONE","createdTime":"2026-09-01T12:00:00Z"}],"nextToken":"n"}`
	tests := map[string][]step{
		"second page fails":     {answer(200, ok), answer(400, "")},
		"pages never end":       {answer(200, ok)},
		"no list":               {answer(200, `{}`)},
		"one feed without time": {answer(200, `{"feeds":[{"feedId":"1","processingStatus":"DONE"}]}`)},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.on(feedsPath, steps...)
			c, _ := connect(t, s)
			feeds, err := c.Feeds(t.Context(), seller, amazon.RefundFeed, time.Time{})
			var got *amazon.Error
			require.ErrorAs(t, err, &got)
			assert.Equal(t, "getFeeds", got.Op)
			assert.Nil(t, feeds)
		})
	}
}

func TestCancelFeed(t *testing.T) {
	s := newServer(t)
	s.on(cancelPath, answer(500, ""), hangUp, answer(200, ""), answer(400, refused("InvalidInput", "not in queue", "")))
	c, _ := connect(t, s)
	require.NoError(t, c.CancelFeed(t.Context(), seller, "50001"))
	err := c.CancelFeed(t.Context(), seller, "50001")
	assert.Equal(t, amazon.Answered, amazon.Whether(err), "%v", err)
	assert.Len(t, s.requests(cancelPath), 4)
}

func TestEmptyIDsAreRefused(t *testing.T) {
	s := newServer(t)
	c, _ := connect(t, s)
	_, feed := c.Feed(t.Context(), seller, "")
	_, feeds := c.Feeds(t.Context(), seller, "", time.Time{})
	_, document := c.Document(t.Context(), seller, "")
	_, report := c.Report(t.Context(), seller, "")
	for name, err := range map[string]error{
		"Feed": feed, "Feeds": feeds, "CancelFeed": c.CancelFeed(t.Context(), seller, ""),
		"Document": document, "Report": report,
	} {
		assert.Equal(t, amazon.NotSent, amazon.Whether(err), "%s: %v", name, err)
	}
	assert.Empty(t, s.requests(tokenPath))
}

func gzipped(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestDocumentsAreUnpackedOnce(t *testing.T) {
	const text = "<AmazonEnvelope>report</AmazonEnvelope>"
	tests := map[string]struct {
		flag     string
		encoding string
		body     []byte
	}{
		"plain":                         {"", "", []byte(text)},
		"flag":                          {`,"compressionAlgorithm":"GZIP"`, "", gzipped(t, text)},
		"header, undone by the client":  {"", "gzip", gzipped(t, text)},
		"flag and header":               {`,"compressionAlgorithm":"GZIP"`, "gzip", gzipped(t, text)},
		"neither, but packed":           {"", "", gzipped(t, text)},
		"flag, but not packed":          {`,"compressionAlgorithm":"GZIP"`, "", []byte(text)},
		"header identity, but packed":   {"", "identity", gzipped(t, text)},
		"unknown flag, but not packed":  {`,"compressionAlgorithm":"BROTLI"`, "", []byte(text)},
		"shorter than a gzip signature": {"", "", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.on(feedDocPath, answer(200, fmt.Sprintf(`{"feedDocumentId":"d","url":"%s/s3/out?%s"%s}`, s.URL, noSignature, tt.flag)))
			s.on(downloadPath, answer(500, ""), func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Encoding"] = []string{tt.encoding}
				w.Write(tt.body)
			})
			c, _ := connect(t, s)
			doc, err := c.Document(t.Context(), seller, "amzn1.tortuga.4.na.out")
			require.NoError(t, err)
			defer doc.Close()
			got, err := io.ReadAll(doc)
			require.NoError(t, err)
			assert.Equal(t, len(tt.body) > 0, string(got) == text, "got %q", got)
			assert.Empty(t, s.requests(downloadPath)[0].header.Get("x-amz-access-token"))
		})
	}
}

// download reads a document to its end.
func download(doc io.ReadCloser, err error) error {
	if err != nil {
		return err
	}
	defer doc.Close()
	_, err = io.Copy(io.Discard, doc)
	return err
}

func TestADocumentThatWasUnpackedIsLeftAlone(t *testing.T) {
	s := newServer(t)
	archive := gzipped(t, "a report that is an archive")
	s.on(feedDocPath, answer(200, fmt.Sprintf(`{"url":"%s/s3/out"}`, s.URL)))
	s.on(downloadPath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(gzipped(t, string(archive)))
	})
	c, _ := connect(t, s)
	doc, err := c.Document(t.Context(), seller, "amzn1.tortuga.4.na.out")
	require.NoError(t, err)
	defer doc.Close()
	got, err := io.ReadAll(doc)
	require.NoError(t, err)
	assert.Equal(t, archive, got)
}

func TestDocumentErrors(t *testing.T) {
	broken := gzipped(t, "some text that is cut")
	found := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"url":"http://%s/s3/out?%s"}`, r.Host, noSignature)
	}
	tests := map[string]struct {
		document, download step
		want               string
	}{
		"unknown":   {answer(404, refused("NotFound", "no such document", "")), nil, "no such document"},
		"no url":    {answer(200, `{}`), nil, "without a url"},
		"bad url":   {answer(200, `{"url":"::/s3?`+noSignature+`"}`), nil, "missing protocol scheme"},
		"expired":   {found, answer(403, `<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>`), "AccessDenied: Request has expired"},
		"cut off":   {found, answer(200, string(broken[:len(broken)-4])), "unexpected EOF"},
		"not gzip":  {found, answer(200, "\x1f\x8bnot gzip"), "gzip"},
		"redirects": {found, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }, "HTTP 302"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.on(feedDocPath, tt.document)
			s.on(downloadPath, tt.download)
			c, _ := connect(t, s)
			err := download(c.Document(t.Context(), seller, "amzn1.tortuga.4.na.out"))
			var got *amazon.Error
			require.ErrorAs(t, err, &got)
			assert.ErrorContains(t, err, tt.want)
			assert.NotContains(t, err.Error(), "hush")
		})
	}
}
