package rma_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"strings"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/reportparse"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store/memory"
)

// A returns report becomes RMAs, and an RMA the request that refunds it. The
// same report again changes nothing.
func Example() {
	const report = "Order ID\tReturn request status\tAmazon RMA ID\tMerchant SKU\tReturn quantity\tReturn Reason\n" +
		"111-0000001-0000001\tApproved\tDaaaaaaaRRMA\tLAMP-RED\t2\tCR-DEFECTIVE\n" +
		"111-0000001-0000001\tPendingApproval\tDbbbbbbbRRMA\tMUG-BLUE\t1\tCR-UNWANTED_ITEM\n"

	ctx := context.Background()
	returns, err := rma.New(rma.Config{Store: memory.New(), Book: shelf{shipped("SO-1", first)}, Settings: settings.Fixed{}})
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		in, err := returns.Import(ctx, account, "", amazon.ReportMeta{Name: "returns.txt", AsOf: morning}, strings.NewReader(report))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("created", in.Created, "unchanged", in.Unchanged, "skipped", in.Skipped)
	}

	open, err := returns.RMAs(ctx, rma.Query{Company: "acme", Statuses: []rma.Status{rma.Open}})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range open {
		fmt.Println(r.OrderSourceRMANumber, r.HostOrder, r.Resolution, r.Lines[0].SKU, r.Lines[0].Reason)
		fmt.Println("refund", r.Refund("anna").Lines[0].Units, "units of item", r.Refund("anna").Lines[0].Item)
	}
	// Output:
	// created 1 unchanged 0 skipped map[status is PendingApproval, not Approved:1]
	// created 0 unchanged 1 skipped map[status is PendingApproval, not Approved:1]
	// DaaaaaaaRRMA acme/SO-1 Refund LAMP-RED CR-DEFECTIVE
	// refund 2 units of item 11400000000001
}

// shop is a service that has imported a report.
func shop(of settings.Settings, report string, config ...func(*rma.Config)) *rma.Service {
	c := rma.Config{Store: memory.New(), Book: shelf{desks()}, Settings: settings.Fixed(of)}
	for _, change := range config {
		change(&c)
	}
	returns, err := rma.New(c)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := returns.Import(context.Background(), account, rma.AmazonFormat, amazon.ReportMeta{Name: "returns.txt", AsOf: morning}, strings.NewReader(report)); err != nil {
		log.Fatal(err)
	}
	return returns
}

const header = "Order ID\tReturn request status\tAmazon RMA ID\tMerchant SKU\tReturn quantity\tReturn Reason\n"

func only(returns *rma.Service) rma.RMA {
	all, err := returns.RMAs(context.Background(), rma.Query{})
	if err != nil || len(all) != 1 {
		log.Fatal(len(all), " RMAs ", err)
	}
	return all[0]
}

// A kit comes back as its components. Where only what came is refunded, one of two
// desks is due once its top and its four legs are here.
func ExampleService_Receive() {
	ctx := context.Background()
	returns := shop(settings.Settings{Policy: settings.Policy{RefundCeiling: settings.CeilingReceived}},
		header+"111-0000001-0000001\tApproved\tDaaaaaaaRRMA\tDESK\t2\tCR-UNWANTED_ITEM\n")
	r, err := returns.Receive(ctx, rma.Goods{
		RMA: only(returns).ID, Key: "parcel 1", By: "anna", Restock: true,
		Counts: []rma.Count{{SKU: "TOP", Good: 1}, {SKU: "LEG", Good: 3, Damaged: 1}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Receipt)
	request, err := returns.Refund(ctx, r.ID, "anna")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("refund", request.Lines[0].Units, "of", r.Lines[0].Kit)

	_, err = returns.Receive(ctx, rma.Goods{RMA: r.ID, Key: "parcel 2", By: "anna", Counts: []rma.Count{{SKU: "TOP", Good: 2}}})
	fmt.Println(errors.Is(err, order.ErrOver))
	// Output:
	// PartiallyReceived
	// refund 1 of DESK
	// true
}

// Somebody lets a unit be refunded that has not come back, and says why.
func ExampleService_Allow() {
	ctx := context.Background()
	returns := shop(settings.Settings{Policy: settings.Policy{RefundCeiling: settings.CeilingReceived}},
		header+"111-0000001-0000001\tApproved\tDaaaaaaaRRMA\tLAMP-RED\t1\tCR-DEFECTIVE\n")
	id := only(returns).ID
	_, err := returns.Refund(ctx, id, "anna")
	fmt.Println(errors.Is(err, rma.ErrNothing))
	if _, err := returns.Allow(ctx, id, lamp, 1, "bea", "the carrier lost it"); err != nil {
		log.Fatal(err)
	}
	request, err := returns.Refund(ctx, id, "anna")
	fmt.Println(request.Lines[0].Units, err)
	// Output:
	// true
	// 1 <nil>
}

// Rows without an RMA say why they have none, and are tried again once that has
// changed: here the merchant did not want RMAs of refunds without a return.
func ExampleService_Retry() {
	ctx := context.Background()
	of := &settings.Settings{SkipReturnlessRMA: true}
	returns := shop(settings.Settings{}, "Order ID\tReturn request status\tAmazon RMA ID\tMerchant SKU\tReturn quantity\tResolution\n"+
		"111-0000001-0000001\tClosed\tDaaaaaaaRRMA\tLAMP-RED\t1\tReturnlessRefund\n",
		func(c *rma.Config) { c.Settings = changing{of} })
	rows, err := returns.Returns(ctx, rma.ReturnQuery{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(rows[0].State, rows[0].Why)

	of.SkipReturnlessRMA = false
	rows, err = returns.Retry(ctx, "anna", rows[0].ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(rows[0].State, only(returns).OrderSourceRMANumber)
	// Output:
	// Returnless refunded without a return
	// Matched DaaaaaaaRRMA
}

// changing are settings that a person may change.
type changing struct{ of *settings.Settings }

func (c changing) Settings(context.Context, order.CompanyID) (settings.Settings, error) {
	return *c.of, nil
}

// A buyer sends something back without Amazon's knowing.
func ExampleService_Open() {
	ctx := context.Background()
	returns := shop(settings.Settings{}, header)
	r, err := returns.Open(ctx, rma.Opening{
		Order: first, Key: "call 12", By: "anna", Reason: "told us by telephone",
		Lines: []rma.OpenLine{{Item: lamp, Units: 1, Reason: "CR-DEFECTIVE"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Status, r.Lines[0].Units, r.Lines[0].SKU)
	r, err = returns.Close(ctx, r.ID, "anna", "the buyer keeps it")
	fmt.Println(r.Status, r.Decided.Why, err)
	// Output:
	// Open 1 LAMP-RED
	// Closed the buyer keeps it <nil>
}

// A host reads files of its own.
func ExampleFormat() {
	lines := func(r io.Reader, _ reportparse.Options) (rma.Rows, error) {
		var rows list
		for in := bufio.NewScanner(r); in.Scan(); {
			of := strings.Fields(in.Text())
			rows = append(rows, reportparse.Return{Line: len(rows) + 1, OrderID: of[0], SKU: of[1], Quantity: 1, Status: "Approved"})
		}
		return rows, nil
	}
	returns := shop(settings.Settings{}, header, func(c *rma.Config) { c.Formats = map[string]rma.Format{"lines": lines} })
	in, err := returns.Import(context.Background(), account, "lines", amazon.ReportMeta{Name: "july.txt"}, strings.NewReader("111-0000001-0000001 MUG-BLUE\n"))
	fmt.Println("created", in.Created, err)
	// Output:
	// created 1 <nil>
}
