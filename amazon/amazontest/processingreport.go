package amazontest

import (
	"encoding/xml"
	"slices"
)

// processingReport collects what became of a document. Its elements stand in
// the order of Amazon's schema.
type processingReport struct {
	feed, merchant string
	processed      int
	results        []result
}

type result struct {
	MessageID   string          `xml:"MessageID"`
	Code        string          `xml:"ResultCode"`
	MessageCode int             `xml:"ResultMessageCode"`
	Description string          `xml:"ResultDescription"`
	Info        *additionalInfo `xml:"AdditionalInfo"`
}

type additionalInfo struct {
	Order string `xml:"AmazonOrderID,omitempty"`
	Item  string `xml:"AmazonOrderItemCode,omitempty"`
}

func (r *processingReport) refused(m message, why refusal) {
	res := result{MessageID: m.id, Code: "Error", MessageCode: why.Code, Description: why.Text}
	if m.order != "" {
		res.Info = &additionalInfo{Order: m.order, Item: why.Item}
	}
	r.results = append(r.results, res)
}

// complete is the report on a document whose messages were processed one by
// one. A message that succeeded has no entry in it.
func (r *processingReport) complete() []byte { return r.write("Complete", len(r.results)) }

// rejected is the report on a document that was refused as a whole.
func (r *processingReport) rejected(why *malformed) []byte {
	r.results = []result{{MessageID: "0", Code: "Error", MessageCode: why.code, Description: why.text}}
	return r.write("Rejected", 1)
}

func (r *processingReport) write(status string, failed int) []byte {
	type summary struct {
		Processed  int `xml:"MessagesProcessed"`
		Successful int `xml:"MessagesSuccessful"`
		Failed     int `xml:"MessagesWithError"`
		Warned     int `xml:"MessagesWithWarning"`
	}
	type body struct {
		Transaction string   `xml:"DocumentTransactionID"`
		Status      string   `xml:"StatusCode"`
		Summary     summary  `xml:"ProcessingSummary"`
		Results     []result `xml:"Result"`
	}
	doc, err := xml.MarshalIndent(struct {
		XMLName  xml.Name `xml:"AmazonEnvelope"`
		Version  string   `xml:"Header>DocumentVersion"`
		Merchant string   `xml:"Header>MerchantIdentifier"`
		Type     string   `xml:"MessageType"`
		Message  string   `xml:"Message>MessageID"`
		Report   body     `xml:"Message>ProcessingReport"`
	}{
		Version: "1.02", Merchant: r.merchant, Type: "ProcessingReport", Message: "1",
		Report: body{r.feed, status, summary{r.processed, max(0, r.processed-failed), failed, 0}, r.results},
	}, "", "  ")
	if err != nil {
		return nil // cannot be: every field is text or a number
	}
	return slices.Concat([]byte(xml.Header), doc, []byte("\n"))
}
