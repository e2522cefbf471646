package spapi_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/spapi"
	"github.com/takebackhq/takeback/order"
)

func Example() {
	client, err := spapi.New(spapi.Config{
		Credentials: func(_ context.Context, a amazon.Account) (spapi.Credentials, error) {
			return spapi.Credentials{
				ClientID:     os.Getenv("AMAZON_CLIENT_ID"),
				ClientSecret: os.Getenv("AMAZON_CLIENT_SECRET"),
				RefreshToken: os.Getenv("AMAZON_REFRESH_TOKEN_" + string(a.Region)),
			}, nil
		},
		AppName:    "Acme OMS",
		AppVersion: "7.1",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	account := amazon.Account{
		ID: "acme-na", Company: "acme", Merchant: "A1EXAMPLE",
		Region: amazon.NorthAmerica, Marketplaces: []order.MarketplaceID{"ATVPDKIKX0DER"},
	}
	id, err := send(context.Background(), client, account, []byte("<AmazonEnvelope>…</AmazonEnvelope>"))
	fmt.Println(id, err)
}

// send shows the order of steps. The queue does this, with the record kept in
// the host's database.
func send(ctx context.Context, feeds amazon.Feeds, a amazon.Account, document []byte) (amazon.FeedID, error) {
	ticket, err := feeds.Begin(ctx, a, amazon.RefundFeed)
	if err != nil {
		return "", err // amazon.Throttled tells when to come back
	}
	defer ticket.Close()
	fence, _, err := ticket.Upload(ctx, "text/xml; charset=UTF-8", document)
	if err != nil {
		return "", err
	}
	if err := record(a, fence); err != nil {
		return "", err
	}
	feed, err := ticket.Create(ctx)
	return feed.ID, err // amazon.Whether tells if the refund may have been made
}

// record saves, before anything is sent, that it is going to be, and the moment
// after which Amazon refuses it.
func record(a amazon.Account, fence time.Time) error {
	_, err := fmt.Printf("%s sends a document; Amazon refuses it after %s\n", a.ID, fence)
	return err
}
