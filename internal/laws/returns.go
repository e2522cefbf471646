package laws

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/internal/drill"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/settings"
)

// returnsFile is a returns report.
type returnsFile struct {
	name, body string
	asOf       time.Time // zero: unknown
}

var returnsColumns = []string{
	"Order ID", "Amazon RMA ID", "Return request status", "Merchant SKU", "Return quantity", "Return Reason", "Resolution",
	"Return carrier", "Tracking ID", "Return request date",
}

// drawReturns draws reports about the orders that have shipped, as Amazon could make
// them.
func drawReturns(draw Draw) []returnsFile {
	var files []returnsFile
	for n := range 1 + draw("reports", 3) {
		rows := []string{strings.Join(returnsColumns, "\t")}
		for range 1 + draw("rows", 4) {
			o := one(draw, "order", 0, 1, 1)
			rows = append(rows, strings.Join([]string{
				numbered(o).Number, one(draw, "RMA", fmt.Sprintf("D1%dRRMA", o), fmt.Sprintf("D2%dRRMA", o), ""),
				one(draw, "status", "Approved", "Approved", "PendingApproval", "Completed", "Closed", "Denied"),
				one(draw, "SKU", [][]string{{"MUG", "LAMP"}, {"DESK", "LEG"}}[o]...), one(draw, "quantity", "1", "2", "3"),
				one(draw, "reason", "CR-DEFECTIVE", "CR-SWITCHEROO"), one(draw, "resolution", "StandardRefund", "Replacement", "ReturnlessRefund"),
				one(draw, "carrier", "", "USPS"), one(draw, "tracking", "", "9400", "9500"), one(draw, "asked", "18-Feb-2026", "19-Feb-2026"),
			}, "\t"))
		}
		f := returnsFile{name: fmt.Sprintf("returns-%d.txt", n), body: strings.Join(rows, "\n") + "\n"}
		if day := draw("day", 4); day > 0 {
			f.asOf = begin.AddDate(0, 0, day-5)
		}
		files = append(files, f)
	}
	return files
}

func (f returnsFile) importTo(ctx context.Context, s *rma.Service) error {
	_, err := s.Import(ctx, theAccount, rma.AmazonFormat, amazon.ReportMeta{Name: f.name, AsOf: f.asOf}, strings.NewReader(f.body))
	return err
}

// Returns imports drawn files of returns one after the other into one store, and into
// another in any order, more than once, several at a time, while calls to that store
// fail. It answers how what came of it differs: empty, when the law is kept that the
// order of files does not matter, and that a file that comes again changes nothing.
func Returns(ctx context.Context, inOrder, shuffled takeback.Store, draw Draw) (diff string, err error) {
	files := drawReturns(draw)
	of := settings.Fixed{SkipReturnlessRMA: draw("skip returnless", 2) == 1}
	open := func(st takeback.Store) (*rma.Service, error) {
		return rma.New(rma.Config{Store: st, Book: NewBook(orders(), nil), Settings: of, Now: func() time.Time { return begin }})
	}
	calm, err := open(inOrder)
	if err != nil {
		return "", err
	}
	for _, f := range files {
		if err := f.importTo(ctx, calm); err != nil {
			return "", err
		}
	}

	t := &trouble{}
	troubled, err := open(drill.Gated(shuffled, t))
	if err != nil {
		return "", err
	}
	for range 1 + draw("rounds", 4) {
		t.begin(mishap{fails: draw("fails", 12), late: draw("late", 2) == 1})
		var at []returnsFile
		for range 1 + draw("at once", 3) {
			at = append(at, one(draw, "file", files...))
		}
		atOnce(len(at), func(i int) { _ = at[i].importTo(ctx, troubled) }) // who gets an error imports again
	}
	t.begin(mishap{})
	for range len(files) {
		if err := one(draw, "file", files...).importTo(ctx, troubled); err != nil {
			return "", err
		}
	}
	for i := range files {
		if err := files[len(files)-1-i].importTo(ctx, troubled); err != nil {
			return "", err
		}
	}
	want, err := standing(ctx, inOrder)
	if err != nil {
		return "", err
	}
	got, err := standing(ctx, shuffled)
	if err != nil {
		return "", err
	}
	diff = cmp.Diff(want, got, cmpopts.IgnoreFields(rma.RMA{}, "Version", "Created"), cmpopts.EquateEmpty())
	if diff != "" {
		return "in order, and shuffled (-want +got):\n" + diff, nil
	}
	before, err := heads(ctx, shuffled)
	if err != nil {
		return "", err
	}
	for _, f := range files {
		if err := f.importTo(ctx, troubled); err != nil {
			return "", err
		}
	}
	after, err := heads(ctx, shuffled)
	return cmp.Diff(before, after), err
}

// atOnce does n things at once, and waits for all of them.
func atOnce(n int, do func(int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { do(i) })
	}
	all.Wait()
}

// standing is what RMAs come to, without the traces of how they came to it.
func standing(ctx context.Context, st takeback.Store) ([]rma.RMA, error) {
	all, err := st.RMAs(ctx, rma.Query{})
	all = slices.DeleteFunc(all, func(r rma.RMA) bool {
		return len(r.Lines) == 0 // it had units until an earlier return was heard of
	})
	for i := range all {
		slices.SortFunc(all[i].Notes, func(a, b rma.Note) int { return strings.Compare(a.Text, b.Text) })
	}
	slices.SortFunc(all, func(a, b rma.RMA) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return all, err
}

// heads are the versions of all orders: how often something was saved about each.
func heads(ctx context.Context, st takeback.Store) (map[order.AmazonID]int64, error) {
	var ids []order.AmazonID
	for _, o := range orders() {
		ids = append(ids, o.Amazon)
	}
	ledgers, err := st.Ledgers(ctx, ids)
	versions := map[order.AmazonID]int64{}
	for _, l := range ledgers {
		versions[l.Order] = l.Version
	}
	return versions, err
}
