package settings

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/takebackhq/takeback/order"
)

// Source knows the settings of each company. Implementations must be safe for
// use from several goroutines.
type Source interface {
	// Settings returns what holds for the company now. It is asked again for
	// every request and at every pass of the queue. A company without settings
	// is an error: the zero Settings would send its requests at once.
	Settings(ctx context.Context, company order.CompanyID) (Settings, error)
}

// Fixed is a [Source] with the same settings for every company:
//
//	settings.Fixed{Queue: true}
type Fixed Settings

var _ Source = Fixed{}

// Settings implements [Source]; it returns no error.
func (f Fixed) Settings(context.Context, order.CompanyID) (Settings, error) {
	return Settings(f), nil
}

// Check refuses a policy that contradicts itself: see [Policy.Check].
func (f Fixed) Check() error { return f.Policy.Check() }

// ByCompany is a [Source] for companies that are known beforehand. It must not
// be changed while it is in use.
type ByCompany map[order.CompanyID]Settings

var _ Source = ByCompany(nil)

// Settings implements [Source]. A company that is not in the map is an error.
func (c ByCompany) Settings(_ context.Context, company order.CompanyID) (Settings, error) {
	s, ok := c[company]
	if !ok {
		return Settings{}, fmt.Errorf("no settings for company %q: add it to settings.ByCompany", string(company))
	}
	return s, nil
}

// Check refuses policies that contradict themselves, and names their companies: see
// [Policy.Check].
func (c ByCompany) Check() error {
	var errs []error
	for _, company := range slices.Sorted(maps.Keys(c)) {
		if err := c[company].Policy.Check(); err != nil {
			errs = append(errs, fmt.Errorf("company %s: %w", company, err))
		}
	}
	return errors.Join(errs...)
}
