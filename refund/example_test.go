package refund_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store/memory"
)

// A person looks at the draft of a refund and confirms it. A double click meets
// the first refund; more than is left is refused.
func Example() {
	ctx := context.Background()
	refunds, err := refund.New(refund.Config{
		Store:    memory.New(),
		Book:     &book{orders: []order.Order{newOrder()}}, // the host's own orders
		Accounts: amazon.AccountList{acme},
		Settings: settings.Fixed{Queue: true},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	request := refund.Request{
		Order:  order.AmazonID{Account: "acme-us", Number: "111-1234567-1234567"},
		Lines:  []refund.Ask{{Item: "11111111111111", Units: 1, Shipping: true}},
		Reason: amazon.ReasonCustomerReturn,
		By:     "ann",
	}
	draft, err := refunds.Draft(ctx, request)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("The buyer gets", draft.Total.In("USD"))
	fmt.Println("and", draft.Balances[0].Left.In("USD"), "is left.")

	request.Token = draft.Token
	first, err := refunds.Issue(ctx, request)
	if err != nil {
		fmt.Println(err)
		return
	}
	again, err := refunds.Issue(ctx, request)
	fmt.Println("Once:", first.Total(), first.ID == again.ID, err)

	request.Token, request.Key = "", "ticket 42"
	request.Lines[0].Units = 3
	_, err = refunds.Issue(ctx, request)
	fmt.Println("More than is left:", errors.Is(err, order.ErrOver))

	// Output:
	// The buyer gets Principal 10.00, Tax 0.83, Shipping 2.00 USD
	// and Principal 20.00, Tax 1.67, Shipping 4.00 USD is left.
	// Once: 12.83 USD true <nil>
	// More than is left: true
}
