package store_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/store"
)

func TestRetry(t *testing.T) {
	full := errors.New("disk is full")
	conflict := fmt.Errorf("order 1: %w", store.ErrConflict)
	for name, tt := range map[string]struct {
		answers []error // of the saves, the last one for all that follow
		want    error
		saves   int
	}{
		"it works at once":         {[]error{nil}, nil, 1},
		"it conflicts twice":       {[]error{conflict, conflict, nil}, nil, 3},
		"it fails":                 {[]error{full}, full, 1},
		"it conflicts, then fails": {[]error{conflict, full}, full, 2},
		"it always conflicts":      {[]error{conflict}, store.ErrConflict, 10},
	} {
		t.Run(name, func(t *testing.T) {
			saves := 0
			err := store.Retry(func() error {
				saves++
				return tt.answers[min(saves, len(tt.answers))-1]
			})
			require.ErrorIs(t, err, tt.want)
			assert.Equal(t, tt.saves, saves)
		})
	}
}
