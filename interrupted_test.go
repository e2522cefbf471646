package takeback_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/internal/drill"
	ord "github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

// tripwire fails one call to the store, before its effect or after it.
type tripwire struct {
	calls []string
	at    int // of the calls, from 1; 0: none
	late  bool
}

func (w *tripwire) Before(call string) error {
	w.calls = append(w.calls, call)
	return w.trip(false)
}

func (w *tripwire) After(string) error { return w.trip(true) }

func (w *tripwire) trip(late bool) error {
	if len(w.calls) == w.at && w.late == late {
		return drill.ErrLost
	}
	return nil
}

// deed is something that somebody does with the desk, and does again after an error.
// Before it, things were brought about that it needs.
type deed struct {
	before func(*testing.T, *scene)
	do     func(*testing.T, *scene) error
}

// scene is where a deed is done.
type scene struct {
	*office
	gated takeback.Store // as the desk sees it
	told  []queue.Entry  // what the queue will tell
	file  string         // what will be imported
}

// The four orders of a deed: 0 is two mugs that have shipped, 1 two that have not,
// 2 a kit that has shipped, and 3 waits like 1.
const kit = 2

var deeds = map[string]deed{
	"import returns": {do: importReturns},
	"retry returns": {
		before: func(t *testing.T, o *scene) {
			kept := o.book.take("SO-0")
			require.NoError(t, importReturns(t, o))
			o.book.put(kept)
		},
		do: func(t *testing.T, o *scene) error {
			rows, err := o.store.Returns(t.Context(), rma.ReturnQuery{States: []rma.ReturnState{rma.ReturnUnmatched}})
			require.NoError(t, err)
			for _, row := range rows {
				if _, err := o.desk.Returns.Retry(t.Context(), "anna", row.ID); err != nil {
					return err
				}
			}
			return nil
		},
	},
	"open an RMA": {do: func(t *testing.T, o *scene) error {
		_, err := o.desk.Returns.Open(t.Context(), rma.Opening{
			Order: amazonID(0), Key: "by phone", Lines: []rma.OpenLine{{Item: item(0), Units: 1, Reason: "CR-DEFECTIVE"}}, By: "anna",
		})
		return err
	}},
	"receive goods": {before: imported, do: func(t *testing.T, o *scene) error {
		_, err := o.desk.Returns.Receive(t.Context(), rma.Goods{
			RMA: o.rmaOf(t, kit).ID, Key: "parcel 1", Counts: []rma.Count{{SKU: "TOP", Good: 1}, {SKU: "LEG", Good: 3, Damaged: 1}}, Restock: true, By: "carl",
		})
		return err
	}},
	"close an RMA": {before: imported, do: func(t *testing.T, o *scene) error {
		_, err := o.desk.Returns.Close(t.Context(), o.rmaOf(t, 0).ID, "anna", "kept by the buyer")
		return err
	}},
	"decide on the money": {before: imported, do: func(t *testing.T, o *scene) error {
		_, err := o.desk.Returns.SetResolution(t.Context(), o.rmaOf(t, 0).ID, rma.Exchange, "anna", "the buyer wants the red one")
		return err
	}},
	"refund an RMA": {before: imported, do: func(t *testing.T, o *scene) error {
		id := o.rmaOf(t, kit).ID
		q, err := o.desk.Returns.Refund(t.Context(), id, "anna")
		if errors.Is(err, rma.ErrNothing) { // the answer was lost, and it is refunded
			return nil
		}
		if err != nil {
			return err
		}
		d, err := o.desk.Refunds.Draft(t.Context(), q)
		if err != nil {
			return err
		}
		q.Token = d.Token
		_, err = o.desk.Refunds.Issue(t.Context(), q)
		return err
	}},
	"Amazon accepts a refund": {
		before: func(t *testing.T, o *scene) {
			o.told = []queue.Entry{o.answered(t, o.refundOne(t, 0, "one").ID, queue.EntryAccepted)}
		},
		do: applied(queue.KindRefund),
	},
	"close what is refunded": {before: refundedUnheard, do: func(t *testing.T, o *scene) error {
		_, err := o.desk.Returns.Step(t.Context())
		return err
	}},
	"refund an order": {do: func(t *testing.T, o *scene) error {
		_, err := o.desk.Refunds.Issue(t.Context(), refund.Request{
			Order: amazonID(0), Lines: []refund.Ask{{Item: item(0), Units: 1}}, Reason: amazon.ReasonCustomerReturn, Key: "one", By: "anna",
		})
		return err
	}},
	"approve": {
		before: func(t *testing.T, o *scene) {
			_, err := o.desk.Refunds.Issue(t.Context(), refund.Request{
				Order: amazonID(0), Lines: []refund.Ask{{Item: item(0), Units: 1}}, Reason: amazon.ReasonCustomerReturn, Key: "large", By: "eve",
			})
			require.NoError(t, err)
		},
		do: func(t *testing.T, o *scene) error {
			rs, err := o.store.Refunds(t.Context(), refund.Query{})
			require.NoError(t, err)
			_, err = o.desk.Refunds.Approve(t.Context(), rs[0].ID, rs[0].Content(), "boss", "seen")
			return err
		},
	},
	"record": {do: func(t *testing.T, o *scene) error {
		_, err := o.desk.Refunds.Record(t.Context(), refund.Recorded{
			Order: amazonID(0), Lines: []refund.RecordedLine{{Item: item(0), Units: 1, Amounts: ord.Amounts{ord.Principal: decimal.NewFromInt(20)}}},
			At: time.Now(), Reference: "SC-1", By: "anna", Why: "by hand",
		})
		return err
	}},
	"settle": {
		before: func(t *testing.T, o *scene) {
			r := o.refundOne(t, 0, "one")
			require.NoError(t, o.desk.Refunds.Apply(t.Context(), []queue.Entry{o.answered(t, r.ID, queue.EntryAccepted)}))
			o.file = settlementOf(r, time.Now())
		},
		do: importSettlement,
	},
	"settle what Amazon did": {
		before: func(t *testing.T, o *scene) {
			r := o.refundOne(t, kit, "one")
			require.NoError(t, o.desk.Queue.Withdraw(t.Context(), "anna", "", r.ID))
			o.file = settlementOf(r, time.Now())
		},
		do: importSettlement,
	},
	"settle an unknown order later": {
		before: func(t *testing.T, o *scene) {
			r := o.refundOne(t, 0, "one")
			require.NoError(t, o.desk.Queue.Withdraw(t.Context(), "anna", "", r.ID))
			o.file = settlementOf(r, time.Now())
			kept := o.book.take("SO-0")
			require.NoError(t, importSettlement(t, o))
			o.book.put(kept)
		},
		do: func(t *testing.T, o *scene) error {
			_, err := o.desk.Settlements.Retry(t.Context(), theSeller)
			return err
		},
	},
	"cancel":                          {do: cancelled(cancel.Request{Order: amazonID(1)})},
	"cancel here alone, and zero out": {do: cancelled(cancel.Request{Order: amazonID(1), Local: true, ZeroOut: true})},
	"cancel a part": {do: cancelled(cancel.Request{
		Order: amazonID(1), Split: []ord.LineQuantity{{Item: item(1), Quantity: 1}}, SplitTo: "SO-1-B",
	})},
	"Amazon accepts a cancellation": {
		before: func(t *testing.T, o *scene) {
			o.told = []queue.Entry{o.answered(t, o.cancelOne(t), queue.EntryAccepted)}
		},
		do: applied(queue.KindCancellation),
	},
	"Amazon refuses a cancellation": {
		before: func(t *testing.T, o *scene) {
			o.told = []queue.Entry{o.answered(t, o.cancelOne(t), queue.EntryRefused)}
		},
		do: applied(queue.KindCancellation),
	},
	"open the gate": {
		before: func(t *testing.T, o *scene) {
			require.NoError(t, o.desk.Cancels.Apply(t.Context(), []queue.Entry{o.answered(t, o.cancelOne(t), queue.EntryRefused)}))
		},
		do: func(t *testing.T, o *scene) error {
			pass, err := o.desk.Cancels.MayShip(t.Context(), amazonID(1))
			if err != nil || pass.May { // the answer was lost, and it is open
				return err
			}
			return o.desk.Cancels.Open(t.Context(), amazonID(1), "anna", "ship it")
		},
	},
	"withdraw a cancellation": {
		before: func(t *testing.T, o *scene) { o.cancelOne(t) },
		do: func(t *testing.T, o *scene) error {
			id := o.cancellations(t)[0].ID
			err := o.desk.Queue.Withdraw(t.Context(), "anna", "", id)
			if errors.Is(err, queue.ErrTransition) && o.entry(t, id).State == queue.EntryWithdrawn {
				return nil
			}
			return err
		},
	},
	"confirm a cancellation": {
		before: func(t *testing.T, o *scene) {
			o.cancelOne(t)
			o.stepFor(t, 4*time.Minute)
			require.Equal(t, cancel.Unproven, o.cancellations(t)[0].Proof)
			time.Sleep(time.Hour)
		},
		do: func(t *testing.T, o *scene) error {
			_, err := o.desk.Cancels.Step(t.Context())
			return err
		},
	},
	"mark as cancelled": {
		before: func(t *testing.T, o *scene) { o.cancelOne(t) },
		do: func(t *testing.T, o *scene) error {
			err := o.desk.Cancels.MarkCancelled(t.Context(), amazonID(1), "anna", "seen in Seller Central")
			if err == nil {
				_, err = o.desk.Cancels.Step(t.Context()) // withdraws what was left of it
			}
			return err
		},
	},
	"the buyer wishes":        {do: importWish},
	"the buyer is answered":   {before: wishes, do: accept},
	"the buyer wishes a part": {before: func(t *testing.T, o *scene) { o.book.addTray("SO-1") }, do: importWish},
	"a part is granted": {
		before: func(t *testing.T, o *scene) {
			o.book.addTray("SO-1")
			wishes(t, o)
		},
		do: accept,
	},
	"the buyer is notified of": {
		before: func(t *testing.T, o *scene) {
			require.NoError(t, o.fake.RequestCancel(amazonID(1).Number, item(1), "no longer needed"))
			body, err := o.fake.OrderChange(amazonID(1).Number)
			require.NoError(t, err)
			o.file = string(body)
		},
		do: func(t *testing.T, o *scene) error {
			_, err := o.desk.Cancels.ImportNotification(t.Context(), theSeller, []byte(o.file))
			return err
		},
	},
	"decline": {before: wishes, do: func(t *testing.T, o *scene) error {
		_, err := o.desk.Cancels.Decline(t.Context(), amazonID(1), "anna", "it is packed")
		return err
	}},
	"hand over": {do: func(t *testing.T, o *scene) error {
		pass, err := o.desk.Cancels.MayShip(t.Context(), amazonID(1))
		if err != nil {
			return err
		}
		return pass.HandOver(t.Context(), o.gated, ord.Stamp{By: "carl", At: time.Now()})
	}},
	"deliver": {
		before: func(t *testing.T, o *scene) {
			imported(t, o)
			o.cancelOne(t)
			o.told = nil
		},
		do: func(t *testing.T, o *scene) error {
			_, err := ord.Deliver(t.Context(), o.gated, o.book, time.Now(), 100)
			return err
		},
	},
}

