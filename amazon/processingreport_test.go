package amazon_test

import (
	"bytes"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/amazon"
)

// reports are reports as Amazon writes them, by the name of their golden file.
func reports() map[string]amazon.ProcessingReport {
	return map[string]amazon.ProcessingReport{
		"report-complete.xml": {
			TransactionID: "50012345678", StatusCode: "Complete",
			Summary: &amazon.Summary{Processed: 2, Successful: 2},
		},
		"report-mixed.xml": {
			TransactionID: "50012345679", StatusCode: "Complete",
			Summary: &amazon.Summary{Processed: 3, Successful: 2, WithError: 1, WithWarning: 1},
			Results: []amazon.Result{
				{MessageID: 8, ResultCode: "Error", Code: 18028, Description: `Invented: the order is "unknown" <here> & there.`, Order: "111-7654321-7654321", Item: "123456789012345"},
				{MessageID: math.MaxInt32, ResultCode: "Warning", Code: 5000, Description: "Erfunden: Straße, 値段", SKU: "AB 1"},
			},
		},
		"report-refused.xml": {
			TransactionID: "50012345680", StatusCode: "Rejected",
			Summary: &amazon.Summary{WithError: 1},
			Results: []amazon.Result{{ResultCode: "Error", Code: 5000, Description: "Invented: the document is malformed."}},
		},
		"report-processing.xml": {TransactionID: "50012345681", StatusCode: "Processing"},
	}
}

