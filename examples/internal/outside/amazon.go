// Package outside is everything outside the host of an example: a clock that nobody
// has to wait for, a fake Amazon on the loopback with the real client that speaks to
// it, and the comparison of Amazon's books with ours.
package outside

import (
	"context"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/amazon/spapi"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/store"
)

// Amazon is a fake Amazon where one seller has an account.
type Amazon struct {
	*amazontest.Server
	Client  *spapi.Client
	Account amazon.Account

	stop func()
}

// Start starts a fake Amazon that keeps its books in a file, or in memory when there
// is none. The client keeps Amazon's limits in the host's store. What an earlier run
// waited for it did in fake time: the clock goes on where that ended.
func Start(file string, c *Clock, buckets store.Cells, account amazon.Account) (*Amazon, error) {
	fake, err := amazontest.New(amazontest.Config{Now: c.Now, File: file})
	if err != nil {
		return nil, err
	}
	if earlier := fake.Calls(); len(earlier) > 0 {
		c.To(earlier[len(earlier)-1].Time)
	}
	secrets := spapi.Credentials{ClientID: "amzn1.application-oa2-client.example", ClientSecret: "not-a-secret", RefreshToken: "Atzr|example"}
	if err := fake.AddSeller(amazontest.Seller{
		Merchant: account.Merchant, ClientID: secrets.ClientID, ClientSecret: secrets.ClientSecret, RefreshToken: secrets.RefreshToken,
		CancelColumn: "is-buyer-requested-cancellation",
	}); err != nil {
		return nil, err
	}
	base, stop, err := fake.Start()
	if err != nil {
		return nil, err
	}
	client, err := spapi.New(spapi.Config{
		Credentials: func(context.Context, amazon.Account) (spapi.Credentials, error) { return secrets, nil },
		Endpoint:    func(amazon.Region) string { return base },
		TokenURL:    base + "/auth/o2/token",
		Buckets:     buckets,
		Now:         c.Now, Wait: c.Wait,
	})
	if err != nil {
		stop()
		return nil, err
	}
	return &Amazon{Server: fake, Client: client, Account: account, stop: stop}, nil
}

// Close ends it.
func (a *Amazon) Close() { a.stop() }

// ID names an order of the account.
func (a *Amazon) ID(number string) order.AmazonID {
	return order.AmazonID{Account: a.Account.ID, Number: number}
}

// Listed is a host's order as Amazon knows it.
func (a *Amazon) Listed(o order.Order) amazontest.Order {
	listed := amazontest.Order{Seller: a.Account.Merchant, Number: o.Amazon.Number, Marketplace: o.Marketplace, Currency: o.Currency}
	for _, l := range o.Lines {
		listed.Items = append(listed.Items, amazontest.Item{
			ID: l.Item, SKU: l.SKU, ASIN: l.ASIN, Quantity: l.Ordered, Shipped: l.Shipped, Charges: l.Paid(), Promotions: l.Promotions,
		})
	}
	return listed
}
