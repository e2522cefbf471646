package takeback_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/internal/laws"
	"github.com/takebackhq/takeback/store/memory"
)

// drawn draws with rapid.
func drawn(rt *rapid.T) laws.Draw {
	return func(what string, n int) int { return rapid.IntRange(0, n-1).Draw(rt, what) }
}

// Whatever happens in whatever order, and at once, with whatever faults: the laws are
// kept.
func TestTheLaws(t *testing.T) {
	worked := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		o, err := laws.Day(t.Context(), memory.New(), drawn(rt))
		if err != nil || len(o.Broken) > 0 {
			t.Logf("BROKEN %v %s\n%s", err, o.Broken, strings.Join(o.Told, "\n")) // of things at once, rapid repeats only what was drawn
		}
		require.NoError(rt, err)
		require.Empty(rt, o.Broken)
		for what, n := range o.Worked {
			worked[what] += n
		}
	})
	t.Logf("%v", worked)
}

func TestReturnsInAnyOrderAndAtOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		diff, err := laws.Returns(t.Context(), memory.New(), memory.New(), drawn(rt))
		require.NoError(rt, err)
		require.Empty(rt, diff)
	})
}
