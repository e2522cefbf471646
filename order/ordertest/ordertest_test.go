package ordertest_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/order/ordertest"
)

// book is a small host. Its fault, if it has one, is a rule that it forgets.
type book struct {
	mu     sync.Mutex
	fault  string
	orders []order.Order
	passed map[order.ID]int64
	stock  map[string]int
}

func newBook(fault string, seed []order.Order) *book {
	return &book{fault: fault, orders: seed, passed: map[order.ID]int64{}, stock: map[string]int{"SKU-1": 10, "SKU-2": 10}}
}

func (b *book) Orders(_ context.Context, ids []order.AmazonID) ([]order.Order, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []order.Order
	for _, o := range b.orders {
		if slices.Contains(ids, o.Amazon) {
			o.Holds = slices.Clone(o.Holds)
			out = append(out, o)
		}
	}
	switch {
	case b.fault == "unknown order is an error" && len(out) == 0:
		return nil, errors.New("not found")
	case b.fault == "one order after a split" && len(out) > 1:
		return out[:1], nil
	case b.fault == "invalid order" && len(out) > 0:
		out[0].Currency = "usd"
	}
	return out, nil
}

func (b *book) Stock(_ *testing.T, sku string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stock[sku]
}

func (b *book) ApplyOrder(_ context.Context, e order.Effect) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.Seq <= b.passed[e.Order] && b.fault != "sequence forgotten" {
		return nil
	}
	for i := range b.orders {
		o := &b.orders[i]
		switch b.fault {
		case "company forgotten":
			if o.ID.Number != e.Order.Number {
				continue
			}
		case "all of the Amazon order":
			if o.Amazon != e.Amazon {
				continue
			}
		default:
			if o.ID != e.Order {
				continue
			}
		}
		if err := b.apply(o, e); err != nil {
			if b.fault == "stale effect passes" {
				b.passed[e.Order] = e.Seq + 100
			}
			return err
		}
	}
	b.passed[e.Order] = e.Seq
	return nil
}

func (b *book) apply(o *order.Order, e order.Effect) error {
	of := func(owner order.HoldOwner) func(order.Hold) bool {
		return func(h order.Hold) bool { return h.Owner == owner || b.fault == "release of every hold" }
	}
	switch e.Kind {
	case order.EffectStatus:
		if len(e.Status.Expect) > 0 && !slices.Contains(e.Status.Expect, o.Status) && b.fault != "expected status forgotten" {
			return order.ErrStale
		}
		if b.fault != "status not kept" {
			o.Status = e.Status.To
		}
	case order.EffectHold:
		if b.fault != "a hold for each time" {
			o.Holds = slices.DeleteFunc(o.Holds, of(e.Hold.Owner))
		}
		o.Holds = append(o.Holds, *e.Hold)
	case order.EffectRelease:
		if i := slices.IndexFunc(o.Holds, of(e.Release.Owner)); i >= 0 && b.fault == "a hold for each time" {
			o.Holds = slices.Delete(o.Holds, i, i+1)
		}
		if b.fault != "a hold for each time" {
			o.Holds = slices.DeleteFunc(o.Holds, of(e.Release.Owner))
		}
	case order.EffectSplit:
		rest, part, err := order.Split(*o, e.Split.To, e.Split.Lines)
		taken := slices.ContainsFunc(b.orders, func(other order.Order) bool { return other.ID == part.ID })
		if err != nil || taken && b.fault != "a part takes the place of another order" {
			return order.ErrStale
		}
		if taken {
			b.orders = slices.DeleteFunc(b.orders, func(other order.Order) bool { return other.ID == part.ID })
		}
		switch b.fault {
		case "units copied":
			rest = *o
		case "money on both":
			rest.Lines[0].Charges, part.Lines[0].Charges = o.Lines[0].Charges, o.Lines[0].Charges
		case "a part that nothing holds":
			part.Holds = nil
		case "effects on parts go to the whole":
			part.ID = order.ID{Company: part.ID.Company, Number: part.ID.Number + "?"}
		}
		*o = rest
		b.orders = append(b.orders, part)
	case order.EffectStock:
		switch move := e.Stock; {
		case move.Zero && b.fault != "zero is a move":
			b.stock[move.SKU] = 0
		case b.fault != "stock of any SKU":
			b.stock[move.SKU] += move.Quantity
		default:
			b.stock["SKU-1"] += move.Quantity
		}
	case order.EffectNote, order.EffectPayment, order.EffectRMA, order.EffectCommission:
	default:
		if b.fault == "unknown kind is an error" {
			return errors.New("unknown kind")
		}
	}
	return nil
}

const faultVariable = "TAKEBACK_ORDERTEST_FAULT"

// TestRun runs the suite on a book without a fault, or with the one that
// TestRunFails asks for.
func TestRun(t *testing.T) {
	ordertest.Run(t, func(_ *testing.T, seed []order.Order) order.Book { return newBook(os.Getenv(faultVariable), seed) })
}

func TestRunSplits(t *testing.T) {
	ordertest.RunSplits(t, func(_ *testing.T, seed []order.Order) order.Book { return newBook(os.Getenv(faultVariable), seed) })
}

func TestRunStock(t *testing.T) {
	ordertest.RunStock(t, func(_ *testing.T, seed []order.Order) ordertest.StockBook {
		return newBook(os.Getenv(faultVariable), seed)
	})
}

// TestRunFails runs the suites in processes of their own, since a test that fails
// cannot be taken back.
func TestRunFails(t *testing.T) {
	tests := []struct{ fault, says string }{
		{"unknown order is an error", "not finding an order is not an error"},
		{"one order after a split", "several for one after a split"},
		{"invalid order", "passes order.Check"},
		{"sequence forgotten", "whose Seq the order has passed"},
		{"company forgotten", "the same number in another company"},
		{"all of the Amazon order", "the others stay as they are"},
		{"stale effect passes", "later effects are carried out"},
		{"release of every hold", "leaves the others standing"},
		{"expected status forgotten", "ErrStale means"},
		{"status not kept", "Orders shows the new status"},
		{"unknown kind is an error", "a kind that the host does not keep"},
		{"a hold for each time", "one release ends it"},
		{"units copied", "A split moves units"},
		{"money on both", "both orders add up"},
		{"a part that nothing holds", "status and holds"},
		{"a part takes the place of another order", "a number that another order of the company has"},
		{"effects on parts go to the whole", "Effects on the new host order"},
		{"sequence forgotten", "moves nothing more"},
		{"zero is a move", "to nothing"},
		{"stock of any SKU", "leaves other SKUs alone"},
		{"sequence forgotten", "once per key"},
	}
	for _, tt := range tests {
		t.Run(tt.fault+": "+tt.says, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRun(Splits|Stock)?$")
			cmd.Env = append(os.Environ(), faultVariable+"="+tt.fault)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit, "the suite passes a book with this fault")
			assert.Contains(t, string(out), tt.says, "the sentence that is broken")
		})
	}
}
