package cancel_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
	"github.com/takebackhq/takeback/store/memory"
)

// The warehouse asks the gate before a parcel leaves: from the moment a
// cancellation is queued it says no, and a parcel that it let through just
// before cannot be handed over any more.
func Example() {
	ctx := context.Background()
	st := memory.New()
	cancels, err := cancel.New(cancel.Config{
		Store:    st,
		Book:     &shelf{orders: []order.Order{paid(so1, first)}},
		Accounts: amazon.AccountList{account},
		Settings: settings.Fixed{Queue: true},
		Now:      func() time.Time { return morning },
	})
	if err != nil {
		log.Fatal(err)
	}

	before, err := cancels.MayShip(ctx, first)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("may ship:", before.May)

	request := cancel.Request{Order: first, Reason: amazon.ReasonNoInventory, By: "anna"}
	draft, err := cancels.Draft(ctx, request)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the buyer will not be charged", draft.Amount, "and is told", draft.AmazonReason)
	if err := draft.Save(ctx, st); err != nil {
		log.Fatal(err)
	}

	after, err := cancels.MayShip(ctx, first)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("may ship:", after.May, after.Why)
	err = before.HandOver(ctx, st, order.Stamp{By: "dock", At: morning})
	fmt.Println("ask again:", errors.Is(err, store.ErrConflict))
	// Output:
	// may ship: true
	// the buyer will not be charged 53.30 USD and is told NoInventory
	// may ship: false [cancellation CN6YK5CMHNDDB2R4DN is Open]
	// ask again: true
}

// counter is a host with one order of two mugs and a tray.
func counter(set settings.Fixed) (*cancel.Service, *shelf, *memory.Store) {
	st, book := memory.New(), &shelf{orders: []order.Order{paid(so1, first)}}
	cancels, err := cancel.New(cancel.Config{
		Store: st, Book: book, Accounts: amazon.AccountList{account}, Settings: set,
		Now: func() time.Time { return morning },
	})
	if err != nil {
		log.Fatal(err)
	}
	return cancels, book, st
}

// deliver hands the host's order book what changed.
func deliver(st *memory.Store, book *shelf) {
	for range 2 { // a new host order is there for the second
		if _, err := order.Deliver(context.Background(), st, book, morning.Add(time.Hour), 100); err != nil {
			log.Fatal(err)
		}
	}
}

// One of two mugs is out of stock: it is split off and cancelled, and the rest may
// leave.
func ExampleService_Issue_part() {
	ctx := context.Background()
	cancels, book, st := counter(settings.Fixed{Queue: true})
	c, err := cancels.Issue(ctx, cancel.Request{
		Order: first, Split: []order.LineQuantity{{Item: mug, Quantity: 1}}, SplitTo: "SO-1-B",
		Reason: amazon.ReasonNoInventory, By: "anna",
	})
	if err != nil {
		log.Fatal(err)
	}
	deliver(st, book)
	gate, err := cancels.MayShip(ctx, first)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("cancelled:", c.HostOrder)
	fmt.Println("SO-1 may ship:", gate.Of(so1).May)
	fmt.Println("SO-1-B may ship:", gate.Of(c.HostOrder).May)
	fmt.Println(gate.HandOver(ctx, st, order.Stamp{By: "dock", At: morning}, so1))
	// Output:
	// cancelled: acme/SO-1-B
	// SO-1 may ship: true
	// SO-1-B may ship: false
	// <nil>
}

// Two host orders share an Amazon order, and nothing has shipped: both are cancelled.
func ExampleService_Issue_whole() {
	ctx := context.Background()
	cancels, book, st := counter(settings.Fixed{Queue: true})
	rest, part, err := order.Split(book.orders[0], "SO-1-B", []order.LineQuantity{{Item: mug, Quantity: 1}})
	if err != nil {
		log.Fatal(err)
	}
	book.orders = []order.Order{rest, part}
	_, err = cancels.Issue(ctx, cancel.Request{Order: first, Whole: true, Reason: amazon.ReasonPriceError, By: "anna"})
	if err != nil {
		log.Fatal(err)
	}
	deliver(st, book)
	for _, o := range book.orders {
		fmt.Println(o.ID, o.Status)
	}
	// Output:
	// acme/SO-1 OnHold
	// acme/SO-1-B OnHold
}

