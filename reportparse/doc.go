// Package reportparse reads the report files that Amazon makes for sellers, row
// by row, without holding a file in memory. It needs nothing else of this module.
//
//	Function      Reports                                          Formats            Row
//	[Returns]     seller-fulfilled returns, Prime returns          TAB, comma, XML    [Return]
//	[Orders]      unshipped orders; shipping, invoicing and tax    TAB, XML           [OrderItem]
//	[AllOrders]   all orders by date or by last update             TAB, XML           [AllOrdersItem]
//	[Settlement]  settlements, V2 and the older V1 and XML         TAB, XML           [SettlementRow]
//	[FBAReturns]  returns of orders that Amazon fulfils            TAB                [FBAReturn]
//
// Each opens a file, tells its format by what is in it, and refuses one of
// another type with an error that wraps [ErrWrongReport] and names what it got.
// [Detect] tells the type of a file of which nothing is known.
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
// # Two ways to read
//
// [Reader.All] gives rows to keep. [Reader.Next] fills the same row again and
// again and leaves no garbage, which counts in files of a million rows. Both give
// the same rows, and memory stays the same whatever the size of the file.
//
// # Columns
//
// Columns are found by name, in any order; case, spaces, accents and punctuation
// of the name do not count, and Options.Aliases add the names that Amazon writes
// in another language. A column that the file does not have is not the same as a
// blank cell: [Reader.Has] tells them apart, and [Reader.Missing] lists what is
// not there, with advice where a seller can switch it on. Columns without a
// documented name are kept in the Extra of each row, by their name. A file
// without a required column is refused, with the names of all that are missing
// and of all that were found.
//
// # Flat files
//
// A flat file is a header line and one line per row, with cells separated by
// TABs. There is no quoting: a quotation mark is a character like any other.
// Only the Prime returns report is separated by commas, and has quotes.
//
// Lines may end with LF or CRLF, or, if the first one does, with CR. Blank lines
// and repeated headers are skipped; cells that a short row lacks are blank, and so
// is a cell of only white space. But a last line without a line end that has fewer
// cells than every line before it is a [RowError]: the file breaks off there, for
// all that can be seen. One that breaks off within the last cell, or behind a line
// end, shows nothing of it. A row with more cells than the header is read only if
// it is certain which blank ones are too many, and is a [RowError] otherwise.
//
// # XML
//
// The elements of a record become the columns of one row per item, which
// repeats what the record says about all its items; the row's line is that of
// its item. In a settlement, each amount is a row. Attributes are columns, too:
// "label_details/label_cost@currency". A file that is not well-formed, has a
// DOCTYPE, or is nested deeper than 32 elements ends with an error that names
// the line; the rows before it count.
//
// # Settlements
//
// A settlement in any of the three formats comes as rows shaped as those of V2,
// is added up, and compared with the total that Amazon states:
// [SettlementReader.Settlements] shows the difference. SettlementID and Row name
// a row within one format. Equal rows are each given, since each is money.
//
// # Characters
//
// The character set is that of a byte order mark, else the one that Options
// name, else that of the XML declaration. Without any of these, text is UTF-8 if
// most of its letters beyond ASCII are well-formed UTF-8; otherwise it is
// Shift_JIS, as Windows has it, if Options.Marketplace is Japan, and
// Windows-1252 from elsewhere. UTF-16 is recognised without a mark. No byte is an
// error: what cannot be decoded becomes U+FFFD, which [Reader.Replaced] counts.
// Control characters are dropped. Compression with gzip is recognised by its
// first bytes, whatever the download said of it.
//
// # Values
//
// Codes such as a status or a reason are kept exactly as they stand: Amazon
// publishes no complete list of them. Times are UTC; a blank date is the zero
// time. An [Amount] is exact, and absent where the cell is blank. A settlement's
// decimal separator is found out once for the file, from its own amounts, so that
// settlements of different countries are not to be joined into one file; other
// reports mix them, and each amount speaks for itself. What could be read in two
// ways, such as 1.234 or 05/06/26, is refused unless the file shows which is
// meant.
//
// # Limits
//
// A line of a flat file, and a record of XML, has at most 1 MiB; an amount has at
// most 18 digits; a file has at most 10,000 settlements.
//
// # Errors
//
// A row that cannot be read is a [*RowError] with its line, column, value and
// what was expected; the rows behind it are still read, until there are as many
// bad ones as Options.MaxErrors allows ([ErrTooManyErrors]).
// No error holds more of a buyer's data than the one cell that is wrong.
//
// The columns are those of Amazon's pages on report attributes, such as
// https://developer-docs.amazon.com/sp-api/docs/returns-reports-attributes,
// https://developer-docs.amazon.com/sp-api/docs/order-reports-attributes,
// https://developer-docs.amazon.com/sp-api/docs/order-tracking-reports-attributes,
// https://developer-docs.amazon.com/sp-api/docs/report-type-values-settlement and
// https://developer-docs.amazon.com/sp-api/docs/fba-customer-concessions-reports-attributes.
package reportparse
