package reportparse_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/reportparse"
)

// samples lists the sample files whose names match, in the folder that
// TAKEBACK_AMAZON names. They are not ours to publish.
func samples(t *testing.T, pattern string) []string {
	t.Helper()
	folder := os.Getenv("TAKEBACK_AMAZON")
	if folder == "" {
		t.Skip("TAKEBACK_AMAZON is not set: it names a folder with samples/ of real report files")
	}
	files, err := filepath.Glob(filepath.Join(folder, "samples", pattern))
	require.NoError(t, err)
	require.NotEmpty(t, files, "no samples/%s under TAKEBACK_AMAZON", pattern)
	return files
}

func TestSamples(t *testing.T) {
	for _, name := range samples(t, "returns_*") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			f, err := os.Open(name)
			require.NoError(t, err)
			defer f.Close()
			got, err := readAll(t, f, reportparse.Options{Name: filepath.Base(name)})
			require.NoError(t, err)
			assert.Len(t, got.Rows, 2)
			assert.Empty(t, got.Bad)
			assert.Empty(t, got.End)
			assert.Empty(t, got.Unknown)
		})
	}
}

func TestSamplesOfOtherReports(t *testing.T) {
	for _, pattern := range []string{"fba_*", "settlement_*", "*order*", "processing_*", "http_*"} {
		for _, name := range samples(t, pattern) {
			t.Run(filepath.Base(name), func(t *testing.T) {
				f, err := os.Open(name)
				require.NoError(t, err)
				defer f.Close()
				_, err = reportparse.Returns(f, reportparse.Options{Name: filepath.Base(name)})
				require.ErrorIs(t, err, reportparse.ErrWrongReport)
				t.Log(err)
			})
		}
	}
}