// Do Not Send To Amazon, and the shelf is set to nothing: both want their setting.
func ExampleService_Issue_local() {
	ctx := context.Background()
	request := cancel.Request{Order: first, Reason: amazon.ReasonNoInventory, Local: true, ZeroOut: true, By: "anna"}
	without, _, _ := counter(settings.Fixed{Queue: true})
	_, err := without.Issue(ctx, request)
	fmt.Println("not allowed:", errors.Is(err, cancel.ErrNotAllowed))

	cancels, book, st := counter(settings.Fixed{Queue: true, AllowLocalCancel: true, AllowZeroOutInventory: true})
	c, err := cancels.Issue(ctx, request)
	if err != nil {
		log.Fatal(err)
	}
	deliver(st, book)
	fmt.Println(book.orders[0].ID, book.orders[0].Status, c.ZeroOut)
	// Output:
	// not allowed: true
	// acme/SO-1 Cancelled true
}

// A cancellation in the buyer's name without a wish of the buyer wants a person to say
// that it is right.
func ExampleDraft_Save_caution() {
	ctx := context.Background()
	cancels, _, st := counter(settings.Fixed{Queue: true})
	request := cancel.Request{Order: first, Reason: amazon.ReasonBuyerCancelled, By: "anna"}
	draft, err := cancels.Draft(ctx, request)
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range draft.Cautions {
		fmt.Println(c.Code, "–", c.Text)
	}
	fmt.Println(errors.Is(draft.Save(ctx, st), cancel.ErrUnacknowledged))
	request.Acknowledge = []cancel.CautionCode{cancel.CautionNoBuyerRequest}
	if _, err := cancels.Issue(ctx, request); err != nil {
		log.Fatal(err)
	}
	// Output:
	// NoBuyerRequest – no wish of the buyer to cancel is on file for these items
	// true
}

// Somebody saw in Seller Central that the order is cancelled.
func ExampleService_MarkCancelled() {
	ctx := context.Background()
	cancels, book, st := counter(settings.Fixed{Queue: true})
	if err := cancels.MarkCancelled(ctx, first, "anna", "Seen in Seller Central."); err != nil {
		log.Fatal(err)
	}
	deliver(st, book)
	fmt.Println(book.orders[0].ID, book.orders[0].Status)
	// Output:
	// acme/SO-1 Cancelled
}

// A cron job looks after what was cancelled: it reads the orders at Amazon whose time
// has come, as far as Config.Orders is set, and says when to come back.
func ExampleService_Step() {
	cancels, _, _ := counter(settings.Fixed{Queue: true})
	next, err := cancels.Step(context.Background())
	fmt.Println(next.Sub(morning), err)
	// Output:
	// 15m0s <nil>
}

// Amazon refused a cancellation, and somebody has found out that the buyer wants the
// parcel after all.
func ExampleService_Open() {
	ctx := context.Background()
	cancels, _, st := counter(settings.Fixed{Queue: true})
	c, err := cancels.Issue(ctx, cancel.Request{Order: first, Reason: amazon.ReasonNoInventory, By: "anna"})
	if err != nil {
		log.Fatal(err)
	}
	entries, err := st.Entries(ctx, queue.EntryQuery{IDs: []queue.EntryID{c.ID}})
	if err != nil {
		log.Fatal(err)
	}
	refused := entries[0] // what the queue does when Amazon answers
	refused.State, refused.Changed = queue.EntryRefused, order.Stamp{By: "Amazon", At: morning}
	refused.Attempts = []queue.Attempt{{Results: []queue.Result{refusal}}}
	if err := cancels.Apply(ctx, []queue.Entry{refused}); err != nil {
		log.Fatal(err)
	}

	for range 2 {
		gate, err := cancels.MayShip(ctx, first)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("may ship:", gate.May)
		if !gate.May {
			if err := cancels.Open(ctx, first, "carla", "The buyer wants it after all."); err != nil {
				log.Fatal(err)
			}
		}
	}
	// Output:
	// may ship: false
	// may ship: true
}

