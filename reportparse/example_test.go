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
	// returns.txt: line 3: Label cost is "1.234", expected an amount with no separator but one before the last one or two digits, such as 1234.56 or 1234,56
	// 701-0000003-0000003 PendingApproval 1 TEA no label
	// tells tracking numbers: false
}
