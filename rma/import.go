package rma

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/reportparse"
	"github.com/takebackhq/takeback/store"
)

// Imported counts the rows of a returns report by what became of them; together
// they are all its rows.
type Imported struct {
	Created   int            // a new RMA, or a new line of one
	Updated   int            // something changed
	Unchanged int            // known already, or older than what is known
	Skipped   map[string]int // not imported, by reason
	Unmatched int            // of orders that the host does not know
	Bad       int            // could not be read

	BadRows         []error  // the first of them, as *reportparse.RowError
	UnmatchedOrders []string // the first of them, Amazon order IDs
	Replaced        int      // characters that the file's character set does not have
}

// Total is the number of rows.
func (i Imported) Total() int {
	n := i.Created + i.Updated + i.Unchanged + i.Unmatched + i.Bad
	for _, rows := range i.Skipped {
		n += rows
	}
	return n
}

const (
	importChunk = 500 // rows that are looked up and saved together
	mostNamed   = 100 // bad rows and unmatched orders that are listed
)

// AmazonFormat is the format of Amazon's own files, flat or XML.
const AmazonFormat = "Amazon Format"

// Import reads a returns report of an account. Rows that can be read count even
// when others cannot; the error is about the file as a whole, such as one that
// breaks off, and what came before it has been imported. A file that is no
// seller-fulfilled returns report is refused with [reportparse.ErrWrongReport],
// naming what it is, and nothing is imported.
//
// The format is [AmazonFormat], also when empty, or one of the host's own.
func (s *Service) Import(ctx context.Context, a amazon.Account, format string, m amazon.ReportMeta, r io.Reader) (Imported, error) {
	in := Imported{Skipped: map[string]int{}}
	if format != "" && format != AmazonFormat {
		return in, fmt.Errorf("import returns: format %q: want %q", format, AmazonFormat)
	}
	if err := a.Check(); err != nil {
		return in, fmt.Errorf("import returns: %w", err)
	}
	if r == nil {
		return in, errors.New("import returns: no report given")
	}
	o := reportparse.Options{Name: m.Name, ContentType: m.ContentType}
	if len(a.Marketplaces) == 1 {
		o.Marketplace = string(a.Marketplaces[0])
	}
	rows, err := reportparse.Returns(r, o)
	if err != nil {
		return in, fmt.Errorf("import returns: %w", err)
	}
	seen := map[string]int{} // rows of one return about one item, for telling twins apart
	var chunk []Row
	var broken error
	for row, err := range rows.All() {
		var bad *reportparse.RowError
		switch {
		case errors.As(err, &bad):
			if in.Bad++; len(in.BadRows) < mostNamed {
				in.BadRows = append(in.BadRows, err)
			}
			continue
		case err != nil:
			broken = fmt.Errorf("import returns: %w", err)
			continue
		}
		twin := fmt.Sprintf("%s|%s|%s|%s|%s", row.OrderID, row.RMAID, row.OrderItemID, row.SKU, row.ASIN)
		seen[twin]++
		chunk = append(chunk, Row{Return: row, Occurrence: seen[twin], AsOf: m.AsOf.UTC(), Has: rows.Has})
		if len(chunk) == importChunk {
			if err := s.importChunk(ctx, a, m, chunk, &in); err != nil {
				return in, err
			}
			chunk = chunk[:0]
		}
	}
	if err := s.importChunk(ctx, a, m, chunk, &in); err != nil {
		return in, err
	}
	in.Replaced = rows.Replaced()
	return in, broken
}

// importChunk merges rows and saves what they change, and does it again when an
// order changed meanwhile.
func (s *Service) importChunk(ctx context.Context, a amazon.Account, m amazon.ReportMeta, rows []Row, in *Imported) error {
	if len(rows) == 0 {
		return nil
	}
	for try := 1; ; try++ {
		count, changes, err := s.merge(ctx, a, m, rows)
		if err != nil {
			return fmt.Errorf("import returns: %w", err)
		}
		if len(changes) > 0 {
			err = s.c.Store.SaveRMAs(ctx, changes)
		}
		if err == nil {
			in.add(count)
			return nil
		}
		if !errors.Is(err, store.ErrConflict) || try == maxTries {
			return fmt.Errorf("import returns: %w", err)
		}
	}
}

