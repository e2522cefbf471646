package rma

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/reportparse"
	"github.com/takebackhq/takeback/store"
)

// Rows are the rows of a file in some format. *reportparse.Reader is one.
type Rows interface {
	// All gives each row with a nil error, and each bad one with a
	// *reportparse.RowError. Any other error comes last, and is about the file. A row
	// wants an order ID, a status, a quantity, and a SKU, an ASIN or an order item ID:
	// without them it counts as bad.
	All() iter.Seq2[reportparse.Return, error]

	// Has tells whether the file has a column, by its documented name: a value that
	// is blank without it is not known to be blank.
	Has(column string) bool

	// Replaced counts the characters that could not be read.
	Replaced() int
}

// Format opens a file of some layout. An error is about the file as a whole.
type Format func(r io.Reader, o reportparse.Options) (Rows, error)

// AmazonFormat is the format of Amazon's own files, flat or XML, which the file
// itself shows.
const AmazonFormat = "Amazon Format"

// format is the one with a name; empty: Amazon's.
func (s *Service) format(name string) (Format, error) {
	if name == "" || name == AmazonFormat {
		return func(r io.Reader, o reportparse.Options) (Rows, error) { return reportparse.Returns(r, o) }, nil
	}
	if f, ok := s.c.Formats[name]; ok {
		return f, nil
	}
	names := append([]string{AmazonFormat}, slices.Sorted(maps.Keys(s.c.Formats))...)
	return nil, fmt.Errorf("format %q is unknown: want one of %q", name, names)
}

// Imported counts the rows of a returns report by what became of them; together
// they are all its rows.
type Imported struct {
	Created    int            // a new RMA, or a new line of one
	Updated    int            // something changed
	Unchanged  int            // known already, or older than what is known
	Returnless int            // recorded without an RMA, by the merchant's setting
	Skipped    map[string]int // kept without an RMA, by reason
	Ambiguous  int            // kept until a person says which order line they are about
	Unmatched  int            // of orders that the host does not know, kept until it does
	Bad        int            // could not be read

	BadRows         []error   // the first of them, as *reportparse.RowError
	UnmatchedOrders []string  // the first of them, Amazon order IDs
	Warned          int       // rows that count above, of which not all could be taken as it stands
	Warnings        []Warning // the first of them
	Replaced        int       // characters that the file's character set does not have

	// Matched counts rows of earlier reports that were kept without an RMA and have
	// one now. They are none of this report's.
	Matched int
}

// Warning is about one row of a report.
type Warning struct {
	Line  int    // where the row begins in the file, counted from 1
	Order string // Amazon order ID
	Text  string
}

func (w Warning) String() string {
	return fmt.Sprintf("line %d: order %s: %s", w.Line, w.Order, w.Text)
}

// Total is the number of rows.
func (i Imported) Total() int {
	n := i.Created + i.Updated + i.Unchanged + i.Returnless + i.Ambiguous + i.Unmatched + i.Bad
	for _, rows := range i.Skipped {
		n += rows
	}
	return n
}

// count adds what became of a row.
func (i *Imported) count(row Row, o Outcome) {
	switch {
	case o.Created:
		i.Created++
	case o.Updated:
		i.Updated++
	case o.State == ReturnMatched:
		i.Unchanged++
	case o.State == ReturnReturnless:
		i.Returnless++
	case o.State == ReturnAmbiguous:
		i.Ambiguous++
	case o.Why == whyUnknown:
		i.Unmatched++
		if !slices.Contains(i.UnmatchedOrders, row.OrderID) {
			i.UnmatchedOrders = append(i.UnmatchedOrders, row.OrderID)
		}
	default:
		i.Skipped[o.Why]++
	}
	if o.Surplus != "" {
		i.Warned++
		i.Warnings = append(i.Warnings, Warning{row.Line, row.OrderID, o.Surplus})
	}
}

func (i *Imported) add(o Imported) {
	i.Created += o.Created
	i.Updated += o.Updated
	i.Unchanged += o.Unchanged
	i.Returnless += o.Returnless
	i.Ambiguous += o.Ambiguous
	i.Unmatched += o.Unmatched
	i.Warned += o.Warned
	for why, n := range o.Skipped {
		i.Skipped[why] += n
	}
	i.UnmatchedOrders = append(i.UnmatchedOrders, o.UnmatchedOrders...)
	i.UnmatchedOrders = i.UnmatchedOrders[:min(len(i.UnmatchedOrders), mostNamed)]
	i.Warnings = append(i.Warnings, o.Warnings...)
	i.Warnings = i.Warnings[:min(len(i.Warnings), mostNamed)]
}

const (
	importChunk = 500 // rows that are looked up and saved together
	mostNamed   = 100 // bad rows, warnings and unmatched orders that are listed
)

