package wirelog_test

import (
	"fmt"
	"os"
	"path/filepath"
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

func TestAFolderThatIsNotThere(t *testing.T) {
	t.Setenv(wirelog.Folder, filepath.Join(t.TempDir(), "nowhere"))
	err := wirelog.Write(wirelog.Exchange{})
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.ErrorContains(t, err, wirelog.Folder)
}

func TestABrokenFile(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "x.test-1.jsonl"), []byte("{\"Method\":\"GET\"}\n{\"Meth"), 0o600))
	_, err := wirelog.Read(folder)
	assert.ErrorContains(t, err, "exchange 2")
}
