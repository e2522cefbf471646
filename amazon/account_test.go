package amazon_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

func seller(id order.AccountID, company order.CompanyID, merchant string, in amazon.Region) amazon.Account {
	return amazon.Account{ID: id, Company: company, Merchant: merchant, Region: in, Marketplaces: []order.MarketplaceID{"ATVPDKIKX0DER"}}
}

func TestEveryAccountBelongsToOneCompany(t *testing.T) {
	us := seller("acme-us", "acme", "A1ACME", amazon.NorthAmerica)
	for _, test := range []struct {
		name     string
		list     amazon.AccountList
		disputed []order.AccountID
		says     string
	}{
		{"one", amazon.AccountList{us}, nil, ""},
		{"another region of the seller", amazon.AccountList{us, seller("acme-eu", "bravo", "A1ACME", amazon.Europe)}, nil, ""},
		{"another application of the company", amazon.AccountList{us, seller("acme-us-2", "acme", "A1ACME", amazon.NorthAmerica)}, nil, ""},
		{"an account of two companies", amazon.AccountList{us, seller("acme-us", "bravo", "A2BRAVO", amazon.NorthAmerica)}, []order.AccountID{"acme-us"},
			"account acme-us is listed twice, for companies acme and bravo"},
		{"an account twice", amazon.AccountList{us, us}, []order.AccountID{"acme-us"}, "account acme-us is listed twice"},
		{"a seller of two companies", amazon.AccountList{us, seller("acme-us-2", "acme", "A1ACME", amazon.NorthAmerica), seller("bravo-us", "bravo", "A1ACME", amazon.NorthAmerica)},
			[]order.AccountID{"acme-us", "acme-us-2", "bravo-us"}, "seller A1ACME in NA is account acme-us of company acme and account bravo-us of company bravo"},
	} {
		disputed := amazon.Disputed(test.list)
		assert.Len(t, disputed, len(test.disputed), test.name)
		for _, id := range test.disputed {
			require.ErrorIs(t, disputed[id], amazon.ErrDisputed, test.name)
			require.ErrorContains(t, disputed[id], test.says, test.name)
			require.ErrorContains(t, test.list.Check(), test.says, test.name)
		}
		assert.Equal(t, len(test.disputed) > 0, test.list.Check() != nil, test.name)
	}
	assert.ErrorContains(t, amazon.AccountList{us, {ID: "x"}}.Check(), "account x: no company")
}

func TestFindAccount(t *testing.T) {
	list := amazon.AccountList{seller("acme-us", "acme", "A1ACME", amazon.NorthAmerica), seller("b", "bravo", "A2", amazon.Europe), seller("b", "acme", "A2", amazon.Europe)}
	find := func(id order.AccountID) (amazon.Account, error) {
		return amazon.FindAccount(t.Context(), list, id)
	}
	a, err := find("acme-us")
	require.NoError(t, err)
	assert.Equal(t, list[0], a)
	a, err = find("nobody")
	require.NoError(t, err)
	assert.Empty(t, a)
	_, err = find("b")
	assert.ErrorIs(t, err, amazon.ErrDisputed)
}
