package rma_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/reportparse"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
	"github.com/takebackhq/takeback/store/memory"
)

func (d *desk) rows(states ...rma.ReturnState) []rma.Return {
	d.t.Helper()
	ks, err := d.Returns(d.t.Context(), rma.ReturnQuery{States: states})
	require.NoError(d.t, err)
	return ks
}

// Rows for orders that the host does not know yet are kept, and tried again at each
// import of the account and when somebody says so.
func TestUnmatched(t *testing.T) {
	tests := []struct {
		name  string
		again func(*desk)
	}{
		{"at the next import", func(d *desk) { assert.Equal(d.t, 1, d.take(21, returns()).Matched) }},
		{"by hand", func(d *desk) {
			tried, err := d.Retry(d.t.Context(), "anna", d.rows()[0].ID)
			require.NoError(d.t, err)
			assert.Equal(d.t, rma.ReturnMatched, tried[0].State)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := open(t)
			assert.Equal(t, 1, d.take(20, returns(with(lamps(1), "Tracking ID", "9400"))).Unmatched)
			head := d.head(first)
			assert.Zero(t, d.take(20, returns()).Matched)
			assert.Equal(t, head, d.head(first), "the host does not know it yet")
			kept := d.rows(rma.ReturnUnmatched)
			require.Len(t, kept, 1)
			assert.Equal(t, "the host does not know the order", kept[0].Why)

			d.book = shelf{shipped("SO-1", first)}
			tt.again(d)
			assert.Equal(t, "Return tracking number 9400", d.one().Notes[0].Text)
			now := d.rows()
			require.Len(t, now, 1, "nothing is deleted")
			assert.Equal(t, d.one().ID, now[0].RMA)
			assert.Empty(t, now[0].Why)
		})
	}
	d := open(t)
	_, err := d.Retry(t.Context(), "anna", "RMNONE")
	require.ErrorIs(t, err, store.ErrNotFound)
	_, err = d.Retry(t.Context(), "", "RMNONE")
	require.ErrorContains(t, err, "say by whom")
}

func TestAssign(t *testing.T) {
	o := shipped("SO-1", first)
	o.Lines[1].SKU = "LAMP-RED"
	d := open(t, o)
	assert.Equal(t, 1, d.take(20, returns(lamps(1))).Ambiguous)
	require.Len(t, d.alerts(), 1)
	kept := d.rows(rma.ReturnAmbiguous)
	require.Len(t, kept, 1)
	_, err := d.Assign(t.Context(), "", "why", kept[0].ID, mug)
	require.ErrorContains(t, err, "say by whom")
	_, err = d.Assign(t.Context(), "anna", "why", kept[0].ID, desk2)
	require.ErrorContains(t, err, "not in the order")
	_, err = d.Assign(t.Context(), "anna", "why", "RMNONE", mug)
	require.ErrorIs(t, err, store.ErrNotFound)

	k, err := d.Assign(t.Context(), "anna", "it is the blue one", kept[0].ID, mug)
	require.NoError(t, err)
	assert.Equal(t, d.rows()[0], k)
	assert.Equal(t, mug, d.one().Lines[0].Item)
	_, err = d.Assign(t.Context(), "anna", "why", k.ID, lamp)
	require.ErrorContains(t, err, "already")
	assert.Equal(t, 1, d.take(21, returns(lamps(1))).Unchanged, "it stays said")
	assert.Equal(t, mug, d.one().Lines[0].Item)
}

// A refund without a return: an RMA like any other, or none, by the setting.
func TestReturnless(t *testing.T) {
	tests := []struct {
		name             string
		resolution, word string
		skip             bool
		rmas             int
		state            rma.ReturnState
	}{
		{"off, approved", "ReturnlessRefund", "Approved", false, 1, rma.ReturnMatched},
		{"off, closed", "Returnless Refund", "Closed", false, 1, rma.ReturnMatched},
		{"off, completed", "RETURNLESS_REFUND", "Completed", false, 1, rma.ReturnMatched},
		{"off, pending", "ReturnlessRefund", "PendingApproval", false, 0, rma.ReturnSkipped},
		{"on, approved", "ReturnlessRefund", "Approved", true, 0, rma.ReturnReturnless},
		{"on, closed", "ReturnlessRefund", "Closed", true, 0, rma.ReturnReturnless},
		{"on, with goods", "StandardRefund", "Approved", true, 1, rma.ReturnMatched},
		{"on, closed with goods: no label is only a hint", "StandardRefund", "Closed", true, 0, rma.ReturnSkipped},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := openWith(t, settings.Settings{SkipReturnlessRMA: tt.skip}, shipped("SO-1", first))
			in := d.take(20, returns(with(status(tt.word), "Resolution", tt.resolution)))
			assert.Equal(t, tt.state == rma.ReturnReturnless, in.Returnless == 1)
			assert.Len(t, d.all(), tt.rmas)
			require.Len(t, d.rows(), 1, "the return is recorded")
			assert.Equal(t, tt.state, d.rows()[0].State)
		})
	}

	// Its goods are not awaited: the money closes it.
	d := openWith(t, settings.Settings{}, shipped("SO-1", first))
	d.take(20, returns(with(status("Closed"), "Resolution", "ReturnlessRefund")))
	assert.Equal(t, rma.Open, d.one().Status)
	pays(d)
	assert.Equal(t, rma.Closed, d.one().Status)
}

