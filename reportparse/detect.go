package reportparse

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Detection is what a file was found to be.
type Detection struct {
	Type       Type // "": none that can be read here
	Format     Format
	Confidence Confidence
	Reports    []string // Amazon's report types that it may be; nil: not known

	// Saw is what the file shows, as a sentence without its stop, such as "the
	// column settlement-id shows a settlement report" or "the file is a PDF". It
	// quotes names of columns and elements, but no cell that looks like data.
	Saw string
}

// Detect tells the type of a report by how it begins, in whatever character set
// and packing: by the columns of its header, in any language that o.Aliases
// translate, or by the elements of XML. It looks at no more than the first 64
// KiB of text. The reader it returns gives the whole file, from its first byte,
// to the function that reads the type.
//
// A file that is no report, or one not known here, is a Detection without Type,
// and no error. Errors are a file that cannot be read or unpacked, one without
// any text (ErrEmpty), and a character set in o that is not known.
func Detect(r io.Reader, o Options) (Detection, io.Reader, error) {
	var taken bytes.Buffer
	rest := &input{r: r}
	_, seen, err := open(io.TeeReader(rest, &taken), o)
	if err != nil {
		return Detection{}, nil, fmt.Errorf("%s: %w", o.name(), err)
	}
	d := Detection{Format: seen.format, Saw: seen.saw}
	if seen.kind != nil {
		d.Reports = slices.Clone(seen.reports)
		if seen.kind.format == seen.format && seen.kind.typ != "" {
			d.Type, d.Confidence = seen.kind.typ, seen.confidence
		}
	}
	return d, io.MultiReader(&taken, rest), nil
}

// sighting is what the beginning of a file shows.
type sighting struct {
	format     Format
	kind       *kind // nil: none that is known
	reports    []string
	confidence Confidence
	noTable    bool   // it has no header of columns, so none is missing
	noReport   bool   // it is nothing that Amazon makes as a report
	saw        string // as in Detection
}

// look says what text is by its beginning.
func look(text string, aliases map[string]string) sighting {
	text = strings.TrimSpace(text)
	start := strings.ToLower(text[:min(len(text), headSize)])
	switch {
	case strings.HasPrefix(start, "<!doctype html"), strings.HasPrefix(start, "<html"):
		return sighting{noReport: true, saw: "the file is an HTML page, as servers give instead of a report"}
	case strings.HasPrefix(start, `{\rtf`):
		return sighting{noReport: true, saw: "the file is rich text of a word processor"}
	case strings.HasPrefix(start, "{"), strings.HasPrefix(start, "["):
		return sighting{noReport: true, saw: "the file is JSON, as Amazon answers instead of a report"}
	case strings.HasPrefix(start, "<"):
		return lookXML(text)
	}
	line := text
	if end := strings.IndexAny(text, "\r\n"); end >= 0 {
		line = text[:end]
	}
	return lookFlat(line, aliases)
}

// separators of columns in a line, from the one that Amazon uses most. Reports
// with semicolons are not Amazon's: spreadsheets make them.
var separators = []struct {
	mark   string
	name   string
	format Format
}{
	{"\t", "TABs", FormatTab},
	{",", "commas", FormatComma},
	{";", "semicolons", ""},
}

func lookFlat(line string, aliases map[string]string) sighting {
	by := separators[0]
	if !strings.Contains(line, by.mark) {
		for _, other := range separators[1:] {
			if strings.Count(line, other.mark) > strings.Count(line, by.mark) {
				by = other
			}
		}
	}
	header := strings.Split(line, by.mark)
	if by.format == FormatTab && allQuoted(header) {
		return sighting{format: by.format, noReport: true, saw: "the header has its columns in quotation marks, as spreadsheets save them and Amazon does not; give the file as it was downloaded"}
	}
	columns := make([]string, len(header))
	for i, name := range header {
		header[i] = strings.Trim(strings.TrimSpace(name), `"`)
		columns[i] = fold(translate(header[i], aliases))
	}

	seen := sighting{format: by.format}
	mark := seen.recognise(columns)
	switch {
	case seen.kind != nil:
		seen.saw = fmt.Sprintf("the column %s shows %s", clip(header[mark]), seen.kind.title)
		if seen.kind.format != by.format {
			seen.noTable = true
			seen.saw += fmt.Sprintf(", but the file is separated by %s, not by TABs", by.name)
		}
	case len(header) == 1:
		seen = sighting{noTable: true, saw: "the file starts with neither XML nor a header of columns separated by TABs"}
	case by.format != FormatTab:
		seen.noTable = true
		seen.saw = fmt.Sprintf("the file is separated by %s, not by TABs", by.name)
	case slices.ContainsFunc(header, isData):
		// Data may be a buyer's and is not quoted.
		seen.noTable = true
		seen.saw = fmt.Sprintf("the first line has %d cells of data instead of column names", len(header))
	default:
		seen.saw = "the header has " + quoteAll(header)
	}
	return seen
}

