package rma_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
)

// The status is the RMA's, and the file says it in every row. Should rows of one
// RMA disagree, they must not take turns at every import of the file, whether
// its age is known or not.
func TestImportOfRowsThatDisagree(t *testing.T) {
	mugs := with(with(lamps(1), "Merchant SKU", "MUG-BLUE"), "ASIN", "B0EXAMPLE2")
	torn := returns(with(lamps(1), "Return request status", "Completed"), with(mugs, "Return request status", "Closed"))
	for _, asOf := range []time.Time{meta(21).AsOf, {}} {
		d := open(t, shipped("SO-1", first))
		report := amazon.ReportMeta{Name: "torn.txt", AsOf: asOf}
		_, err := d.Import(t.Context(), account, "", amazon.ReportMeta{}, returns(lamps(1), mugs).file())
		require.NoError(t, err)

		in, err := d.Import(t.Context(), account, "", report, torn.file())
		require.NoError(t, err)
		assert.Equal(t, 2, in.Updated)
		assert.Equal(t, "Completed", d.one().AmazonStatus, "the row that is least far speaks for the RMA")

		before, head := d.one(), d.head(first)
		in, err = d.Import(t.Context(), account, "", report, torn.file())
		require.NoError(t, err)
		assert.Equal(t, 2, in.Unchanged)
		assert.Empty(t, cmp.Diff(before, d.one()))
		assert.Equal(t, head, d.head(first), "nothing was written")
	}
}

func TestImportEndsWithItsContext(t *testing.T) {
	d := open(t, shipped("SO-1", first))
	ctx, stop := context.WithCancel(t.Context())
	stop()
	in, err := d.Import(ctx, account, "", meta(20), returns(lamps(1)).file())
	require.ErrorIs(t, err, context.Canceled)
	assert.Zero(t, in.Total())
	assert.Empty(t, d.all())
}
