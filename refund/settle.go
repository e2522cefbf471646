package refund

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
)

// settling works out what an entry, with all its attempts, means for its
// refund.
type settling struct {
	entry  queue.Entry
	cause  order.Cause
	over   bool
	again  bool // it is tried again after it had ended
	told   bool // its final state was applied before
	stamp  order.Stamp
	ledger order.Ledger // with the postings so far
	change Change
	alerts map[string][]string // by key
}

// settle is what an entry means for its refund. A final state that was applied
// before is told no second time: what is new is then about an attempt.
func settle(r Refund, l order.Ledger, carriers []order.Order, e queue.Entry, p settings.Policy, now time.Time) (Change, error) {
	st := settling{
		entry: e, cause: r.Cause(), over: r.OverRefund, again: (e.State == queue.EntryQueued || e.State == queue.EntryAwaitingApproval) && !r.Ended.At.IsZero(),
		stamp: e.Changed, ledger: l, change: Change{Writes: order.Writes{Order: l.Order, Version: l.Version}}, alerts: map[string][]string{},
	}
	st.stamp.At = st.stamp.At.UTC()
	st.told = e.State.Final() && r.Ended.At.Equal(st.stamp.At)
	r.Ended = order.Stamp{}
	if e.State.Final() {
		r.Ended = st.stamp
	}
	if st.told {
		st.stamp = order.Stamp{By: "Amazon", At: now.UTC()}
	}
	if st.again && !slices.ContainsFunc(r.Lines, func(l Line) bool { return l.Outcome == LineVoided }) {
		return Change{}, fmt.Errorf("refund %s: every line is paid, so there is nothing to try again: %w", r.ID, queue.ErrTransition)
	}
	r = r.clone()
	for i := range r.Lines {
		if err := st.line(&r.Lines[i]); err != nil {
			return Change{}, fmt.Errorf("refund %s: %w", r.ID, err)
		}
	}
	c := st.change
	c.Refunds, c.Entries = []Refund{r}, []queue.Entry{e}
	c.Payment(Payment(st.ledger, p), carriers, st.stamp, r.HostOrder)
	if !st.told {
		c.Effect(note("Refund %s of %s: %s.%s", r.ID, r.Total(), e.State.Label(), because(st.stamp.Why)), r.HostOrder, st.stamp)
		c.Event(order.EventResult, "refund "+string(r.ID), string(e.State)+because(st.stamp.Why), st.stamp)
		if said := refused(r, e); len(said) > 0 {
			c.Alert(st.key("refused", len(e.Attempts)), "refund "+string(r.ID), "refused by Amazon: "+strings.Join(said, "; "), st.stamp)
		}
	}
	for n := range e.Attempts {
		for _, kind := range []string{doubled, contradicted} {
			if said := st.alerts[st.key(kind, n+1)]; len(said) > 0 {
				text := strings.Join(said, "; ")
				c.Effect(note("Refund %s of %s: %s.", r.ID, r.Total(), text), r.HostOrder, st.stamp)
				c.Alert(st.key(kind, n+1), "refund "+string(r.ID), text, st.stamp)
			}
		}
	}
	return c, nil
}

// refused are Amazon's words for the lines that it refused in the attempt with which an
// entry ended.
func refused(r Refund, e queue.Entry) []string {
	if e.State != queue.EntryRefused && e.State != queue.EntryPartlyAccepted {
		return nil
	}
	var said []string
	for _, l := range r.Lines {
		if v := result(e.Attempt(), l.Item); l.Outcome == LineVoided && v.Verdict == amazon.VerdictRefused && v.By == "" {
			said = append(said, fmt.Sprintf("item %s: %d %s", l.Item, v.Code, v.Text))
		}
	}
	return said
}

// Kinds of alerts that are of an attempt, as they begin their keys.
const (
	doubled      = "doubled"      // Amazon paid in more than one attempt
	contradicted = "contradicted" // Amazon paid what was taken not to be
)

func (st *settling) key(kind string, attempt int) string {
	return fmt.Sprintf("%s/%s/%d", kind, st.entry.ID, attempt)
}

func (st *settling) alert(kind string, attempt int, format string, args ...any) {
	key := st.key(kind, attempt)
	st.alerts[key] = append(st.alerts[key], fmt.Sprintf(format, args...))
}

