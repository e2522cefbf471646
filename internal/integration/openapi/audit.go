package openapi

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/takebackhq/takeback/internal/wirelog"
)

// Audit says what to judge, and what to let pass.
type Audit struct {
	Models *Models

	// Client finds the requests of the client by their user agent, of which this
	// is a part.
	Client string

	// Unmodelled are the beginnings of paths that belong to no API, each with what
	// is there.
	Unmodelled map[string]string

	Exceptions []Exception
}

// Exception is a violation that is right all the same.
type Exception struct {
	Operation string
	Violation string // a part of what it says
	Because   string
}

// Report is what an audit found.
type Report struct {
	Operations map[string]Tally // by ID, those that were seen
	Violations []Violation      // each different one once, by operation
	Unused     []Exception
}

// Tally counts what was judged of an operation.
type Tally struct {
	Requests  int // of the client
	Successes int // answers with a status of 2xx
	Refusals  int // answers with any other
}

// Violation is something that one or more exchanges did wrong.
type Violation struct {
	Operation string // its ID; empty: no model has it
	What      string
	First     string // the exchange in which it was seen first
	Times     int
}

// String says it in one line.
func (v Violation) String() string {
	return fmt.Sprintf("%s: %s (exchanges: %d, first %s)", cmp.Or(v.Operation, "no operation"), v.What, v.Times, v.First)
}

// Run judges exchanges. Requests are judged when the client made them, and those
// that a test forged when they were answered with success: what is taken for good
// must be good. All answers are judged.
func (a Audit) Run(es []wirelog.Exchange) Report {
	f := findings{a, map[string]Tally{}, map[[2]string]*Violation{}, map[Exception]bool{}}
	for _, e := range es {
		f.judge(e)
	}
	r := Report{Operations: f.tallies}
	for _, v := range f.violations {
		r.Violations = append(r.Violations, *v)
	}
	slices.SortFunc(r.Violations, func(v, w Violation) int {
		return cmp.Or(cmp.Compare(v.Operation, w.Operation), cmp.Compare(v.What, w.What))
	})
	for _, x := range a.Exceptions {
		if !f.used[x] {
			r.Unused = append(r.Unused, x)
		}
	}
	return r
}

// findings are a report while it grows.
type findings struct {
	Audit
	tallies    map[string]Tally
	violations map[[2]string]*Violation // by operation and what
	used       map[Exception]bool
}

func (f findings) judge(e wirelog.Exchange) {
	byClient := strings.Contains(http.Header(e.Header).Get("User-Agent"), f.Client)
	accepted := e.Answer != nil && e.Answer.Status/100 == 2
	c, ok := f.Models.Find(e)
	if !ok {
		if (byClient || accepted) && !f.unmodelled(e.Target) {
			f.blame(e, "", fmt.Sprintf("no model has %s %s", e.Method, e.Target))
		}
		return
	}
	tally := f.tallies[c.Operation]
	if byClient {
		tally.Requests++
	}
	if byClient || accepted {
		f.blame(e, c.Operation, c.Request()...)
	}
	switch {
	case accepted:
		tally.Successes++
	case e.Answer != nil:
		tally.Refusals++
	}
	if e.Answer != nil {
		f.blame(e, c.Operation, c.Answer()...)
	}
	f.tallies[c.Operation] = tally
}

func (f findings) blame(e wirelog.Exchange, operation string, wrong ...string) {
	for _, what := range wrong {
		if x, ok := f.exception(operation, what); ok {
			f.used[x] = true
			continue
		}
		key := [2]string{operation, what}
		if f.violations[key] == nil {
			first := fmt.Sprintf("%s: %s %s", e.Program, e.Method, e.Target)
			f.violations[key] = &Violation{Operation: operation, What: what, First: first}
		}
		f.violations[key].Times++
	}
}

func (a Audit) exception(operation, what string) (Exception, bool) {
	for _, x := range a.Exceptions {
		if x.Operation == operation && strings.Contains(what, x.Violation) {
			return x, true
		}
	}
	return Exception{}, false
}

func (a Audit) unmodelled(target string) bool {
	for beginning := range a.Unmodelled {
		if strings.HasPrefix(target, beginning) {
			return true
		}
	}
	return false
}
