package refund_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/shopspring/decimal"

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

// Above 20.00 of one order somebody else must agree. Nobody approves their own.
func ExampleService_Approve() {
	ctx := context.Background()
	set := settings.Settings{}
	set.Policy.Limits = []settings.Limit{{Amount: decimal.NewFromInt(20), Currency: "USD"}, {Actor: "boss", Amount: decimal.NewFromInt(500), Currency: "USD"}}
	refunds, err := refund.New(refund.Config{
		Store: memory.New(), Book: &book{orders: []order.Order{newOrder()}}, Accounts: amazon.AccountList{acme}, Settings: settings.Fixed(set),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	asked, err := refunds.Issue(ctx, refund.Request{
		Order:  order.AmazonID{Account: "acme-us", Number: "111-1234567-1234567"},
		Lines:  []refund.Ask{{Item: "11111111111111", Units: 3}},
		Reason: amazon.ReasonCustomerReturn, By: "ann", Key: "ticket 42",
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	_, err = refunds.Approve(ctx, asked.ID, asked.Content(), "ann", "it is right")
	fmt.Println("By ann:", errors.Is(err, refund.ErrSelfApproval))
	approved, err := refunds.Approve(ctx, asked.ID, asked.Content(), "boss", "the photos show it")
	fmt.Println("By", approved.Approved.By, err, approved.Total())

	// Output:
	// By ann: true
	// By boss <nil> 32.50 USD
}

// A refund was made in Seller Central. What is left of the order is less from then
// on.
func ExampleService_Record() {
	ctx := context.Background()
	refunds, err := refund.New(refund.Config{
		Store: memory.New(), Book: &book{orders: []order.Order{newOrder()}}, Accounts: amazon.AccountList{acme}, Settings: settings.Fixed{},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	sold := order.AmazonID{Account: "acme-us", Number: "111-1234567-1234567"}
	_, err = refunds.Record(ctx, refund.Recorded{
		Order:     sold,
		Lines:     []refund.RecordedLine{{Item: "11111111111111", Amounts: order.Amounts{order.Principal: decimal.NewFromInt(12)}}},
		Reference: "case 17", By: "ann", Why: "the buyer called",
	})
	fmt.Println("Recorded:", err)

	draft, err := refunds.Draft(ctx, refund.Request{
		Order: sold, Lines: []refund.Ask{{Item: "11111111111111", Units: 1}}, Reason: amazon.ReasonCustomerReturn, By: "ann",
	})
	fmt.Println("A lamp:", draft.Total.In("USD"), err)

	// Output:
	// Recorded: <nil>
	// A lamp: Principal 6.00, Tax 0.83 USD <nil>
}

// A restocking fee and the return label are taken off, and the person who confirms a
// refund has read that the buyer was to get a replacement.
func ExampleDraft_cautions() {
	ctx := context.Background()
	store := memory.New()
	refunds, err := refund.New(refund.Config{
		Store: store, Book: &book{orders: []order.Order{newOrder()}}, Accounts: amazon.AccountList{acme}, Settings: settings.Fixed{},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	request := refund.Request{
		Order: order.AmazonID{Account: "acme-us", Number: "111-1234567-1234567"},
		Lines: []refund.Ask{{Item: "11111111111111", Units: 1, Fees: order.Amounts{
			order.RestockingFee: decimal.NewFromInt(2), order.LabelCost: decimal.NewFromInt(3),
		}}},
		Reason:   amazon.ReasonCustomerReturn,
		Cautions: []refund.Caution{{Code: refund.CautionReplacement, Text: "RMA 7 is for a replacement"}},
		By:       "ann",
	}
	draft, err := refunds.Draft(ctx, request)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("The buyer gets", draft.Total.In("USD"))
	fmt.Println("Saved unread:", !errors.Is(draft.Save(ctx, store), refund.ErrUnacknowledged))

	request.Token, request.Acknowledge = draft.Token, []refund.CautionCode{refund.CautionReplacement}
	_, err = refunds.Issue(ctx, request)
	fmt.Println("Saved:", err)

	// Output:
	// The buyer gets Principal 5.00, Tax 0.83 USD
	// Saved unread: false
	// Saved: <nil>
}

// Where the merchant allows it, a refund may go beyond what the buyer paid for a line:
// the rest travels as Goodwill, and only after somebody saw the draft.
func ExampleRequest_overRefund() {
	ctx := context.Background()
	refunds, err := refund.New(refund.Config{
		Store: memory.New(), Book: &book{orders: []order.Order{newOrder()}}, Accounts: amazon.AccountList{acme},
		Settings: settings.Fixed{AllowOverRefund: true},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	request := refund.Request{
		Order:      order.AmazonID{Account: "acme-us", Number: "111-1234567-1234567"},
		Lines:      []refund.Ask{{Item: "11111111111111", Amounts: order.Amounts{order.Principal: decimal.NewFromInt(35)}}},
		Reason:     amazon.ReasonDifferentItem,
		OverRefund: true,
		By:         "ann",
	}
	draft, err := refunds.Draft(ctx, request)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("The buyer gets", draft.Total.In("USD"))
	_, err = refunds.Issue(ctx, request)
	fmt.Println("Without its token:", errors.Is(err, refund.ErrUnconfirmed))

	request.Token = draft.Token
	issued, err := refunds.Issue(ctx, request)
	fmt.Println("With it:", issued.Total(), err)

	// Output:
	// The buyer gets Principal 30.00, Goodwill 5.00 USD
	// Without its token: true
	// With it: 35.00 USD <nil>
}
