// Package spapi_test holds the client and the fake against each other, and both
// against what Amazon publishes: facts that each of them states for itself.
package spapi_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/amazon/spapi"
	"github.com/takebackhq/takeback/order"
)

var (
	seller = amazon.Account{
		ID: "acme-na", Company: "acme", Merchant: "A1EXAMPLE", Region: amazon.NorthAmerica,
		Marketplaces: []order.MarketplaceID{"ATVPDKIKX0DER"},
	}
	secrets = spapi.Credentials{ClientID: "app", ClientSecret: "secret", RefreshToken: "Atzr|one"}
)

func fake(t *testing.T, config amazontest.Config) *amazontest.Server {
	t.Helper()
	srv, err := amazontest.New(config)
	require.NoError(t, err)
	require.NoError(t, srv.AddSeller(amazontest.Seller{
		Merchant: seller.Merchant, ClientID: secrets.ClientID, ClientSecret: secrets.ClientSecret, RefreshToken: secrets.RefreshToken,
	}))
	return srv
}

func client(t *testing.T, transport http.RoundTripper) *spapi.Client {
	t.Helper()
	c, err := spapi.New(spapi.Config{
		Credentials: func(context.Context, amazon.Account) (spapi.Credentials, error) { return secrets, nil },
		HTTPClient:  &http.Client{Transport: transport},
	})
	require.NoError(t, err)
	return c
}

// operations does each operation of the client once, by the model that has it,
// the name of its API in Amazon's table of rates, and its ID. What is asked for
// need not exist.
var operations = map[string]map[string]map[string]func(context.Context, *spapi.Client) error{
	"feeds_2021-06-30": {"FeedsApi": {
		"createFeedDocument": func(ctx context.Context, c *spapi.Client) error { return feed(ctx, c, upload) },
		"createFeed":         func(ctx context.Context, c *spapi.Client) error { return feed(ctx, c, create) },
		"getFeed": func(ctx context.Context, c *spapi.Client) error {
			_, err := c.Feed(ctx, seller, "1")
			return err
		},
		"getFeeds": func(ctx context.Context, c *spapi.Client) error {
			_, err := c.ListFeeds(ctx, seller, amazon.RefundFeed, time.Now())
			return err
		},
		"cancelFeed": func(ctx context.Context, c *spapi.Client) error { return c.CancelFeed(ctx, seller, "1") },
		"getFeedDocument": func(ctx context.Context, c *spapi.Client) error {
			_, err := c.Document(ctx, seller, "1")
			return err
		},
	}},
	"reports_2021-06-30": {"ReportsApi": {
		"createReport": func(ctx context.Context, c *spapi.Client) error {
			_, err := c.Request(ctx, seller, amazon.ReportRequest{Type: amazon.ReturnsFlatReport})
			return err
		},
		"getReport": func(ctx context.Context, c *spapi.Client) error {
			_, err := c.Report(ctx, seller, "1")
			return err
		},
		"getReports": func(ctx context.Context, c *spapi.Client) error {
			_, err := c.Reports(ctx, seller, amazon.ReportQuery{Types: []amazon.ReportType{amazon.ReturnsFlatReport}})
			return err
		},
		"cancelReport": func(ctx context.Context, c *spapi.Client) error { return c.CancelReport(ctx, seller, "1") },
		"getReportDocument": func(ctx context.Context, c *spapi.Client) error {
			_, _, err := c.Open(ctx, seller, amazon.Report{ID: "1", Type: amazon.ReturnsFlatReport, Document: "1"})
			return err
		},
		"createReportSchedule": func(ctx context.Context, c *spapi.Client) error {
			_, err := c.CreateReportSchedule(ctx, seller, spapi.ReportSchedule{Type: amazon.ReturnsFlatReport, Period: "P7D"})
			return err
		},
		"getReportSchedules": func(ctx context.Context, c *spapi.Client) error {
			_, err := c.ReportSchedules(ctx, seller, amazon.ReturnsFlatReport)
			return err
		},
		"getReportSchedule": func(ctx context.Context, c *spapi.Client) error {
			_, err := c.ReportSchedule(ctx, seller, "1")
			return err
		},
		"cancelReportSchedule": func(ctx context.Context, c *spapi.Client) error {
			return c.CancelReportSchedule(ctx, seller, "1")
		},
	}},
	"tokens_2021-03-01": {"TokensApi": {
		"createRestrictedDataToken": func(ctx context.Context, c *spapi.Client) error {
			_, _, err := c.RestrictedDataToken(ctx, seller,
				[]spapi.RestrictedResource{{Method: "GET", Path: "/reports/2021-06-30/documents/1"}})
			return err
		},
	}},
	"orders_2026-01-01": {
		"GetOrderApi": {"getOrder": func(ctx context.Context, c *spapi.Client) error {
			_, err := c.Order(ctx, seller, "111-1111111-1111111")
			return err
		}},
		"SearchOrdersApi": {"searchOrders": func(ctx context.Context, c *spapi.Client) error {
			for _, err := range c.SearchOrders(ctx, seller, spapi.OrderQuery{CreatedAfter: time.Now().AddDate(0, 0, -1)}) {
				return err
			}
			return nil
		}},
	},
	"finances_2024-06-19": {"DefaultApi": {
		"listTransactions": func(ctx context.Context, c *spapi.Client) error {
			_, err := c.Refunds(ctx, seller, "111-1111111-1111111")
			return err
		},
	}},
}

// feed begins a feed and does something with its ticket.
func feed(ctx context.Context, c *spapi.Client, do func(context.Context, amazon.Ticket) error) error {
	ticket, err := c.Begin(ctx, seller, amazon.RefundFeed)
	if err != nil {
		return err
	}
	defer ticket.Close()
	return do(ctx, ticket)
}

func upload(ctx context.Context, ticket amazon.Ticket) error {
	_, _, err := ticket.Upload(ctx, "text/xml; charset=UTF-8", []byte("<AmazonEnvelope/>"))
	return err
}

func create(ctx context.Context, ticket amazon.Ticket) error {
	if err := upload(ctx, ticket); err != nil {
		return err
	}
	_, err := ticket.Create(ctx)
	return err
}

// read opens the document of a report and reads it.
func read(ctx context.Context, c *spapi.Client, r amazon.Report) (string, error) {
	doc, _, err := c.Open(ctx, seller, r)
	if err != nil {
		return "", err
	}
	defer doc.Close()
	text, err := io.ReadAll(doc)
	return string(text), err
}
