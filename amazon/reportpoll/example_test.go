package reportpoll_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/amazon/reportpoll"
	"github.com/takebackhq/takeback/amazon/spapi"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/store/memory"
)

// printer is a sink that prints what it is given.
type printer struct{}

func (printer) ImportReport(_ context.Context, a amazon.Account, m amazon.ReportMeta, r io.Reader) error {
	body, err := io.ReadAll(r)
	if err == nil {
		fmt.Printf("%s, made at %s, for %s: %s\n", m.Name, m.AsOf.Format(time.TimeOnly), a.ID, body)
	}
	return err
}

// shop is a seller at an Amazon that has a returns report and a settlement for it,
// with a clock that the example moves.
func shop(now func() time.Time) (amazon.Reports, amazon.AccountList) {
	amz, err := amazontest.New(amazontest.Config{Now: now})
	if err != nil {
		log.Fatal(err)
	}
	err = amz.AddSeller(amazontest.Seller{Merchant: "A1EXAMPLESELLER", ClientID: "app", ClientSecret: "secret", RefreshToken: "Atzr|example"})
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range []amazontest.ReportFile{
		{Type: amazon.ReturnsFlatReport, Body: []byte("two returns")},
		{Type: amazon.SettlementReport, Body: []byte("a settlement"), Listed: true},
	} {
		f.Seller = "A1EXAMPLESELLER"
		if err := amz.AddReport(f); err != nil {
			log.Fatal(err)
		}
	}
	client, err := spapi.New(spapi.Config{
		Credentials: func(context.Context, amazon.Account) (spapi.Credentials, error) {
			return spapi.Credentials{ClientID: "app", ClientSecret: "secret", RefreshToken: "Atzr|example"}, nil
		},
		HTTPClient: amz.Client(), Now: now,
	})
	if err != nil {
		log.Fatal(err)
	}
	return client, amazon.AccountList{{
		ID: "shop", Company: "acme", Merchant: "A1EXAMPLESELLER", Region: amazon.NorthAmerica,
		Marketplaces: []order.MarketplaceID{"ATVPDKIKX0DER"},
	}}
}

// A host that steps when it is told to has each report handed to its sink.
func Example() {
	ctx := context.Background()
	clock := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	now := func() time.Time { return clock }
	reports, accounts := shop(now)
	poller, err := reportpoll.New(reportpoll.Config{
		Reports: reports, Accounts: accounts, Cells: memory.New(), Now: now,
		Jobs: []reportpoll.Job{
			{Name: "returns", Types: []amazon.ReportType{amazon.ReturnsFlatReport}, Every: 4 * time.Hour, Sink: printer{}},
			{Name: "settlements", Types: []amazon.ReportType{amazon.SettlementReport}, ListOnly: true, Every: 6 * time.Hour, Sink: printer{}},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	for range 4 {
		next, err := poller.Step(ctx)
		if err != nil {
			log.Fatal(err)
		}
		clock = next
	}
	// Output:
	// GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2 50000000001, made at 09:00:00, for shop: a settlement
	// GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE 50000000002, made at 09:01:00, for shop: two returns
}

// A dashboard shows how each job gets on, and a button does not wait for the
// schedule.
func ExamplePoller_Status() {
	ctx := context.Background()
	clock := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	now := func() time.Time { return clock }
	reports, accounts := shop(now)
	poller, err := reportpoll.New(reportpoll.Config{
		Reports: reports, Accounts: accounts, Cells: memory.New(), Now: now,
		Jobs: []reportpoll.Job{{Name: "settlements", Types: []amazon.ReportType{amazon.SettlementReport}, ListOnly: true, Every: 6 * time.Hour, Sink: printer{}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	show := func() {
		list, err := poller.Status(ctx, "shop")
		if err != nil {
			log.Fatal(err)
		}
		for _, s := range list {
			fmt.Println(s.Account, s.Job, "next at", s.Next.Format(time.TimeOnly), "failures", s.Failures)
		}
	}
	if _, err := poller.Step(ctx); err != nil {
		log.Fatal(err)
	}
	show()
	clock = clock.Add(time.Hour)
	if err := poller.Ask(ctx, "shop", "settlements"); err != nil {
		log.Fatal(err)
	}
	show()
	// Output:
	// GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2 50000000001, made at 09:00:00, for shop: a settlement
	// shop settlements next at 15:00:00 failures 0
	// shop settlements next at 10:00:00 failures 0
}
