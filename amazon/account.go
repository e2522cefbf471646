package amazon

import (
	"context"
	"errors"
	"fmt"
	"maps"
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

// ErrDisputed says that it cannot be told to which company an account belongs.
// Every account, and every seller in a region, belongs to exactly one: two would each
// refund the same orders and book the same settlements.
var ErrDisputed = errors.New("every account belongs to exactly one company")

// Disputed finds the accounts of a list of which that cannot be told: an ID that is
// there twice, and accounts of several companies that are one seller in one region.
// Several accounts of one company may be one seller, for several applications. It
// answers with an [ErrDisputed] for each of them.
func Disputed(accounts []Account) map[order.AccountID]error {
	type seller struct {
		merchant string
		region   Region
	}
	byID, bySeller := map[order.AccountID]Account{}, map[seller][]Account{}
	disputed := map[order.AccountID]error{}
	for _, a := range accounts {
		if other, twice := byID[a.ID]; twice {
			disputed[a.ID] = fmt.Errorf("account %s is listed twice, for companies %s and %s: %w", a.ID, other.Company, a.Company, ErrDisputed)
			continue
		}
		byID[a.ID] = a
		of := seller{a.Merchant, a.Region}
		bySeller[of] = append(bySeller[of], a)
	}
	for of, its := range bySeller {
		first := its[0]
		i := slices.IndexFunc(its, func(a Account) bool { return a.Company != first.Company })
		if i < 0 || of.merchant == "" {
			continue
		}
		for _, a := range its {
			disputed[a.ID] = fmt.Errorf("seller %s in %s is account %s of company %s and account %s of company %s: %w",
				of.merchant, of.region, first.ID, first.Company, its[i].ID, its[i].Company, ErrDisputed)
		}
	}
	return disputed
}

// Accounts knows the seller accounts. Implementations must be safe for use from
// several goroutines.
type Accounts interface {
	// Accounts returns the accounts with these IDs, each once, in any order, leaving
	// out unknown ones; all accounts when no ID is given.
	Accounts(ctx context.Context, ids ...order.AccountID) ([]Account, error)
}

// FindAccount reads one account; the zero Account when it is unknown. One that is
// there twice is [ErrDisputed].
func FindAccount(ctx context.Context, in Accounts, id order.AccountID) (Account, error) {
	found, err := in.Accounts(ctx, id)
	if err != nil || len(found) == 0 {
		return Account{}, err
	}
	return found[0], Disputed(found)[id]
}

// AccountList is a fixed [Accounts].
type AccountList []Account

// Check refuses a list with an account that could not be used ([Account.Check]), or
// of which it cannot be told whose it is ([ErrDisputed]). It names all of them.
func (l AccountList) Check() error {
	var errs []error
	for _, a := range l {
		errs = append(errs, a.Check())
	}
	disputed := Disputed(l)
	for _, id := range slices.Sorted(maps.Keys(disputed)) {
		errs = append(errs, disputed[id])
	}
	return errors.Join(errs...)
}

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
