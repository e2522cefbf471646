package takeback_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/amazon/spapi"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
	"github.com/takebackhq/takeback/reportparse"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store/memory"
	"github.com/takebackhq/takeback/store/sqlite"
)

// open is all the wiring that a host needs: its database, its orders, and the
// secrets of its seller accounts.
func open(ctx context.Context, db *sql.DB, orders order.Book, vault func(context.Context, amazon.Account) (spapi.Credentials, error)) (*takeback.Desk, error) {
	if err := sqlite.Migrate(ctx, db); err != nil {
		return nil, err
	}
	st, err := sqlite.New(ctx, db)
	if err != nil {
		return nil, err
	}
	client, err := spapi.New(spapi.Config{AppName: "AcmeOMS", AppVersion: "3.1", Credentials: vault, Buckets: st})
	if err != nil {
		return nil, err
	}
	return takeback.New(takeback.Config{
		Store:    st,
		Book:     orders,
		Amazon:   client,
		Accounts: amazon.AccountList{{ID: "acme-us", Company: "acme", Merchant: "A1EXAMPLE", Region: amazon.NorthAmerica, Marketplaces: []order.MarketplaceID{"ATVPDKIKX0DER"}}},
		Settings: settings.Fixed{Queue: true}, // requests wait for a person

		Installation: "acme production", // a copy of the database under another name sends nothing
	})
}

// giveBack refunds an order in a transaction of the host's own: the draft reads
// and decides before it, and its Save only writes.
func giveBack(ctx context.Context, desk *takeback.Desk, db *sql.DB, st *sqlite.Store, r refund.Request) error {
	draft, err := desk.Refunds.Draft(ctx, r)
	if err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, `UPDATE tickets SET state = 'refunding' WHERE id = ?`, r.Key); err != nil {
		return err
	}
	if err := draft.Save(ctx, st.WithTx(tx)); err != nil {
		return err // store.ErrConflict: roll back and draft again
	}
	return tx.Commit()
}

// takeIn imports a returns report.
func takeIn(ctx context.Context, desk *takeback.Desk, account amazon.Account, file io.Reader, made time.Time) error {
	imported, err := desk.Returns.Import(ctx, account, rma.AmazonFormat, amazon.ReportMeta{Name: "returns.txt", AsOf: made}, file)
	if err != nil {
		return err
	}
	log.Printf("%d created, %d updated, %d not ours, %d bad rows", imported.Created, imported.Updated, imported.Unmatched, imported.Bad)
	return nil
}

// receive counts what came of an RMA's goods, and drafts the refund that is due.
func receive(ctx context.Context, desk *takeback.Desk, id rma.ID) (refund.Draft, error) {
	goods := rma.Goods{RMA: id, Key: "parcel 4711", Counts: []rma.Count{{SKU: "MUG-BLUE", Good: 1, Damaged: 1}}, Restock: true, By: "carl"}
	if _, err := desk.Returns.Receive(ctx, goods); err != nil {
		return refund.Draft{}, err // order.ErrOver: more than was authorised
	}
	request, err := desk.Returns.Refund(ctx, id, "anna")
	if err != nil {
		return refund.Draft{}, err // rma.ErrNothing: nothing may be refunded yet
	}
	return desk.Refunds.Draft(ctx, request)
}

// stop cancels an order, and asks the gate as the warehouse does.
func stop(ctx context.Context, desk *takeback.Desk, st takeback.Store, id order.AmazonID) error {
	if _, err := desk.Cancels.Issue(ctx, cancel.Request{Order: id, Reason: amazon.ReasonNoInventory, By: "ben"}); err != nil {
		return err // cancel.ErrHandedOver: too late, refund it
	}
	gate, err := desk.Cancels.MayShip(ctx, id)
	if err != nil {
		return err
	}
	if !gate.May {
		log.Println("keep it here:", gate.Why)
		return nil
	}
	return gate.HandOver(ctx, st, order.Stamp{By: "dock 3", At: time.Now()}) // store.ErrConflict: ask again
}

// shortage cancels one unit of an order that several were ordered of.
func shortage(ctx context.Context, desk *takeback.Desk, id order.AmazonID, host order.ID) error {
	_, err := desk.Cancels.Issue(ctx, cancel.Request{
		Order: id, HostOrder: host, Split: []order.LineQuantity{{Item: "114000000000011", Quantity: 1}}, SplitTo: host.Number + "-B",
		Reason: amazon.ReasonNoInventory, ZeroOut: true, By: "ben",
	})
	return err
}