// line brings one line to where it belongs.
func (st *settling) line(l *Line) error {
	before := l.Outcome
	for i, a := range st.entry.Attempts {
		switch r := result(a, l.Item); {
		case r.Verdict != amazon.VerdictAccepted:
		case r.By != "" && l.Outcome == LineOpen:
			st.paid(l, doneOutside, i+1)
		case r.By == "" && !slices.Contains(l.Paid, a.Batch):
			st.paid(l, a.Batch, i+1)
		}
	}
	said := result(st.entry.Attempt(), l.Item)
	if st.entry.State == queue.EntryRefused && !st.told && before == LinePosted && said.Verdict == amazon.VerdictRefused {
		st.alert(contradicted, len(st.entry.Attempts), "item %s was paid before, though its last attempt was refused", l.Item)
	}
	to := st.outcome(*l, said.Verdict)
	if to == l.Outcome {
		return nil
	}
	switch to {
	case LinePosted:
		st.paid(l, doneOutside, 0)
	case LineVoided:
		st.post(st.ledger.Void(st.cause, l.Item, st.stamp))
		if said.Verdict == amazon.VerdictRefused && !st.dropped() {
			l.Code, l.Text = said.Code, said.Text
		}
	case LineOpen:
		ps, err := st.ledger.Reserve(st.cause, l.Item, l.Amounts, st.over, st.stamp)
		if err != nil {
			return err
		}
		st.post(ps)
		l.Code, l.Text = 0, ""
	}
	l.Outcome = to
	return nil
}

// doneOutside stands in [Line.Paid] for what was done another way.
const doneOutside queue.BatchID = ""

// paid posts what was paid in a batch or another way: from the reservation while
// there is one, and else beyond it.
func (st *settling) paid(l *Line, by queue.BatchID, attempt int) {
	switch {
	case l.Outcome == LineVoided:
		st.alert(contradicted, attempt, "item %s: Amazon paid it in batch %s, though it was taken for unpaid", l.Item, by)
	case slices.Contains(l.Paid, doneOutside):
		st.alert(contradicted, attempt, "item %s: Amazon paid it in batch %s, beside what was done another way", l.Item, by)
	case len(l.Paid) > 0:
		st.alert(doubled, attempt, "item %s: Amazon paid it in batch %s, after batch %s", l.Item, by, l.Paid[len(l.Paid)-1])
	}
	ps := st.ledger.Post(st.cause, l.Item, st.stamp)
	if len(ps) == 0 {
		ps = st.ledger.PostAgain(st.cause, l.Item, st.stamp)
	}
	st.post(ps)
	l.Outcome, l.Paid, l.Code, l.Text = LinePosted, append(l.Paid, by), 0, ""
}

func (st *settling) post(ps []order.Posting) {
	st.change.Postings = append(st.change.Postings, ps...)
	st.ledger = st.ledger.With(ps...)
}

// outcome is what becomes of a line in the state of its entry. v is what is known
// of it in the current attempt.
func (st *settling) outcome(l Line, v amazon.Verdict) Outcome {
	switch {
	case l.Outcome == LinePosted:
		return LinePosted
	case st.again:
		return LineOpen
	case l.Outcome != LineOpen:
		return l.Outcome
	case st.dropped():
		return LineVoided
	case st.entry.State == queue.EntrySettledOutside:
		return LinePosted
	case v == amazon.VerdictRefused && !st.entry.State.Waiting(): // what waits shall have another attempt
		return LineVoided
	}
	return LineOpen // nobody knows yet: the money stays reserved
}

// dropped tells that what is still open of the refund will not be sent.
func (st *settling) dropped() bool {
	return slices.Contains([]queue.State{queue.EntryRejected, queue.EntryWithdrawn, queue.EntryGivenUp}, st.entry.State)
}

// result is what is known of a part in one attempt; the zero value when nothing
// is.
func result(a queue.Attempt, part string) queue.Result {
	if i := slices.IndexFunc(a.Results, func(r queue.Result) bool { return r.Part == part }); i >= 0 {
		return a.Results[i]
	}
	return queue.Result{}
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return " " + why
}