// The setting is about what is reported from then on, and about what is tried again.
func TestReturnlessWhenTheSettingChanges(t *testing.T) {
	row := with(status("Closed"), "Resolution", "ReturnlessRefund")
	d := openWith(t, settings.Settings{}, shipped("SO-1", first))
	d.take(20, returns(row))
	d.settings.SkipReturnlessRMA = true
	assert.Equal(t, 1, d.take(21, returns(with(row, "Return Reason", "CR-SWITCHEROO"))).Updated)
	assert.Equal(t, rma.Open, d.one().Status, "an RMA that was wanted stays")

	d = openWith(t, settings.Settings{SkipReturnlessRMA: true}, shipped("SO-1", first))
	d.take(20, returns(row))
	d.settings.SkipReturnlessRMA = false
	tried, err := d.Retry(t.Context(), "anna", d.rows()[0].ID)
	require.NoError(t, err)
	assert.Equal(t, rma.ReturnMatched, tried[0].State)
	assert.Equal(t, rma.Open, d.one().Status)
}

// What was to be refunded without a return and came all the same is received like any
// other; and what was to come and is waived after all awaits no goods.
func TestReturnlessThatChangesItsMind(t *testing.T) {
	waived := with(lamps(1), "Resolution", "ReturnlessRefund")
	for _, skip := range []bool{false, true} {
		d := openWith(t, settings.Settings{SkipReturnlessRMA: skip}, shipped("SO-1", first))
		d.take(20, returns(waived))
		d.take(21, returns(lamps(1)))
		receives(d)
		assert.Equal(t, rma.Open, d.one().Status, "the money is awaited")
		pays(d)
		assert.Equal(t, rma.Closed, d.one().Status)

		d = openWith(t, settings.Settings{SkipReturnlessRMA: skip}, shipped("SO-1", first))
		d.take(20, returns(lamps(1)))
		d.take(21, returns(waived))
		pays(d)
		assert.Equal(t, rma.Closed, d.one().Status, "no goods are awaited")
	}
}

// A row that was skipped is remembered: an older report that says Approved makes the
// RMA, with what the newer one says.
func TestApprovedInAnOlderReport(t *testing.T) {
	d := open(t, shipped("SO-1", first))
	assert.Equal(t, map[string]int{"status is Closed, not Approved": 1}, d.take(22, returns(with(status("Closed"), "Return Reason", "CR-SWITCHEROO"))).Skipped)
	assert.Empty(t, d.all())
	assert.Equal(t, 1, d.take(20, returns(lamps(1))).Created)
	assert.Equal(t, "Closed", d.one().AmazonStatus)
	assert.Equal(t, "CR-SWITCHEROO", d.one().Lines[0].Reason)
}

// list is a file of another system, already read.
type list []reportparse.Return

func (l list) All() iter.Seq2[reportparse.Return, error] {
	return func(yield func(reportparse.Return, error) bool) {
		for _, r := range l {
			if !yield(r, nil) {
				return
			}
		}
	}
}
func (list) Has(column string) bool { return column != "Resolution" }
func (list) Replaced() int          { return 0 }

func TestFormats(t *testing.T) {
	legacy := func(io.Reader, reportparse.Options) (rma.Rows, error) {
		return list{{Line: 1, OrderID: first.Number, Status: "Approved", RMAID: "DaaaaaaaRRMA", SKU: "LAMP-RED", Quantity: 1}}, nil
	}
	config := rma.Config{Store: memory.New(), Book: shelf{shipped("SO-1", first)}, Settings: settings.Fixed{}, Formats: map[string]rma.Format{"Legacy": legacy}}
	s, err := rma.New(config)
	require.NoError(t, err)
	in, err := s.Import(t.Context(), account, "Legacy", amazon.ReportMeta{Name: "x"}, returns().file())
	require.NoError(t, err)
	assert.Equal(t, 1, in.Created)
	_, err = s.Import(t.Context(), account, "Legcay", amazon.ReportMeta{}, returns().file())
	require.ErrorContains(t, err, `format "Legcay" is unknown: want one of ["Amazon Format" "Legacy"]`)
	require.NoError(t, s.ImportReport(t.Context(), account, meta(20), returns(lamps(1)).file()))
	require.Error(t, s.ImportReport(t.Context(), account, meta(20), nil))

	broken := func(io.Reader, reportparse.Options) (rma.Rows, error) {
		good := reportparse.Return{OrderID: first.Number, Status: "Approved", SKU: "LAMP-RED", Quantity: 1}
		rows := list{good, good, good, good, good}
		rows[0].OrderID, rows[1].Status, rows[2].Quantity, rows[3].Quantity, rows[4].SKU = "SO-1", "", 0, -1, ""
		return rows, nil
	}
	config.Formats = map[string]rma.Format{"Broken": broken}
	s, err = rma.New(config)
	require.NoError(t, err)
	in, err = s.Import(t.Context(), account, "Broken", amazon.ReportMeta{Name: "x"}, returns().file())
	require.NoError(t, err)
	assert.Equal(t, []int{5, 5}, []int{in.Bad, in.Total()})
	var said []string
	for _, bad := range in.BadRows {
		said = append(said, bad.Error())
	}
	assert.Equal(t, []string{
		`x: line 0: Order ID is "SO-1", expected an Amazon order ID of 3-7-7 digits`,
		"x: line 0: Return request status is blank, expected a status, such as Approved",
		`x: line 0: Return quantity is "0", expected at least 1`,
		`x: line 0: Return quantity is "-1", expected at least 1`,
		"x: line 0: Merchant SKU is blank, expected a SKU, or an ASIN or an order item ID in place of it",
	}, said)

	for name, format := range map[string]rma.Format{rma.AmazonFormat: legacy, "": legacy, "None": nil} {
		config.Formats = map[string]rma.Format{name: format}
		_, err = rma.New(config)
		require.ErrorContains(t, err, "Config.Formats", name)
	}
	failing := errors.New("no such sheet")
	config.Formats = map[string]rma.Format{"Failing": func(io.Reader, reportparse.Options) (rma.Rows, error) { return nil, failing }}
	s, err = rma.New(config)
	require.NoError(t, err)
	_, err = s.Import(t.Context(), account, "Failing", amazon.ReportMeta{}, returns().file())
	require.ErrorIs(t, err, failing)
}

