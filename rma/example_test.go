package rma_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/takebackhq/takeback/amazon"
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
