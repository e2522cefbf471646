package amazontest_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
)

const rdtPath = "/tokens/2021-03-01/restrictedDataToken"

func resources(paths ...string) string {
	var list []string
	for _, p := range paths {
		list = append(list, `{"method":"GET","path":"`+p+`"}`)
	}
	return `{"restrictedResources":[` + strings.Join(list, ",") + `]}`
}

func TestRestrictedDataToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		c := login(t, srv, "Atzr|one")
		const restricted, free = "GET_FLAT_FILE_ORDER_REPORT_DATA_SHIPPING", "GET_FLAT_FILE_ALL_ORDERS"
		document := func(reportType string) string {
			require.NoError(t, srv.AddReport(amazontest.ReportFile{Seller: merchant, Type: amazon.ReportType(reportType), Body: []byte("rows")}))
			made := c.api("POST", "/reports/2021-06-30/reports", `{"reportType":"`+reportType+`","marketplaceIds":["ATVPDKIKX0DER"]}`)
			time.Sleep(time.Minute)
			got := c.api("GET", "/reports/2021-06-30/reports/"+made.field("reportId"), "")
			require.Equal(t, "DONE", got.field("processingStatus"), got.body)
			return "/reports/2021-06-30/documents/" + got.field("reportDocumentId")
		}
		first, second, plain := document(restricted), document(restricted), document(free)
		with := func(token, path string) int { return c.do("GET", host+path, "", "", token).status }

		assert.Equal(t, 200, with(c.token, plain))
		got := c.api("GET", first, "")
		assert.Equal(t, 403, got.status, "without a restricted token")
		assert.NotContains(t, got.body, "access token", "renewing it would not help")

		made := c.api("POST", rdtPath, resources(first))
		require.Equal(t, 200, made.status, made.body)
		assert.Equal(t, "3600", made.field("expiresIn"))
		rdt := made.field("restrictedDataToken")
		assert.True(t, strings.HasPrefix(rdt, "Atz.sprdt|"))
		assert.Equal(t, 200, with(rdt, first))
		for _, path := range []string{second, plain, "/feeds/2021-06-30/feeds?feedTypes=X"} {
			assert.Equal(t, 403, with(rdt, path), path)
		}
		both := c.api("POST", rdtPath, resources(first, second)).field("restrictedDataToken")
		assert.Equal(t, []int{200, 200}, []int{with(both, first), with(both, second)})

		for name, body := range map[string]string{
			"no resources":       `{"restrictedResources":[]}`,
			"too many":           resources(strings.Split(strings.Repeat(first+" ", 51), " ")[:51]...),
			"another method":     strings.Replace(resources(first), "GET", "PUT", 1),
			"another operation":  resources("/orders/v0/orders"),
			"generic path":       resources("/reports/2021-06-30/documents/{reportDocumentId}"),
			"data elements":      strings.Replace(resources(first), `}`, `,"dataElements":["buyerInfo"]}`, 1),
			"no such document":   resources(first + "9"),
			"document not meant": resources(plain),
		} {
			assert.Equal(t, 400, c.api("POST", rdtPath, body).status, name)
			time.Sleep(time.Second)
		}
		assert.Contains(t, c.api("POST", rdtPath, resources(first+"9")).body, "Invalid or unsupported document ID found")

		time.Sleep(time.Hour)
		got = c.do("GET", host+first, "", "", rdt)
		assert.Equal(t, 403, got.status)
		assert.Contains(t, got.body, "The access token you provided has expired.")
	})
}
