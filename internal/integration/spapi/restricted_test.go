package spapi_test

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
)

// The fake gives the document of a restricted report for a restricted data token
// only, and such a token for the documents of no other reports. So the client
// reads what both take for the same.
func TestClientAndFakeRestrictTheSameReports(t *testing.T) {
	types := map[amazon.ReportType]int{ // tokens asked for; page "Get authorization to access restricted report types"
		"GET_AMAZON_FULFILLED_SHIPMENTS_DATA_INVOICING": 1,
		"GET_AMAZON_FULFILLED_SHIPMENTS_DATA_TAX":       1,
		"GET_EASYSHIP_DOCUMENTS":                        1,
		"GET_FLAT_FILE_ACTIONABLE_ORDER_DATA_SHIPPING":  1,
		"GET_FLAT_FILE_ORDER_REPORT_DATA_INVOICING":     1,
		"GET_FLAT_FILE_ORDER_REPORT_DATA_SHIPPING":      1,
		"GET_FLAT_FILE_ORDER_REPORT_DATA_TAX":           1,
		"GET_GST_MTR_B2B_CUSTOM":                        1,
		"GET_ORDER_REPORT_DATA_INVOICING":               1,
		"GET_ORDER_REPORT_DATA_SHIPPING":                1,
		"GET_ORDER_REPORT_DATA_TAX":                     1,
		"GET_VAT_TRANSACTION_DATA":                      1,
		"SC_VAT_TAX_REPORT":                             1,

		amazon.ReturnsFlatReport:                              0,
		amazon.ReturnsXMLReport:                               0,
		"GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2":          0,
		"GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL": 0,
		"GET_MERCHANT_LISTINGS_ALL_DATA":                      0,
	}
	for kind, tokens := range types {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := fake(t, amazontest.Config{})
				require.NoError(t, srv.AddReport(amazontest.ReportFile{
					Seller: seller.Merchant, Type: kind, Body: []byte("rows"), Listed: true,
				}))
				c := client(t, srv.RoundTripper())
				reports, err := c.Reports(t.Context(), seller, amazon.ReportQuery{Types: []amazon.ReportType{kind}})
				require.NoError(t, err)
				require.Len(t, reports, 1)
				text, err := read(t.Context(), c, reports[0])
				require.NoError(t, err)
				assert.Equal(t, "rows", text)
				others := func(call amazontest.Call) bool { return call.Op != "createRestrictedDataToken" }
				assert.Len(t, slices.DeleteFunc(srv.Calls(), others), tokens)
			})
		})
	}
}
