package reportparse_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/reportparse"
)

func FuzzReturns(f *testing.F) {
	files, err := filepath.Glob("testdata/*.*")
	require.NoError(f, err)
	require.NotEmpty(f, files)
	for _, name := range files {
		b, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(b, "")
		f.Add(b, "text/plain;charset=Shift_JIS")
		f.Add(gzipped(f, b), "text/plain;charset=Cp1252")
	}
	orderID := regexp.MustCompile(`^\d{3}-\d{7}-\d{7}$`)
	f.Fuzz(func(t *testing.T, file []byte, contentType string) {
		o := reportparse.Options{ContentType: contentType}
		got, err := readAll(t, bytes.NewReader(file), o)
		slow, slowErr := readAll(t, iotest.OneByteReader(bytes.NewReader(file)), o)
		assert.Equal(t, err, slowErr)
		if diff := cmp.Diff(got, slow); diff != "" {
			t.Errorf("one byte at a time (-whole +slow):\n%s", diff)
		}
		for _, row := range got.Rows {
			assert.Positive(t, row.Line)
			assert.Regexp(t, orderID, row.OrderID)
			assert.NotEmpty(t, row.Status)
			assert.Positive(t, row.Quantity)
			assert.NotEmpty(t, row.SKU+row.ASIN+row.OrderItemID)
			assert.NotContains(t, row.Extra, "")
		}
	})
}
