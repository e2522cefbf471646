package cancel_test

import (
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/reportparse"
	"github.com/takebackhq/takeback/settings"
)

// lines is a format of a host's own: an order and an item in each line.
type lines struct{ text string }

func (l lines) All() iter.Seq2[cancel.OrderRow, error] {
	return func(yield func(cancel.OrderRow, error) bool) {
		for i, line := range strings.Split(strings.TrimSpace(l.text), "\n") {
			orderID, item, ok := strings.Cut(line, " ")
			var err error
			if !ok {
				err = &reportparse.RowError{File: "calls.txt", Line: i + 1, Expected: "an order and an item"}
			}
			if !yield(cancel.OrderRow{Order: orderID, Item: item, Wish: reportparse.Yes}, err) {
				return
			}
		}
	}
}
func (lines) Has(string) bool { return true }
func (lines) Replaced() int   { return 0 }

func TestOrderFormats(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	config := cancel.Config{
		Store: s.store, Book: s.book, Accounts: amazon.AccountList{account}, Settings: settings.Fixed{}, Now: s.tick,
		OrderFormats: map[string]cancel.OrderFormat{"Calls": func(r io.Reader, _ reportparse.Options) (cancel.OrderRows, error) {
			text, err := io.ReadAll(r)
			return lines{string(text)}, err
		}},
	}
	c, err := cancel.New(config)
	require.NoError(t, err)
	in, err := c.ImportOrders(t.Context(), account, "Calls", amazon.ReportMeta{}, strings.NewReader(first.Number+" "+mug+"\nrubbish\n1-2-3 "+tray+"\n"))
	require.NoError(t, err)
	assert.Equal(t, 1, in.New)
	assert.Equal(t, 2, in.Bad, "a line that cannot be read, and an order that is none")
	assert.Equal(t, cancel.Undecided, s.wishes()[mug].State)

	_, err = c.ImportOrders(t.Context(), account, "Faxes", amazon.ReportMeta{}, strings.NewReader(""))
	assert.ErrorContains(t, err, `format "Faxes" is unknown: want one of ["Amazon Format" "Calls"]`)
	config.OrderFormats = map[string]cancel.OrderFormat{cancel.AmazonFormat: nil}
	_, err = cancel.New(config)
	assert.ErrorContains(t, err, "OrderFormats")
}

func TestImportOrdersRefuses(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	_, err := s.ImportOrders(t.Context(), account, "", amazon.ReportMeta{Name: "x"}, strings.NewReader("settlement-id\ttransaction-type\tamount\n"))
	require.ErrorIs(t, err, reportparse.ErrWrongReport)
	_, err = s.ImportOrders(t.Context(), account, "", amazon.ReportMeta{}, nil)
	require.ErrorContains(t, err, "no report")
	_, err = s.ImportOrders(t.Context(), amazon.Account{}, "", amazon.ReportMeta{}, strings.NewReader(unshipped()))
	require.ErrorContains(t, err, "account")
	future := amazon.ReportMeta{Name: "x", AsOf: time.Date(2036, time.March, 2, 9, 0, 0, 0, time.UTC)}
	_, err = s.ImportOrders(t.Context(), account, "", future, strings.NewReader(unshipped(asks(mug))))
	require.ErrorContains(t, err, `report "x" was made at 2036-03-02T09:00:00Z, and now it is 20`)
	require.ErrorContains(t, s.ImportReport(t.Context(), account, future, strings.NewReader(unshipped(asks(mug)))), "was made at 2036")
	assert.Empty(t, s.wishes())
	require.NoError(t, s.ImportReport(t.Context(), account, amazon.ReportMeta{}, strings.NewReader(unshipped(asks(mug)))))
	assert.Len(t, s.wishes(), 1)
}

// A good row counts beside a bad one.
func TestBadRows(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	in, err := s.ImportOrders(t.Context(), account, "", amazon.ReportMeta{Name: "orders.txt"},
		strings.NewReader(unshipped([4]string{first.Number, mug, "perhaps", ""}, asks(tray))))
	require.NoError(t, err)
	assert.Equal(t, 1, in.Bad)
	require.Len(t, in.BadRows, 1)
	assert.ErrorContains(t, in.BadRows[0], "orders.txt: line 2: is-buyer-requested-cancellation")
	assert.Equal(t, 1, in.New)
}

// More orders than are saved together.
func TestManyOrders(t *testing.T) {
	var orders []order.Order
	var rows [][4]string
	for i := range 1100 {
		id := order.AmazonID{Account: account.ID, Number: fmt.Sprintf("111-0000001-%07d", i)}
		o := paid(order.ID{Company: "acme", Number: fmt.Sprint("SO-", i)}, id)
		orders, rows = append(orders, o), append(rows, [4]string{id.Number, mug, "true", ""})
	}
	s := open(t, settings.Policy{}, orders...)
	in, err := s.ImportOrders(t.Context(), account, "", amazon.ReportMeta{}, strings.NewReader(unshipped(rows...)))
	require.NoError(t, err)
	assert.Equal(t, 1100, in.New)
	rs, err := s.BuyerRequests(t.Context(), cancel.RequestQuery{States: []cancel.RequestState{cancel.Undecided}})
	require.NoError(t, err)
	assert.Len(t, rs, 1100)
}