// The buyer of the tray has changed their mind, says an order report: the order is on
// hold until somebody accepts. Then the tray is cancelled, and the mugs may leave.
func ExampleService_Accept() {
	ctx := context.Background()
	cancels, book, st := counter(settings.Fixed{Queue: true})
	report := "order-id\torder-item-id\tquantity-to-ship\tis-buyer-requested-cancellation\tbuyer-requested-cancel-reason\n" +
		first.Number + "\t" + tray + "\t1\ttrue\tChanged mind\n"
	in, err := cancels.ImportOrders(ctx, account, cancel.AmazonFormat, amazon.ReportMeta{Name: "orders.txt"}, strings.NewReader(report))
	if err != nil {
		log.Fatal(err)
	}
	deliver(st, book)
	fmt.Println("wishes:", in.New, "SO-1 is", book.orders[0].Status)

	wishes, err := cancels.BuyerRequests(ctx, cancel.RequestQuery{States: []cancel.RequestState{cancel.Undecided}})
	if err != nil {
		log.Fatal(err)
	}
	for _, w := range wishes {
		fmt.Println(w.Item, "until", w.Deadline.Format(time.DateTime), "since the", w.Evidence().Source)
		if _, err := cancels.Accept(ctx, cancel.AcceptRequest{Order: w.Order, SplitTo: "SO-1-B", By: "anna"}); err != nil {
			log.Fatal(err)
		}
	}
	deliver(st, book)
	gate, err := cancels.MayShip(ctx, first)
	if err != nil {
		log.Fatal(err)
	}
	for _, o := range book.orders {
		fmt.Println(o.ID, o.Status, "may ship:", gate.Of(o.ID).May)
	}
	// Output:
	// wishes: 1 SO-1 is OnHold
	// 114000000000002 until 2026-03-04 09:00:00 since the order report
	// acme/SO-1 InProcess may ship: true
	// acme/SO-1-B OnHold may ship: false
}

// Amazon notifies of a wish to cancel. The parcel is packed, so it is declined; the
// same notification, delivered again, holds nothing.
func ExampleService_Decline() {
	ctx := context.Background()
	cancels, book, st := counter(settings.Fixed{Queue: true})
	for range 2 {
		wishes, err := cancels.ImportNotification(ctx, account, []byte(notice(morning, mug)))
		if err != nil {
			log.Fatal(err)
		}
		deliver(st, book)
		fmt.Println(wishes[0].State, book.orders[0].Status)
		if wishes[0].State == cancel.Undecided {
			if _, err := cancels.Decline(ctx, first, "anna", "It is packed."); err != nil {
				log.Fatal(err)
			}
		}
	}
	// Output:
	// Undecided OnHold
	// Declined InProcess
}

// Somebody wants to know at once what the buyer wishes: the order is read at Amazon.
func ExampleService_ReadOrder() {
	st := memory.New()
	cancels, err := cancel.New(cancel.Config{
		Store: st, Book: &shelf{orders: []order.Order{paid(so1, first)}}, Accounts: amazon.AccountList{account}, Settings: settings.Fixed{Queue: true},
		Orders: &atAmazon{state: amazon.OrderState{Number: first.Number, Status: amazon.OrderUnshipped, UpdatedAt: morning, Items: []amazon.ItemState{
			{ID: mug, Ordered: 2, Unfulfilled: 2, RequestedBy: amazon.ActorBuyer, RequestedReason: "Ordered by mistake"},
		}}},
		Now: func() time.Time { return morning },
	})
	if err != nil {
		log.Fatal(err)
	}
	wishes, err := cancels.ReadOrder(context.Background(), first)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(wishes[0].Item, wishes[0].State, "–", wishes[0].Reason)
	// Output:
	// 11400000000001 Undecided – Ordered by mistake
}
