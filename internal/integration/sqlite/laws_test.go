package sqlite_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/internal/laws"
)

// drawn draws from a seed.
func drawn(seed uint64) laws.Draw {
	random := rand.New(rand.NewPCG(seed, 0))
	return func(_ string, n int) int { return random.IntN(n) }
}

// Random days on a database file, as those of the library's own test on a store in
// memory.
func TestTheLaws(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			st, _ := openStore(t, newFile(t))
			o, err := laws.Day(t.Context(), st, drawn(seed))
			require.NoError(t, err)
			assert.Empty(t, o.Broken, "%q", o.Told)
		})
	}
}

func TestReturnsInAnyOrderAndAtOnce(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			inOrder, _ := openStore(t, newFile(t))
			shuffled, _ := openStore(t, newFile(t))
			diff, err := laws.Returns(t.Context(), inOrder, shuffled, drawn(seed))
			require.NoError(t, err)
			assert.Empty(t, diff)
		})
	}
}
