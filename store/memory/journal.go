package memory

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/store/internal/rowcopy"
)

// journal keeps the audit rows of all Amazon orders.
type journal struct {
	events       map[order.AmazonID][]order.Event
	keyed        map[string]order.Event // the rows that have a key
	alerts, open *places                // of the alerts, by time and key: all, and those that nobody has closed
}

func newJournal() journal {
	return journal{map[order.AmazonID][]order.Event{}, map[string]order.Event{}, &places{}, &places{}}
}

// append appends audit rows, none with a lower number than the last one; one whose key
// is there already is left out.
func (j journal) append(sv *saving, id order.AmazonID, es ...order.Event) {
	for _, e := range rowcopy.Of(es) {
		if rows := j.events[id]; len(rows) > 0 {
			e.Seq = max(e.Seq, rows[len(rows)-1].Seq)
		}
		if e.Key != "" && !j.enter(sv, e) {
			continue
		}
		before := j.events[id]
		j.events[id] = append(slices.Clip(before), e)
		sv.onUndo(func() { j.events[id] = before })
	}
}

// enter files a row under its key. It tells whether that was free.
func (j journal) enter(sv *saving, e order.Event) bool {
	if _, taken := j.keyed[e.Key]; taken {
		return false
	}
	j.keyed[e.Key] = e
	sv.onUndo(func() { delete(j.keyed, e.Key) })
	switch e.Kind {
	case order.EventAlert:
		at := alertPlace(order.Alert{Event: e})
		j.alerts.insert(at)
		sv.onUndo(func() { j.alerts.remove(at) })
		if j.closed(e.Key) == (order.Stamp{}) {
			j.open.insert(at)
			sv.onUndo(func() { j.open.remove(at) })
		}
	case order.EventClosed:
		a, found := j.keyed[strings.TrimPrefix(e.Key, order.ClosedKey(""))]
		if found && a.Kind == order.EventAlert {
			at := alertPlace(order.Alert{Event: a})
			j.open.remove(at)
			sv.onUndo(func() { j.open.insert(at) })
		}
	}
	return true
}

func alertPlace(a order.Alert) place { return place{a.At, a.Key} }

// closed tells who closed an alert.
func (j journal) closed(alert string) order.Stamp {
	if e := j.keyed[order.ClosedKey(alert)]; e.Kind == order.EventClosed {
		return e.Stamp
	}
	return order.Stamp{}
}

// list returns the alerts that a query selects.
func (j journal) list(q order.AlertQuery) []order.Alert {
	var out []order.Alert
	after := place{q.After.At, q.After.Key}
	take := func(e order.Event) {
		a := order.Alert{Event: e, Closed: j.closed(e.Key)}
		if e.Kind == order.EventAlert && e.Key != "" && q.Match(a) && (after == place{} || alertPlace(a).compare(after) > 0) {
			out = append(out, a)
		}
	}
	switch {
	case len(q.Keys) > 0:
		for _, key := range q.Keys {
			take(j.keyed[key])
		}
	case len(q.Orders) > 0:
		for _, id := range q.Orders {
			for _, e := range j.events[id] {
				take(e)
			}
		}
	default:
		from := j.open
		if q.Closed {
			from = j.alerts
		}
		for at := range from.after(after) {
			if take(j.keyed[at.id]); q.Limit > 0 && len(out) == q.Limit {
				break
			}
		}
	}
	return first(out, alertPlace, q.Limit)
}

// outbox keeps effects on host orders until they are delivered.
type outbox struct {
	known map[string]*effect     // all effects ever, by key; nil: done
	open  []*effect              // in the order of their saves
	lines map[order.ID][]*effect // those of each host order, in the order of Seq
	saved int                    // how many there ever were
}

type effect struct {
	order.Effect
	saved     int // how many were saved before it
	notBefore time.Time
}

func newOutbox() outbox {
	return outbox{known: map[string]*effect{}, lines: map[order.ID][]*effect{}}
}

func (o *outbox) append(sv *saving, e order.Effect) {
	if _, there := o.known[e.Key]; there {
		sv.conflict("effect %s is there already", e.Key)
		return
	}
	row := &effect{Effect: rowcopy.Of(e), saved: o.saved}
	o.saved++
	o.known[e.Key] = row
	o.open = append(o.open, row)
	line := o.lines[e.Order]
	at, _ := slices.BinarySearchFunc(line, e.Seq+1, func(e *effect, seq int64) int { return cmp.Compare(e.Seq, seq) })
	o.lines[e.Order] = slices.Insert(line, at, row)
	sv.onUndo(func() {
		o.remove(row)
		delete(o.known, e.Key)
	})
}

func (o *outbox) remove(e *effect) {
	at, _ := slices.BinarySearchFunc(o.open, e, func(a, b *effect) int { return cmp.Compare(a.saved, b.saved) })
	o.open = slices.Delete(o.open, at, at+1)
	line := o.lines[e.Order]
	if line = slices.Delete(line, slices.Index(line, e), slices.Index(line, e)+1); len(line) > 0 {
		o.lines[e.Order] = line
	} else {
		delete(o.lines, e.Order)
	}
	o.known[e.Key] = nil
}

// due returns the open effects of the host orders whose first one is due.
func (o *outbox) due(now time.Time, limit int) []order.Effect {
	var es []order.Effect
	for _, e := range o.open {
		if line := o.lines[e.Order]; line[0] == e && !e.notBefore.After(now) {
			for _, e := range line[:max(0, min(len(line), limit-len(es)))] {
				es = append(es, rowcopy.Of(e.Effect))
			}
		}
		if len(es) >= limit {
			break
		}
	}
	return es
}
