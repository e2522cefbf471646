package cancel_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
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