// Whatever somebody does, each of its calls to the store fails once, before its
// effect and after it. Who does it again comes to where a day without faults comes
// to, and nothing is there twice.
func TestEveryDeedInterrupted(t *testing.T) {
	for name, d := range deeds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			undisturbed, calls := d.run(t, 0, false)
			require.NotEmpty(t, calls)
			tried := 0
			for i := 0; i < 2*len(calls); i += oneIn {
				at, late := i/2, i%2 == 1
				got, _ := d.run(t, at+1, late)
				diff := cmp.Diff(undisturbed, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(ord.Ledger{}, "Version"))
				assert.Empty(t, diff, "%s failed, late: %t (-undisturbed +interrupted)", calls[at], late)
				tried++
			}
			t.Logf("%d calls, %d faults tried", len(calls), tried)
		})
	}
}

// run does a deed until it works, with one call failing, and says what is kept then.
func (d deed) run(t *testing.T, at int, late bool) (kept records, calls []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		wire := &tripwire{}
		o := &scene{}
		o.office = newOffice(t, settings.Settings{
			AllowLocalCancel: true, AllowZeroOutInventory: true,
			Policy: settings.Policy{Limits: []settings.Limit{{Actor: "eve", Currency: "USD"}}}, // who may refund nothing alone
		}, 4, func(c *takeback.Config) {
			c.Store = drill.Gated(c.Store, wire)
			o.gated = c.Store
		})
		o.book.makeKit("SO-2")
		if d.before != nil {
			d.before(t, o)
		}
		*wire = tripwire{at: at, late: late}
		err := d.do(t, o)
		calls = wire.calls
		wire.at = 0
		if err != nil {
			require.ErrorIs(t, err, drill.ErrLost)
			require.NoError(t, d.do(t, o), "again")
		}
		kept = o.records(t)
	})
	return kept, calls
}

