package amazontest_test

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/internal/wirelog"
)

func TestExchangesAreWrittenDown(t *testing.T) {
	folder := t.TempDir()
	t.Setenv(wirelog.Folder, folder)
	srv := open(t, amazontest.Config{})
	c := login(t, srv, "Atzr|one")
	const path = "/feeds/2021-06-30/documents"
	made := c.api("POST", path, `{"contentType":"text/xml"}`)
	c.do("PUT", made.field("url"), "x", "text/xml", "")
	for _, fault := range []amazontest.Fault{{Status: 503}, {Status: 503, After: true}, {Drop: true}} {
		srv.Fail(func(amazontest.Call) amazontest.Fault { return fault })
		_, _ = c.try("POST", host+path, `{"contentType":"text/csv"}`, "application/json", c.token) // fails as it was told to
	}

	es, err := wirelog.Read(folder)
	require.NoError(t, err)
	require.Len(t, es, 6)
	assert.Equal(t, "/auth/o2/token", es[0].Target)
	assert.Equal(t, path, es[1].Target)
	assert.Equal(t, "POST", es[1].Method)
	assert.JSONEq(t, `{"contentType":"text/xml"}`, string(es[1].Body))
	require.NotNil(t, es[1].Answer)
	assert.Equal(t, 201, es[1].Answer.Status)
	assert.JSONEq(t, strings.ReplaceAll(made.body, signature(t, made), "REDACTED"), string(es[1].Answer.Body))
	assert.Equal(t, made.header.Get("x-amzn-RequestId"), es[1].Answer.Header["X-Amzn-Requestid"][0])
	for _, e := range es[3:] {
		assert.JSONEq(t, `{"contentType":"text/csv"}`, string(e.Body))
		assert.Nil(t, e.Answer, "what the script chose is not the server's answer")
	}
}

func TestNoSecretIsWrittenDown(t *testing.T) {
	folder := t.TempDir()
	t.Setenv(wirelog.Folder, folder)
	c := login(t, open(t, amazontest.Config{}), "Atzr|one")
	made := c.api("POST", "/feeds/2021-06-30/documents", `{"contentType":"text/xml"}`)
	require.Equal(t, 200, c.do("PUT", made.field("url"), "x", "text/xml", "").status)
	require.Equal(t, 200, c.do("POST", host+"/auth/o2/token",
		`{"grant_type":"refresh_token","refresh_token":"Atzr|one","client_id":"app","client_secret":"secret"}`, "application/json", "").status)

	es, err := wirelog.Read(folder)
	require.NoError(t, err)
	require.Len(t, es, 4)
	for _, e := range es {
		said := fmt.Sprintf("%s %v %s %v %s", e.Target, e.Header, e.Body, e.Answer.Header, e.Answer.Body)
		for _, secret := range []string{c.token, "Atzr", `"secret"`, "client_secret=secret", signature(t, made)} {
			assert.NotContains(t, said, secret)
		}
	}
	assert.Equal(t, []string{"REDACTED"}, es[1].Header["X-Amz-Access-Token"])
}

// signature is that of the presigned address in an answer.
func signature(t *testing.T, made response) string {
	t.Helper()
	u, err := url.Parse(made.field("url"))
	require.NoError(t, err)
	require.NotEmpty(t, u.Query().Get("X-Amz-Signature"))
	return u.Query().Get("X-Amz-Signature")
}

func TestNowhereToWriteExchanges(t *testing.T) {
	t.Setenv(wirelog.Folder, filepath.Join(t.TempDir(), "nowhere"))
	_, err := amazontest.New(amazontest.Config{})
	assert.ErrorContains(t, err, wirelog.Folder)
}

// What a call came to is told even when it cannot be written down. The next one
// is refused before it has an effect.
func TestAnExchangeThatCannotBeWrittenDown(t *testing.T) {
	srv := open(t, amazontest.Config{})
	c := login(t, srv, "Atzr|one")
	doc := c.upload("x")
	t.Setenv(wirelog.Folder, filepath.Join(t.TempDir(), "nowhere"))
	assert.Equal(t, 202, c.api("POST", "/feeds/2021-06-30/feeds", feedBody(amazon.RefundFeed, doc)).status)
	assert.Len(t, srv.Feeds(), 1)

	got := c.api("POST", "/feeds/2021-06-30/feeds", feedBody(amazon.RefundFeed, doc))
	assert.Equal(t, 500, got.status)
	assert.Contains(t, got.body, wirelog.Folder)
	assert.Len(t, srv.Feeds(), 1)
	calls := srv.Calls()
	assert.Zero(t, calls[len(calls)-1].Effect)
}
