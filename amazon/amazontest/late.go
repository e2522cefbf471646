package amazontest

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// parked is a call that has left its caller but has not yet arrived.
type parked struct {
	Number int // of the Call
	Due    time.Time
	Method string
	URL    string
	Header http.Header
	Length int64 // as the request announced it; -1: unknown
	Body   []byte
	Base   string
}

func (b *books) park(r *request, call Call, late time.Duration) {
	b.Parked = append(b.Parked, parked{
		Number: call.Number, Due: r.now.Add(late), Method: r.Method, URL: r.URL.String(),
		Header: r.Header.Clone(), Length: r.ContentLength, Body: r.body, Base: r.base,
	})
}

// unpark takes out the call that is due first, if one is.
func (b *books) unpark(now time.Time) (parked, bool) {
	first := -1
	for i, p := range b.Parked {
		if !p.Due.After(now) && (first < 0 || p.Due.Before(b.Parked[first].Due)) {
			first = i
		}
	}
	if first < 0 {
		return parked{}, false
	}
	p := b.Parked[first]
	b.Parked = slices.Delete(b.Parked, first, first+1)
	return p, true
}

// Release lets every call that [Fault.Late] still holds arrive now, in the order
// in which they were made.
func (s *Server) Release() error {
	return s.change(func(b *books) error {
		now := s.now()
		for i := range b.Parked {
			b.Parked[i].Due = now
		}
		s.advance(now)
		return nil
	})
}

// advance brings everything to where it stands at a time: late calls arrive, and
// feeds and reports are worked on, each at its own time.
func (s *Server) advance(now time.Time) {
	for {
		p, ok := s.books.unpark(now)
		if !ok {
			break
		}
		s.books.advance(p.Due, s.config)
		s.arriveLate(p)
	}
	s.books.advance(now, s.config)
}

// arriveLate lets a parked call have its effect. Its answer reaches nobody.
func (s *Server) arriveLate(p parked) {
	address, err := url.Parse(p.URL)
	if err != nil {
		return // cannot be: it was the URL of a request
	}
	r := &request{
		Request: &http.Request{
			Method: p.Method, URL: address, Host: address.Host, Header: p.Header,
			ContentLength: p.Length, Body: io.NopCloser(bytes.NewReader(p.Body)),
		},
		body: p.Body, at: p.Due, now: p.Due, base: p.Base,
	}
	r.op, r.id = route(p.Method, address.Path)
	s.effect(r, p.Number)
}

// effect carries out a call and enters that in the journal.
func (s *Server) effect(r *request, number int) answer {
	a := r.op.do(s, r)
	entry := &s.books.Calls[number-1]
	entry.Effect, entry.EffectTime = a.status, r.now
	return a
}
