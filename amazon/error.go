package amazon

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Sent tells whether a call reached Amazon. The zero value is the one that is
// never wrong to assume.
type Sent int

const (
	// SentUnknown: the request may have had its effect. It must not be repeated
	// before evidence says that it had none.
	SentUnknown Sent = iota
	// NotSent: nothing happened at Amazon. The request failed before its first
	// byte left, was throttled, or its token was refused.
	NotSent
	// Answered: Amazon read the request and refused it.
	Answered
)

func (s Sent) String() string {
	switch s {
	case NotSent:
		return "not sent"
	case Answered:
		return "answered"
	}
	return "unknown whether sent"
}

// Error is what went wrong in a call to Amazon. It holds no token, no presigned
// address and no buyer data.
type Error struct {
	Op        string    // Amazon's operation, such as "createFeed"
	Account   string    // whose call
	Sent      Sent      // whether the call happened
	Status    int       // HTTP status; 0 when there was no answer
	Code      string    // Amazon's error code, opaque
	Message   string    // Amazon's words
	RequestID string    // x-amzn-RequestId, which Amazon's support asks for
	RetryAt   time.Time // do not call again before this; zero: not known
	Err       error     // what happened below, when there was no answer
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "amazon %s", e.Op)
	if e.Account != "" {
		fmt.Fprintf(&b, " for %s", e.Account)
	}
	fmt.Fprintf(&b, " (%s)", e.Sent)
	if e.Status != 0 {
		fmt.Fprintf(&b, ": HTTP %d", e.Status)
	}
	if e.Code != "" {
		fmt.Fprintf(&b, " %s", e.Code)
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " [request %s]", e.RequestID)
	}
	if !e.RetryAt.IsZero() {
		// Rounded up: whoever comes at the time that is printed is not too early.
		fmt.Fprintf(&b, ", not before %s", e.RetryAt.UTC().Add(time.Second-1).Format(time.RFC3339))
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// Whether tells whether the call behind an error happened. An error that is not
// ours, and one that does not say, is [SentUnknown].
func Whether(err error) Sent {
	var e *Error
	if errors.As(err, &e) {
		return e.Sent
	}
	return SentUnknown
}

// Throttled tells whether Amazon, or our own count of its limits, refused a
// call for coming too early, and when to come back. Nothing happened then.
func Throttled(err error) (time.Time, bool) {
	var e *Error
	if !errors.As(err, &e) || e.Sent != NotSent || e.Status != 0 && e.Status != 429 || e.RetryAt.IsZero() {
		return time.Time{}, false
	}
	return e.RetryAt, true
}
