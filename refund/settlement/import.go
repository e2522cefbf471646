package settlement

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/reportparse"
	"github.com/takebackhq/takeback/store"
)

// Imported counts what a settlement report brought.
type Imported struct {
	Settlements []Settlement  // of the report, as they are kept
	Known       int           // bookings that had been imported before
	Bookings    map[Match]int // new ones, by what they were taken for
	Rematched   int           // earlier ones, of this report or others, that are taken for something else now
	Skipped     map[ID]string // settlements that were not imported, and why
	Bad         int           // rows that could not be read
	BadRows     []error       // the first of them, as *reportparse.RowError
}

// Import reads a settlement report of an account, V2, V1 or XML, and matches what
// it shows of refunds. The format is [AmazonFormat], also when empty, or one of
// [Config.Formats].
//
// A settlement is imported once, by its ID and the numbers of its rows: a report
// that was imported before changes nothing, one whose import broke off is completed,
// and rows that could not be read the first time are added when they can. The same
// settlement in another format, whose rows have other numbers, and a report that
// says otherwise what an earlier one said, or lacks rows of it, are Skipped with the
// reason. Rows that cannot be read are counted, and what is there of their orders is
// believed only where it agrees with a refund of ours to the cent. Nothing of a report
// with such rows, or one that is not the sum of its rows, takes back what the ledger
// has. A report of which the reader knows that it breaks off
// ([reportparse.RowError.BreaksOff]), or that is none of a settlement
// ([reportparse.ErrWrongReport]), is refused as a whole.
//
// At the end, bookings of orders that the host did not know and the open refunds of
// the account are matched again, and the books of all orders concerned are checked:
// [ErrUnbalanced] says that they do not add up. What was imported stays, and an
// alert tells of it, as of a report that is not the sum of its rows.
func (s *Service) Import(ctx context.Context, a amazon.Account, format string, m amazon.ReportMeta, r io.Reader) (Imported, error) {
	in := Imported{Bookings: map[Match]int{}, Skipped: map[ID]string{}}
	err := s.importReport(ctx, a, format, m, r, &in)
	if err != nil {
		err = fmt.Errorf("import settlement: %w", err)
	}
	return in, err
}

func (s *Service) importReport(ctx context.Context, a amazon.Account, format string, m amazon.ReportMeta, r io.Reader, in *Imported) error {
	if err := a.Check(); err != nil {
		return err
	}
	if r == nil {
		return errors.New("no report given")
	}
	open, err := s.c.format(format)
	if err != nil {
		return err
	}
	o := reportparse.Options{Name: m.Name, ContentType: m.ContentType}
	if len(a.Marketplaces) == 1 {
		o.Marketplace = string(a.Marketplaces[0])
	}
	rows, err := open(r, o)
	if err != nil {
		return err
	}
	f, err := read(rows)
	if err != nil {
		return err
	}
	in.Bad, in.BadRows = f.bad, f.badRows
	p, err := s.begin(ctx, a, order.Stamp{By: strings.TrimSpace("settlement report " + m.Name), At: s.c.Now().UTC()}, in)
	if err != nil {
		return err
	}
	for _, total := range f.settlements {
		if total.ID == "" {
			continue // its rows are all bad
		}
		st := statement{account: a, total: total, unread: f.unread[total.ID]}
		if err := store.Retry(func() error { return p.settlement(ctx, f, st, m) }); err != nil {
			return fmt.Errorf("settlement %s: %w", total.ID, err)
		}
	}
	if err := p.sweep(ctx); err != nil {
		return err
	}
	return p.check(ctx)
}

// ImportReport implements the sink of the poller: an error is about the report, which
// is to be handed in again. Books that do not add up have their alert.
func (s *Service) ImportReport(ctx context.Context, a amazon.Account, m amazon.ReportMeta, r io.Reader) error {
	_, err := s.Import(ctx, a, AmazonFormat, m, r)
	if errors.Is(err, ErrUnbalanced) {
		return nil
	}
	return err
}

