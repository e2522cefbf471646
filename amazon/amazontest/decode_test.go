package amazontest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
)

const (
	declaration = `<?xml version="1.0" encoding="UTF-8"?>`
	payload     = "<AmazonOrderID>" + shipped + "</AmazonOrderID>"
)

// complete is a refund with every element that is optional and accepted.
var complete = strings.NewReplacer(
	"</MerchantIdentifier>", "</MerchantIdentifier><OverrideReleaseId>1.1</OverrideReleaseId>",
	"</MessageType>", "</MessageType><MarketplaceName>US</MarketplaceName><PurgeAndReplace>false</PurgeAndReplace><EffectiveDate>2026-01-02T03:04:05Z</EffectiveDate><!-- two -->",
	"</MessageID>", "</MessageID><OperationType>Update</OperationType>",
	"<AdjustedItem>", "<ActionType>Refund</ActionType><AdjustedItem>",
).Replace(refunds(adjust(shipped, "10000000000011", "Principal 3.900 USD", "Tax +0.10 USD", "Shipping 1. USD")))

func replace(from, to string) string { return strings.Replace(complete, from, to, 1) }

// process has a document carried out by a new server and returns the feed with
// its report.
func process(t testing.TB, feedType amazon.FeedType, doc string) (*amazontest.Server, amazontest.Feed) {
	t.Helper()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	srv := open(t, amazontest.Config{Now: func() time.Time { return now }})
	login(t, srv, "Atzr|one").send(feedType, doc)
	now = now.Add(time.Minute)
	return srv, srv.Feeds()[0]
}

func TestDocumentsThatAreAccepted(t *testing.T) {
	for name, doc := range map[string]string{
		"every optional element": complete,
		"no encoding":            replace(` encoding="UTF-8"`, ""),
		"blanks around amount":   replace(">3.900<", "> 3.900\n<"),
		"CDATA":                  replace(">RF1<", "><![CDATA[RF1]]><"),
		"comment after the end":  complete + "\n<!-- end -->\n",
	} {
		t.Run(name, func(t *testing.T) {
			srv, feed := process(t, amazon.RefundFeed, doc)
			assert.Empty(t, parseReport(t, string(feed.Report)).Results)
			assert.True(t, srv.Paid()["USD"].Equal(dec("5")), "paid %s", srv.Paid())
		})
	}
}

