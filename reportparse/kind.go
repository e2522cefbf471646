package reportparse

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

func wrongReport(rep report, found string) error {
	return fmt.Errorf("%s; give %s: %w", found, rep.title, ErrWrongReport)
}

// foreignBytes names a file that is no text.
func foreignBytes(head []byte) string {
	switch {
	case isGzip(head):
		return "the file is gzip within gzip"
	case bytes.HasPrefix(head, []byte("%PDF")):
		return "the file is a PDF"
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return "the file is a ZIP archive or a spreadsheet"
	}
	if shown, _ := byteOrder(head); shown != nil {
		return ""
	}
	strange := 0
	for _, b := range head {
		if control(rune(b)) {
			strange++
		}
	}
	if strange > len(head)/10 {
		return "the file is binary"
	}
	return ""
}

// foreignHeaders are columns by which other reports are known, folded.
var foreignHeaders = []struct {
	report string
	marks  []string
}{
	{"an Amazon-fulfilled (FBA) returns report; Amazon refunds these returns itself", []string{"fnsku", "fulfillmentcenterid", "detaileddisposition", "licenseplatenumber"}},
	{"a settlement report", []string{"settlementid"}},
	{"an all-orders report", []string{"amazonorderid"}},
	{"an order report", []string{"purchasedate", "quantitypurchased", "buyername", "buyeremail", "isbuyerrequestedcancellation"}},
}

// foreignHeader names the report that a header belongs to if it is another one,
// or says what it lacks. An FBA report is another one whatever it lacks.
func foreignHeader(header, missing []string) string {
	for i, foreign := range foreignHeaders {
		for _, name := range header {
			if slices.Contains(foreign.marks, fold(name)) && (i == 0 || len(missing) > 0) {
				return fmt.Sprintf("the column %s shows %s", clip(name), foreign.report)
			}
		}
	}
	switch {
	case len(missing) == 0:
		return ""
	case len(header) == 1 && strings.Contains(header[0], ","):
		return "the file is separated by commas, not by TABs"
	case len(header) == 1:
		return "the file starts with neither XML nor a header of columns separated by TABs"
	case slices.ContainsFunc(header, isData):
		// Data may be a buyer's and is not quoted.
		return fmt.Sprintf("the first line has %d cells of data instead of column names", len(header))
	}
	return fmt.Sprintf("columns are missing: %s; the header has %s", strings.Join(missing, ", "), quoteAll(header))
}

// isData tells cells that cannot be column names.
func isData(text string) bool {
	_, isOrder := orderID.parse(&dialect{}, text)
	_, isDate := date.parse(&dialect{}, text)
	_, err := strconv.ParseFloat(text, 64)
	return isOrder || isDate || err == nil || strings.Contains(text, "@")
}

func quoteAll(names []string) string {
	const most = 50
	var b strings.Builder
	for i, name := range names[:min(len(names), most)] {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", clip(name))
	}
	if n := len(names) - most; n > 0 {
		fmt.Fprintf(&b, " and %d more", n)
	}
	return b.String()
}
