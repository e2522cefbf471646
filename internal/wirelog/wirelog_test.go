package wirelog_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/internal/wirelog"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	folder := t.TempDir()
	t.Setenv(wirelog.Folder, folder)
	var want []wirelog.Exchange
	var writers sync.WaitGroup
	for i := range 20 {
		e := wirelog.Exchange{
			Method: "POST", Target: fmt.Sprintf("/feeds/%02d?a=b%%2Cc", i),
			Header: map[string][]string{"Content-Type": {"text/xml"}}, Body: []byte("<x>\xff\n"),
			Answer: &wirelog.Answer{Status: 202, Header: map[string][]string{"Date": {"today"}}, Body: make([]byte, 500)},
		}
		if i%2 == 1 {
			e.Answer = nil
		}
		want = append(want, e)
		writers.Go(func() { assert.NoError(t, wirelog.Write(e)) })
	}
	writers.Wait()
	got, err := wirelog.Read(folder)
	require.NoError(t, err)
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(wirelog.Exchange{}, "Program"),
		cmpopts.SortSlices(func(a, b wirelog.Exchange) bool { return a.Target < b.Target })); diff != "" {
		t.Errorf("exchanges (-want +got):\n%s", diff)
	}
	assert.Equal(t, filepath.Base(os.Args[0]), got[0].Program)
}

func TestNothingIsWrittenUnasked(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv(wirelog.Folder, "")
	require.NoError(t, wirelog.Write(wirelog.Exchange{Method: "GET", Target: "/"}))
	left, err := os.ReadDir(".")
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestNoSecretIsWritten(t *testing.T) {
	const hush = "hush|%7C+/.-_~"
	presigned := func(and string) string {
		return "/in?X-Amz-Algorithm=A" + and + "X-Amz-Credential=" + hush + and + "X-Amz-Date=D" + and + "X-Amz-Security-Token=" + hush + and + "X-Amz-Signature=" + hush
	}
	without := func(s string) string { return strings.ReplaceAll(s, hush, "REDACTED") }
	bodies := []string{
		"grant_type=refresh_token&refresh_token=" + hush + "&client_id=app&client_secret=" + hush,
		"client_secret=" + hush + "&scope=x",
		`{"refresh_token" : "` + hush + `","client_id":"app","client_secret":"` + hush + `"}`,
		`{"access_token":"` + hush + `","expires_in":3600,"refresh_token":"` + hush + `"}`,
		`{"access_token":"` + hush, // cut off
		`{"expiresIn":3600,"restrictedDataToken":"` + hush + `"}`,
		`{"feedDocumentId":"1","url":"https://h` + presigned("&") + `"}`,
		`{"feedDocumentId":"1","url":"https://h` + presigned(`\u0026`) + `"}`,
		"<x a=\"&amp;\">\xff</x>", // as it was
	}
	folder := t.TempDir()
	t.Setenv(wirelog.Folder, folder)
	for _, body := range bodies {
		header := map[string][]string{"X-Amz-Access-Token": {hush}, "Authorization": {hush, hush}, "Accept": {"a", "b"}}
		require.NoError(t, wirelog.Write(wirelog.Exchange{
			Method: "PUT", Target: presigned("&"), Header: header, Body: []byte(body),
			Answer: &wirelog.Answer{Status: 307, Header: map[string][]string{"Location": {"https://h" + presigned("&")}}, Body: []byte(body)},
		}))
		assert.Equal(t, hush, header["X-Amz-Access-Token"][0], "the request is still needed")
	}
	got, err := wirelog.Read(folder)
	require.NoError(t, err)
	require.Len(t, got, len(bodies))
	for i, body := range bodies {
		assert.Empty(t, cmp.Diff(wirelog.Exchange{
			Program: filepath.Base(os.Args[0]), Method: "PUT", Target: without(presigned("&")),
			Header: map[string][]string{"X-Amz-Access-Token": {"REDACTED"}, "Authorization": {"REDACTED", "REDACTED"}, "Accept": {"a", "b"}},
			Body:   []byte(without(body)),
			Answer: &wirelog.Answer{Status: 307, Header: map[string][]string{"Location": {without("https://h" + presigned("&"))}}, Body: []byte(without(body))},
		}, got[i]))
	}
}

func TestAnEscapedQuoteIsPartOfItsSecret(t *testing.T) {
	folder := t.TempDir()
	t.Setenv(wirelog.Folder, folder)
	require.NoError(t, wirelog.Write(wirelog.Exchange{Body: []byte(`{"access_token":"a\"hush","x":1}`)}))
	got, err := wirelog.Read(folder)
	require.NoError(t, err)
	assert.Equal(t, `{"access_token":"REDACTED","x":1}`, string(got[0].Body))
}

func TestAFolderThatIsNotThere(t *testing.T) {
	t.Setenv(wirelog.Folder, filepath.Join(t.TempDir(), "nowhere"))
	for _, err := range []error{wirelog.Check(), wirelog.Write(wirelog.Exchange{})} {
		require.ErrorIs(t, err, os.ErrNotExist)
		assert.ErrorContains(t, err, wirelog.Folder)
	}
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	t.Setenv(wirelog.Folder, file)
	require.ErrorContains(t, wirelog.Check(), wirelog.Folder+" is "+file)
	t.Setenv(wirelog.Folder, t.TempDir())
	require.NoError(t, wirelog.Check())
	t.Setenv(wirelog.Folder, "")
	require.NoError(t, wirelog.Check())
}

func TestABrokenFile(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "x.test-1.jsonl"), []byte("{\"Method\":\"GET\"}\n{\"Meth"), 0o600))
	_, err := wirelog.Read(folder)
	assert.ErrorContains(t, err, "exchange 2")
}
