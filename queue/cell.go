package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/takebackhq/takeback/store"
)

// cellsAtOnce is how many cells are read in one go.
const cellsAtOnce = 500

// cells reads cells by their names; those that are not there are absent.
func (q *Queue) cells(ctx context.Context, names ...string) (map[string]store.Cell, error) {
	found := map[string]store.Cell{}
	for some := range slices.Chunk(names, cellsAtOnce) {
		cs, err := q.c.Store.Cells(ctx, some)
		if err != nil {
			return nil, err
		}
		for _, c := range cs {
			found[c.Name] = c
		}
	}
	return found, nil
}

// decode reads what a cell holds. One that is not there holds nothing.
func decode(c store.Cell, into any) error {
	if len(c.Data) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.Data, into); err != nil {
		return fmt.Errorf("cell %s holds %.80q: %w", c.Name, c.Data, err)
	}
	return nil
}

// put saves a cell, or answers store.ErrConflict.
func (q *Queue) put(ctx context.Context, name string, version int64, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("cell %s: %w", name, err)
	}
	return q.c.Store.SaveCell(ctx, store.Cell{Name: name, Version: version, Data: data})
}

// edit reads a cell, lets it be changed and saves it, from the start when somebody
// else was faster. An edit that answers false leaves the cell as it is; one that
// answers an error, too.
func edit[V any](ctx context.Context, q *Queue, name string, change func(*V) (bool, error)) error {
	for range maxTries {
		found, err := q.cells(ctx, name)
		if err != nil {
			return err
		}
		var v V
		if err := decode(found[name], &v); err != nil {
			return err
		}
		if changed, err := change(&v); err != nil || !changed {
			return err
		}
		if err := q.put(ctx, name, found[name].Version, v); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("cell %s: %w %d times", name, store.ErrConflict, maxTries)
}
