package drill

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Mishap is what happens at one call, counted over all workers from 1.
type Mishap struct {
	At   int
	Late bool // after the call had its effect
	What Disaster
	Away time.Duration // of a suspended worker: until it goes on; others have at least one round
}

// Disaster is what a mishap does.
type Disaster string

const (
	Fails    Disaster = "fails"
	Unsent   Disaster = "cannot be sent" // and whoever calls knows
	Kills    Disaster = "kills its worker"
	Suspends Disaster = "suspends its worker"
)

// How long a worker may be away.
const (
	leaseOver = 10 * time.Minute
	fenceOver = 8 * time.Hour // and Amazon lists whatever came of its calls
)

// String says what happens.
func (m Mishap) String() string { return fmt.Sprintf("call %d %s", m.At, m.Name()) }

// Name says what happens, without the call.
func (m Mishap) Name() string {
	name := string(m.What) + " before its effect"
	if m.Late {
		name = string(m.What) + " after its effect"
	}
	if m.What == Suspends {
		name += " for " + m.Away.String()
	}
	return name
}

// Call is a call that a worker made.
type Call struct {
	Name  string
	Round int // of its worker's, counted over all workers
}

// Store tells whether a call went to the store; else it went to Amazon.
func (c Call) Store() bool { return strings.HasPrefix(c.Name, "store") }

// Reads tells whether a call has no effect.
func (c Call) Reads() bool {
	_, method, _ := strings.Cut(c.Name, ".")
	return c.Store() && !strings.HasPrefix(method, "Save") || strings.HasPrefix(c.Name, "amazon GET")
}

// Mishaps are all that can happen at the call with this number.
func Mishaps(at int, c Call) []Mishap {
	var ms []Mishap
	for _, late := range []bool{false, true} {
		ms = append(ms,
			Mishap{at, late, Fails, 0}, Mishap{at, late, Kills, 0},
			Mishap{at, late, Suspends, 0}, Mishap{at, late, Suspends, leaseOver}, Mishap{at, late, Suspends, fenceOver},
		)
	}
	if !c.Store() {
		ms = append(ms, Mishap{at, false, Unsent, 0})
	}
	return ms
}

// Distinct are the mishaps of a call without those that come to the same as
// another. A call that only reads fails alike before and after; who is killed
// before it might as well be before the next call that has an effect; and who is
// stopped after a call's effect has done the same as who is before the next call.
func Distinct(at int, c Call) []Mishap {
	return slices.DeleteFunc(Mishaps(at, c), func(m Mishap) bool {
		return m.Away == leaseOver || m.Late && m.What != Fails || c.Reads() && (m.Late || m.What == Kills)
	})
}

// ByName sorts mishaps by what happens.
func ByName(ms []Mishap) map[string][]Mishap {
	names := map[string][]Mishap{}
	for _, m := range ms {
		names[m.Name()] = append(names[m.Name()], m)
	}
	return names
}