func TestEncodeProcessingReport(t *testing.T) {
	for name, p := range reports() {
		t.Run(name, func(t *testing.T) {
			doc, err := amazon.EncodeProcessingReport(merchant, p)
			require.NoError(t, err)
			golden(t, name, doc)

			got, err := amazon.DecodeProcessingReport(iotest.OneByteReader(bytes.NewReader(doc)))
			require.NoError(t, err)
			if diff := cmp.Diff(p, got); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEncodeProcessingReportRefuses(t *testing.T) {
	valid := reports()["report-mixed.xml"]
	result := func(r amazon.Result) func(*amazon.ProcessingReport) {
		return func(p *amazon.ProcessingReport) { p.Results = []amazon.Result{r} }
	}
	for _, test := range []struct {
		name   string
		change func(*amazon.ProcessingReport)
		want   string
	}{
		{"no transaction ID", func(p *amazon.ProcessingReport) { p.TransactionID = "" }, `transaction ID "": want a number above 0`},
		{"transaction ID zero", func(p *amazon.ProcessingReport) { p.TransactionID = "0" }, `transaction ID "0"`},
		{"status", func(p *amazon.ProcessingReport) { p.StatusCode = "Done" }, `status code "Done": want Complete, Processing or Rejected`},
		{"negative count", func(p *amazon.ProcessingReport) { p.Summary = &amazon.Summary{Successful: -1} }, "want no count below 0"},
		{"message ID", result(amazon.Result{MessageID: -1, ResultCode: "Error", Code: 1}), "result 1, message ID -1: message ID below 0"},
		{"result code", result(amazon.Result{ResultCode: "Fatal", Code: 1}), `result code "Fatal": want Error or Warning`},
		{"no code", result(amazon.Result{ResultCode: "Error"}), "code 0: want 1 to 2147483647"},
		{"description", result(amazon.Result{ResultCode: "Error", Code: 1, Description: "a\x00"}), "want printable characters"},
		{"order", result(amazon.Result{ResultCode: "Error", Code: 1, Order: "1"}), `Amazon order ID "1"`},
		{"item", result(amazon.Result{ResultCode: "Error", Code: 1, Item: "1"}), `order item ID "1"`},
		{"SKU", result(amazon.Result{ResultCode: "Error", Code: 1, SKU: strings.Repeat("x", 41)}), "SKU has 41 characters"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := valid
			test.change(&p)
			doc, err := amazon.EncodeProcessingReport(merchant, p)
			assert.ErrorContains(t, err, "processing report: ")
			assert.ErrorContains(t, err, test.want)
			assert.Nil(t, doc)
		})
	}
	_, err := amazon.EncodeProcessingReport("", valid)
	assert.ErrorContains(t, err, "no merchant")
}

func TestProcessingReportRoundTrip(t *testing.T) {
	text := rapid.Map(rapid.StringMatching(`[ -~äß値😀]{0,30}`), strings.TrimSpace)
	count := rapid.IntRange(0, math.MaxInt32)
	result := rapid.Custom(func(t *rapid.T) amazon.Result {
		return amazon.Result{
			MessageID:   amazon.MessageID(rapid.Int64Min(0).Draw(t, "id")),
			ResultCode:  rapid.SampledFrom([]string{"Error", "Warning"}).Draw(t, "result"),
			Code:        rapid.IntRange(1, math.MaxInt32).Draw(t, "code"),
			Description: text.Draw(t, "description"),
			Order:       rapid.StringMatching(`(\d{3}-\d{7}-\d{7})?`).Draw(t, "order"),
			Item:        rapid.StringMatching(`(\d{14,15})?`).Draw(t, "item"),
			SKU:         text.Draw(t, "SKU"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		want := amazon.ProcessingReport{
			TransactionID: rapid.StringMatching(`[1-9]\d{0,18}`).Draw(t, "transaction"),
			StatusCode:    rapid.SampledFrom([]string{"Complete", "Processing", "Rejected"}).Draw(t, "status"),
			Summary: rapid.Ptr(rapid.Custom(func(t *rapid.T) amazon.Summary {
				return amazon.Summary{
					Processed: count.Draw(t, "processed"), Successful: count.Draw(t, "successful"),
					WithError: count.Draw(t, "with error"), WithWarning: count.Draw(t, "with warning"),
				}
			}), true).Draw(t, "summary"),
			Results: rapid.SliceOfN(result, 1, 5).Draw(t, "results"),
		}
		doc, err := amazon.EncodeProcessingReport(merchant, want)
		require.NoError(t, err)
		got, err := amazon.DecodeProcessingReport(bytes.NewReader(doc))
		require.NoError(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("read back (-want +got):\n%s", diff)
		}
	})
}

func TestDecodeProcessingReportOfOtherTools(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("testdata", "report-other-tools.xml"))
	require.NoError(t, err)
	got, err := amazon.DecodeProcessingReport(bytes.NewReader(doc))
	require.NoError(t, err)
	want := amazon.ProcessingReport{
		TransactionID: "50012345678",
		StatusCode:    "Complete",
		Summary:       &amazon.Summary{Processed: 2, Successful: 1, WithError: 1},
		Results: []amazon.Result{{
			MessageID: 41, ResultCode: "Fatal", Code: 90012, Description: "a <b> & c",
			Order: "111-1234567-1234567", Item: "12345678901234", SKU: "AB 1",
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

// report wraps the inside of a ProcessingReport element.
func report(inside string) string {
	return `<AmazonEnvelope><Message><ProcessingReport>` + inside + `</ProcessingReport></Message></AmazonEnvelope>`
}

func TestDecodeProcessingReportInAnyEncoding(t *testing.T) {
	const words = "Straße, 値段"
	inside := func(description string) string {
		return report(`<DocumentTransactionID>5</DocumentTransactionID><StatusCode>Complete</StatusCode><Result><MessageID>0</MessageID>` +
			`<ResultCode>Warning</ResultCode><ResultMessageCode>1</ResultMessageCode><ResultDescription>` + description + `</ResultDescription></Result>`)
	}
	declared := func(name string) string { return `<?xml version="1.0" encoding="` + name + `"?>` + "\n" }
	for _, test := range []struct {
		name     string
		as       encoding.Encoding
		document string
		want     string
	}{
		{"nothing declared", encoding.Nop, inside(words), words},
		{"UTF-8", encoding.Nop, declared("UTF-8") + inside(words), words},
		{"UTF-8 with a mark", encoding.Nop, "\ufeff" + declared("utf-8") + inside(words), words},
		{"UTF-8 with a mark and nothing declared", encoding.Nop, "\ufeff" + inside(words), words},
		{"UTF-8 declared as UTF-16", encoding.Nop, declared("utf-16") + inside(words), words},
		{"UTF-8 after a blank line", encoding.Nop, "\r\n" + declared("UTF-8") + inside(words), words},
		{"UTF-16 little endian", unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), declared("UTF-16") + inside(words), words},
		{"UTF-16 big endian", unicode.UTF16(unicode.BigEndian, unicode.UseBOM), declared("UTF-16") + inside(words), words},
		{"ISO-8859-1", charmap.ISO8859_1, declared("ISO-8859-1") + inside("Straße"), "Straße"},
		{"Windows-1252", charmap.Windows1252, declared("windows-1252") + inside("Straße €"), "Straße €"},
		{"Shift_JIS", japanese.ShiftJIS, declared("Shift_JIS") + inside("値段"), "値段"},
	} {
		t.Run(test.name, func(t *testing.T) {
			doc, err := test.as.NewEncoder().String(test.document)
			require.NoError(t, err)
			got, err := amazon.DecodeProcessingReport(strings.NewReader(doc))
			require.NoError(t, err)
			require.Len(t, got.Results, 1)
			assert.Equal(t, test.want, got.Results[0].Description)
		})
	}
}

func TestDecodeProcessingReportRefuses(t *testing.T) {
	const head = `<DocumentTransactionID>5</DocumentTransactionID><StatusCode>Complete</StatusCode>`
	valid := report(head)
	summary := func(inside string) string {
		return report(head + `<ProcessingSummary>` + inside + `</ProcessingSummary>`)
	}
	result := func(inside string) string { return report(head + `<Result>` + inside + `</Result>`) }
	for _, test := range []struct {
		name, document, want string
	}{
		{"nothing", "", "empty: want XML"},
		{"blanks", " \n\t", "empty: want XML"},
		{"flat file", "Feed Processing Summary:\n\tNumber of records processed\t\t2\n", "no XML: want XML; a tab-separated report answers a flat-file feed"},
		{"JSON", `{"header":{}}`, "JSON, as answered to listings feeds"},
		{"packed", "\x1f\x8b\x08\x00", "no XML"},
		{"HTML", "<!DOCTYPE html><html><body>Service Unavailable</body></html>", `root element "html": want AmazonEnvelope`},
		{"report of another kind", "<EasyShipProcessingReport/>", `root element "EasyShipProcessingReport": want AmazonEnvelope`},
		{"unknown encoding", `<?xml version="1.0" encoding="klingon"?>` + valid, `encoding "klingon" is unknown`},
		{"not the encoding that it declares", `<?xml version="1.0" encoding="UTF-8"?>` + result("<ResultDescription>Stra\xdfe</ResultDescription>"), "invalid UTF-8"},
		{"cut off", valid[:len(valid)-20], "unexpected EOF"},
		{"cut off before the end tag", strings.TrimSuffix(valid, "</AmazonEnvelope>"), "unexpected EOF"},
		{"two documents", valid + valid, "a second root element"},
		{"text at the end", valid + "and more", "text outside of the root element"},
		{"text at the start", "<!-- -->and" + valid, "text outside of the root element"},
		{"no report", "<AmazonEnvelope><Message/></AmazonEnvelope>", "0 ProcessingReport elements: want exactly one"},
		{"two reports", strings.Replace(valid, "</Message>", "<ProcessingReport/></Message>", 1), "2 ProcessingReport elements: want exactly one"},
		{"no status", report(`<DocumentTransactionID>5</DocumentTransactionID>`), "ProcessingReport: 0 StatusCode elements: want exactly one"},
		{"two statuses", report(head + `<StatusCode>Rejected</StatusCode>`), "ProcessingReport: 2 StatusCode elements"},
		{"no transaction ID", report(`<StatusCode>Complete</StatusCode>`), "0 DocumentTransactionID elements"},
		{"two summaries", report(head + `<ProcessingSummary/><ProcessingSummary/>`), "2 ProcessingSummary elements: want one at most"},
		{"no count", summary(`<MessagesSuccessful>1</MessagesSuccessful>`), "0 MessagesProcessed elements: want exactly one"},
		{"empty count", summary(`<MessagesProcessed/>`), `MessagesProcessed "": want a whole number`},
		{"count in words", summary(`<MessagesProcessed>two</MessagesProcessed>`), `MessagesProcessed "two": want a whole number`},
		{"negative count", summary(`<MessagesProcessed>-1</MessagesProcessed>`), `MessagesProcessed "-1"`},
		{"no message ID", result(`<ResultCode>Error</ResultCode>`), "Result 1: 0 MessageID elements: want exactly one"},
		{"two message IDs", result(`<MessageID>1</MessageID><MessageID>2</MessageID>`), "Result 1: 2 MessageID elements"},
		{"huge message ID", result(`<MessageID>99999999999999999999</MessageID>`), `Result 1: MessageID "99999999999999999999": want a whole number`},
		{"no result code", result(`<MessageID>1</MessageID><ResultMessageCode>1</ResultMessageCode>`), "Result 1: 0 ResultCode elements"},
		{"no message code", result(`<MessageID>1</MessageID><ResultCode>Error</ResultCode>`), "Result 1: 0 ResultMessageCode elements"},
		{"message code in letters", result(`<MessageID>1</MessageID><ResultCode>Error</ResultCode><ResultMessageCode>E5</ResultMessageCode>`), `Result 1: ResultMessageCode "E5": want a whole number`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := amazon.DecodeProcessingReport(strings.NewReader(test.document))
			require.ErrorContains(t, err, "processing report: ")
			assert.ErrorContains(t, err, test.want)
			assert.Zero(t, got)
		})
	}
}

// What Amazon writes about people must not travel in errors.
func TestDecodeProcessingReportErrorsKeepQuiet(t *testing.T) {
	const secret = "Jane Doe, 12 Elm Street"
	for _, document := range []string{secret, "<html>" + secret + "</html>", report(secret), report("<StatusCode/>") + secret} {
		_, err := amazon.DecodeProcessingReport(strings.NewReader(document))
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "Jane")
	}
}

func TestDecodeProcessingReportPassesReadErrorsOn(t *testing.T) {
	valid := report(`<DocumentTransactionID>5</DocumentTransactionID>`)
	for _, before := range []string{"", valid[:30], valid} {
		r := io.MultiReader(strings.NewReader(before), iotest.ErrReader(iotest.ErrTimeout))
		_, err := amazon.DecodeProcessingReport(r)
		assert.ErrorIs(t, err, iotest.ErrTimeout, "after %d bytes", len(before))
	}
}

// endless is a byte that never ends.
type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

func TestDecodeProcessingReportIsBounded(t *testing.T) {
	_, err := amazon.DecodeProcessingReport(endless('<'))
	assert.EqualError(t, err, "processing report: larger than 64 MiB")
}

func FuzzDecodeProcessingReport(f *testing.F) {
	paths, err := filepath.Glob(filepath.Join("testdata", "*.xml"))
	require.NoError(f, err)
	require.NotEmpty(f, paths)
	for _, path := range paths {
		doc, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(doc)
	}
	for _, s := range []string{"", "<", "\xff\xfe<\x00", "Feed Processing Summary:\n", "{}", "<html>"} {
		f.Add([]byte(s))
	}
	sent := []amazon.MessageID{7, 8, 41, math.MaxInt32}
	f.Fuzz(func(t *testing.T, doc []byte) {
		p, err := amazon.DecodeProcessingReport(bytes.NewReader(doc))
		if err != nil {
			require.Zero(t, p)
		}
		outcomes := p.Outcomes(sent)
		require.Len(t, outcomes, len(sent))
		for _, id := range sent {
			require.NotEmpty(t, outcomes[id].Verdict, "message %d", id)
		}

		// What can be written again says the same.
		again, err := amazon.EncodeProcessingReport(merchant, p)
		if err != nil {
			return
		}
		q, err := amazon.DecodeProcessingReport(bytes.NewReader(again))
		require.NoError(t, err)
		require.Equal(t, p, q)
	})
}
