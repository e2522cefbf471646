package amazontest

import (
	"context"
	"math"
	"time"
)

// Forever is longer than any test: an answer that never comes, a call that
// arrives only when [Server.Release] lets it, a feed that is stuck.
const Forever time.Duration = math.MaxInt64

// Fault is what goes wrong with one call. The zero Fault is that nothing does.
// Drop and Status keep a call from its effect, unless After or Late is set;
// nothing else does. Durations below zero count as zero.
//
// Where several are set, Drop wins over Status, Body and ContentType, and Late
// over After and Omit. After alone is no fault: a script that answers it leaves
// the call to the scripts behind it.
type Fault struct {
	// Drop breaks the connection instead of answering.
	Drop bool

	// Status is the HTTP status to answer with instead of the true answer, 200
	// to 599; anything else counts as 500. Below 400 the body is empty, from 400
	// on it is an error in the words of the service that is called. 0: the true
	// status.
	Status int

	// Body and ContentType replace those of the answer when one of them is not
	// empty: ContentType alone empties the body, Body alone keeps the content
	// type.
	Body, ContentType string

	// After lets the call have its effect first; only its answer is lost, by Drop
	// or Status.
	After bool

	// Late lets the call arrive so much later, on the server's clock, or when
	// [Server.Release] is called: even if its caller is gone by then, and with
	// the access token that it carries, which may have expired. The caller gets
	// Status, or a broken connection if that is 0 or Drop is set.
	Late time.Duration

	// Delay holds the answer back, until the caller's context ends at the
	// latest. It has no influence on the effect. The wait is one of package
	// time, whatever Config.Now says: in a bubble of testing/synctest it takes
	// no time. Forever: the call is never answered.
	Delay time.Duration

	// Omit leaves out so many entries at the beginning of the page that getFeeds
	// or getReports answer: the newest ones.
	Omit int
}

// Fail asks scripts about every call from now on, in their order; the first one
// that wants something to go wrong decides. Without scripts all calls succeed;
// a nil script is passed over. Scripts may use the server. They are called from
// the goroutines that serve the calls, several at a time when calls overlap.
func (s *Server) Fail(scripts ...func(Call) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = func(c Call) Fault {
		for _, script := range scripts {
			if script == nil {
				continue
			}
			if f := script(c); !f.none() {
				return f
			}
		}
		return Fault{}
	}
}

// Nth is a script for [Server.Fail]: the nth call of an operation meets the first
// of the faults, the call after it the second, and so on. Calls are counted from
// 1 since the books began, not since Fail, as in [Call.Nth].
func Nth(op string, n int, faults ...Fault) func(Call) Fault {
	return func(c Call) Fault {
		if i := c.Nth - n; c.Op == op && i >= 0 && i < len(faults) {
			return faults[i]
		}
		return Fault{}
	}
}

func (f Fault) none() bool {
	f.After = false
	return f == Fault{}
}

// spares tells whether the call has its effect when it arrives.
func (f Fault) spares() bool { return !f.Drop && f.Status == 0 || f.After }

// breaks tells whether the caller sees a broken connection.
func (f Fault) breaks() bool { return f.Drop || f.Late > 0 && f.Status == 0 }

// answer is what the client gets instead of the true answer, if it gets any.
func (f Fault) answer(op operation, truth answer) answer {
	a := truth
	if f.breaks() || f.Status != 0 {
		a = f.refusal(op)
	}
	if f.Body == "" && f.ContentType == "" {
		return a
	}
	a.body = []byte(f.Body)
	a.header.Del("Content-Encoding")
	if f.ContentType != "" {
		a.header.Set("Content-Type", f.ContentType)
	}
	return a
}

// refusal is the answer of a given status, in the words of the operation's
// service.
func (f Fault) refusal(op operation) answer {
	status := f.Status
	if status < 200 || status > 599 {
		status = 500
	}
	if status < 400 {
		a := jsonAnswer(status, nil)
		a.body = nil
		if status >= 300 {
			// Back here: a client that follows does the call again.
			a.header.Set("Location", op.path)
		}
		return a
	}
	code, message := "InvalidInput", "Invalid request parameters"
	switch {
	case status == 429:
		code, message = "QuotaExceeded", "You exceeded your quota for the requested resource."
	case status == 401 || status == 403:
		code, message = "Unauthorized", "Access to requested resource is denied."
	case status == 404:
		code, message = "NotFound", "The requested resource was not found."
	case status >= 500:
		code, message = "InternalFailure", "We encountered an internal error. Please try again."
	}
	if word, ok := storageCodes[status]; ok && op.path == presignedPath {
		code = word
	}
	return op.refuse(status, code, message, "")
}

// storageCodes are what the document storage calls some statuses (Amazon S3 API
// Reference, Error Responses).
var storageCodes = map[int]string{403: "AccessDenied", 404: "NoSuchKey", 500: "InternalError", 503: "SlowDown"}

// wait holds an answer back. It answers false when the caller has left.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	var over <-chan time.Time
	if d < Forever {
		t := time.NewTimer(d)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-over:
		return true
	case <-ctx.Done():
		return false
	}
}
