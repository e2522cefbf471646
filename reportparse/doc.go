// Package reportparse reads the report files that Amazon makes for sellers, row
// by row, without holding a file in memory.
//
// [Returns] reads the seller-fulfilled returns reports
// (GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE and
// GET_XML_RETURNS_DATA_BY_RETURN_DATE); it tells the two formats apart by their
// first bytes. What it gives is a [Reader] of typed rows:
//
//	r, err := reportparse.Returns(file, reportparse.Options{Name: "returns.txt"})
//	if err != nil {
//		return err // not such a report; nothing was read
//	}
//	for ret, err := range r.All() {
//		var bad *reportparse.RowError
//		switch {
//		case errors.As(err, &bad):
//			report(bad) // this row only; the others still count
//		case err != nil:
//			return err // the file cannot be read further
//		default:
//			keep(ret)
//		}
//	}
//
// # Flat files
//
// A flat file is a header line and one line per row, with cells separated by
// TABs. There is no quoting: a quotation mark is a character like any other.
// Columns are found by name, in any order; case, spaces, accents and
// punctuation of the name do not count. A column that the file does not have is
// not the same as a blank cell: [Reader.Has] tells them apart. Columns without a
// documented name are kept in Return.Extra.
//
// Lines may end with LF, CRLF or CR. Blank lines and repeated headers are
// skipped; cells that a short row lacks are blank, and so is a cell of only
// white space. A row with more cells than the header is read only if it is
// certain which blank ones are too many, and is a [RowError] otherwise.
//
// # XML
//
// A returns report in XML holds one return_details element per RMA with one
// item_details element per item. Each item is a row, which repeats what the
// element says about its RMA; its line is that of item_details. Elements are
// named as columns are: return_request_status is "Return request status".
//
// # Characters
//
// The character set is taken from a byte order mark, else from the content
// type, else from the XML declaration. Without any of these, text is UTF-8 if
// most of its letters beyond ASCII are well-formed UTF-8, and Windows-1252
// otherwise. No byte is an error: what cannot be decoded becomes U+FFFD, which
// [Reader.Replaced] counts. Control characters are dropped. Compression with
// gzip is recognised by its first bytes, whatever the download said of it.
//
// # Values
//
// Codes such as the status or the resolution are kept exactly as they stand:
// Amazon publishes no complete list of them. Times are UTC. Amounts have a
// point or a comma before their last one or two digits; 1.234 is refused, for it
// may mean a thousand. A blank amount is not zero and a blank date is the zero
// time.
//
// The columns are those of Amazon's page "Returns reports attributes",
// https://developer-docs.amazon.com/sp-api/docs/returns-reports-attributes.
package reportparse
