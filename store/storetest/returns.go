package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/reportparse"
	"github.com/takebackhq/takeback/rma"
)

func returnRow(n int) rma.Return {
	return rma.Return{
		ID: rma.ID(fmt.Sprintf("RT%03d", n)), Company: "company", Order: amazonOrder(n), State: "AStateOfTheFuture", Why: "% _ \\ ?",
		Row: reportparse.Return{
			Line: 7, OrderID: amazonOrder(n).Number, Status: "Approved", RMAID: "D1a2b3RRMA", SKU: "SKU-1", Quantity: 2,
			LabelCost: reportparse.NewAmount(635, 2), RefundedAmount: reportparse.NewAmount(-10, 1), Currency: "KWD",
			AToZClaim: "AFlagOfTheFuture", IsPrime: reportparse.No, DeliveryDate: at(n),
			Extra: map[string]string{"Größe": "L\t'; --"},
		},
		Known:      map[string]time.Time{"Order ID": at(n), "Größe": at(n + 1)},
		Undated:    reportparse.Return{Status: "AStatusOfTheFuture", OrderAmount: reportparse.NewAmount(0, 3)},
		Occurrence: 2, Tracking: []string{"1Z 返品"}, AsOf: at(n + 1), First: stamp(n), Changed: stamp(n + 1),
	}
}

var returnNoun = noun[rma.Return]{
	name: "returns", row: returnRow,
	version: func(r *rma.Return) *int64 { return &r.Version },
	spoil: func(r *rma.Return) {
		r.Tracking[0], r.Row.Extra["Größe"], r.Known["Größe"] = "spoilt", "spoilt", noon
	},
	about: func(r rma.Return) order.AmazonID { return r.Order },
	read: func(ctx context.Context, st takeback.Store, rows []rma.Return) ([]rma.Return, error) {
		var q rma.ReturnQuery
		for _, r := range rows {
			q.IDs = append(q.IDs, r.ID)
		}
		return st.Returns(ctx, q)
	},
	save: func(ctx context.Context, st takeback.Store, rows []rma.Return, ws []order.Writes) error {
		var cs []rma.Change
		for i, r := range rows {
			cs = append(cs, rma.Change{Returns: []rma.Return{r}, Writes: ws[i]})
		}
		return st.SaveRMAs(ctx, cs)
	},
}

func returnList() list[rma.Return, rma.ReturnQuery] {
	var rows []rma.Return
	for i, p := range places {
		r := returnRow(p.id)
		host, ord := spread(i)
		r.Company, r.Order = host.Company, ord
		r.First.At, r.State = p.at, []rma.ReturnState{rma.ReturnUnmatched, rma.ReturnMatched, "Future"}[i%3]
		rows = append(rows, r)
	}
	id := func(r rma.Return) rma.ID { return r.ID }
	host, ord := spread(0)
	_, other := spread(1)
	states := []rma.ReturnState{"Future", rma.ReturnUnmatched, "Future"}
	return list[rma.Return, rma.ReturnQuery]{
		name: "returns", rows: rows, match: rma.ReturnQuery.Match,
		version: func(r *rma.Return) *int64 { return &r.Version },
		read: func(ctx context.Context, st takeback.Store, q rma.ReturnQuery) ([]rma.Return, error) {
			return st.Returns(ctx, q)
		},
		save: func(t *testing.T, st takeback.Store, r rma.Return) error {
			return st.SaveRMAs(t.Context(), []rma.Change{{Returns: []rma.Return{r}, Writes: writes(t, st, r.Order)[0]}})
		},
		page: func(q rma.ReturnQuery, after *rma.Return, limit int) rma.ReturnQuery {
			if q.Limit = limit; after != nil {
				q.After = after.Cursor()
			}
			return q
		},
		many: func(n int) rma.ReturnQuery { return rma.ReturnQuery{IDs: fillIDs(rows, id, n)} },
		queries: []named[rma.ReturnQuery]{
			{"all", rma.ReturnQuery{}},
			{"IDs", rma.ReturnQuery{IDs: []rma.ID{"RT002", "RT009", "unknown"}}},
			{"Company", rma.ReturnQuery{Company: host.Company}},
			{"Accounts", rma.ReturnQuery{Accounts: []order.AccountID{ord.Account, "unknown", ord.Account}}},
			{"Orders", rma.ReturnQuery{Orders: []order.AmazonID{ord, other}}},
			{"States", rma.ReturnQuery{States: states}},
			{"States of accounts", rma.ReturnQuery{States: states, Accounts: []order.AccountID{ord.Account, other.Account}}},
			{"States of a company", rma.ReturnQuery{States: states, Company: host.Company}},
			{"together", rma.ReturnQuery{Company: host.Company, Accounts: []order.AccountID{ord.Account}, Orders: []order.AmazonID{ord, other}, States: states}},
		},
	}
}
