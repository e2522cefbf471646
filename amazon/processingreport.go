package amazon

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/takebackhq/takeback/order"

	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// ProcessingReport is Amazon's answer to a document (ProcessingReport schema).
// [ProcessingReport.Outcomes] tells what it means for each message.
type ProcessingReport struct {
	TransactionID string // DocumentTransactionID, a number
	StatusCode    string // Complete, Processing or Rejected; unknown words are kept
	Summary       *Summary
	Results       []Result // errors and warnings; a message that succeeded has none
}

// Summary counts messages.
type Summary struct{ Processed, Successful, WithError, WithWarning int }

// Result is an error or a warning. One message can have several.
type Result struct {
	MessageID   MessageID // 0: about the document as a whole
	ResultCode  string    // Error or Warning; unknown words are kept
	Code        int       // ResultMessageCode, such as 18028
	Description string    // Amazon's words, in any language

	// What the result is about, where Amazon says so.
	Order, Item, SKU string
}

// Amazon's words in a report.
const (
	statusComplete   = "Complete"
	statusProcessing = "Processing"
	statusRejected   = "Rejected"

	resultError   = "Error"
	resultWarning = "Warning"
)

// maxReport bounds what is read of a report. A result takes some 500 bytes, so
// this is far beyond what Amazon answers to any document of 10 MiB.
const maxReport = 64 << 20

// DecodeProcessingReport reads a report to its end, in any encoding that it
// declares or marks. Elements that it does not know are passed over. What it
// knows must be unmistakable: a report that is cut off, larger than 64 MiB or no
// XML, and a status, count, message ID or code that is missing, doubled or no
// number, is an error, and the fate of its messages is unknown.
func DecodeProcessingReport(r io.Reader) (ProcessingReport, error) {
	p, err := decodeReport(r)
	if err != nil {
		return ProcessingReport{}, fmt.Errorf("processing report: %w", err)
	}
	return p, nil
}

func decodeReport(r io.Reader) (ProcessingReport, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxReport+1))
	if err != nil {
		return ProcessingReport{}, err
	}
	if len(body) > maxReport {
		return ProcessingReport{}, fmt.Errorf("larger than %d MiB", maxReport>>20)
	}
	body, _, err = transform.Bytes(unicode.BOMOverride(transform.Nop), body)
	if err != nil {
		return ProcessingReport{}, err
	}
	body = bytes.TrimLeft(body, " \t\r\n")
	if err := checkXML(body); err != nil {
		return ProcessingReport{}, err
	}

	d := xml.NewDecoder(bytes.NewReader(body))
	d.CharsetReader = charsetReader
	var doc reportDocument
	if err := decodeOnly(d, "AmazonEnvelope", &doc); err != nil {
		return ProcessingReport{}, err
	}
	var found []reportElement
	for _, m := range doc.Messages {
		found = append(found, m.Reports...)
	}
	if len(found) != 1 {
		return ProcessingReport{}, fmt.Errorf("%d ProcessingReport elements: want exactly one", len(found))
	}
	return found[0].report()
}

// checkXML names what Amazon answers instead of XML, without showing what it
// says.
func checkXML(body []byte) error {
	switch {
	case len(body) == 0:
		return errors.New("empty: want XML")
	case body[0] == '{' || body[0] == '[':
		return errors.New("JSON, as answered to listings feeds: want XML")
	case body[0] != '<':
		return errors.New("no XML: want XML; a tab-separated report answers a flat-file feed")
	}
	return nil
}

// charsetReader knows the labels of the WHATWG Encoding Standard. A declaration
// of UTF-16 is no news: either the byte-order mark said so and the text is
// already converted, or it is wrong, since it could be read.
func charsetReader(label string, input io.Reader) (io.Reader, error) {
	if strings.HasPrefix(strings.ToLower(label), "utf-16") {
		return input, nil
	}
	enc, err := htmlindex.Get(label)
	if err != nil {
		return nil, fmt.Errorf("encoding %.40q is unknown", label)
	}
	return enc.NewDecoder().Reader(input), nil
}