// An account that is registered for another company gets nothing of the order.
func TestOrderOfAnotherCompany(t *testing.T) {
	o := shipped("SO-1", first)
	o.ID.Company = "other"
	d := open(t, o)
	in := d.take(20, returns(lamps(1)))
	assert.Equal(t, map[string]int{"the order belongs to another company than the account": 1}, in.Skipped)
	assert.Empty(t, d.all())
	assert.Empty(t, d.effects(order.EffectRMA))
	require.Len(t, d.rows(), 1)
	assert.Equal(t, order.CompanyID("acme"), d.rows()[0].Company)
}

// straying is a book that gives an order which nobody asked for.
type straying struct{ shelf }

func (b straying) Orders(context.Context, []order.AmazonID) ([]order.Order, error) {
	return b.shelf, nil
}

func TestBookThatStrays(t *testing.T) {
	s, err := rma.New(rma.Config{Store: memory.New(), Book: straying{shelf{shipped("SO-2", numbered(2))}}, Settings: settings.Fixed{}})
	require.NoError(t, err)
	_, err = s.Import(t.Context(), account, "", meta(20), returns(lamps(1)).file())
	require.ErrorContains(t, err, "order book: it gave order acme/SO-2 of acme-us/111-0000000-0000002, which was not asked for")
}

// A row without an RMA tells in the journal too why that is, and when it changes.
func TestJournalOfARowWithoutRMA(t *testing.T) {
	d := open(t, shipped("SO-1", first))
	d.take(20, returns(with(status("PendingApproval"), "Tracking ID", "9400")))
	before := len(d.journal())
	d.take(19, returns(with(status("Denied"), "Tracking ID", "9500")))
	d.take(21, returns(with(lamps(1), "Tracking ID", "9400")))
	subject := "return " + string(d.rows()[0].ID)
	var got [][3]string
	for _, e := range d.journal()[before:] {
		if of, ok := strings.CutPrefix(e.Subject, subject); ok {
			got = append(got, [3]string{of, e.Before, e.After})
		}
	}
	assert.Equal(t, [][3]string{
		{": tracking numbers", "9400", "9400, 9500"},
		{": Return request status", "PendingApproval", "Approved"},
		{": state", "Skipped", "Matched"},
		{": why it has no RMA", "status is PendingApproval, not Approved", ""},
		{": RMA", "", string(d.one().ID)},
	}, got)
}

// Every value that a report changes is told in the journal, before and after.
func TestJournal(t *testing.T) {
	d := open(t, shipped("SO-1", first))
	d.take(20, returns(lamps(1)))
	before := len(d.journal())
	d.take(21, returns(with(with(lamps(2), "Return Reason", "CR-SWITCHEROO"), "Return request status", "Completed")))
	got := map[string][2]string{}
	for _, e := range d.journal()[before:] {
		got[e.Subject] = [2]string{e.Before, e.After}
	}
	k, id := "return "+string(d.rows()[0].ID), "RMA "+string(d.one().ID)
	assert.Equal(t, map[string][2]string{
		k + ": Return request status": {"Approved", "Completed"},
		k + ": Return quantity":       {"1", "2"},
		k + ": Return Reason":         {"CR-DEFECTIVE", "CR-SWITCHEROO"},
		id + ": lines":                {"1 LAMP-RED of item " + lamp, "2 LAMP-RED of item " + lamp},
		id + ": Amazon's status":      {"Approved", "Completed"},
	}, got)
}
