package cancel

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

// requests reads the buyers' wishes about Amazon orders.
func (s *Service) requests(ctx context.Context, ids []order.AmazonID) (map[order.AmazonID][]BuyerRequest, error) {
	found, err := s.c.Store.BuyerRequests(ctx, RequestQuery{Orders: ids})
	if err != nil {
		return nil, err
	}
	of := map[order.AmazonID][]BuyerRequest{}
	for _, r := range found {
		of[r.Order] = append(of[r.Order], r)
	}
	return of, nil
}

// around reads what is known of Amazon orders beside their ledgers and cancellations.
func (s *Service) around(ctx context.Context, ids []order.AmazonID) (map[order.AmazonID]*Facts, error) {
	requests, err := s.requests(ctx, ids)
	if err != nil {
		return nil, err
	}
	facts := map[order.AmazonID]*Facts{}
	for _, id := range ids {
		facts[id] = &Facts{Requests: requests[id], Now: s.c.Now().UTC()}
	}
	return facts, s.carried(ctx, facts)
}

// carried adds the host orders and their gates.
func (s *Service) carried(ctx context.Context, facts map[order.AmazonID]*Facts) error {
	orders, err := s.c.Book.Orders(ctx, slices.Collect(maps.Keys(facts)))
	if err != nil {
		return fmt.Errorf("order book: %w", err)
	}
	if len(orders) == 0 {
		return nil
	}
	var ids []order.ID
	for _, o := range orders {
		if f := facts[o.Amazon]; f != nil { // a book may give more than it was asked for
			f.Orders = append(f.Orders, o)
			ids = append(ids, o.ID)
		}
	}
	gates, err := s.c.Store.Gates(ctx, ids)
	if err != nil {
		return err
	}
	for _, g := range gates {
		if f := facts[g.Order]; f != nil {
			f.Gates = append(f.Gates, g)
		}
	}
	return nil
}

// factsOf reads everything that the wishes of Amazon orders of one account rest on.
func (s *Service) factsOf(ctx context.Context, a amazon.Account, ids []order.AmazonID) ([]Facts, error) {
	// The heads first: what is read after them can only be newer, and then the save
	// conflicts.
	ledgers, err := s.c.Store.Ledgers(ctx, ids)
	if err != nil {
		return nil, err
	}
	facts, err := s.around(ctx, ids)
	if err != nil {
		return nil, err
	}
	cancellations, err := s.c.Store.Cancellations(ctx, Query{Orders: ids})
	if err != nil {
		return nil, err
	}
	unsplit, err := s.refusedSplits(ctx, cancellations)
	if err != nil {
		return nil, err
	}
	for _, c := range cancellations {
		facts[c.Order].Cancellations = append(facts[c.Order].Cancellations, c)
	}
	var all []Facts
	for i, id := range ids {
		f := facts[id]
		f.Account, f.Ledger, f.Unsplit = a, ledgers[i], unsplit
		f.catchUp()
		all = append(all, *f)
	}
	return all, nil
}
