package amazontest

// Fault is what goes wrong with one call. The zero Fault is that nothing does.
type Fault struct {
	// Drop breaks the connection instead of answering. Status is then ignored.
	Drop bool

	// Status is the HTTP status to answer with instead of the true answer, 200
	// to 599; anything else counts as 500. Below 400 the body is empty.
	Status int

	// After lets the call have its effect first; only its answer is lost.
	After bool
}

// Fail asks script about every call from now on; nil lets all calls succeed.
// The script may use the server. It is called from the goroutines that serve
// the calls, several at a time when calls overlap.
func (s *Server) Fail(script func(Call) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = script
}

func (f Fault) none() bool { return !f.Drop && f.Status == 0 }

// answer is what the client gets, in the words of the operation's service.
func (f Fault) answer(op operation) answer {
	status := f.Status
	if status < 200 || status > 599 {
		status = 500
	}
	switch {
	case status < 400:
		a := jsonAnswer(status, nil)
		a.body = nil
		if status >= 300 {
			// Back here: a client that follows does the call again.
			a.header.Set("Location", op.path)
		}
		return a
	case status == 429:
		return op.refuse(status, "QuotaExceeded", "You exceeded your quota for the requested resource.", "")
	case status == 401 || status == 403:
		return op.refuse(status, "Unauthorized", "Access to requested resource is denied.", "")
	case status == 404:
		return op.refuse(status, "NotFound", "The requested resource was not found.", "")
	case status < 500:
		return op.refuse(status, "InvalidInput", "Invalid request parameters", "")
	}
	return op.refuse(status, "InternalFailure", "We encountered an internal error. Please try again.", "")
}