var theSeller = amazon.Account{ID: "acme-us", Company: "acme", Merchant: "A1EXAMPLE", Region: amazon.NorthAmerica, Marketplaces: []ord.MarketplaceID{"ATVPDKIKX0DER"}}

// importReturns imports a mug, and all of a kit.
func importReturns(t *testing.T, o *scene) error {
	rows := []string{"Order ID\tReturn request date\tReturn request status\tAmazon RMA ID\tMerchant SKU\tReturn quantity\tReturn Reason\tResolution\tReturn carrier\tTracking ID"}
	for _, n := range []int{0, kit} {
		rows = append(rows, fmt.Sprintf("%s\t01-Jan-2000\tApproved\tD%dRRMA\tMUG\t1\tCR-DEFECTIVE\tStandardRefund\tUSPS\t940%d", amazonID(n).Number, n, n))
	}
	meta := amazon.ReportMeta{Name: "returns.txt", AsOf: time.Now()}
	_, err := o.desk.Returns.Import(t.Context(), theSeller, rma.AmazonFormat, meta, strings.NewReader(strings.Join(rows, "\n")+"\n"))
	return err
}

func imported(t *testing.T, o *scene) { require.NoError(t, importReturns(t, o)) }

func importSettlement(t *testing.T, o *scene) error {
	_, err := o.desk.Settlements.Import(t.Context(), theSeller, settlement.AmazonFormat, amazon.ReportMeta{Name: "900.txt"}, strings.NewReader(o.file))
	return err
}