// decodeOnly decodes the root element, which must have this name, and refuses
// anything but blanks and comments after it.
func decodeOnly(d *xml.Decoder, root string, v any) error {
	decoded := false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && decoded {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if decoded {
				return errors.New("a second root element: want one document")
			}
			if t.Name.Local != root {
				return fmt.Errorf("root element %.40q: want %s", t.Name.Local, root)
			}
			if err := d.DecodeElement(v, &t); err != nil {
				return err
			}
			decoded = true
		case xml.CharData:
			if strings.TrimSpace(string(t)) != "" {
				return errors.New("text outside of the root element")
			}
		}
	}
}

// The elements that are read. Each is a slice, so that one that is missing or
// doubled shows.
type (
	reportDocument struct {
		Messages []struct {
			Reports []reportElement `xml:"ProcessingReport"`
		} `xml:"Message"`
	}
	reportElement struct {
		DocumentTransactionID []string
		StatusCode            []string
		ProcessingSummary     []summaryElement
		Result                []resultElement
	}
	summaryElement struct {
		MessagesProcessed, MessagesSuccessful, MessagesWithError, MessagesWithWarning []string
	}
	resultElement struct {
		MessageID         []string
		ResultCode        []string
		ResultMessageCode []string
		ResultDescription string
		AdditionalInfo    struct {
			SKU                 string
			AmazonOrderID       string
			AmazonOrderItemCode string
		}
	}
)

func (e reportElement) report() (ProcessingReport, error) {
	in := fields{place: "ProcessingReport"}
	p := ProcessingReport{
		TransactionID: in.text("DocumentTransactionID", e.DocumentTransactionID),
		StatusCode:    in.text("StatusCode", e.StatusCode),
	}
	switch len(e.ProcessingSummary) {
	case 0:
	case 1:
		s := e.ProcessingSummary[0]
		p.Summary = &Summary{
			Processed:   int(in.number("MessagesProcessed", s.MessagesProcessed, 32)),
			Successful:  int(in.number("MessagesSuccessful", s.MessagesSuccessful, 32)),
			WithError:   int(in.number("MessagesWithError", s.MessagesWithError, 32)),
			WithWarning: int(in.number("MessagesWithWarning", s.MessagesWithWarning, 32)),
		}
	default:
		return ProcessingReport{}, fmt.Errorf("%d ProcessingSummary elements: want one at most", len(e.ProcessingSummary))
	}
	for i, r := range e.Result {
		in.place = "Result " + strconv.Itoa(i+1)
		p.Results = append(p.Results, Result{
			MessageID:   MessageID(in.number("MessageID", r.MessageID, 64)),
			ResultCode:  in.text("ResultCode", r.ResultCode),
			Code:        int(in.number("ResultMessageCode", r.ResultMessageCode, 32)),
			Description: strings.TrimSpace(r.ResultDescription),
			Order:       strings.TrimSpace(r.AdditionalInfo.AmazonOrderID),
			Item:        strings.TrimSpace(r.AdditionalInfo.AmazonOrderItemCode),
			SKU:         strings.TrimSpace(r.AdditionalInfo.SKU),
		})
	}
	if in.err != nil {
		return ProcessingReport{}, in.err
	}
	return p, nil
}

// fields reads elements that must stand exactly once. It keeps the first error.
type fields struct {
	place string
	err   error
}

func (f *fields) text(name string, values []string) string {
	if len(values) != 1 {
		f.fail("%s: %d %s elements: want exactly one", f.place, len(values), name)
		return ""
	}
	return strings.TrimSpace(values[0])
}

func (f *fields) number(name string, values []string, bits int) int64 {
	s := f.text(name, values)
	n, err := strconv.ParseInt(s, 10, bits)
	if err != nil || n < 0 {
		f.fail("%s: %s %.40q: want a whole number from 0 on, of %d bits at most", f.place, name, s, bits)
	}
	return n
}

