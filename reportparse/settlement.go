package reportparse

import (
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// SettlementReader reads the rows of the settlements of a file and adds them up.
type SettlementReader struct {
	*Reader[SettlementRow]
	totals []*settled
	byID   map[string]*settled
	last   *settled // to which the row before belongs
}

// SettlementTotal is what a settlement says of itself, and what its rows add up
// to.
type SettlementTotal struct {
	ID       string
	Start    time.Time // of the period; zero if the file does not say, as for all times
	End      time.Time // of the period: where the next one starts, give or take seconds
	Deposit  time.Time // when the money was due
	Currency string    // ISO 4217, of all its amounts
	Total    Amount    // as Amazon states it; absent if the file has no summary of it
	Rows     int       // given, the summary not among them
	Bad      int       // rows that could not be read and are not in Sum; a bad summary counts, too

	// Sum adds up all amounts of the good rows.
	Sum decimal.Decimal

	// Difference is Total less Sum: zero for a file that is complete and was
	// read without bad rows. It is not valid if there is no Total.
	Difference decimal.NullDecimal
}

// Settlement reads a settlement report: the flat file V2
// (GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2), or one of the two that Amazon
// made until 2026-11-11, the flat file V1
// (GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE) and the XML
// (GET_V2_SETTLEMENT_REPORT_DATA_XML). It reads as far as the header; an error
// means that nothing can be read and wraps [ErrWrongReport] or [ErrEmpty] where
// they apply.
//
// The first row of a settlement is its summary. It is not given as a row: what
// it says is in [SettlementReader.Settlements], and its currency in every row
// that names none. Rows that are equal in every cell are all given, since each
// of them is money.
func Settlement(r io.Reader, o Options) (*SettlementReader, error) {
	in, err := newReader(r, o, &settlements)
	if err != nil {
		return nil, err
	}
	s := &SettlementReader{Reader: in, byID: map[string]*settled{}}
	in.accept = s.accept
	switch source := in.source.(type) {
	case *flatFile:
		foresee(&in.dialect, source.ahead)
	case *xmlFile:
		in.source = newSettlementXML(source.tags, in.layout)
		in.dialect.decimal = '.' // as XML has it everywhere
	}
	return s, nil
}

// foresee finds out how a file writes amounts by the rows that are in memory
// already: by the total, if it shows that, else by the first amount that does.
func foresee(d *dialect, rows iter.Seq[record]) {
	for rec := range rows {
		if i := slices.IndexFunc(rec.cells, func(c cell) bool { return c.name == "currency" }); i >= 0 {
			d.whole = rec.cells[i].text == "JPY"
			break
		}
	}
	decide := func(suffix string) {
		for rec := range rows {
			for _, c := range rec.cells {
				if d.decimal == 0 && c.column >= 0 && strings.HasSuffix(c.name, suffix) {
					_, _ = parseMoney(d, c.text)
				}
			}
		}
	}
	decide("total-amount")
	decide("amount")
}

// Settlements tells of the settlements met so far, in the order of the file,
// which has one unless several were joined. Sums and counts are complete when
// the rows have been read to the end.
func (r *SettlementReader) Settlements() []SettlementTotal {
	var out []SettlementTotal
	for _, s := range r.totals {
		t := s.SettlementTotal
		t.Sum = s.sum.decimal()
		if t.Total.Valid() {
			t.Difference = decimal.NewNullDecimal(t.Total.Decimal().Sub(t.Sum))
		}
		out = append(out, t)
	}
	return out
}

// settled is a settlement as far as it was read.
type settled struct {
	SettlementTotal
	sum     sum
	row     int // last number given
	summary int // its line; 0: none so far

	monthFirst bool // a marketplace was named that puts the month first
}

// maxSettlements bounds the memory that a file can take.
const maxSettlements = 10_000

// accept books a row to its settlement. It keeps the summary back.
func (r *SettlementReader) accept(row *SettlementRow, bad *RowError) (_ *RowError, given bool) {
	s := r.settlement(row.SettlementID)
	if s == nil {
		return r.refuse(row, bad, "settlement-id", row.SettlementID, fmt.Sprintf("at most %d settlements in a file", maxSettlements)), true
	}
	if row.isSummary() {
		if bad = r.summarize(s, row, bad); bad == nil {
			return nil, false
		}
		s.Bad++
		return bad, true
	}
	s.row++
	row.Row = s.row
	if bad = r.check(s, row, bad); bad != nil {
		s.Bad++
		return bad, true
	}
	if row.V1 == nil {
		s.sum.add(row.Amount)
	} else {
		for a := range row.Amounts() {
			s.sum.add(a.Amount)
		}
	}
	s.Rows++
	return nil, true
}

// settlement finds the one of the given number, which is the one before if the
// row has none. It is nil if there are too many.
func (r *SettlementReader) settlement(id string) *settled {
	if r.last != nil && (id == "" || id == r.last.ID) {
		return r.last
	}
	s := r.byID[id]
	if s == nil {
		if len(r.totals) == maxSettlements {
			return nil
		}
		s = &settled{SettlementTotal: SettlementTotal{ID: strings.Clone(id)}}
		r.byID[s.ID] = s
		r.totals = append(r.totals, s)
	}
	r.last = s
	return s
}

// summarize takes up what a summary says, even if some of it is bad.
func (r *SettlementReader) summarize(s *settled, row *SettlementRow, bad *RowError) *RowError {
	switch {
	case s.summary != 0:
		return r.refuse(row, bad, "settlement-id", row.SettlementID,
			fmt.Sprintf("another settlement: this one was summed up in line %d; leave out what is in the file twice", s.summary))
	case row.SettlementID == "":
		bad = r.refuse(row, bad, "settlement-id", "", "the number of the settlement")
	}
	s.summary = row.Line
	return r.agree(s, row, bad)
}

// agree takes the currency, the total and the period of a settlement from the
// first row that has them, and compares those of the others.
func (r *SettlementReader) agree(s *settled, row *SettlementRow, bad *RowError) *RowError {
	switch {
	case !row.Total.valid:
	case !s.Total.valid:
		s.Total = row.Total
	case !row.Total.Equal(s.Total):
		return r.refuse(row, bad, "total-amount", row.Total.String(), s.Total.String()+", as in the rows before: a settlement has one total")
	}
	if s.Start.IsZero() && s.End.IsZero() {
		s.Start, s.End, s.Deposit = row.StartDate, row.EndDate, row.DepositDate
	}
	switch {
	case row.Currency == "":
		row.Currency = s.Currency
	case s.Currency == "":
		s.Currency = strings.Clone(row.Currency)
	case row.Currency != s.Currency:
		return r.refuse(row, bad, "currency", row.Currency, s.Currency+", as in the rows before: a settlement has one currency")
	}
	return bad
}

// check completes a row, and tells what it lacks.
func (r *SettlementReader) check(s *settled, row *SettlementRow, bad *RowError) *RowError {
	if bad = r.agree(s, row, bad); bad != nil {
		return bad
	}
	switch {
	case r.typ == TypeSettlementV1:
		row.v1()
	case row.V1 != nil && *row.V1 == SettlementV1{}:
		row.V1 = nil // of a row of V1 that is used again
	}
	switch {
	case row.SettlementID == "":
		return r.refuse(row, nil, "settlement-id", "", "the number of the settlement")
	case row.TransactionType == "":
		return r.refuse(row, nil, "transaction-type", "", "a kind of transaction, such as Order or Refund")
	case row.V1 == nil && !row.Amount.Valid():
		return r.refuse(row, nil, "amount", "", "an amount")
	case row.PostedAt.IsZero() && row.PostedDate != "":
		var ok bool
		s.monthFirst = s.monthFirst || monthFirst(r.options.Marketplace) || monthFirst(row.Marketplace)
		if row.PostedAt, ok = postedDate(row.PostedDate, s.monthFirst); !ok {
			return r.refuse(row, nil, "posted-date", row.PostedDate, "a date in which day and month cannot change places, such as 2006-01-02; for 01/02/06 name a marketplace that puts the month first, US or CA")
		}
	}
	return nil
}

// refuse gives what was wrong before, else what is wrong now.
func (r *SettlementReader) refuse(row *SettlementRow, bad *RowError, column, value, expected string) *RowError {
	if bad != nil {
		return bad
	}
	return &RowError{File: r.name, Line: row.Line, Column: column, Value: clip(value), Expected: expected}
}

// postedDate reads a date that stands alone. The documented form of the US and
// Canada, 01/02/06, is only read where it is certain to be that.
func postedDate(s string, monthFirst bool) (time.Time, bool) {
	if t, ok := parseMoment(nil, s); ok {
		return t, true
	}
	return parseSlashed(s, monthFirst)
}

// monthFirst tells the marketplaces of which Amazon documents MM/DD/YY, by ID,
// country or name.
func monthFirst(marketplace string) bool {
	switch strings.ToUpper(marketplace) {
	case "ATVPDKIKX0DER", "US", "AMAZON.COM", "A2EUQ1WTGCTBG2", "CA", "AMAZON.CA":
		return true
	}
	return false
}

// sum adds amounts exactly, by their number of decimals. What grows beyond an
// int64 goes to carried.
type sum struct {
	units   [maxDecimals + 1]int64
	carried decimal.Decimal
}

func (s *sum) add(a Amount) {
	at := &s.units[a.decimals]
	next := *at + a.units
	if (next > *at) != (a.units > 0) {
		s.carried = s.carried.Add(decimal.New(*at, -int32(a.decimals)))
		next = a.units
	}
	*at = next
}

func (s *sum) decimal() decimal.Decimal {
	total := s.carried
	for decimals, units := range s.units {
		if units != 0 {
			total = total.Add(decimal.New(units, -int32(decimals)))
		}
	}
	return total
}