// answer decides about what buyers wish to have cancelled.
func answer(ctx context.Context, desk *takeback.Desk, packed func(order.ID) bool) error {
	wishes, err := desk.Cancels.BuyerRequests(ctx, cancel.RequestQuery{Company: "acme", States: []cancel.RequestState{cancel.Undecided}})
	if err != nil {
		return err
	}
	for _, w := range wishes {
		log.Printf("%s, item %s: %q, to be answered until %s", w.HostOrder.Number, w.Item, w.Reason, w.Deadline)
		if packed(w.HostOrder) {
			_, err = desk.Cancels.Decline(ctx, w.Order, "ben", "it is on the truck", w.Item)
		} else {
			_, err = desk.Cancels.Accept(ctx, cancel.AcceptRequest{Order: w.Order, Items: []string{w.Item}, By: "ben"})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// review sends everything that waits and was not chosen before.
func review(ctx context.Context, desk *takeback.Desk) error {
	waiting, err := desk.Queue.Entries(ctx, queue.EntryQuery{Company: "acme", States: []queue.State{queue.EntryQueued}})
	if err != nil {
		return err
	}
	var send []queue.EntryID
	for _, e := range waiting {
		if e.Selection == nil { // not chosen before
			send = append(send, e.ID)
		}
	}
	documents, err := desk.Queue.Process(ctx, "olga", send...)
	if err != nil {
		return err
	}
	for _, d := range documents {
		log.Printf("Batch ID %s: %d requests", d.Batch, len(d.Entries))
	}
	return nil
}

// settle shows what is known about a document whose answer is lost, and decides;
// ours is the feed that a person has found to be it, if there is any.
func settle(ctx context.Context, desk *takeback.Desk, batch queue.BatchID, ours amazon.FeedID) error {
	shown, err := desk.Queue.Case(ctx, batch)
	if err != nil {
		return err
	}
	for _, e := range shown.Evidence {
		log.Printf("%s, %s: %s", e.At, e.Kind, e.Text)
	}
	if len(shown.Choices) == 0 {
		return nil // settled meanwhile
	}
	decision := queue.Decision{Batch: batch, Version: shown.Version, By: "olga", Why: "compared with Seller Central"}
	if len(shown.Candidates) > 0 {
		decision.Choice, decision.Feed = queue.ChoiceSent, ours
	} else {
		decision.Choice = queue.ChoiceAnew // or ChoiceGiveUp, or ChoiceSettled: done by hand
	}
	err = desk.Queue.Decide(ctx, decision)
	var early *queue.TooEarlyError
	if errors.As(err, &early) {
		log.Printf("%s: ask again at %s", batch, early.Until)
		return nil
	}
	return err // store.ErrConflict: it has changed since it was shown
}

// watch shows how the queue stands, and what somebody has to look at.
func watch(ctx context.Context, desk *takeback.Desk) error {
	stats, err := desk.Queue.Stats(ctx, "acme")
	if err != nil {
		return err
	}
	for _, s := range stats {
		log.Printf("%s: %d not confirmed, %d need a decision, next look %s", s.Account, s.Unknown, s.Decide, s.Next)
		for _, l := range s.Lanes {
			log.Printf("  %s, %s: %d, the oldest since %s", l.Kind, l.Label, l.Entries, l.Oldest)
		}
	}
	alerts, err := desk.Queue.Alerts(ctx, order.AlertQuery{}, "acme")
	if err != nil {
		return err
	}
	for _, a := range alerts {
		log.Printf("%s, for the %s: %s: %s", a.Key, a.For, a.Subject, a.Text)
	}
	return nil
}

// closeBooks imports a settlement and prints what is not settled to the cent.
func closeBooks(ctx context.Context, desk *takeback.Desk, account amazon.Account, file io.Reader) error {
	imported, err := desk.Settlements.Import(ctx, account, settlement.AmazonFormat, amazon.ReportMeta{Name: "settlement.txt"}, file)
	if err != nil {
		return err // settlement.ErrUnbalanced: imported, and the books do not add up
	}
	log.Printf("%d settled, %d by Amazon itself, skipped: %v", imported.Bookings[settlement.MatchSettled], imported.Bookings[settlement.MatchAmazonInitiated], imported.Skipped)
	ends, err := desk.Settlements.OpenEnds(ctx, settlement.EndsQuery{Company: account.Company})
	if err != nil {
		return err
	}
	log.Print(ends)
	return ends.Check()
}

// commission is what Amazon kept of its commission on the refunds of a
// settlement, by order.
func commission(file io.Reader) (map[string]decimal.Decimal, error) {
	settlement, err := reportparse.Settlement(file, reportparse.Options{Name: "settlement.txt"})
	if err != nil {
		return nil, err // no settlement; the error says what it is instead
	}
	kept := map[string]decimal.Decimal{} // by order
	for row, err := range settlement.All() {
		if err != nil {
			return nil, err // a *reportparse.RowError is about this row alone, and could be passed over
		}
		for amount := range row.Amounts() {
			if amount.Description == "RefundCommission" {
				kept[row.OrderID] = kept[row.OrderID].Add(amount.Amount.Decimal())
			}
		}
	}
	for _, total := range settlement.Settlements() {
		if !total.Difference.Valid || !total.Difference.Decimal.IsZero() {
			return nil, fmt.Errorf("settlement %s: the rows do not add up to its total", total.ID)
		}
	}
	return kept, nil
}

// A refund from the draft to Amazon's answer, on a store in memory and a fake
// Amazon, with a clock that the program moves.
func Example() {
	ctx := context.Background()
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	paid := order.Amounts{order.Principal: decimal.RequireFromString("40.00"), order.Tax: decimal.RequireFromString("3.30")}

	fake, err := amazontest.New(amazontest.Config{Now: clock})
	if err != nil {
		log.Fatal(err)
	}
	_ = fake.AddSeller(amazontest.Seller{Merchant: "A1EXAMPLE", ClientID: "client", ClientSecret: "secret", RefreshToken: "refresh"})
	_ = fake.Seed(amazontest.Order{
		Seller: "A1EXAMPLE", Number: "111-1234567-1234567", Marketplace: "ATVPDKIKX0DER", Currency: "USD",
		Items: []amazontest.Item{{ID: "114000000000011", SKU: "MUG-BLUE", Quantity: 2, Shipped: 2, Charges: paid}},
	})
	client, err := spapi.New(spapi.Config{
		Credentials: func(context.Context, amazon.Account) (spapi.Credentials, error) {
			return spapi.Credentials{ClientID: "client", ClientSecret: "secret", RefreshToken: "refresh"}, nil
		},
		HTTPClient: fake.Client(), Now: clock,
	})
	if err != nil {
		log.Fatal(err)
	}
	id := order.AmazonID{Account: "acme-us", Number: "111-1234567-1234567"}
	desk, err := takeback.New(takeback.Config{
		Store: memory.New(),
		Book: shelf{{
			ID: order.ID{Company: "acme", Number: "SO-1001"}, Amazon: id, Currency: "USD", Fulfilment: order.ByMerchant, Status: order.StatusCompleted,
			Lines: []order.Line{{Item: "114000000000011", SKU: "MUG-BLUE", Ordered: 2, Shipped: 2, Charges: paid}},
		}},
		Amazon:   client,
		Accounts: amazon.AccountList{{ID: "acme-us", Company: "acme", Merchant: "A1EXAMPLE", Region: amazon.NorthAmerica, Marketplaces: []order.MarketplaceID{"ATVPDKIKX0DER"}}},
		Settings: settings.Fixed{Queue: true},
		Now:      clock,

		Installation: "acme production",
	})
	if err != nil {
		log.Fatal(err)
	}

	// A person asks, sees the draft, and confirms it with its token.
	request := refund.Request{
		Order: id, Lines: []refund.Ask{{Item: "114000000000011", Units: 1}},
		Reason: amazon.ReasonCustomerReturn, By: "anna",
	}
	draft, err := desk.Refunds.Draft(ctx, request)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("Total Refunded:", draft.Refund.Total(), "of which", draft.Total.In("USD"))
	request.Token = draft.Token
	issued, err := desk.Refunds.Issue(ctx, request)
	if err != nil {
		log.Fatal(err)
	}

	// An operator sends what waits, and the host steps until Amazon has answered.
	if _, err := desk.Queue.Process(ctx, "olga", issued.ID); err != nil {
		log.Fatal(err)
	}
	for {
		next, err := desk.Step(ctx)
		if err != nil {
			log.Fatal(err)
		}
		entry, err := desk.Queue.Entry(ctx, issued.ID)
		if err != nil {
			log.Fatal(err)
		}
		if entry.State.Final() {
			fmt.Println(entry.State.Label())
			break
		}
		now = next
	}
	fmt.Println("Amazon paid:", fake.Paid()["USD"])

	entries, _ := desk.Queue.Entries(ctx, queue.EntryQuery{Company: "acme", States: []queue.State{queue.EntryQueued}})
	fmt.Println("Waiting:", len(entries))
	// Output:
	// Total Refunded: 21.65 USD of which Principal 20.00, Tax 1.65 USD
	// Accepted by Amazon
	// Amazon paid: 21.65
	// Waiting: 0
}

func Example_settlement() {
	file := strings.NewReader("settlement-id\ttotal-amount\tcurrency\ttransaction-type\torder-id\tamount-type\tamount-description\tamount\n" +
		"1001\t-52,30\tEUR\t\t\t\t\t\n" +
		"1001\t\t\tRefund\t302-0000001-0000001\tItemPrice\tPrincipal\t-60,00\n" +
		"1001\t\t\tRefund\t302-0000001-0000001\tItemFees\tCommission\t9,63\n" +
		"1001\t\t\tRefund\t302-0000001-0000001\tItemFees\tRefundCommission\t-1,93\n")
	kept, err := commission(file)
	fmt.Println(kept, err)
	// Output:
	// map[302-0000001-0000001:-1.93] <nil>
}

// shelf is an order book that never changes.
type shelf []order.Order

func (s shelf) Orders(_ context.Context, ids []order.AmazonID) (found []order.Order, err error) {
	for _, o := range s {
		for _, id := range ids {
			if o.Amazon == id {
				found = append(found, o)
			}
		}
	}
	return found, nil
}

func (shelf) ApplyOrder(context.Context, order.Effect) error { return nil }

var (
	_ = open
	_ = giveBack
	_ = takeIn
	_ = receive
	_ = stop
	_ = shortage
	_ = answer
	_ = closeBooks
	_ = review
	_ = settle
	_ = watch
)
