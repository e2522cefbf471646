package amazontest

import (
	"encoding/xml"
	"slices"
)

// processingReport collects what became of a document. Its elements stand in
// the order of Amazon's schema.
type processingReport struct {
	feed, merchant              string
	fate                        Fate
	processed, failed, warnings int
	results                     []result
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
	r.failed++
	r.add(m, "Error", why)
}

func (r *processingReport) warned(m message, why refusal) {
	r.warnings++
	r.add(m, "Warning", why)
}

func (r *processingReport) add(m message, code string, why refusal) {
	res := result{MessageID: m.id, Code: code, MessageCode: why.Code, Description: why.Text}
	if m.order != "" {
		res.Info = &additionalInfo{Order: m.order, Item: why.Item}
	}
	r.results = append(r.results, res)
}

// rejected is the report on a document that was refused as a whole.
func (r *processingReport) rejected(why *malformed) []byte {
	r.results = []result{{MessageID: "0", Code: "Error", MessageCode: why.code, Description: why.text}}
	r.failed = 1
	return r.write("Rejected")
}

// write makes the document. A message that succeeded has no entry in it.
func (r *processingReport) write(status string) []byte {
	counts := summary{r.processed, max(0, r.processed-r.failed), r.failed, r.warnings}
	switch r.fate.Report {
	case ReportMissing:
		return nil
	case ReportPlain:
		return []byte("Feed Processing Summary:\n\tNumber of records processed\t\t0\n\tNumber of records successful\t\t0\n")
	case ReportCutOff:
		whole := r.marshal(status, counts)
		return whole[:len(whole)/2]
	case ReportMiscounted:
		counts.Successful++
		counts.Processed = max(0, counts.Processed-1)
	}
	return r.marshal(status, counts)
}

type summary struct {
	Processed  int `xml:"MessagesProcessed"`
	Successful int `xml:"MessagesSuccessful"`
	Failed     int `xml:"MessagesWithError"`
	Warned     int `xml:"MessagesWithWarning"`
}

func (r *processingReport) marshal(status string, counts summary) []byte {
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
		Report: body{r.feed, status, counts, r.results},
	}, "", "  ")
	if err != nil {
		return nil // cannot be: every field is text or a number
	}
	return slices.Concat([]byte(xml.Header), doc, []byte("\n"))
}