func importWish(t *testing.T, o *scene) error {
	meta := amazon.ReportMeta{Name: "unshipped.txt", AsOf: time.Now()}
	_, err := o.desk.Cancels.ImportOrders(t.Context(), theSeller, cancel.AmazonFormat, meta, bytes.NewReader(wished()))
	return err
}

func wishes(t *testing.T, o *scene) { require.NoError(t, importWish(t, o)) }

func accept(t *testing.T, o *scene) error {
	_, err := o.desk.Cancels.Accept(t.Context(), cancel.AcceptRequest{Order: amazonID(1), By: "anna"})
	return err
}

// cancelled asks for a cancellation.
func cancelled(r cancel.Request) func(*testing.T, *scene) error {
	r.Reason, r.By = amazon.ReasonNoInventory, "ben"
	return func(t *testing.T, o *scene) error {
		_, err := o.desk.Cancels.Issue(t.Context(), r)
		return err
	}
}

// applied tells a handler what the queue tells.
func applied(k queue.Kind) func(*testing.T, *scene) error {
	return func(t *testing.T, o *scene) error {
		handlers := map[queue.Kind]queue.Handler{queue.KindRefund: o.desk.Refunds, queue.KindCancellation: o.desk.Cancels}
		err := handlers[k].Apply(t.Context(), o.told)
		if errors.Is(err, store.ErrConflict) && o.entry(t, o.told[0].ID).State == o.told[0].State {
			err = nil // the answer was lost: the queue reads its entries again, and sees that it was told
		}
		return err
	}
}

// refundedUnheard brings about an RMA whose goods and money are where they belong,
// which nobody has told it.
func refundedUnheard(t *testing.T, o *scene) {
	imported(t, o)
	id := o.rmaOf(t, 0).ID
	q, err := o.desk.Returns.Refund(t.Context(), id, "anna")
	require.NoError(t, err)
	q.Key = "one"
	issued, err := o.desk.Refunds.Issue(t.Context(), q)
	require.NoError(t, err)
	_, err = o.desk.Returns.Receive(t.Context(), rma.Goods{RMA: id, Key: "parcel", Counts: []rma.Count{{SKU: "MUG", Good: 1}}, By: "carl"})
	require.NoError(t, err)
	alone, err := refund.New(refund.Config{Store: o.store, Book: o.book, Accounts: amazon.AccountList{theSeller}, Settings: settings.Fixed{}})
	require.NoError(t, err)
	require.NoError(t, alone.Apply(t.Context(), []queue.Entry{o.answered(t, issued.ID, queue.EntryAccepted)}))
	time.Sleep(24 * time.Hour)
}

func (o *scene) cancelOne(t *testing.T) queue.EntryID {
	t.Helper()
	c, err := o.desk.Cancels.Issue(t.Context(), cancel.Request{Order: amazonID(1), Reason: amazon.ReasonNoInventory, By: "ben"})
	require.NoError(t, err)
	return c.ID
}

func (o *scene) cancellations(t *testing.T) []cancel.Cancellation {
	t.Helper()
	cs, err := o.store.Cancellations(t.Context(), cancel.Query{})
	require.NoError(t, err)
	return cs
}

