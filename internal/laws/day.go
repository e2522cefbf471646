package laws

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/internal/drill"
	"github.com/takebackhq/takeback/queue"
)

// Outcome is what became of a day.
type Outcome struct {
	Broken []string       // the laws that were broken, and by what; none when all is well
	Worked map[string]int // how often each kind of thing happened and was not refused
	Told   []string       // what happened, and what was said to it
}

// Day plays a day on an empty store: rounds of one to three things at once, each
// followed by an audit, and then as many calm days as Amazon takes for its answers,
// after which everything has to be closed or visibly open.
func Day(ctx context.Context, st takeback.Store, draw Draw) (Outcome, error) {
	m, err := open(st, draw)
	if err != nil {
		return Outcome{}, err
	}
	m.files = drawReturns(draw)
	for range 10 + draw("rounds", 30) {
		m.round(ctx, draw)
		if err := m.audit(ctx); err != nil || len(m.unlawful) > 0 {
			return m.outcome(), err
		}
	}
	m.trouble.begin(mishap{})
	if err := m.calm(ctx); err != nil {
		return m.outcome(), err
	}
	if err := m.audit(ctx); err != nil {
		return m.outcome(), err
	}
	err = m.auditEnd(ctx)
	return m.outcome(), err
}

func (m *merchant) outcome() Outcome { return Outcome{m.unlawful, m.worked, m.told} }

// round has things happen at once.
func (m *merchant) round(ctx context.Context, draw Draw) {
	t := mishap{fails: draw("call that fails", 40), late: draw("late", 2) == 1}
	t.fault = one(draw, "fault at Amazon", amazontest.Fault{}, amazontest.Fault{}, amazontest.Fault{Drop: true}, amazontest.Fault{Drop: true, After: true},
		amazontest.Fault{Status: http.StatusInternalServerError, After: true}, amazontest.Fault{Status: http.StatusTooManyRequests})
	var names []string
	var does []func(context.Context) error
	for range 1 + draw("things at once", 3) {
		of := one(draw, "what", moves...)
		names, does = append(names, of.name), append(does, of.draw(m, draw))
	}
	m.clock.advance(time.Second)
	m.trouble.begin(t)
	atOnce(len(does), func(i int) {
		err := does[i](ctx) // whatever it is: what came of it is audited
		m.mu.Lock()
		defer m.mu.Unlock()
		m.told = append(m.told, fmt.Sprintf("%s, beside %d others, %+v: %v", names[i], len(does)-1, t, err))
		if err == nil {
			m.worked[names[i]]++
		}
	})
	m.trouble.begin(mishap{})
}

// calm lets a week pass in which nothing goes wrong and staff do their work. Then
// Amazon's books are imported.
func (m *merchant) calm(ctx context.Context) error {
	for end := m.clock.Now().Add(8 * 24 * time.Hour); m.clock.Now().Before(end); {
		if err := m.work(ctx); err != nil {
			return err
		}
		m.clock.advance(2 * time.Hour)
	}
	if _, err := m.closeBooks(false); err != nil {
		return err
	}
	for _, file := range m.reports {
		if err := m.importSettlement(ctx, file); err != nil {
			return fmt.Errorf("settle: %w", err)
		}
	}
	for range 3 {
		if err := m.work(ctx); err != nil {
			return err
		}
		m.clock.advance(time.Hour)
	}
	return nil
}

// work is a round of work of staff who send what waits for them and decide what they
// can, and of a process.
func (m *merchant) work(ctx context.Context) error {
	waiting, err := m.desk.Queue.Entries(ctx, queue.EntryQuery{States: []queue.State{queue.EntryQueued}})
	if err != nil {
		return err
	}
	for _, e := range waiting {
		if e.Selection == nil {
			_, _ = m.desk.Queue.Process(ctx, "boss", e.ID) // in Direct mode it may be on its way
		}
	}
	// Amazon may list meanwhile what was not there when the case was shown: then the
	// next round decides.
	_ = drill.Decide(ctx, m.desk.Queue, m.clock.Now())
	_, err = m.desk.Step(ctx)
	return err
}
