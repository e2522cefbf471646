package reportparse_test

import (
	"errors"
	"fmt"
	"log"
	"strings"

	"github.com/takebackhq/takeback/reportparse"
)

func ExampleReturns() {
	file := strings.NewReader("Order ID\tReturn request status\tMerchant SKU\tReturn quantity\tLabel cost\tCurrency code\n" +
		"701-0000001-0000001\tApproved\tLAMP-RED\t2\t6,35\tEUR\n" +
		"701-0000002-0000002\tApproved\tMUG\t1\t1.234\tEUR\n" +
		"701-0000003-0000003\tPendingApproval\tTEA\t1\t \tEUR\n")

	r, err := reportparse.Returns(file, reportparse.Options{Name: "returns.txt"})
	if err != nil {
		log.Fatal(err)
	}
	for ret, err := range r.All() {
		var bad *reportparse.RowError
		switch {
		case errors.As(err, &bad):
			fmt.Println(bad)
		case err != nil:
			log.Fatal(err)
		case ret.LabelCost.Valid():
			fmt.Println(ret.OrderID, ret.Status, ret.Quantity, ret.SKU, "label", ret.LabelCost, ret.Currency)
		default:
			fmt.Println(ret.OrderID, ret.Status, ret.Quantity, ret.SKU, "no label")
		}
	}
	fmt.Println("tells tracking numbers:", r.Has("Tracking ID"))

	// Output:
	// 701-0000001-0000001 Approved 2 LAMP-RED label 6.35 EUR
	// returns.txt: line 3: Label cost is "1.234", expected an amount that can be read in one way only, such as 1234.56, 1234,56 or 1,234.56
	// 701-0000003-0000003 PendingApproval 1 TEA no label
	// tells tracking numbers: false
}

// A buyer's wish to cancel stands with the item. A file without the column is
// not a file without wishes.
func ExampleOrders() {
	withColumn := "order-id\torder-item-id\tsku\tquantity-purchased\tis-buyer-requested-cancellation\tbuyer-requested-cancel-reason\n" +
		"701-0000001-0000001\t30000000000001\tMUG\t2\tTRUE\tChanged mind about purchase\n" +
		"701-0000002-0000002\t30000000000002\tTEA\t1\tfalse\t\n" +
		"701-0000003-0000003\t30000000000003\tPOT\t1\t\t\n"
	without := "order-id\torder-item-id\tsku\tquantity-purchased\n" +
		"701-0000004-0000004\t30000000000004\tMUG\t1\n"

	for _, file := range []string{withColumn, without} {
		r, err := reportparse.Orders(strings.NewReader(file), reportparse.Options{Name: "unshipped.txt"})
		if err != nil {
			log.Fatal(err)
		}
		for item, err := range r.All() {
			if err != nil {
				log.Fatal(err)
			}
			switch item.BuyerRequestedCancel {
			case reportparse.Yes:
				fmt.Printf("%s: the buyer wants to cancel %d %s: %s\n", item.OrderID, item.Quantity, item.SKU, item.BuyerCancelReason)
			case reportparse.No:
				fmt.Printf("%s: ship it\n", item.OrderID)
			default:
				fmt.Printf("%s: not known; ask Amazon before shipping\n", item.OrderID)
			}
		}
		for _, column := range r.Missing() {
			if column.Name == "is-buyer-requested-cancellation" {
				fmt.Println("to know it:", column.Advice)
			}
		}
	}

	// Output:
	// 701-0000001-0000001: the buyer wants to cancel 2 MUG: Changed mind about purchase
	// 701-0000002-0000002: ship it
	// 701-0000003-0000003: not known; ask Amazon before shipping
	// 701-0000004-0000004: not known; ask Amazon before shipping
	// to know it: in Seller Central, under Orders > Order Reports > Add or remove order report columns, switch on Buyer Requested Cancel; it is a setting of each seller account
}

func ExampleDetect() {
	download := strings.NewReader("return-date\torder-id\tsku\tquantity\tdetailed-disposition\n" +
		"2026-11-02T09:30:00+00:00\t302-0000001-0000001\tMUG\t1\tSELLABLE\n")

	found, file, err := reportparse.Detect(download, reportparse.Options{Name: "download"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(found.Type, found.Confidence)
	fmt.Println(found.Saw)

	// The file is whole again, for the function that reads the type.
	r, err := reportparse.FBAReturns(file, reportparse.Options{Name: "download"})
	if err != nil {
		log.Fatal(err)
	}
	for row, err := range r.All() {
		fmt.Println(row.ReturnDate, row.SKU, row.Quantity, err)
	}

	// Output:
	// fba-returns high
	// the column detailed-disposition shows an Amazon-fulfilled (FBA) returns report; Amazon refunds these returns itself
	// 2026-11-02 09:30:00 +0000 UTC MUG 1 <nil>
}

// One row for the whole file: nothing of it is kept.
func ExampleReader_Next() {
	file := strings.NewReader("settlement-id\ttotal-amount\tcurrency\ttransaction-type\tsku\tquantity-purchased\tamount-type\tamount\n" +
		"1001\t30.00\tAUD\t\t\t\t\t\n" +
		"1001\t\t\tOrder\tMUG\t1\tItemPrice\t12.00\n" +
		"1001\t\t\tOrder\tTEA\t2\tItemPrice\t18.00\n")
	r, err := reportparse.Settlement(file, reportparse.Options{Name: "settlement.txt"})
	if err != nil {
		log.Fatal(err)
	}
	units := map[string]int{}
	var row reportparse.SettlementRow
	for err = r.Next(&row); err == nil; err = r.Next(&row) {
		units[strings.Clone(row.SKU)] += row.Quantity
	}
	fmt.Println(units, err)

	// Output:
	// map[MUG:1 TEA:2] EOF
}
