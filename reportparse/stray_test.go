package reportparse_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/reportparse"
)

// A TAB within a city moves all that is behind it, and a blank cell at the end
// makes room for that. It is no row then, even if every cell could stand where
// it came to; with the TAB at the end, it is.
func TestStrayTabInAddress(t *testing.T) {
	const end = "\t\tfalse\t\t"
	t.Run("all-orders", func(t *testing.T) {
		const header = "amazon-order-id\tsku\torder-status\tship-city\tship-state\tship-postal-code\tship-country\tpromotion-ids\tis-business-order\tpurchase-order-number\tprice-designation\n"
		got, err := parse(t, reportparse.AllOrders, strings.NewReader(header+
			"701-0000001-0000001\tCUP\tShipped\tBad\tNauheim\tHE\t61231\tDE"+end+"\n"+
			"701-0000001-0000001\tCUP\tShipped\tBad Nauheim\tHE\t61231\tDE"+end+"\t\n"), reportparse.Options{})
		require.NoError(t, err)
		assert.Equal(t, []string{"report: line 2: expected 11 cells, as in the header, but there are 12; remove the TAB that is too many"}, got.Bad)
		require.Len(t, got.Rows, 1)
		assert.Equal(t, reportparse.Address{City: "Bad Nauheim", State: "HE", PostalCode: "61231", Country: "DE"}, got.Rows[0].ShipTo)
	})
	t.Run("orders", func(t *testing.T) {
		const header = "order-id\torder-item-id\tpurchase-date\tbill-city\tbill-state\tbill-postal-code\tbill-country\tship-city\tship-state\tship-postal-code\tship-country\tship-phone-number\tis-business-order\tpurchase-order-number\tprice-designation\n"
		got, err := parse(t, reportparse.Orders, strings.NewReader(header+
			"701-0000001-0000001\t1\t\t\t\t\t\tBad\tNauheim\tHE\t61231\tDE"+end+"\n"+
			"701-0000001-0000001\t1\t\tBad\tNauheim\tHE\t61231\tDE\t\t\t\t"+end+"\n"+
			"701-0000001-0000001\t1\t\t\t\t\t\tBad Nauheim\tHE\t61231\tDE"+end+"\t\n"), reportparse.Options{})
		require.NoError(t, err)
		assert.Equal(t, []string{
			"report: line 2: expected 15 cells, as in the header, but there are 16; remove the TAB that is too many",
			"report: line 3: expected 15 cells, as in the header, but there are 16; remove the TAB that is too many",
		}, got.Bad)
		require.Len(t, got.Rows, 1)
		assert.Equal(t, reportparse.Address{City: "Bad Nauheim", State: "HE", PostalCode: "61231", Country: "DE"}, got.Rows[0].ShipTo)
	})
}

func TestStrayTabInReasonOfFBA(t *testing.T) {
	const header = "return-date\torder-id\tsku\tquantity\tdetailed-disposition\treason\tstatus\tlicense-plate-number\tcustomer-comments\n"
	got, err := parse(t, reportparse.FBAReturns, strings.NewReader(header+
		"2026-03-01\t701-0000001-0000001\tCUP\t1\tSELLABLE\tNOT\tWANTED\tReturned\tLPN1\t\n"+
		"2026-03-01\t701-0000001-0000001\tCUP\t1\tSELLABLE\tUNWANTED\tReturned\tLPN1\t\t\n"), reportparse.Options{})
	require.NoError(t, err)
	assert.Equal(t, []string{"report: line 2: expected 9 cells, as in the header, but there are 10; remove the TAB that is too many"}, got.Bad)
	require.Len(t, got.Rows, 1)
	assert.Equal(t, "LPN1", got.Rows[0].LicensePlate)
}
