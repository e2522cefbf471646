package rma

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/store"
)

// again tries the rows of an account that have no order line yet, and counts those
// that have an RMA now.
func (s *Service) again(ctx context.Context, a amazon.Account, by string) (matched int, err error) {
	q := ReturnQuery{Accounts: []order.AccountID{a.ID}, States: []ReturnState{ReturnUnmatched, ReturnAmbiguous}, Limit: importChunk}
	for {
		open, err := s.c.Store.Returns(ctx, q)
		if err != nil || len(open) == 0 {
			return matched, err
		}
		n, err := s.try(ctx, a.Company, by, open)
		matched += n
		if err != nil || len(open) < q.Limit {
			return matched, err
		}
		q.After = open[len(open)-1].Cursor()
	}
}

// try works rows out anew, and counts those that have an RMA now.
func (s *Service) try(ctx context.Context, company order.CompanyID, by string, open []Return) (matched int, err error) {
	var ids []order.AmazonID
	for _, k := range open {
		if !slices.Contains(ids, k.Order) {
			ids = append(ids, k.Order)
		}
	}
	err = s.merge(ctx, company, ids, by, nil, func(merged []Merged) {
		matched = 0
		for _, m := range merged {
			for _, k := range m.Change.Returns {
				if k.State == ReturnMatched && slices.ContainsFunc(open, func(of Return) bool { return of.ID == k.ID }) {
					matched++
				}
			}
		}
	})
	return matched, err
}

// Retry tries rows without an RMA again, whatever their state, by what the host's
// orders and the settings are now. An ID that no row has is store.ErrNotFound, and
// then none is tried.
func (s *Service) Retry(ctx context.Context, by string, ids ...ID) ([]Return, error) {
	fail := func(err error) ([]Return, error) { return nil, fmt.Errorf("retry returns: %w", err) }
	if err := order.CheckActor(by); err != nil {
		return fail(err)
	}
	if len(ids) == 0 {
		return fail(errors.New("no returns named"))
	}
	found, err := s.c.Store.Returns(ctx, ReturnQuery{IDs: ids})
	if err != nil {
		return fail(err)
	}
	byCompany := map[order.CompanyID][]Return{}
	for _, id := range ids {
		i := slices.IndexFunc(found, func(k Return) bool { return k.ID == id })
		if i < 0 {
			return fail(fmt.Errorf("return %s: %w", id, store.ErrNotFound))
		}
		byCompany[found[i].Company] = append(byCompany[found[i].Company], found[i])
	}
	for company, rows := range byCompany {
		if _, err := s.try(ctx, company, by, rows); err != nil {
			return fail(err)
		}
	}
	if found, err = s.c.Store.Returns(ctx, ReturnQuery{IDs: ids}); err != nil {
		return fail(err)
	}
	return found, nil
}

// Assign says which order line a row without an RMA is about, when its report leaves
// that open. It stays said.
func (s *Service) Assign(ctx context.Context, by, why string, id ID, item string) (Return, error) {
	fail := func(err error) (Return, error) { return Return{}, fmt.Errorf("assign return %s: %w", id, err) }
	if err := order.CheckActor(by); err != nil {
		return fail(err)
	}
	found, err := s.c.Store.Returns(ctx, ReturnQuery{IDs: []ID{id}})
	if err == nil && len(found) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return fail(err)
	}
	var k Return
	err = s.decide(ctx, found[0].Company, found[0].Order, func(f Facts, at order.Stamp) (Change, error) {
		d := newDecision(f, order.EventChanged, order.Stamp{By: by, At: at.At, Why: why})
		i := slices.IndexFunc(d.returns, func(k Return) bool { return k.ID == id })
		switch {
		case i < 0:
			return Change{}, store.ErrNotFound
		case d.returns[i].State == ReturnMatched:
			return Change{}, fmt.Errorf("it is on RMA %s already, as item %s", d.returns[i].RMA, d.returns[i].Item)
		case d.line(item).Item == "":
			return Change{}, fmt.Errorf("item %s is not in the order", item)
		}
		d.returns[i].Item, d.returns[i].Assigned = item, d.stamp
		d.work()
		c := d.finish()
		k = d.returns[i]
		k.Version++
		return c, nil
	})
	if err != nil {
		return fail(err)
	}
	return k, nil
}
