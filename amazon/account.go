package amazon

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/takebackhq/takeback/order"
)

// Region is one of Amazon's three; a seller authorises each by itself.
type Region string

const (
	NorthAmerica Region = "NA"
	Europe       Region = "EU"
	FarEast      Region = "FE"
)

// Account is one seller account in one region: the unit that Amazon throttles.
type Account struct {
	ID           order.AccountID
	Company      order.CompanyID
	Merchant     string // the seller ID that Amazon gave, A followed by letters and digits
	Region       Region
	Marketplaces []order.MarketplaceID // at least one, 25 at most

	// OtherSenders says that other applications send refund or cancellation
	// feeds for this seller too. While false, a feed that nobody here sent is a
	// reason for alarm.
	OtherSenders bool
}

// Check refuses an account that could not be used to send.
func (a Account) Check() error {
	switch {
	case a.ID == "":
		return errors.New("account without an ID")
	case a.Company == "":
		return fmt.Errorf("account %s: no company; every account belongs to exactly one", a.ID)
	case a.Merchant == "" || len(a.Merchant) > 50:
		return fmt.Errorf("account %s: merchant %q: want the seller ID of 1 to 50 characters", a.ID, a.Merchant)
	case !slices.Contains([]Region{NorthAmerica, Europe, FarEast}, a.Region):
		return fmt.Errorf("account %s: region %q: want NA, EU or FE", a.ID, string(a.Region))
	case len(a.Marketplaces) == 0 || len(a.Marketplaces) > 25:
		return fmt.Errorf("account %s: %d marketplaces: want 1 to 25", a.ID, len(a.Marketplaces))
	}
	return order.CheckAccount(a.ID)
}

// Accounts knows the seller accounts. Implementations must be safe for use from
// several goroutines.
type Accounts interface {
	// Accounts returns the accounts with these IDs, in any order, leaving out
	// unknown ones; all accounts when no ID is given.
	Accounts(ctx context.Context, ids ...order.AccountID) ([]Account, error)
}

// AccountList is a fixed [Accounts].
type AccountList []Account

// Accounts implements [Accounts].
func (l AccountList) Accounts(_ context.Context, ids ...order.AccountID) ([]Account, error) {
	if len(ids) == 0 {
		return slices.Clone(l), nil
	}
	wanted := make(map[order.AccountID]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	var found []Account
	for _, a := range l {
		if wanted[a.ID] {
			found = append(found, a)
		}
	}
	return found, nil
}
