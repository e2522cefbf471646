package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
)

func requestRow(n int) cancel.BuyerRequest {
	return cancel.BuyerRequest{
		Order: amazonOrder(n), Item: "12345678901234", HostOrder: hostOrder(n), Wish: 2, Reason: "Changed mind % 返品",
		Seen:     []cancel.Sighting{{Source: "notification", At: at(n), Clock: "AClockOfTheFuture", Reason: "why", Past: true}, {}},
		Deadline: at(n), Overdue: true, State: "AStateOfTheFuture", Holds: []cancel.HeldOrder{{ID: hostOrder(n), Before: "AStatusOfTheFuture"}}, Decided: stamp(n), Entry: "CN001", LookAt: at(n + 1),
	}
}

var requestNoun = noun[cancel.BuyerRequest]{
	name: "buyer requests", row: requestRow,
	version: func(r *cancel.BuyerRequest) *int64 { return &r.Version },
	spoil: func(r *cancel.BuyerRequest) {
		r.Seen[0].Reason, r.Holds[0].Before = "spoilt", "spoilt"
	},
	about: func(r cancel.BuyerRequest) order.AmazonID { return r.Order },
	read: func(ctx context.Context, st takeback.Store, rows []cancel.BuyerRequest) ([]cancel.BuyerRequest, error) {
		var q cancel.RequestQuery
		for _, r := range rows {
			q.Orders = append(q.Orders, r.Order)
		}
		return st.BuyerRequests(ctx, q)
	},
	save: func(ctx context.Context, st takeback.Store, rows []cancel.BuyerRequest, ws []order.Writes) error {
		var cs []cancel.Change
		for i, r := range rows {
			cs = append(cs, cancel.Change{Requests: []cancel.BuyerRequest{r}, Writes: ws[i]})
		}
		return st.SaveCancellations(ctx, cs)
	},
}

func requestList() list[cancel.BuyerRequest, cancel.RequestQuery] {
	var rows []cancel.BuyerRequest
	for i, p := range places {
		r := requestRow(1)
		r.HostOrder, r.Order = spread(i)
		r.Deadline, r.LookAt = p.at, []time.Time{{}, at(1), at(2).UTC()}[i%3]
		r.State = []cancel.RequestState{cancel.Undecided, cancel.RequestOver, "Future"}[i%3]
		rows = append(rows, r)
	}
	// Three have one deadline: by account, then by number, then by item.
	account := func(i int) order.AmazonID { _, ord := spread(i); return ord }
	rows[1].Order, rows[1].Item = account(0), "2"
	rows[2].Order, rows[2].Item = account(0), "3"
	rows[3].Order, rows[3].Item = account(2), "1"
	for i := 4; i < len(rows); i++ {
		rows[i].Item = fmt.Sprint(10 + i)
	}
	host, ord := spread(0)
	_, other := spread(1)
	states := []cancel.RequestState{"Future", cancel.Undecided, "Future"}
	return list[cancel.BuyerRequest, cancel.RequestQuery]{
		name: "buyer requests", rows: rows, match: cancel.RequestQuery.Match,
		version: func(r *cancel.BuyerRequest) *int64 { return &r.Version },
		read: func(ctx context.Context, st takeback.Store, q cancel.RequestQuery) ([]cancel.BuyerRequest, error) {
			return st.BuyerRequests(ctx, q)
		},
		save: func(t *testing.T, st takeback.Store, r cancel.BuyerRequest) error {
			return st.SaveCancellations(t.Context(), []cancel.Change{{Requests: []cancel.BuyerRequest{r}, Writes: writes(t, st, r.Order)[0]}})
		},
		page: func(q cancel.RequestQuery, after *cancel.BuyerRequest, limit int) cancel.RequestQuery {
			if q.Limit = limit; after != nil {
				q.After = after.Cursor()
			}
			return q
		},
		many: func(n int) cancel.RequestQuery {
			var q cancel.RequestQuery
			for i := range n {
				q.Orders = append(q.Orders, order.AmazonID{Account: "unknown", Number: fmt.Sprint(i)})
			}
			for i, r := range rows {
				q.Orders[(i+1)*n/(len(rows)+1)] = r.Order
			}
			return q
		},
		queries: []named[cancel.RequestQuery]{
			{"all", cancel.RequestQuery{}},
			{"Company", cancel.RequestQuery{Company: host.Company}},
			{"Orders", cancel.RequestQuery{Orders: []order.AmazonID{ord, other}}},
			{"States", cancel.RequestQuery{States: states}},
			{"States of a company", cancel.RequestQuery{States: states, Company: host.Company}},
			{"LookBy", cancel.RequestQuery{LookBy: at(1)}},
			{"LookBy in states", cancel.RequestQuery{LookBy: at(2), States: states}},
			{"LookBy of a company", cancel.RequestQuery{LookBy: at(2), Company: host.Company}},
			{"together", cancel.RequestQuery{Company: host.Company, Orders: []order.AmazonID{ord, other}, States: states}},
		},
	}
}