// rmaOf is the RMA of an order.
func (o *scene) rmaOf(t *testing.T, n int) rma.RMA {
	t.Helper()
	rs, err := o.store.RMAs(t.Context(), rma.Query{Orders: []ord.AmazonID{amazonID(n)}})
	require.NoError(t, err)
	require.Len(t, rs, 1)
	return rs[0]
}

// answered is an entry as the queue tells of Amazon's answer.
func (o *scene) answered(t *testing.T, id queue.EntryID, s queue.State) queue.Entry {
	t.Helper()
	e := o.entry(t, id)
	part := map[queue.Kind]string{queue.KindRefund: item(0)}[e.Kind]
	verdict := map[queue.State]amazon.Verdict{queue.EntryAccepted: amazon.VerdictAccepted, queue.EntryRefused: amazon.VerdictRefused}[s]
	e.State, e.Changed = s, ord.Stamp{By: "Amazon", At: time.Now().UTC()}
	e.Attempts = append(e.Attempts, queue.Attempt{
		Batch: "acme-us-1", At: e.Changed.At,
		Messages: []queue.Part{{Message: 1, Part: part}}, Results: []queue.Result{{Part: part, Verdict: verdict}},
	})
	return e
}

// records are everything that is kept.
type records struct {
	Refunds       []refund.Refund
	Cancellations []cancel.Cancellation
	Gates         []cancel.Gate
	Wishes        []cancel.BuyerRequest
	RMAs          []rma.RMA
	Returns       []rma.Return
	Settlements   []settlement.Settlement
	Bookings      []settlement.Booking
	Entries       []queue.Entry
	Ledgers       []ord.Ledger
	Events        [][]ord.Event
	Effects       []ord.Effect
	Orders        []ord.Order
	Payments      map[string]ord.PaymentStatus
}

func (o *scene) records(t *testing.T) records {
	t.Helper()
	ctx := t.Context()
	var r records
	read := func(err error) { require.NoError(t, err) }
	var err error
	r.Refunds, err = o.store.Refunds(ctx, refund.Query{})
	read(err)
	r.Cancellations, err = o.store.Cancellations(ctx, cancel.Query{})
	read(err)
	r.Wishes, err = o.store.BuyerRequests(ctx, cancel.RequestQuery{})
	read(err)
	r.RMAs, err = o.store.RMAs(ctx, rma.Query{})
	read(err)
	r.Returns, err = o.store.Returns(ctx, rma.ReturnQuery{})
	read(err)
	r.Settlements, err = o.store.Settlements(ctx, settlement.Query{})
	read(err)
	r.Bookings, err = o.store.Bookings(ctx, settlement.BookingQuery{})
	read(err)
	r.Entries, err = o.store.Entries(ctx, queue.EntryQuery{})
	read(err)
	r.Effects, err = o.store.Effects(ctx, time.Now().Add(24*time.Hour), 1000)
	read(err)
	var ids []ord.AmazonID
	var hosts []ord.ID
	for n := range 4 {
		ids = append(ids, amazonID(n))
		hosts = append(hosts, ord.ID{Company: "acme", Number: fmt.Sprint("SO-", n)})
		events, err := o.store.Events(ctx, amazonID(n))
		read(err)
		r.Events = append(r.Events, events)
		r.Orders = append(r.Orders, o.book.order(hosts[n].Number))
	}
	r.Ledgers, err = o.store.Ledgers(ctx, ids)
	read(err)
	r.Gates, err = o.store.Gates(ctx, hosts)
	read(err)
	r.Payments = o.book.payment
	return r
}

// take takes an order out of the book.
func (b *ledgerBook) take(number string) ord.Order {
	o := b.order(number)
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.orders, o.ID)
	return o
}

func (b *ledgerBook) put(o ord.Order) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.orders[o.ID] = o
}

// makeKit makes an order one of kits.
func (b *ledgerBook) makeKit(number string) {
	o := b.order(number)
	o.Lines[0].Kit = []ord.Part{{SKU: "TOP", Quantity: 1}, {SKU: "LEG", Quantity: 4}}
	b.put(o)
}

// addTray adds a line to an order.
func (b *ledgerBook) addTray(number string) {
	o := b.order(number)
	o.Lines = append(o.Lines, ord.Line{Item: "114000000000009", SKU: "TRAY", Ordered: 1, Charges: ord.Amounts{ord.Principal: decimal.NewFromInt(10)}})
	b.put(o)
}