// Import reads a returns report of an account. Rows that can be read count even
// when others cannot; the error is about the file as a whole, such as one that
// breaks off, and what came before it has been imported. A file that is no
// seller-fulfilled returns report is refused with [reportparse.ErrWrongReport],
// naming what it is, and nothing is imported; so is one whose AsOf is more than 24
// hours ahead, see [amazon.ReportMeta.Check]. Rows of earlier reports that have no
// order line yet are tried again.
//
// The format is [AmazonFormat], also when empty, or one of Config.Formats.
func (s *Service) Import(ctx context.Context, a amazon.Account, format string, m amazon.ReportMeta, r io.Reader) (Imported, error) {
	in := Imported{Skipped: map[string]int{}}
	fail := func(err error) (Imported, error) { return in, fmt.Errorf("import returns: %w", err) }
	open, err := s.format(format)
	if err != nil {
		return fail(err)
	}
	if err := cmp.Or(a.Check(), m.Check(s.c.Now())); err != nil {
		return fail(err)
	}
	if r == nil {
		return fail(errors.New("no report given"))
	}
	o := reportparse.Options{Name: m.Name, ContentType: m.ContentType}
	if len(a.Marketplaces) == 1 {
		o.Marketplace = string(a.Marketplaces[0])
	}
	rows, err := open(r, o)
	if err != nil {
		return fail(err)
	}
	reader := &reading{s: s, account: a, by: "returns report " + m.Name, in: &in}
	broken := reader.read(ctx, m, rows)
	in.Replaced = rows.Replaced()
	if broken != nil {
		return fail(broken)
	}
	in.Matched, err = s.again(ctx, a, reader.by)
	if err != nil {
		return fail(err)
	}
	return in, nil
}

// ImportReport imports a report that was downloaded; see [Service.Import]. Bad rows
// are no error: the journal and Imported tell of what could be read.
func (s *Service) ImportReport(ctx context.Context, a amazon.Account, m amazon.ReportMeta, r io.Reader) error {
	_, err := s.Import(ctx, a, AmazonFormat, m, r)
	return err
}

// reading is one file on its way in.
type reading struct {
	s       *Service
	account amazon.Account
	by      string
	in      *Imported
}

func (f *reading) read(ctx context.Context, m amazon.ReportMeta, rows Rows) error {
	seen := map[string]int{} // rows of one return about one item, for telling twins apart
	var chunk []Row
	var broken error
	for row, err := range rows.All() {
		if err == nil {
			err = f.check(m.Name, row)
		}
		var bad *reportparse.RowError
		switch {
		case errors.As(err, &bad):
			if f.in.Bad++; len(f.in.BadRows) < mostNamed {
				f.in.BadRows = append(f.in.BadRows, err)
			}
			continue
		case err != nil:
			broken = err
			continue
		}
		next := Row{Return: row, AsOf: m.AsOf.UTC(), Has: rows.Has}
		twin := strings.Join([]string{row.OrderID, next.source(), next.item()}, "|")
		seen[twin]++
		next.Occurrence = seen[twin]
		chunk = append(chunk, next)
		if len(chunk) == importChunk {
			if err := f.take(ctx, chunk); err != nil {
				return err
			}
			chunk = chunk[:0]
		}
	}
	if err := f.take(ctx, chunk); err != nil {
		return err
	}
	return broken
}

// check refuses what Amazon's own format does not let through, and one of the host's
// may: a row that is not about any number of an item of an order.
func (f *reading) check(file string, row reportparse.Return) error {
	bad := reportparse.RowError{File: file, Line: row.Line}
	switch err := (order.AmazonID{Account: f.account.ID, Number: row.OrderID}).Check(); {
	case err != nil:
		bad.Column, bad.Value, bad.Expected = "Order ID", row.OrderID, "an Amazon order ID of 3-7-7 digits"
	case row.Status == "":
		bad.Column, bad.Expected = columnStatus, "a status, such as Approved"
	case row.Quantity < 1:
		bad.Column, bad.Value, bad.Expected = "Return quantity", fmt.Sprint(row.Quantity), "at least 1"
	case row.SKU == "" && row.ASIN == "" && row.OrderItemID == "":
		bad.Column, bad.Expected = "Merchant SKU", "a SKU, or an ASIN or an order item ID in place of it"
	default:
		return nil
	}
	return &bad
}

// take merges rows and saves what they change, and does it again when an order
// changed meanwhile.
func (f *reading) take(ctx context.Context, rows []Row) error {
	if len(rows) == 0 {
		return nil
	}
	var ids []order.AmazonID
	rowsOf := map[order.AmazonID][]Row{}
	for _, row := range rows {
		id := order.AmazonID{Account: f.account.ID, Number: row.OrderID}
		if rowsOf[id] == nil {
			ids = append(ids, id)
		}
		rowsOf[id] = append(rowsOf[id], row)
	}
	var count Imported
	err := f.s.merge(ctx, f.account.Company, ids, f.by, rowsOf, func(merged []Merged) {
		count = Imported{Skipped: map[string]int{}}
		for i, m := range merged {
			for j, o := range m.Rows {
				count.count(rowsOf[ids[i]][j], o)
			}
		}
	})
	if err == nil {
		f.in.add(count)
	}
	return err
}

// merge decides on rows of some orders and saves all of it or nothing; done is told
// what was decided, the last time what was saved.
func (s *Service) merge(ctx context.Context, company order.CompanyID, ids []order.AmazonID, by string, rows map[order.AmazonID][]Row, done func([]Merged)) error {
	return store.Retry(func() error {
		fs, err := s.facts(ctx, company, ids)
		if err != nil {
			return err
		}
		stamp := order.Stamp{By: by, At: s.c.Now().UTC()}
		merged := make([]Merged, len(ids))
		var changes []Change
		for i, f := range fs {
			merged[i] = Merge(f, rows[ids[i]], stamp)
			if !merged[i].Change.empty() {
				changes = append(changes, merged[i].Change)
			}
		}
		done(merged)
		if len(changes) == 0 {
			return nil
		}
		return s.c.Store.SaveRMAs(ctx, changes)
	})
}