func TestDocumentsThatAreRefusedAsAWhole(t *testing.T) {
	item := "<AmazonOrderItemCode>10000000000011</AmazonOrderItemCode>"
	reason := "<AdjustmentReason>CustomerReturn</AdjustmentReason>"
	tests := map[string]struct {
		doc  string
		code int
	}{
		"empty":                     {"", 50001},
		"blank first":               {" " + complete, 50001},
		"byte-order mark":           {"\ufeff" + complete, 50001},
		"no declaration":            {strings.TrimPrefix(complete, declaration), 50001},
		"declaration twice":         {replace(declaration, declaration+declaration), 50001},
		"declaration only":          {declaration, 50001},
		"other encoding":            {replace("UTF-8", "utf-16"), 50001},
		"not UTF-8":                 {replace(">RF1<", ">\xff<"), 50001},
		"document type":             {replace("<AmazonEnvelope", "<!DOCTYPE x><AmazonEnvelope"), 50001},
		"cut off":                   {complete[:len(complete)/2], 50001},
		"tags crossed":              {replace("</AdjustedItem></OrderAdjustment>", "</OrderAdjustment></AdjustedItem>"), 50001},
		"unknown entity":            {replace(">RF1<", ">&nbsp;<"), 50001},
		"attribute twice":           {replace(`currency="USD"`, `currency="USD" currency="USD"`), 50001},
		"text after the end":        {complete + "x", 5001},
		"element after the end":     {complete + "<x/>", 5001},
		"closing tag after the end": {complete + "</x>", 5001},

		"other root":             {strings.ReplaceAll(complete, "AmazonEnvelope", "Envelope"), 5000},
		"root in a namespace":    {replace("<AmazonEnvelope ", `<AmazonEnvelope xmlns="urn:x" `), 5000},
		"root attribute":         {replace("<AmazonEnvelope ", `<AmazonEnvelope id="1" `), 5000},
		"text between elements":  {replace("<Header>", "x<Header>"), 5000},
		"no header":              {replace("<Header>", "<!-- <Header>") + "", 50001},
		"header out of order":    {replace("<DocumentVersion>1.01</DocumentVersion>", ""), 5000},
		"version":                {replace(">1.01<", ">one<"), 5000},
		"merchant empty":         {replace(">"+merchant+"<", "><"), 5000},
		"merchant too long":      {replace(">"+merchant+"<", ">"+strings.Repeat("x", 51)+"<"), 5000},
		"unknown in header":      {replace("</Header>", "<More/></Header>"), 5000},
		"message type of others": {replace(">OrderAdjustment<", ">OrderAcknowledgement<"), 5000},
		"payload of others":      {document("OrderAcknowledgement", acknowledge(unshipped, "Success")), 5000},
		"purge":                  {replace(">false<", ">no<"), 5000},
		"effective date":         {replace("2026-01-02T03:04:05Z", "2026-01-02"), 5000},
		"no message":             {refunds(), 5000},
		"message ID zero":        {replace("<MessageID>1<", "<MessageID>0<"), 5000},
		"message ID text":        {replace("<MessageID>1<", "<MessageID>a<"), 5000},
		"message ID 21 digits":   {replace("<MessageID>1<", "<MessageID>1"+strings.Repeat("0", 20)+"<"), 5000},
		"message ID twice":       {strings.Replace(refunds(adjust(shipped, "10000000000011", "Tax 1 USD"), adjust(shipped, "10000000000011", "Tax 1 USD")), "<MessageID>2", "<MessageID>1", 1), 5000},
		"operation":              {replace(">Update<", ">Insert<"), 5000},
		"operation empty":        {replace(">Update<", "><"), 5000},
		"element in message":     {replace("<OperationType>", "<Note/><OperationType>"), 5000},
		"after the messages":     {replace("</AmazonEnvelope>", "<MarketplaceName>US</MarketplaceName></AmazonEnvelope>"), 5000},
		"nested too deep":        {replace(">RF1<", ">"+strings.Repeat("<a>", 20)+strings.Repeat("</a>", 20)+"<"), 5000},

		"order ID":                 {replace(shipped, "111-0000001-00001"), 5000},
		"order ID missing":         {replace(payload, ""), 5000},
		"two order IDs":            {replace(payload, payload+"<MerchantOrderID>S</MerchantOrderID>"), 5000},
		"action":                   {replace(">Refund<", ">Pay<"), 5000},
		"action after the item":    {replace("</AdjustedItem>", "</AdjustedItem><ActionType>Refund</ActionType>"), 5000},
		"collection method":        {replace("<AdjustedItem>", "<CODCollectionMethod>Cash</CODCollectionMethod><AdjustedItem>"), 5000},
		"no item":                  {refunds(payload), 5000},
		"item code is an ASIN":     {replace("10000000000011", "B00EXAMPLE"), 5000},
		"item code of 13 digits":   {replace("10000000000011", "1000000000001"), 5000},
		"item code of 16 digits":   {replace("10000000000011", "1000000000001100"), 5000},
		"item code with element":   {replace("10000000000011", "10000000000011<x/>"), 5000},
		"item code with attribute": {replace("<AmazonOrderItemCode>", `<AmazonOrderItemCode a="1">`), 5000},
		"reason before item code":  {replace(item, ""), 5000},
		"reason of cancellations":  {replace(">CustomerReturn<", ">BuyerCanceled<"), 5000},
		"reason missing":           {replace(reason, ""), 5000},
		"adjustment ID empty":      {replace(">RF1<", "><"), 5000},
		"adjustment ID too long":   {replace(">RF1<", ">"+strings.Repeat("x", 51)+"<"), 5000},
		"no components":            {refunds(adjust(shipped, "10000000000011")), 5000},
		"component not wrapped":    {replace("<Component>", "<Type>Tax</Type><Component>"), 5000},
		"component type":           {replace(">Principal<", ">ItemPrice<"), 5000},
		"amount before type":       {replace(`<Type>Principal</Type><Amount currency="USD">3.900</Amount>`, `<Amount currency="USD">3.900</Amount><Type>Principal</Type>`), 5000},
		"amount of 3 decimals":     {replace("3.900", "3.905"), 5000},
		"amount with comma":        {replace("3.900", "3,90"), 5000},
		"amount with exponent":     {replace("3.900", "39e-1"), 5000},
		"amount empty":             {replace("3.900", ""), 5000},
		"amount of 21 digits":      {replace("3.900", strings.Repeat("9", 21)), 5000},
		"no currency":              {replace(` currency="USD"`, ""), 5000},
		"currency in small":        {replace("USD", "usd"), 5000},
		"other attribute":          {replace(`currency="USD"`, `unit="USD"`), 5000},
		"quantity zero":            {replace("</AdjustedItem>", "<QuantityCancelled>0</QuantityCancelled></AdjustedItem>"), 5000},
		"quantities out of order":  {replace("</AdjustedItem>", "<Quantity>1</Quantity><QuantityCancelled>1</QuantityCancelled></AdjustedItem>"), 5000},
		"promotion without amount": {replace("</AdjustedItem>", "<PromotionAdjustments/></AdjustedItem>"), 5000},
		"promotion of tax":         {replace("</AdjustedItem>", `<PromotionAdjustments><Component><Type>Tax</Type><Amount currency="USD">1</Amount></Component></PromotionAdjustments></AdjustedItem>`), 5000},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			srv, feed := process(t, amazon.RefundFeed, tt.doc)
			refused(t, srv, feed, tt.code)
		})
	}
}

