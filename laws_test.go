package takeback_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/internal/laws"
	"github.com/takebackhq/takeback/store/memory"
)

// sometimes checks a property as often as rapid is told to, thinned like other
// enumerations.
func sometimes(t *testing.T, property func(*rapid.T, laws.Draw)) {
	t.Helper()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		if n++; n%oneIn == 0 {
			property(rt, func(what string, n int) int { return rapid.IntRange(0, n-1).Draw(rt, what) })
		}
	})
}

// Whatever happens in whatever order, and at once, with whatever faults: the laws are
// kept.
func TestTheLaws(t *testing.T) {
	worked := map[string]int{}
	sometimes(t, func(rt *rapid.T, draw laws.Draw) {
		o, err := laws.Day(t.Context(), memory.New(), draw)
		if err != nil || len(o.Broken) > 0 {
			// Rapid repeats what was drawn, but not how things that happen at once
			// meet: what it shows is the repetition, and this is the first.
			t.Log(strings.Join(append(o.Broken, o.Told...), "\n"))
		}
		require.NoError(rt, err)
		require.Empty(rt, o.Broken)
		for what, n := range o.Worked {
			worked[what] += n
		}
	})
	t.Logf("how often something was not refused: %v", worked)
}

// Files of returns come in any order, several at a time, again and again, and with
// faults: the RMAs are those that one after the other makes.
func TestReturnsInAnyOrderAndAtOnce(t *testing.T) {
	sometimes(t, func(rt *rapid.T, draw laws.Draw) {
		diff, err := laws.Returns(t.Context(), memory.New(), memory.New(), draw)
		require.NoError(rt, err)
		require.Empty(rt, diff)
	})
}
