package takeback_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/amazon/spapi"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store/memory"
)

// Amazon takes a document, pays, and loses its answer. Nothing is sent again: the
// feed is found in Amazon's list, and the refund in what Amazon has booked.
func Example_lostAnswer() {
	ctx := context.Background()
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	id := order.AmazonID{Account: "acme-us", Number: "111-1234567-1234567"}
	charges := order.Amounts{order.Principal: decimal.RequireFromString("40.00"), order.Tax: decimal.RequireFromString("3.30")}

	fake, err := amazontest.New(amazontest.Config{Now: clock})
	if err != nil {
		log.Fatal(err)
	}
	_ = fake.AddSeller(amazontest.Seller{Merchant: "A1EXAMPLE", ClientID: "client", ClientSecret: "secret", RefreshToken: "refresh"})
	_ = fake.Seed(amazontest.Order{
		Seller: "A1EXAMPLE", Number: id.Number, Marketplace: "ATVPDKIKX0DER", Currency: "USD",
		Items: []amazontest.Item{{ID: "114000000000011", SKU: "MUG-BLUE", Quantity: 2, Shipped: 2, Charges: charges}},
	})
	fake.Fail(amazontest.Nth("createFeed", 1, amazontest.Fault{Drop: true, After: true}))
	client, err := spapi.New(spapi.Config{
		Credentials: func(context.Context, amazon.Account) (spapi.Credentials, error) {
			return spapi.Credentials{ClientID: "client", ClientSecret: "secret", RefreshToken: "refresh"}, nil
		},
		HTTPClient: fake.Client(), Now: clock,
	})
	if err != nil {
		log.Fatal(err)
	}
	desk, err := takeback.New(takeback.Config{
		Store: memory.New(),
		Book: shelf{{
			ID: order.ID{Company: "acme", Number: "SO-1001"}, Amazon: id, Currency: "USD", Fulfilment: order.ByMerchant, Status: order.StatusCompleted,
			Lines: []order.Line{{Item: "114000000000011", SKU: "MUG-BLUE", Ordered: 2, Shipped: 2, Charges: charges}},
		}},
		Amazon:       client,
		Accounts:     amazon.AccountList{{ID: "acme-us", Company: "acme", Merchant: "A1EXAMPLE", Region: amazon.NorthAmerica, Marketplaces: []order.MarketplaceID{"ATVPDKIKX0DER"}}},
		Settings:     settings.Fixed{}, // each request goes out at once
		Installation: "example",
		Now:          clock,
	})
	if err != nil {
		log.Fatal(err)
	}
	issued, err := desk.Refunds.Issue(ctx, refund.Request{
		Order: id, Lines: []refund.Ask{{Item: "114000000000011", Units: 1}},
		Reason: amazon.ReasonCustomerReturn, By: "anna", Key: "ticket-77",
	})
	if err != nil {
		log.Fatal(err)
	}

	// The host steps when Step says so, until the refund has an end.
	start := now
	seen := queue.EntryQueued
	for day := 1; !seen.Final() && day <= 30; day = 1 + int(now.Sub(start)/(24*time.Hour)) {
		next, err := desk.Step(ctx)
		if err != nil {
			fmt.Println("createFeed:", amazon.Whether(err))
		}
		entry, err := desk.Queue.Entry(ctx, issued.ID)
		if err != nil {
			log.Fatal(err)
		}
		if entry.State != seen {
			seen = entry.State
			fmt.Printf("day %d: %s\n", day, seen.Label())
		}
		now = next
	}
	entry, err := desk.Queue.Entry(ctx, issued.ID)
	if err != nil {
		log.Fatal(err)
	}
	batches, err := desk.Queue.Batches(ctx, queue.BatchQuery{IDs: []queue.BatchID{entry.Attempt().Batch}})
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range append(batches[0].Evidence, entry.Attempt().Evidence...) {
		fmt.Println("evidence:", e.Kind)
	}
	fmt.Println("Documents sent:", len(fake.Feeds()))
	fmt.Println("Amazon paid:", fake.Paid()["USD"])
	// Output:
	// createFeed: unknown whether sent
	// day 1: Not confirmed, do not resend
	// day 1: Sent to Amazon
	// day 1: Not confirmed, do not resend
	// day 4: Accepted by Amazon
	// evidence: Answer
	// evidence: Look
	// evidence: Adopted
	// evidence: Finances
	// Documents sent: 1
	// Amazon paid: 21.65
}
