package settlement

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/reportparse"
	"github.com/takebackhq/takeback/settings"
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

const (
	importChunk = 200  // orders that are looked up and saved together
	readPage    = 1000 // rows that are read at a time
	maxTries    = 10   // bounds how often a decision is made again after a conflict
)

// Import reads a settlement report of an account, V2, V1 or XML, and matches what
// it shows of refunds. The format is [AmazonFormat], also when empty, or one of
// [Config.Formats].
//
// A settlement is imported once, by its ID and the numbers of its rows: a report
// that was imported before changes nothing, one whose import broke off is completed,
// and rows that could not be read the first time are added when they can. The same
// settlement in another format, whose rows have other numbers, and a report that
// says otherwise what an earlier one said are Skipped with the reason. Rows that
// cannot be read are counted, and what is there of their orders is believed only
// where it agrees with a refund of ours to the cent. Nothing of a report with such
// rows, or one that is not the sum of its rows, takes back what the ledger has. A
// report of which the reader knows that it breaks off
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
	p, err := s.pass(ctx, a, order.Stamp{By: strings.TrimSpace("settlement report " + m.Name), At: s.c.Now().UTC()}, in)
	if err != nil {
		return err
	}
	for _, total := range f.settlements {
		if total.ID == "" {
			continue // its rows are all bad
		}
		st := statement{account: a, total: total, unread: f.unread[total.ID]}
		if err := again(errSameTime, func() error { return p.settlement(ctx, f, st, m) }); err != nil {
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

// Retry matches again the bookings of an account that could not be matched because
// the host did not know the order, and those of its open refunds. Every import does
// that, too.
func (s *Service) Retry(ctx context.Context, a amazon.Account) (Imported, error) {
	in := Imported{Bookings: map[Match]int{}, Skipped: map[ID]string{}}
	p, err := s.pass(ctx, a, order.Stamp{By: "takeback", At: s.c.Now().UTC(), Why: "matched again"}, &in)
	if err == nil {
		err = p.sweep(ctx)
	}
	if err == nil {
		err = p.check(ctx)
	}
	if err != nil {
		err = fmt.Errorf("match settlements of account %s: %w", a.ID, err)
	}
	return in, err
}

// Recorded implements [refund.Books]: it matches the bookings of the refund's order
// again.
func (s *Service) Recorded(ctx context.Context, r refund.Refund) error {
	in := Imported{Bookings: map[Match]int{}}
	a := amazon.Account{ID: r.Order.Account, Company: r.HostOrder.Company}
	p, err := s.pass(ctx, a, order.Stamp{By: r.Issued.By, At: s.c.Now().UTC(), Why: "refund " + string(r.ID) + " is recorded"}, &in)
	if err == nil {
		err = p.reconcile(ctx, []order.AmazonID{r.Order}, statement{}, nil)
	}
	if err != nil {
		return fmt.Errorf("match settlements of order %s: %w", r.Order, err)
	}
	return nil
}

// again repeats what fails in one way.
func again(because error, do func() error) error {
	for try := 1; ; try++ {
		if err := do(); !errors.Is(err, because) || try == maxTries {
			return err
		}
	}
}

// errSameTime says that a settlement is imported by somebody else at the same time.
var errSameTime = errors.New("it is imported twice at the same time")

func (p *pass) save(ctx context.Context, s Settlement) error {
	err := p.c.Store.SaveSettlement(ctx, s)
	if errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("%w: %w", errSameTime, err)
	}
	return err
}

// pass is one run over an account.
type pass struct {
	*Service
	account     amazon.Account
	policy      settings.Policy
	stamp       order.Stamp
	settlements []Settlement // of the account
	touched     map[order.AmazonID]bool
	created     map[string]bool // bookings
	in          *Imported
}

func (s *Service) pass(ctx context.Context, a amazon.Account, by order.Stamp, in *Imported) (*pass, error) {
	set, err := s.c.Settings.Settings(ctx, a.Company)
	if err != nil {
		return nil, fmt.Errorf("settings of company %s: %w", a.Company, err)
	}
	done, err := s.c.Store.Settlements(ctx, Query{Accounts: []order.AccountID{a.ID}})
	if err != nil {
		return nil, err
	}
	return &pass{s, a, set.Policy, by, done, map[order.AmazonID]bool{}, map[string]bool{}, in}, nil
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
		if err := p.save(ctx, row); err != nil {
			return err
		}
		row.Version = 1
	} else {
		was = stored[0]
		row.Version, row.Imported, row.Report = was.Version, was.Imported, was.Report
		if why := f.refusal(was, known); why != "" {
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
	if err := p.save(ctx, done(row)); err != nil {
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
func (f *file) refusal(was Settlement, known []Booking) string {
	if was.Format != f.format {
		return fmt.Sprintf("it was imported from a report of type %s, and one of type %s counts its rows otherwise", was.Format, f.format)
	}
	if b, ok := f.agrees(known); !ok {
		return fmt.Sprintf("its rows %v do not come to %s, as they did when it was imported before: this is another report under the same ID", b.Rows, order.Format(b.Net, b.Currency))
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

// reconcile matches all bookings of orders, with what groups of a settlement have
// beyond them, and does it again when an order changed meanwhile.
func (p *pass) reconcile(ctx context.Context, ids []order.AmazonID, st statement, groups map[order.AmazonID][]*group) error {
	var changes []Change
	err := again(store.ErrConflict, func() (err error) {
		if changes, err = p.decide(ctx, ids, st, groups); err != nil || len(changes) == 0 {
			return err
		}
		return p.c.Store.SaveBookings(ctx, changes)
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		p.touched[id] = true
	}
	for _, c := range changes {
		for _, b := range c.Bookings {
			if b.Version == 0 {
				p.in.Bookings[b.Match]++
				p.created[b.ID] = true
			} else {
				p.in.Rematched++
			}
		}
	}
	return nil
}

func (p *pass) decide(ctx context.Context, ids []order.AmazonID, st statement, groups map[order.AmazonID][]*group) ([]Change, error) {
	facts, err := p.facts(ctx, ids)
	if err != nil {
		return nil, err
	}
	var changes []Change
	for _, id := range ids {
		f := facts[id]
		f.Shown = st.shows(f.Bookings, groups[id], f.expects)
		c, err := Reconcile(*f, p.stamp)
		if err != nil {
			return nil, fmt.Errorf("order %s: %w", id, err)
		}
		if !c.empty() {
			changes = append(changes, c)
		}
	}
	return changes, nil
}

// expects reports whether a refund of ours, or a cancellation, without a booking would
// be settled by this one.
func (f *Facts) expects(b Booking) bool {
	for _, r := range refund.OfCancellations(f.Orders, f.Ledger, f.Entries) {
		for _, l := range r.Lines {
			shown := slices.ContainsFunc(f.Bookings, func(o Booking) bool { return o.Cancellation == r.ID && o.RefundItem == l.Item })
			if !shown && b.equals(l.Amounts) {
				return true
			}
		}
	}
	for _, r := range f.Refunds {
		for _, l := range r.Lines {
			if len(l.Bookings) == 0 && r.Origin != refund.FromAmazon && b.equals(l.Amounts) {
				return true
			}
		}
	}
	return false
}

// facts reads what is known of orders. The heads come first: what is read after
// them can only be newer, and then the save conflicts.
func (p *pass) facts(ctx context.Context, ids []order.AmazonID) (map[order.AmazonID]*Facts, error) {
	facts := map[order.AmazonID]*Facts{}
	ledgers, err := p.c.Store.Ledgers(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, l := range ledgers {
		facts[l.Order] = &Facts{Ledger: l, Settlements: p.settlements, Policy: p.policy}
	}
	named := slices.DeleteFunc(slices.Clone(ids), func(id order.AmazonID) bool { return id.Number == "" })
	orders, err := p.c.Book.Orders(ctx, named)
	if err != nil {
		return nil, fmt.Errorf("order book: %w", err)
	}
	for _, o := range orders {
		if f := facts[o.Amazon]; f != nil && o.ID.Company == p.account.Company {
			f.Orders = append(f.Orders, o)
		}
	}
	refunds, err := p.c.Store.Refunds(ctx, refund.Query{Orders: ids})
	if err != nil {
		return nil, err
	}
	for _, r := range refunds {
		facts[r.Order].Refunds = append(facts[r.Order].Refunds, r)
	}
	entries, err := p.c.Store.Entries(ctx, queue.EntryQuery{Orders: ids})
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		facts[e.Order].Entries = append(facts[e.Order].Entries, e)
	}
	bookings, err := p.bookings(ctx, BookingQuery{Orders: ids})
	if err != nil {
		return nil, err
	}
	for _, b := range bookings {
		facts[b.Order].Bookings = append(facts[b.Order].Bookings, b)
	}
	return facts, nil
}

// bookings reads all bookings that a query selects.
func (s *Service) bookings(ctx context.Context, q BookingQuery) (all []Booking, err error) {
	q.Limit = readPage
	for {
		page, err := s.c.Store.Bookings(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < readPage {
			return all, nil
		}
		q.After = page[len(page)-1].Cursor()
	}
}

// refunds reads all refunds that a query selects.
func (s *Service) refunds(ctx context.Context, q refund.Query) (all []refund.Refund, err error) {
	q.Limit = readPage
	for {
		page, err := s.c.Store.Refunds(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < readPage {
			return all, nil
		}
		q.After = page[len(page)-1].Cursor()
	}
}

// sweep matches again what may be matched otherwise now, or missing.
func (p *pass) sweep(ctx context.Context) error {
	accounts := []order.AccountID{p.account.ID}
	waiting, err := p.bookings(ctx, BookingQuery{Accounts: accounts, Matches: []Match{MatchUnknownOrder, MatchOtherCurrency, MatchUnanswered, MatchContradicted, MatchIncomplete}})
	if err != nil {
		return err
	}
	open, err := p.refunds(ctx, refund.Query{Accounts: accounts, Open: true})
	if err != nil {
		return err
	}
	orders := map[order.AmazonID]bool{}
	for _, b := range waiting {
		orders[b.Order] = true
	}
	for _, r := range open {
		orders[r.Order] = true
	}
	ids := slices.SortedFunc(maps.Keys(orders), func(a, b order.AmazonID) int { return strings.Compare(a.Number, b.Number) })
	for chunk := range slices.Chunk(ids, importChunk) {
		if err := p.reconcile(ctx, chunk, statement{}, nil); err != nil {
			return err
		}
	}
	return nil
}

// check proves that the books of all orders of the pass add up. What somebody
// changes between two reads may look wrong once.
func (p *pass) check(ctx context.Context) error {
	ids := slices.SortedFunc(maps.Keys(p.touched), func(a, b order.AmazonID) int { return strings.Compare(a.Number, b.Number) })
	for chunk := range slices.Chunk(ids, importChunk) {
		var wrong error
		for range 3 {
			r, err := p.openEnds(ctx, EndsQuery{Orders: chunk})
			if err != nil {
				return err
			}
			if wrong = r.Check(); wrong == nil {
				break
			}
		}
		if wrong != nil {
			key := fmt.Sprintf("unbalanced/%s/%s", p.account.ID, p.stamp.At.Format("2006-01-02T15:04:05"))
			return errors.Join(wrong, p.alert(ctx, key, "account "+string(p.account.ID), wrong.Error()))
		}
	}
	return nil
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

// alert leaves an alert about the account, for who runs the installation.
func (p *pass) alert(ctx context.Context, key, subject, text string) error {
	return p.write(ctx, func(w *order.Writes) {
		w.Alert(key, subject, text, p.stamp)
		w.Events[len(w.Events)-1].For = order.Administrator
	})
}

// write appends to the journal of the account, which is that of no order.
func (p *pass) write(ctx context.Context, add func(*order.Writes)) error {
	id := order.AmazonID{Account: p.account.ID}
	return again(store.ErrConflict, func() error {
		ls, err := p.c.Store.Ledgers(ctx, []order.AmazonID{id})
		if err != nil {
			return err
		}
		c := Change{Writes: order.Writes{Order: id, Version: ls[0].Version}}
		add(&c.Writes)
		return p.c.Store.SaveBookings(ctx, []Change{c})
	})
}
