package reportparse

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

const (
	headSize   = 512      // bytes that show what a file is
	windowSize = 64 << 10 // bytes by which a character set is guessed
)

// open unpacks and decodes a file, refuses what is no report, and tells whether
// the rest is XML.
func open(r io.Reader, o Options, rep report) (t *content, isXML bool, err error) {
	t = &content{}
	raw, err := unpack(io.TeeReader(r, (*counter)(&t.read)))
	if err != nil {
		return nil, false, err
	}
	head, err := raw.Peek(headSize)
	switch {
	case len(head) == 0 && err == io.EOF:
		return nil, false, ErrEmpty
	case len(head) == 0:
		return nil, false, err
	}
	if found := foreignBytes(head); found != "" {
		return nil, false, wrongReport(rep, found)
	}

	decoded, err := decode(raw, o)
	if err != nil {
		return nil, false, err
	}
	in := bufio.NewReaderSize(decoded, windowSize)
	t.in = in
	head, _ = in.Peek(headSize)
	start := strings.ToLower(string(bytes.TrimSpace(head)))
	switch {
	case strings.HasPrefix(start, "<!doctype html"), strings.HasPrefix(start, "<html"):
		return nil, false, wrongReport(rep, "the file is an HTML page, as servers give instead of a report")
	case strings.HasPrefix(start, "{"), strings.HasPrefix(start, "["):
		return nil, false, wrongReport(rep, "the file is JSON, as Amazon answers instead of a report")
	}
	return t, strings.HasPrefix(start, "<"), nil
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// unpack undoes one compression with gzip.
func unpack(r io.Reader) (*bufio.Reader, error) {
	raw := bufio.NewReaderSize(&stickyReader{r: r}, windowSize)
	if head, _ := raw.Peek(2); !isGzip(head) {
		return raw, nil
	}
	unpacked, err := gzip.NewReader(raw)
	if err != nil {
		return nil, fmt.Errorf("the file is damaged gzip; download it again: %w", err)
	}
	return bufio.NewReaderSize(unpacked, windowSize), nil
}

func isGzip(head []byte) bool { return bytes.HasPrefix(head, []byte("\x1F\x8B")) }

// stickyReader keeps the first error of a reader that might give it only once,
// since a bufio.Reader forgets the error of a Peek.
type stickyReader struct {
	r   io.Reader
	err error
}

func (s *stickyReader) Read(p []byte) (n int, err error) {
	if s.err == nil {
		n, s.err = s.r.Read(p)
	}
	return n, s.err
}

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
	if bom, _ := byteOrderMark(head); bom != nil {
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
