package settlement_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/refund/settlement"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store/memory"
)

const day14 = `settlement-id	settlement-start-date	settlement-end-date	deposit-date	total-amount	currency	transaction-type	order-id	adjustment-id	amount-type	amount-description	amount	posted-date-time	order-item-code	sku
777	2026-11-01 00:00:00 UTC	2026-11-15 00:00:00 UTC	2026-11-17 00:00:00 UTC	-21.20	USD
777						A-to-z Guarantee Refund	111-1234567-1234567	amzn1:crow:a	ItemPrice	Principal	-20.00	2026-11-03 12:00:00 UTC	22222222222222	MUG
777						A-to-z Guarantee Refund	111-1234567-1234567	amzn1:crow:a	ItemFees	Commission	3.00	2026-11-03 12:00:00 UTC	22222222222222	MUG
777						A-to-z Guarantee Refund	111-1234567-1234567	amzn1:crow:a	ItemFees	RefundCommission	-0.60	2026-11-03 12:00:00 UTC	22222222222222	MUG
777						Refund	111-7654321-7654321	amzn1:crow:b	ItemPrice	Principal	-3.60	2026-11-04 12:00:00 UTC	33333333333333	VASE
`

// A settlement is read from a file, as the poller does with those that Amazon
// offers: one refund is Amazon's own, one is of an order that the host does not have
// yet. The same file changes nothing.
func ExampleService_Import() {
	ctx := context.Background()
	host := &book{orders: []order.Order{newOrder()}} // the host's own orders
	settlements, err := settlement.New(settlement.Config{Store: memory.New(), Book: host, Settings: settings.Fixed{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		in, err := settlements.Import(ctx, acme, settlement.AmazonFormat, amazon.ReportMeta{Name: "777.txt"}, strings.NewReader(day14))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("New:", in.Bookings, "known:", in.Known)
	}

	// The order has arrived, and takes the amount that waited for it.
	late := newOrder()
	late.ID.Number, late.Amazon.Number = "SO-2", "111-7654321-7654321"
	late.Lines = []order.Line{{Item: "33333333333333", SKU: "VASE", Ordered: 1, Shipped: 1, Charges: principal("3.60")}}
	host.orders = append(host.orders, late)
	in, err := settlements.Retry(ctx, acme)
	fmt.Println("Matched now:", in.Rematched, err)

	// Output:
	// New: map[AmazonInitiated:1 UnknownOrder:1] known: 0
	// New: map[] known: 2
	// Matched now: 1 <nil>
}

// The report says where every cent is that settlements have shown of refunds.
func ExampleService_OpenEnds() {
	ctx := context.Background()
	host := &book{orders: []order.Order{newOrder()}}
	settlements, err := settlement.New(settlement.Config{Store: memory.New(), Book: host, Settings: settings.Fixed{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := settlements.Import(ctx, acme, "", amazon.ReportMeta{Name: "777.txt"}, strings.NewReader(day14)); err != nil {
		fmt.Println(err)
		return
	}
	ends, err := settlements.OpenEnds(ctx, settlement.EndsQuery{Company: "acme"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(ends.Totals[0].AmazonInitiated.Amount, "by Amazon itself,", ends.Totals[0].UnknownOrder.Amount, "for an unknown order")
	for _, e := range ends.Ends {
		fmt.Println(e.Kind, e.Order.Number, e.Amount)
	}

	// Output:
	// 20 by Amazon itself, 3.6 for an unknown order
	// AmazonInitiated 111-1234567-1234567 20.00 USD
	// UnknownOrder 111-7654321-7654321 3.60 USD
}