// merge decides on rows, order by order.
func (s *Service) merge(ctx context.Context, a amazon.Account, m amazon.ReportMeta, rows []Row) (Imported, []Change, error) {
	count := Imported{Skipped: map[string]int{}}
	var ids []order.AmazonID
	rowsOf := map[order.AmazonID][]Row{}
	for _, row := range rows {
		id := order.AmazonID{Account: a.ID, Number: row.OrderID}
		if rowsOf[id] == nil {
			ids = append(ids, id)
		}
		rowsOf[id] = append(rowsOf[id], row)
	}
	// The heads first: what is read after them can only be newer, and then the
	// save conflicts.
	ledgers, err := s.c.Store.Ledgers(ctx, ids)
	if err != nil {
		return count, nil, err
	}
	orders, err := s.c.Book.Orders(ctx, ids)
	if err != nil {
		return count, nil, fmt.Errorf("order book: %w", err)
	}
	stored, err := s.c.Store.RMAs(ctx, Query{Orders: ids})
	if err != nil {
		return count, nil, err
	}
	ordersOf := map[order.AmazonID][]order.Order{}
	for _, o := range orders {
		ordersOf[o.Amazon] = append(ordersOf[o.Amazon], o)
	}
	rmasOf := map[order.AmazonID][]RMA{}
	for _, r := range stored {
		rmasOf[r.Order] = append(rmasOf[r.Order], r)
	}

	stamp := order.Stamp{By: "returns report " + m.Name, At: s.c.Now().UTC()}
	var changes []Change
	for i, id := range ids {
		known := ordersOf[id]
		if len(known) == 0 {
			count.Unmatched += len(rowsOf[id])
			count.UnmatchedOrders = append(count.UnmatchedOrders, id.Number)
			continue
		}
		if slices.ContainsFunc(known, func(o order.Order) bool { return o.ID.Company != a.Company }) {
			count.Skipped["the order belongs to another company than the account"] += len(rowsOf[id])
			continue
		}
		c := Change{Writes: order.Writes{Order: id, Version: ledgers[i].Version}}
		rmas := rmasOf[id]
		touched := map[ID]bool{}
		for _, row := range rowsOf[id] {
			merged := Merge(known, rmas, row, stamp)
			switch {
			case merged.Skipped != "":
				count.Skipped[merged.Skipped]++
				continue
			case merged.Created:
				count.Created++
			case merged.Updated:
				count.Updated++
			default:
				count.Unchanged++
			}
			if merged.RMA.ID == "" {
				continue
			}
			at := slices.IndexFunc(rmas, func(r RMA) bool { return r.ID == merged.RMA.ID })
			if at < 0 {
				rmas = append(rmas, merged.RMA)
				at = len(rmas) - 1
			} else if same := rmas[at].AsOf.Equal(merged.RMA.AsOf) && merged.What == ""; same {
				continue
			}
			rmas[at] = merged.RMA
			touched[merged.RMA.ID] = true
			if merged.What != "" {
				c.Event(order.EventImported, "RMA "+string(merged.RMA.ID), merged.What, stamp)
			}
			if merged.Created {
				c.Effect(order.Effect{Kind: order.EffectRMA, RMA: &order.RMANote{
					Number: string(merged.RMA.ID), OrderSourceNumber: merged.RMA.OrderSourceRMANumber, Status: string(merged.RMA.Status),
				}}, merged.RMA.HostOrder, stamp)
			}
		}
		for _, r := range rmas {
			if touched[r.ID] {
				c.RMAs = append(c.RMAs, r)
			}
		}
		if len(c.RMAs) > 0 {
			changes = append(changes, c)
		}
	}
	return count, changes, nil
}

func (i *Imported) add(o Imported) {
	i.Created += o.Created
	i.Updated += o.Updated
	i.Unchanged += o.Unchanged
	i.Unmatched += o.Unmatched
	for why, n := range o.Skipped {
		i.Skipped[why] += n
	}
	i.UnmatchedOrders = append(i.UnmatchedOrders, o.UnmatchedOrders...)
	i.UnmatchedOrders = i.UnmatchedOrders[:min(len(i.UnmatchedOrders), mostNamed)]
}