func allQuoted(cells []string) bool {
	for _, text := range cells {
		text = strings.TrimSpace(text)
		if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
			return false
		}
	}
	return true
}

// recognise finds the kind that columns belong to, and where the column stands
// that shows it. A kind in another format is better than none.
func (s *sighting) recognise(columns []string) (mark int) {
	for _, same := range []bool{true, false} {
		for i := range kinds {
			k := &kinds[i]
			at := k.mark(columns)
			if at < 0 || (k.format == s.format) != same {
				continue
			}
			fits := k.fits(columns)
			if s.kind == nil || fits || k.alone {
				s.is(k, fits)
				mark = at
			}
			if fits || k.alone {
				return mark
			}
		}
		if s.kind != nil {
			return mark
		}
	}
	return mark
}

func (s *sighting) is(k *kind, sure bool) {
	s.kind, s.reports, s.confidence = k, k.reports, ConfidenceLow
	if sure {
		s.confidence = ConfidenceHigh
	}
}

// lookXML goes by the first element that the file is about, if that is known, and
// by the MessageType.
func lookXML(text string) sighting {
	root, messageType, record := envelope(text)
	seen := sighting{format: FormatXML}
	switch {
	case root == "" && strings.Contains(text, "<!DOCTYPE"):
		seen.saw = "the file is XML with a DOCTYPE, which no report has"
		return seen
	case root == "":
		seen.saw = "the file is XML that breaks off"
		return seen
	case root != "AmazonEnvelope":
		seen.noReport = true
		seen.saw = "the file is XML with the root element " + clip(root)
		return seen
	case messageType == "":
		seen.saw = "the file is an AmazonEnvelope without a MessageType"
	default:
		seen.saw = fmt.Sprintf("the file is XML with the MessageType %q", clip(messageType))
	}
	messageType, record = fold(messageType), fold(record)
	known := slices.ContainsFunc(kinds, func(k kind) bool { return k.format == FormatXML && k.record == record })
	var possible []string
	for i := range kinds {
		k := &kinds[i]
		if k.format != FormatXML || known && k.record != record {
			continue
		}
		if strings.Contains(messageType, k.messageType) {
			seen.is(k, true)
			break
		}
		if known {
			possible = append(possible, k.reports...)
			seen.is(k, false)
			seen.reports = possible
		}
	}
	if seen.kind != nil {
		seen.saw += ": " + seen.kind.title
	}
	return seen
}

// envelope reads the beginning of an AmazonEnvelope: its MessageType, and the
// first element of its first message that is not the number of that.
func envelope(text string) (root, messageType, record string) {
	tags := newTagReader(&content{ahead: text, err: io.EOF})
	inMessage := false
	for {
		t, err := tags.next()
		if err != nil {
			return root, messageType, "" // the reader says what is wrong with it
		}
		switch depth := tags.depth(); {
		case depth == 1 && !t.end:
			root = t.name
		case depth == 1 && t.name == "MessageType":
			messageType = strings.TrimSpace(t.text)
		case depth == 2 && !t.end:
			inMessage = t.name == "Message"
		case depth == 3 && !t.end && inMessage && t.name != "MessageID":
			return root, messageType, t.name
		}
	}
}

// refusal says what a file is that is not the given report, by what it shows
// alone; "": it may be it.
func (s sighting) refusal(rep report) string {
	if s.noReport || s.certain() && !s.among(rep.types) {
		return s.saw
	}
	return ""
}

// lacking says what a file is that has not all the columns of the given report.
func (s sighting) lacking(rep report, missing, header []string) string {
	if s.noTable || s.kind != nil && !s.among(rep.types) {
		return s.saw
	}
	return fmt.Sprintf("columns are missing: %s; the header has %s; if they have other names there, Options.Aliases can translate them", strings.Join(missing, ", "), quoteAll(header))
}

// certain tells that a file is of its kind even if it has what another one needs.
func (s sighting) certain() bool {
	return s.kind != nil && (s.confidence == ConfidenceHigh || s.kind.alone || s.kind.format == FormatXML)
}

func (s sighting) among(types []Type) bool {
	return s.kind != nil && slices.Contains(types, s.kind.typ)
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