func TestCancellationsThatAreRefusedAsAWhole(t *testing.T) {
	whole := cancels(acknowledge(unshipped, "Failure", "10000000000021 NoInventory", "10000000000022 NoInventory"))
	for name, change := range map[string][2]string{
		"status code":          {">Failure<", ">Cancel<"},
		"status code missing":  {"<StatusCode>Failure</StatusCode>", ""},
		"merchant's order ID":  {"<AmazonOrderID>" + unshipped + "</AmazonOrderID>", "<MerchantOrderID>S</MerchantOrderID>"},
		"reason of refunds":    {">NoInventory<", ">CustomerCancel<"},
		"reason before code":   {"<Item>", "<Item><CancelReason>NoInventory</CancelReason>"},
		"quantity zero":        {"</Item>", "<Quantity>0</Quantity></Item>"},
		"item code is an ASIN": {"10000000000021", "B00EXAMPLE"},
		"element after items":  {"</OrderAcknowledgement>", "<StatusCode>Failure</StatusCode></OrderAcknowledgement>"},
	} {
		t.Run(name, func(t *testing.T) {
			doc := strings.Replace(whole, change[0], change[1], 1)
			require.NotEqual(t, whole, doc)
			srv, feed := process(t, amazon.CancelFeed, doc)
			refused(t, srv, feed, 5000)
			ord, _ := srv.Order(unshipped)
			assert.Equal(t, amazon.OrderUnshipped, ord.Status)
		})
	}
}

// refused checks that a feed's document was refused with a code and that
// nothing of it was carried out.
func refused(t *testing.T, srv *amazontest.Server, feed amazontest.Feed, code int) {
	t.Helper()
	r := parseReport(t, string(feed.Report))
	assert.Equal(t, amazon.FeedDone, feed.Status)
	assert.Equal(t, "Rejected", r.Status)
	assert.Equal(t, []int{0, 0}, []int{r.Processed, r.Successful})
	require.Len(t, r.Results, 1)
	assert.Equal(t, "0", r.Results[0].Message)
	assert.Equal(t, code, r.Results[0].Code, r.Results[0].Text)
	assert.Empty(t, srv.Ledger())
}

// Whatever is sent, the report adds up, no item pays more than was charged for
// it, and the books of payments agree with those of the orders.
func FuzzRefundDocument(f *testing.F) {
	f.Add(complete)
	f.Add(refunds(adjust(shipped, "10000000000011", "Principal 19.99 USD", "RestockingFee -5 USD"), adjust(partly, "10000000000031", "Tax 0.01 USD")))
	f.Add(declaration + "<AmazonEnvelope/>")
	for _, doc := range examples(f) {
		f.Add(doc)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		srv, feed := process(t, amazon.RefundFeed, doc)
		r := parseReport(t, string(feed.Report))
		failed := map[string]bool{}
		for _, res := range r.Results {
			failed[res.Message] = true
		}
		assert.Equal(t, len(failed), r.Failed)
		assert.Equal(t, r.Processed, r.Successful+r.Failed-strings.Count(r.Status, "Rejected"))

		balance := dec("0")
		for _, ord := range srv.Orders() {
			for _, it := range ord.Items {
				for component, left := range ord.Left(it.ID) {
					assert.False(t, left.IsNegative(), "%s of %s below zero", component, it.ID)
				}
				balance = balance.Add(it.Refunded.Total())
			}
			balance = balance.Add(ord.Conceded)
		}
		for _, p := range srv.Ledger() {
			if strings.HasPrefix(string(p.Component), "RestockingFee") {
				assert.True(t, p.Amount.IsNegative())
				continue
			}
			balance = balance.Sub(p.Amount)
		}
		assert.True(t, balance.IsZero(), "payments and balances differ by %s", balance)
	})
}