func (f *fields) fail(format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf(format, args...)
	}
}

// EncodeProcessingReport writes a report as Amazon would: for a stand-in of
// Amazon, and for tests. What Amazon's schema does not allow is refused; counts
// that do not add up are allowed, since Amazon can send them. Blanks at either
// end of a description do not survive [DecodeProcessingReport].
func EncodeProcessingReport(merchant string, p ProcessingReport) ([]byte, error) {
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("processing report: %w", err)
	}
	return encodeEnvelope(merchant, "ProcessingReport", func(w *writer) { w.message(1, p.encode) })
}

func (p ProcessingReport) encode(w *writer) {
	w.element("ProcessingReport", func() {
		w.text("DocumentTransactionID", p.TransactionID)
		w.text("StatusCode", p.StatusCode)
		if s := p.Summary; s != nil {
			w.element("ProcessingSummary", func() {
				w.text("MessagesProcessed", strconv.Itoa(s.Processed))
				w.text("MessagesSuccessful", strconv.Itoa(s.Successful))
				w.text("MessagesWithError", strconv.Itoa(s.WithError))
				w.text("MessagesWithWarning", strconv.Itoa(s.WithWarning))
			})
		}
		for _, r := range p.Results {
			r.encode(w)
		}
	})
}

func (r Result) encode(w *writer) {
	w.element("Result", func() {
		w.text("MessageID", strconv.FormatInt(int64(r.MessageID), 10))
		w.text("ResultCode", r.ResultCode)
		w.text("ResultMessageCode", strconv.Itoa(r.Code))
		w.text("ResultDescription", r.Description)
		if r.SKU == "" && r.Order == "" && r.Item == "" {
			return
		}
		w.element("AdditionalInfo", func() {
			for _, info := range [...]struct{ name, value string }{
				{"SKU", r.SKU}, {"AmazonOrderID", r.Order}, {"AmazonOrderItemCode", r.Item},
			} {
				if info.value != "" {
					w.text(info.name, info.value)
				}
			}
		})
	})
}

func (p ProcessingReport) check() error {
	if n, err := strconv.ParseUint(p.TransactionID, 10, 64); err != nil || n == 0 {
		return fmt.Errorf("transaction ID %q: want a number above 0", p.TransactionID)
	}
	switch p.StatusCode {
	case statusComplete, statusProcessing, statusRejected:
	default:
		return fmt.Errorf("status code %q: want %s, %s or %s", p.StatusCode, statusComplete, statusProcessing, statusRejected)
	}
	if s := p.Summary; s != nil && min(s.Processed, s.Successful, s.WithError, s.WithWarning) < 0 {
		return fmt.Errorf("summary %+v: want no count below 0", *s)
	}
	for i, r := range p.Results {
		if err := r.check(); err != nil {
			return fmt.Errorf("result %d, message ID %d: %w", i+1, r.MessageID, err)
		}
	}
	return nil
}

func (r Result) check() error {
	switch {
	case r.MessageID < 0:
		return errors.New("message ID below 0: want 0 for the document, or the number of a message")
	case r.ResultCode != resultError && r.ResultCode != resultWarning:
		return fmt.Errorf("result code %q: want %s or %s", r.ResultCode, resultError, resultWarning)
	case r.Code < 1 || r.Code > math.MaxInt32:
		return fmt.Errorf("code %d: want 1 to %d", r.Code, math.MaxInt32)
	}
	errs := []error{checkText("SKU", r.SKU, 40), checkText("description", r.Description, math.MaxInt)}
	if r.Order != "" {
		errs = append(errs, order.CheckNumber(r.Order))
	}
	if r.Item != "" {
		errs = append(errs, checkItem(r.Item))
	}
	return errors.Join(errs...)
}
