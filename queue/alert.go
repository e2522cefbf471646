package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/store"
)

// ErrRole refuses to close an alert that is for somebody else.
var ErrRole = errors.New("the alert is for another role")

// ClosedError refuses to close an alert that is closed.
type ClosedError struct {
	Key    string
	Closed order.Stamp // by whom, when and why
}

func (e *ClosedError) Error() string {
	return fmt.Sprintf("alert %s was closed by %s at %s: %s", e.Key, e.Closed.By, e.Closed.At.UTC().Format(time.RFC3339), e.Closed.Why)
}

// Alerts lists alerts: what concerns a request, a document or an account and needs
// a person. Without a query it lists those of all journals; with companies, only
// those about accounts of theirs, as Config.Accounts lists them now.
//
// A key begins with what happened, and names what it happened to:
//
//	lost/<batch>                    nobody knows whether the document was sent
//	refused/<batch>                 Amazon refused the call for the document
//	decide/<batch>                  a person must say what became of the document
//	contradicted/<batch>            the document was found after it was decided that it was not sent
//	stuck/<batch>                   Amazon has had the document for long
//	decide/<entry>/<attempt>        a person must decide about the request
//	refused/<entry>/<attempt>       Amazon refused the request, or some lines of it
//	waits/<entry>/<attempt>         the request could have gone for a day, and its handler sets it aside
//	doubled/<entry>/<attempt>       two attempts of the request were sent
//	contradicted/<entry>/<attempt>  Amazon did what counted as not done
//	unclaimed/<account>/<feed>      Amazon has a feed that nobody here sent
//	cancelled/<account>/<batch>     Amazon cancels one feed after the other
//
// One document is one alert, however many requests it holds: its Order has no
// number, and each order's journal has a row without a key. When a document is sent,
// or lost, once more, /2 follows its key, and so on.
func (q *Queue) Alerts(ctx context.Context, query order.AlertQuery, companies ...order.CompanyID) ([]order.Alert, error) {
	if len(companies) > 0 {
		accounts, err := q.c.Accounts.Accounts(ctx, query.Accounts...)
		if err != nil {
			return nil, fmt.Errorf("accounts: %w", err)
		}
		query.Accounts = nil
		for _, a := range accounts {
			if slices.Contains(companies, a.Company) {
				query.Accounts = append(query.Accounts, a.ID)
			}
		}
		if len(query.Accounts) == 0 {
			return nil, nil
		}
	}
	return q.c.Store.Alerts(ctx, query)
}

// CloseAlert records that somebody has looked at an alert, in which role, and what
// came of it. It decides nothing about requests. An alert that is not there is
// store.ErrNotFound, one for another role [ErrRole], one that was closed before a
// [*ClosedError]; of two who close it at once, one gets that.
func (q *Queue) CloseAlert(ctx context.Context, key string, role order.Role, by, why string) error {
	if err := order.CheckDecision(by, why); err != nil {
		return fmt.Errorf("close alert %q: %w", key, err)
	}
	a, err := q.alertOf(ctx, key)
	switch {
	case err != nil:
		return err
	case a.For != role:
		return fmt.Errorf("close alert %s as %q: it is for %q: %w", key, role, a.For, ErrRole)
	case a.Closed != order.Stamp{}:
		return &ClosedError{key, a.Closed}
	}
	row := order.Event{
		Order: a.Order, Seq: a.Seq, Kind: order.EventClosed, Subject: a.Subject, Text: a.Text,
		Key: order.ClosedKey(key), Stamp: order.Stamp{By: by, At: q.now(), Why: why},
	}
	if err := q.commit(ctx, Change{Events: []order.Event{row}}); err != nil {
		return fmt.Errorf("close alert %s: %w", key, err)
	}
	// Of two rows with one key the first stands, and neither save fails.
	if a, err = q.alertOf(ctx, key); err != nil {
		return err
	}
	if c := a.Closed; c.By != by || c.Why != why || !c.At.Equal(row.At) {
		return &ClosedError{key, c}
	}
	q.observe(ctx, Event{Kind: EventAlertClosed, Account: a.Order.Account, Alert: key, By: by, Text: why})
	return nil
}

