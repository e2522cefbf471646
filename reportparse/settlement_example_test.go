package reportparse_test

import (
	"errors"
	"fmt"
	"log"
	"strings"

	"github.com/takebackhq/takeback/reportparse"
)

func ExampleSettlement() {
	file := strings.NewReader("settlement-id\ttotal-amount\tcurrency\ttransaction-type\torder-id\tamount-type\tamount-description\tamount\n" +
		"10000000001\t1.096,18\tEUR\n" +
		"10000000001\t\t\tOrder\t302-0000001-0000001\tItemPrice\tPrincipal\t1141,18\n" +
		"10000000001\t\t\tOrder\t302-0000001-0000001\tItemFees\tCommission\t-40,00\n" +
		"10000000001\t\t\tRefund\t302-0000002-0000002\tItemPrice\tPrincipal\t5.OO\n")

	r, err := reportparse.Settlement(file, reportparse.Options{Name: "settlement.txt"})
	if err != nil {
		log.Fatal(err)
	}
	for row, err := range r.All() {
		var bad *reportparse.RowError
		switch {
		case errors.As(err, &bad):
			fmt.Println(bad)
			continue
		case err != nil:
			log.Fatal(err)
		}
		for a := range row.Amounts() {
			fmt.Println(row.SettlementID, row.Row, a.TransactionType, a.Type, a.Description, a.Amount, row.Currency)
		}
	}
	for _, s := range r.Settlements() {
		fmt.Println("total", s.Total, "sum", s.Sum, "difference", s.Difference.Decimal)
	}

	// Output:
	// 10000000001 1 Order ItemPrice Principal 1141.18 EUR
	// 10000000001 2 Order ItemFees Commission -40.00 EUR
	// settlement.txt: line 5: amount is "5.OO", expected an amount of at most 18 digits and two decimals, such as -1234.56, -1.234,56 or 1 234,56
	// total 1096.18 sum 1101.18 difference -5
}
