package laws

import (
	"context"
	"fmt"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/reportparse"
	"github.com/takebackhq/takeback/rma"
)

// witness is a store that sees to it that nothing is changed without an audit row
// that says by whom.
type witness struct {
	takeback.Store
	wrong func(law, format string, args ...any)
}

const audited = "nothing changes without an audit row"

// unaudited is what may change by itself: when to look next, and which report said
// last what is known.
var unaudited = cmp.Options{
	cmpopts.EquateEmpty(),
	cmpopts.IgnoreFields(refund.Refund{}, "Version"),
	cmpopts.IgnoreFields(cancel.Cancellation{}, "Version", "LookAt"),
	cmpopts.IgnoreFields(cancel.BuyerRequest{}, "Version", "LookAt"),
	cmpopts.IgnoreFields(rma.RMA{}, "Version", "LookAt", "AsOf"),
	cmp.Transformer("said", func(k rma.Return) said {
		latest := k.Latest()
		latest.Line = 0
		return said{latest, k.State, k.RMA, k.Item, k.Assigned}
	}),
}

// said is what reports and people say of a return.
type said struct {
	Latest   reportparse.Return
	State    rma.ReturnState
	RMA      rma.ID
	Item     string
	Assigned order.Stamp
}

// change is a change of one Amazon order, with what its rows are to replace.
type change struct {
	order.Writes
	changed []string
}

// compare notes which rows become others.
func compare[K comparable, V any](c *change, what string, old, rows []V, key func(V) K) {
	before := map[K]V{}
	for _, v := range old {
		before[key(v)] = v
	}
	for _, v := range rows {
		if diff := cmp.Diff(before[key(v)], v, unaudited); diff != "" {
			c.changed = append(c.changed, fmt.Sprint(what, " ", key(v), " (-before +after):\n", diff))
		}
	}
}

// hear holds a change that was saved against the law.
func (w *witness) hear(cs []change) {
	for _, c := range cs {
		if len(c.changed)+len(c.Postings)+len(c.Effects) > 0 && len(c.Events) == 0 {
			w.wrong(audited, "%v, %d postings and %d effects of order %s", c.changed, len(c.Postings), len(c.Effects), c.Order.Number)
		}
		for _, e := range c.Events {
			if e.By == "" || e.At.IsZero() {
				w.wrong(audited, "%q of order %s is by %q at %s", e.Text, c.Order.Number, e.By, e.At)
			}
		}
	}
}

func (w *witness) SaveRefunds(ctx context.Context, cs []refund.Change) error {
	heard := make([]change, len(cs))
	for i, c := range cs {
		old, err := w.Refunds(ctx, refund.Query{Orders: []order.AmazonID{c.Order}})
		if err != nil {
			return err
		}
		heard[i].Writes = c.Writes
		compare(&heard[i], "refund", old, c.Refunds, func(r refund.Refund) any { return r.ID })
	}
	err := w.Store.SaveRefunds(ctx, cs)
	if err == nil {
		w.hear(heard)
	}
	return err
}

func (w *witness) SaveCancellations(ctx context.Context, cs []cancel.Change) error {
	heard := make([]change, len(cs))
	for i, c := range cs {
		ids := []order.AmazonID{c.Order}
		old, err := w.Cancellations(ctx, cancel.Query{Orders: ids})
		if err != nil {
			return err
		}
		wishes, err := w.BuyerRequests(ctx, cancel.RequestQuery{Orders: ids})
		if err != nil {
			return err
		}
		heard[i].Writes = c.Writes
		compare(&heard[i], "cancellation", old, c.Cancellations, func(c cancel.Cancellation) any { return c.ID })
		compare(&heard[i], "wish", wishes, c.Requests, cancel.BuyerRequest.Key)
		compare(&heard[i], "gate", nil, c.Gates, func(g cancel.Gate) any { return g.HostOrder })
	}
	err := w.Store.SaveCancellations(ctx, cs)
	if err == nil {
		w.hear(heard)
	}
	return err
}

func (w *witness) SaveRMAs(ctx context.Context, cs []rma.Change) error {
	heard := make([]change, len(cs))
	for i, c := range cs {
		ids := []order.AmazonID{c.Order}
		old, err := w.RMAs(ctx, rma.Query{Orders: ids})
		if err != nil {
			return err
		}
		rows, err := w.Returns(ctx, rma.ReturnQuery{Orders: ids})
		if err != nil {
			return err
		}
		heard[i].Writes = c.Writes
		compare(&heard[i], "RMA", old, c.RMAs, func(r rma.RMA) any { return r.ID })
		compare(&heard[i], "return", rows, c.Returns, func(k rma.Return) any { return k.ID })
	}
	err := w.Store.SaveRMAs(ctx, cs)
	if err == nil {
		w.hear(heard)
	}
	return err
}
