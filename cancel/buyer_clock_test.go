package cancel_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
)

// The clock counts from the earliest evidence, and tells which that is.
func TestEvidence(t *testing.T) {
	at := func(h int) time.Time { return morning.Add(time.Duration(h) * time.Hour) }
	updated := func(s *shop, t time.Time) {
		s.there.state = amazon.OrderState{Number: first.Number, Status: amazon.OrderUnshipped, UpdatedAt: t, Items: []amazon.ItemState{{ID: mug, RequestedBy: amazon.ActorBuyer, RequestedReason: "Ordered twice"}}}
		s.reads()
	}
	for _, tt := range []struct {
		name   string
		see    func(*shop)
		clock  cancel.Clock
		source string
		at     time.Time
	}{
		{"the report's own time", func(s *shop) { s.importsAt(unshipped(asks(mug)), at(-2)) }, cancel.ByFirstSeen, cancel.FromOrderReport, at(-2)},
		{"the order's last update is earlier", func(s *shop) { s.importsAt(unshipped(asks(mug)), at(-2)); updated(s, at(-3)) }, cancel.ByLastUpdate, cancel.FromOrdersAPI, at(-3)},
		{"a later update counts nothing", func(s *shop) { updated(s, at(-3)); updated(s, at(-1)) }, cancel.ByLastUpdate, cancel.FromOrdersAPI, at(-3)},
		{"the notification is earliest", func(s *shop) { updated(s, at(-3)); s.notified(at(-5), mug) }, cancel.ByNotification, cancel.FromNotification, at(-5)},
		{"of one time, the notification", func(s *shop) { updated(s, at(-3)); s.notified(at(-3), mug) }, cancel.ByNotification, cancel.FromNotification, at(-3)},
		{"a later file is an older one", func(s *shop) { s.importsAt(unshipped(asks(mug)), at(-2)); s.importsAt(unshipped(asks(mug)), at(-4)) }, cancel.ByFirstSeen, cancel.FromOrderReport, at(-4)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, settings.Policy{}, paid(so1, first))
			tt.see(s)
			r := s.wishes()[mug]
			assert.Equal(t, tt.clock, r.Evidence().Clock)
			assert.Equal(t, tt.source, r.Evidence().Source)
			assert.Equal(t, tt.at, r.Evidence().At)
			assert.Equal(t, tt.at.Add(48*time.Hour), r.Deadline)
		})
	}
}

// Overdue alerts, once, and never acts.
func TestOverdue(t *testing.T) {
	for _, tt := range []struct {
		name   string
		then   func(*shop)
		alerts []string
		state  cancel.RequestState
	}{
		{"undecided", func(*shop) {}, []string{"buyer-overdue"}, cancel.Undecided},
		{"accepted, and Amazon has not confirmed", func(s *shop) { s.accepts() }, []string{"buyer-overdue"}, cancel.RequestAccepted},
		{"accepted and confirmed", func(s *shop) {
			c := s.accepts()[0]
			s.move(c.ID, queue.EntryAccepted, queue.Result{Verdict: amazon.VerdictAccepted})
			s.there.state = amazon.OrderState{Number: first.Number, Status: amazon.OrderCancelled}
			s.step(time.Hour)
			assert.Equal(s.t, cancel.RequestOver, s.wishes()[mug].State, "as soon as Amazon shows it")
		}, []string{}, cancel.RequestOver},
		{"declined", func(s *shop) { s.declines() }, []string{}, cancel.RequestDeclined},
		{"shipped all the same", func(s *shop) { s.ship(so1) }, []string{}, cancel.RequestOver},
	} {
		t.Run(tt.name, func(t *testing.T) {
			mugs := paid(so1, first)
			mugs.Lines = mugs.Lines[:1]
			s := open(t, settings.Policy{}, mugs)
			s.importsAt(unshipped(asks(mug)), morning)
			tt.then(s)
			status := s.order(so1).Status
			s.step(45 * time.Hour)
			assert.NotContains(t, s.alerted(), "buyer-overdue", "not before its time")
			s.step(3 * time.Hour)
			s.step(48 * time.Hour)
			s.deliver()
			assert.Equal(t, tt.alerts, s.alerted())
			r := s.wishes()[mug]
			assert.Equal(t, tt.state, r.State)
			assert.Equal(t, len(tt.alerts) > 0, r.Overdue)
			if tt.state != cancel.RequestOver {
				assert.Equal(t, status, s.order(so1).Status)
			}
		})
	}
}

func TestOverdueLooksForNinetyDays(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	s.imports(unshipped(asks(mug)))
	s.step(50 * time.Hour)
	assert.False(t, s.wishes()[mug].LookAt.IsZero())
	s.step(95 * 24 * time.Hour)
	assert.True(t, s.wishes()[mug].LookAt.IsZero())
	assert.False(t, s.pass(first).May, "it is undecided still")
}

// Another wish has its own deadline to miss.
func TestOverdueAgain(t *testing.T) {
	s := open(t, settings.Policy{}, paid(so1, first))
	s.notified(morning, mug)
	s.step(49 * time.Hour)
	s.declines()
	s.notified(s.now.Add(time.Hour), mug)
	assert.False(t, s.wishes()[mug].Overdue)
	s.step(50 * time.Hour)
	assert.Equal(t, []string{"buyer-overdue", "buyer-overdue"}, s.alerted())
}
