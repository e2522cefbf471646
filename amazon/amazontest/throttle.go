package amazontest

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

// Throttle says how the server limits its callers. The zero Throttle is Amazon's
// way: for each operation and seller a bucket of tokens, which starts full and is
// refilled one by one, as large and as fast as the operation's model states. Each
// call takes a token; without one it is answered 429 and nothing is done. A call
// whose access token is refused, or that a fault keeps from its effect, takes
// none. Login with Amazon and the document storage publish no limits and have
// none here; [Server.Fail] can have them answer 429.
type Throttle struct {
	// Off lets every call through.
	Off bool

	// Speed multiplies the rates, not the size of the buckets: at 60 the token
	// for a createFeed comes back in two seconds instead of two minutes. Zero is 1.
	// It lies between 0.001 and a million.
	Speed float64

	// Costly has a refused call cost too: the bucket is emptied, and the wait
	// for its next token starts anew. Amazon does not say whether it does so.
	Costly bool
}

const minSpeed, maxSpeed = 0.001, 1e6

// plan is an operation's usage plan: the time in which a token is refilled, and
// how many tokens a full bucket holds.
type plan struct {
	every time.Duration
	burst int
}

// bucket is a bucket of tokens as it was last seen. It is measured in the time
// that its missing tokens take to come back, which has no fractions.
type bucket struct {
	Missing time.Duration // zero: it is full
	At      time.Time
}

// admit takes a token of the account's bucket for an operation, if there is one.
// While the clock is set back, no tokens come.
func (a *account) admit(op operation, now time.Time, t Throttle) bool {
	if t.Off || op.plan.burst == 0 {
		return true
	}
	every := t.every(op.plan)
	empty := time.Duration(op.plan.burst) * every
	b := a.Buckets[op.name]
	missing := max(0, b.Missing-max(0, now.Sub(b.At)))
	ok := missing <= empty-every
	switch {
	case ok:
		missing += every
	case t.Costly:
		missing = empty
	}
	a.Buckets[op.name] = bucket{missing, now}
	return ok
}

// every is the time in which a token is refilled here.
func (t Throttle) every(p plan) time.Duration {
	return time.Duration(float64(p.every) / cmp.Or(t.Speed, 1))
}

// rate is the header x-amzn-RateLimit-Limit: tokens in a second, in the digits
// that Amazon writes, such as 0.0083 and 2.0.
func (t Throttle) rate(p plan) string {
	perSecond := cmp.Or(t.Speed, 1) / p.every.Seconds()
	digits := strings.TrimRight(strconv.FormatFloat(perSecond, 'f', 4, 64), "0")
	if strings.HasSuffix(digits, ".") {
		digits += "0"
	}
	return digits
}
