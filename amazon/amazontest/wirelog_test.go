package amazontest_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
	for _, fault := range []amazontest.Fault{{Status: 503}, {Status: 503, After: true}, {Drop: true}} {
		srv.Fail(func(amazontest.Call) amazontest.Fault { return fault })
		_, _ = c.try("POST", host+path, `{"contentType":"text/csv"}`, "application/json", c.token) // fails as it was told to
	}

	es, err := wirelog.Read(folder)
	require.NoError(t, err)
	require.Len(t, es, 5)
	assert.Equal(t, "/auth/o2/token", es[0].Target)
	assert.Equal(t, path, es[1].Target)
	assert.Equal(t, "POST", es[1].Method)
	assert.JSONEq(t, `{"contentType":"text/xml"}`, string(es[1].Body))
	require.NotNil(t, es[1].Answer)
	assert.Equal(t, 201, es[1].Answer.Status)
	assert.Equal(t, made.body, string(es[1].Answer.Body))
	assert.Equal(t, made.header.Get("x-amzn-RequestId"), es[1].Answer.Header["X-Amzn-Requestid"][0])
	for _, e := range es[2:] {
		assert.JSONEq(t, `{"contentType":"text/csv"}`, string(e.Body))
		assert.Nil(t, e.Answer, "what the script chose is not the server's answer")
	}
}

func TestAnExchangeThatCannotBeWrittenDown(t *testing.T) {
	srv := open(t, amazontest.Config{})
	c := login(t, srv, "Atzr|one")
	t.Setenv(wirelog.Folder, filepath.Join(t.TempDir(), "nowhere"))
	got := c.api("GET", "/feeds/2021-06-30/feeds?feedTypes=X", "")
	assert.Equal(t, 500, got.status)
	assert.Contains(t, got.body, wirelog.Folder)
}
