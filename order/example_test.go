package order_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/order"
)

// A refund is promised before Amazon is asked, and posted when Amazon has
// accepted it. What is promised cannot be promised again.
func ExampleLedger() {
	paid := order.Order{
		ID:       order.ID{Company: "acme", Number: "SO-1001"},
		Amazon:   order.AmazonID{Account: "acme-na", Number: "111-1234567-1234567"},
		Currency: "USD",
		Lines: []order.Line{{
			Item: "12345678901234", Ordered: 2, Shipped: 2,
			Charges: order.Amounts{order.Principal: decimal.RequireFromString("39.98"), order.Tax: decimal.RequireFromString("3.30")},
		}},
	}
	by := order.Stamp{By: "ann", At: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), Why: "arrived broken"}
	one := order.Amounts{order.Principal: decimal.RequireFromString("19.99"), order.Tax: decimal.RequireFromString("1.65")}
	both := one.Plus(one)
	refund := order.Cause{Kind: order.CauseRefund, ID: "RF-1"}
	again := order.Cause{Kind: order.CauseRefund, ID: "RF-2"}

	ledger := order.Ledger{Order: paid.Amazon}
	postings, err := ledger.Charge(by, paid)
	if err != nil {
		fmt.Println(err)
		return
	}
	ledger = ledger.With(postings...)

	postings, err = ledger.Reserve(refund, "12345678901234", one, false, by)
	if err != nil {
		fmt.Println(err)
		return
	}
	ledger = ledger.With(postings...)
	fmt.Println(ledger.PaymentStatus(), "and promised", order.Format(ledger.Pending(), "USD"))

	_, err = ledger.Reserve(again, "12345678901234", both, false, by)
	var over *order.OverError
	if errors.As(err, &over) {
		fmt.Println("refused:", over.Component, order.Format(over.Asked, "USD"), "of", order.Format(over.Left(), "USD"))
	}

	ledger = ledger.With(ledger.Post(refund, "12345678901234", by)...)
	fmt.Println(ledger.PaymentStatus(), "with", ledger.Left("12345678901234").In("USD"), "left")
	// Output:
	// Charged and promised 21.64 USD
	// refused: Principal 39.98 USD of 19.99 USD
	// PartialRefund with Principal 19.99, Tax 1.65 USD left
}

// Three units for 10.00 come back one after the other. Each takes its share of
// what is left, and together they are the line to the penny.
func ExampleProrate() {
	left := order.Amounts{order.Principal: decimal.RequireFromString("10.00"), order.Tax: decimal.RequireFromString("0.83")}
	for units := 3; units > 0; units-- {
		part := order.Prorate(left, 1, units, "USD")
		left = left.Minus(part)
		fmt.Println(part.In("USD"))
	}
	fmt.Println("left:", left.In("USD"))
	// Output:
	// Principal 3.33, Tax 0.28 USD
	// Principal 3.34, Tax 0.28 USD
	// Principal 3.33, Tax 0.27 USD
	// left: nothing
}