func (q *Queue) alertOf(ctx context.Context, key string) (order.Alert, error) {
	as, err := q.c.Store.Alerts(ctx, order.AlertQuery{Keys: []string{key}, Closed: true})
	if err != nil {
		return order.Alert{}, fmt.Errorf("alert %q: %w", key, err)
	}
	if len(as) == 0 {
		return order.Alert{}, fmt.Errorf("alert %q: %w", key, store.ErrNotFound)
	}
	return as[0], nil
}

// AlertEvents is what is observed of rows that were saved: the alerts among them.
func AlertEvents(rows []order.Event) []Event {
	var es []Event
	for _, r := range rows {
		if r.Kind == order.EventAlert {
			es = append(es, Event{Kind: EventAlert, At: r.At, Account: r.Order.Account, Alert: r.Key, By: r.By, Text: r.Subject + ": " + r.Text})
		}
	}
	return es
}

// alert is an alert about an entry, once for ever for each of its attempts.
func (e Entry) alert(what, text string, s order.Stamp) order.Event {
	row := e.row(order.EventAlert, text, s)
	row.Key, row.For = fmt.Sprintf("%s/%s/%d", what, e.ID, len(e.Attempts)), order.Operator
	return row
}

// undecided is the alert about an entry that needs a decision.
func (e Entry) undecided() order.Event {
	return e.alert("decide", strings.TrimSpace(e.State.Label()+". "+e.Why), e.Changed)
}

// alert is an alert about a batch, in the journal of its account. Sent or lost once
// more, a batch can raise the same alert once more.
func (b Batch) alert(what, text string, s order.Stamp) order.Event {
	times := b.Sends
	for _, e := range b.Evidence {
		if what == "lost" && e.Kind == EvidenceAdopted {
			times++
		}
	}
	key := what + "/" + string(b.ID)
	if times > 1 {
		key = fmt.Sprintf("%s/%d", key, times)
	}
	return accountAlert(b.Account, key, order.Operator, "batch "+string(b.ID), text, s)
}

// accountAlert is an alert in the journal of an account.
func accountAlert(a order.AccountID, key string, role order.Role, subject, text string, s order.Stamp) order.Event {
	return order.Event{Order: order.AmazonID{Account: a}, Kind: order.EventAlert, Key: key, For: role, Subject: subject, Text: text, Stamp: s}
}

// alarm raises an alert about an account, once under its key.
func (q *Queue) alarm(ctx context.Context, a order.AccountID, key, text string) error {
	alert := accountAlert(a, key, order.Administrator, "account "+string(a), text, order.Stamp{By: "queue", At: q.now()})
	if err := q.commit(ctx, Change{Events: []order.Event{alert}}); err != nil {
		return fmt.Errorf("alert %s: %w", key, err)
	}
	return nil
}

// commit saves a change, and tells of the alerts in it that are new.
func (q *Queue) commit(ctx context.Context, c Change) error {
	raised, err := q.raised(ctx, c.Events)
	if err == nil {
		err = q.c.Store.SaveQueue(ctx, c)
	}
	if err == nil {
		for _, e := range AlertEvents(c.Events) {
			if !raised[e.Alert] {
				q.tell(ctx, e)
			}
		}
	}
	return err
}

// raised finds the keys among alerts to be saved under which there is one already.
func (q *Queue) raised(ctx context.Context, rows []order.Event) (map[string]bool, error) {
	known := map[string]bool{}
	var keys []string
	for _, r := range rows {
		if r.Kind == order.EventAlert {
			keys = append(keys, r.Key)
		}
	}
	if len(keys) == 0 {
		return known, nil
	}
	as, err := q.c.Store.Alerts(ctx, order.AlertQuery{Keys: keys, Closed: true})
	for _, a := range as {
		known[a.Key] = true
	}
	return known, err
}