// settlement imports one settlement of a file. It is kept before its bookings, and
// counts as done after them.
func (p *pass) settlement(ctx context.Context, f *file, st statement, m amazon.ReportMeta) error {
	row := f.settlement(st, m, p.stamp)
	stored, err := p.c.Store.Settlements(ctx, Query{IDs: []ID{row.ID}})
	if err != nil {
		return err
	}
	known, err := p.bookings(ctx, BookingQuery{Settlements: []ID{row.ID}})
	if err != nil {
		return err
	}
	var was Settlement
	if len(stored) == 0 {
		if err := p.c.Store.SaveSettlement(ctx, row); err != nil {
			return err
		}
		row.Version = 1
	} else {
		was = stored[0]
		row.Version, row.Imported, row.Report = was.Version, was.Imported, was.Report
		if why := f.refusal(was, row, known); why != "" {
			p.in.Skipped[row.ID] = why
			return nil
		}
		if was.same(row) && !f.more(row.ID.Number, known) {
			p.keep(was)
			p.knew(known)
			return nil
		}
	}
	p.keep(done(row)) // for what of its own orders is missing
	ids, groups := ordersOf(p.account.ID, f.groups[row.ID.Number])
	for chunk := range slices.Chunk(ids, importChunk) {
		if err := p.reconcile(ctx, chunk, st, groups); err != nil {
			return err
		}
	}
	if err := p.journal(ctx, was, row); err != nil {
		return err
	}
	if err := p.c.Store.SaveSettlement(ctx, done(row)); err != nil {
		return err
	}
	row.Version++
	p.keep(done(row))
	p.knew(known)
	return nil
}

// knew counts bookings that were there before.
func (p *pass) knew(known []Booking) {
	for _, b := range known {
		if !p.created[b.ID] {
			p.in.Known++
		}
	}
}

func done(s Settlement) Settlement {
	s.Done = true
	return s
}

// same reports whether a report says of a settlement what was imported.
func (s Settlement) same(report Settlement) bool {
	return s.Done && s.Total.Equal(report.Total) && s.Sum.Equal(report.Sum) && s.Rows == report.Rows && s.Bad == report.Bad
}

// refusal tells why a settlement that was imported before is not taken from this
// file; empty when it is.
func (f *file) refusal(was, row Settlement, known []Booking) string {
	if was.Format != f.format {
		return fmt.Sprintf("it was imported from a report of type %s, and one of type %s counts its rows otherwise", was.Format, f.format)
	}
	if b, ok := f.agrees(known); !ok {
		return fmt.Sprintf("its rows %v do not come to %s, as they did when it was imported before: this is another report under the same ID", b.Rows, order.Format(b.Net, b.Currency))
	}
	if was.Done && !was.doubted() && row.doubted() {
		return "it was imported from a complete report, and this one lacks rows"
	}
	return ""
}

// more reports whether the file has rows of refunds that no booking has.
func (f *file) more(settlement string, known []Booking) bool {
	rows := 0
	for _, b := range known {
		rows += len(b.Rows)
	}
	for _, g := range f.groups[settlement] {
		rows -= len(g.rows)
	}
	return rows != 0
}

// keep takes a settlement into account that is being imported.
func (p *pass) keep(s Settlement) {
	p.settlements = slices.DeleteFunc(p.settlements, func(o Settlement) bool { return o.ID == s.ID })
	p.settlements = append(p.settlements, s)
	p.in.Settlements = slices.DeleteFunc(p.in.Settlements, func(o Settlement) bool { return o.ID == s.ID })
	p.in.Settlements = append(p.in.Settlements, s)
}

// journal leaves an audit row about a settlement with its account, and an alert
// when it does not add up, which one that does closes.
func (p *pass) journal(ctx context.Context, was, s Settlement) error {
	subject, alert := "settlement "+s.ID.Number, "difference/"+s.ID.String()
	total := order.Format(s.Total, s.Currency)
	if s.NoTotal {
		total = "an unstated total"
	}
	text := fmt.Sprintf("%s to %s, %s: %d rows, %d of them bad", s.Start.Format("2006-01-02"), s.End.Format("2006-01-02"), total, s.Rows+s.Bad, s.Bad)
	if s.Difference().IsZero() {
		return p.write(ctx, func(w *order.Writes) {
			w.Event(order.EventImported, subject, text, p.stamp)
			if !was.Difference().IsZero() {
				answered(w, alert, subject, text, p.stamp)
			}
		})
	}
	text += fmt.Sprintf("; its rows come to %s, which leaves %s", order.Format(s.Sum, s.Currency), order.Format(s.Difference(), s.Currency))
	if err := p.write(ctx, func(w *order.Writes) { w.Event(order.EventImported, subject, text, p.stamp) }); err != nil {
		return err
	}
	return p.alert(ctx, alert, subject, text)
}