// amazonFiles is the folder with Amazon's schemas and examples, which may not
// be published.
func amazonFiles(t testing.TB) string {
	dir := os.Getenv("TAKEBACK_AMAZON")
	if dir == "" {
		t.Skip("set TAKEBACK_AMAZON to a folder with Amazon's schemas to run this test")
	}
	return dir
}

// examples are Amazon's example documents, where they are at hand.
func examples(t testing.TB) map[string]string {
	docs := map[string]string{}
	files, err := filepath.Glob(filepath.Join(os.Getenv("TAKEBACK_AMAZON"), "xsd", "examples", "*.xml"))
	require.NoError(t, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		docs[filepath.Base(file)] = string(data)
	}
	return docs
}

func TestExamplesAreReadable(t *testing.T) {
	amazonFiles(t)
	docs := examples(t)
	for name, feedType := range map[string]amazon.FeedType{
		"refund-minimal.xml": amazon.RefundFeed, "refund-two-orders.xml": amazon.RefundFeed, "cancel-order-minimal.xml": amazon.CancelFeed,
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, docs, name)
			_, feed := process(t, feedType, docs[name])
			r := parseReport(t, string(feed.Report))
			assert.Equal(t, "Complete", r.Status)
			assert.Equal(t, strings.Count(docs[name], "<Message>"), r.Processed)
			assert.Contains(t, r.Results[0].Text, "order was not found")
		})
	}
}

// The reports that the server writes, and the documents of these tests that it
// accepts, are valid against Amazon's schemas.
func TestReportsAreValid(t *testing.T) {
	schema := filepath.Join(amazonFiles(t), "xsd-live", "amzn-envelope-TRIMMED.xsd")
	xmllint, err := exec.LookPath("xmllint")
	if err != nil {
		t.Skip("install xmllint (Debian: libxml2-utils) to run this test")
	}
	cancel := acknowledge(unshipped, "Failure", "10000000000021 NoInventory", "10000000000022 NoInventory")
	var args []string
	for i, sent := range []struct {
		feedType amazon.FeedType
		doc      string
		valid    bool
	}{
		{amazon.RefundFeed, complete, true},
		{amazon.RefundFeed, refunds(adjust("999-0000000-0000000", "10000000000011", "Tax 1 USD"), adjust(shipped, "10000000000099", "Tax 1 USD"), adjust(shipped, "10000000000011", "Tax 99 USD")), true},
		{amazon.RefundFeed, refunds(strings.Replace(adjust(shipped, "10000000000011", "Tax 1 USD"), payload, "<MerchantOrderID>S</MerchantOrderID>", 1)), true},
		{amazon.CancelFeed, cancels(cancel), true},
		{amazon.RefundFeed, "nothing", false},
		{amazon.RefundFeed, replace("<AdjustmentReason>", "<Reason>&#7;\"<"), false},
		{amazon.RefundFeed, refunds(), false},
	} {
		_, feed := process(t, sent.feedType, sent.doc)
		files := map[string][]byte{"report-" + strconv.Itoa(i): feed.Report}
		if sent.valid {
			files["sent-"+strconv.Itoa(i)] = feed.Document
		}
		for name, data := range files {
			file := filepath.Join(t.TempDir(), name+".xml")
			require.NoError(t, os.WriteFile(file, data, 0o600))
			args = append(args, file)
		}
	}
	out, err := exec.Command(xmllint, append([]string{"--noout", "--schema", schema}, args...)...).CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Equal(t, len(args), strings.Count(string(out), " validates"), string(out))
}
