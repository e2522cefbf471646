package rma

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/takebackhq/takeback/order"
)

// Goods says what came of an RMA's goods.
type Goods struct {
	RMA    ID
	Key    string // the host's own, unique within the RMA, see [order.CheckName]: a repeat changes nothing
	Counts []Count
	By     string
	Why    string // for people

	// Restock adds what is good to the host's stock, by an effect of its own. A
	// correction takes out of it again what was added, and no more.
	Restock bool
}

// ErrKeyReused refuses a key that was used for something else.
var ErrKeyReused = errors.New("key was used for something else")

// Receive records what came of an RMA's goods: good, damaged, or missing for ever.
// Of a kit its components are counted. More than the RMA authorises is refused with
// [order.ErrOver]; counts below zero correct earlier ones, down to nothing. The same
// key again changes nothing, and with other content it is [ErrKeyReused].
func (s *Service) Receive(ctx context.Context, g Goods) (RMA, error) {
	if err := checkKey(g.Key); err != nil {
		return RMA{}, fmt.Errorf("receive goods of RMA %s: %w", g.RMA, err)
	}
	return s.edit(ctx, "receive goods of", g.RMA, order.Stamp{By: g.By, Why: g.Why}, func(d *decision, r *RMA) error {
		counts, err := r.resolve(g.Counts)
		if err != nil {
			return err
		}
		for _, a := range r.Arrivals {
			if a.Key != g.Key {
				continue
			}
			if !slices.Equal(a.Counts, counts) || a.Restock != g.Restock {
				return fmt.Errorf("%w: %q of %s: use a new key for new goods", ErrKeyReused, g.Key, a.By)
			}
			return nil
		}
		before := *r
		r.Arrivals = append(r.Arrivals, Arrival{Key: g.Key, Counts: counts, Restock: g.Restock, Stamp: d.stamp})
		for _, c := range counts {
			was, is := before.Counted(c.Item, c.SKU), r.Counted(c.Item, c.SKU)
			if err := r.allows(is); err != nil {
				return err
			}
			d.change.Changed(d.kind, fmt.Sprintf("RMA %s: count of %s", r.ID, c.SKU), was.String(), is.String(), d.stamp)
			if n := r.restocked(c.Item, c.SKU) - before.restocked(c.Item, c.SKU); n != 0 {
				d.change.Effect(order.Effect{Kind: order.EffectStock, Stock: &order.StockMove{SKU: c.SKU, Quantity: n}}, r.HostOrder, d.stamp)
			}
		}
		return nil
	})
}

func checkKey(key string) error {
	if key == "" {
		return errors.New("no key: set Key to one of your own, so that a repeat counts once")
	}
	return order.CheckName("key", key)
}

// restocked is how much of one line's goods was added to the stock.
func (r RMA) restocked(item, sku string) int {
	n := 0
	for _, a := range r.Arrivals {
		for _, c := range a.Counts {
			if a.Restock && c.Item == item && c.SKU == sku {
				n = max(0, n+c.Good)
			}
		}
	}
	return n
}

func (c Count) String() string {
	return fmt.Sprintf("%d good, %d damaged, %d missing", c.Good, c.Damaged, c.Missing)
}

// resolve names the line of each count in full, and adds up those of one line. The
// same goods come to the same counts, in whatever order they are named.
func (r RMA) resolve(counts []Count) ([]Count, error) {
	var all []Count
	for _, c := range counts {
		of := slices.DeleteFunc(r.goods(), func(g goods) bool {
			return c.Item != "" && g.Item != c.Item || c.SKU != "" && g.SKU != c.SKU
		})
		if len(of) != 1 {
			return nil, fmt.Errorf("item %q with SKU %q is %d of the RMA's lines, which are %s: want one", c.Item, c.SKU, len(of), describe(r.Lines))
		}
		c.Item, c.SKU = of[0].Item, of[0].SKU
		if err := of[0].bounds(c); err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(all, func(b Count) bool { return b.Item == c.Item && b.SKU == c.SKU }); i >= 0 {
			all[i] = all[i].plus(c)
			continue
		}
		all = append(all, c)
	}
	all = slices.DeleteFunc(all, func(c Count) bool { return c == Count{Item: c.Item, SKU: c.SKU} })
	if len(all) == 0 {
		return nil, errors.New("nothing is counted: name at least one line, and how many units of it")
	}
	slices.SortFunc(all, func(a, b Count) int {
		return cmp.Or(strings.Compare(a.Item, b.Item), strings.Compare(a.SKU, b.SKU))
	})
	return all, nil
}

// bounds refuses counts that cannot be, whatever was counted before.
func (g goods) bounds(c Count) error {
	most := max(g.units, g.total())
	switch {
	case max(c.Good, c.Damaged, c.Missing) > most:
		return fmt.Errorf("%s of item %s: %s are %w: %d are authorised", c.SKU, c.Item, c, order.ErrOver, g.units)
	case min(c.Good, c.Damaged, c.Missing) < -most:
		return fmt.Errorf("%s of item %s: %s takes back more than was counted, which is %s", c.SKU, c.Item, c, g.Count)
	}
	return nil
}

// allows refuses counts that cannot be in all.
func (r RMA) allows(c Count) error {
	for _, g := range r.goods() {
		if g.Item != c.Item || g.SKU != c.SKU {
			continue
		}
		if c.total() > g.units {
			return fmt.Errorf("%s of item %s: %d received or missing are %w: %d are authorised", c.SKU, c.Item, c.total(), order.ErrOver, g.units)
		}
	}
	if c.Good < 0 || c.Damaged < 0 || c.Missing < 0 {
		return fmt.Errorf("%s of item %s: %s in all: want 0 or more of each", c.SKU, c.Item, c)
	}
	return nil
}
