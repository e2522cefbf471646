package rowcopy_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"

	"github.com/takebackhq/takeback/store/internal/rowcopy"
)

type part struct {
	Names []string
	At    time.Time
}

type row struct {
	Text    string
	Bytes   []byte
	Amounts map[string]decimal.Decimal
	Parts   []part
	Named   map[string]part
	Last    *part
	part
}

func full() row {
	tokyo := time.FixedZone("JST", 9*60*60)
	p := func() part {
		return part{Names: []string{"a", "b"}, At: time.Date(2026, 5, 1, 8, 0, 0, 123456789, tokyo)}
	}
	last := p()
	return row{
		Text:    "text",
		Bytes:   []byte("bytes"),
		Amounts: map[string]decimal.Decimal{"x": decimal.RequireFromString("12345678901234567890.123")},
		Parts:   []part{p(), p()},
		Named:   map[string]part{"x": p()},
		Last:    &last,
	}
}

func TestOfKeepsValues(t *testing.T) {
	want := full()
	got := rowcopy.Of(want)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(row{})); diff != "" {
		t.Errorf("the copy differs (-row +copy):\n%s", diff)
	}
	for _, at := range []time.Time{got.Parts[1].At, got.Named["x"].At, got.Last.At} {
		assert.Equal(t, time.UTC, at.Location(), "location of a copied time")
	}
	assert.Nil(t, rowcopy.Of(row{}).Parts, "a nil slice stays nil")
	assert.Nil(t, rowcopy.Of(row{}).Last, "a nil pointer stays nil")
}

func TestOfSharesNothing(t *testing.T) {
	source := full()
	got := rowcopy.Of(source)
	source.Bytes[0] = 'X'
	source.Amounts["x"] = decimal.Zero
	source.Parts[0].Names[0] = "changed"
	source.Named["x"].Names[0] = "changed"
	source.Last.Names[0] = "changed"
	if diff := cmp.Diff(full(), got, cmp.AllowUnexported(row{})); diff != "" {
		t.Errorf("a change in the source reached its copy (-want +got):\n%s", diff)
	}
}

func TestOfDropsTheMonotonicClock(t *testing.T) {
	now := time.Now()
	assert.Equal(t, now.Round(0).UTC(), rowcopy.Of(now))
}
