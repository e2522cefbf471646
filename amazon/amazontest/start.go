package amazontest

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Start serves on a free port of the loopback interface. The base URL, such as
// http://127.0.0.1:40001, stands for every host of Amazon: an spapi.Config takes
// it as the Endpoint of all regions and, with /auth/o2/token behind it, as the
// TokenURL; presigned addresses lead to it as well.
//
// Stop breaks off the calls that are under way and returns when the goroutines
// that served them have ended. It may be called again, and does nothing then. The
// server itself goes on: it answers in memory, and Start may be called once more.
func (s *Server) Start() (base string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("amazontest: %w", err)
	}
	// A connection counts from before Serve can return until its goroutine ends
	// or its handler takes it over; handlers count as well, because one that took
	// over a connection outlasts it.
	var running sync.WaitGroup
	web := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			running.Add(1)
			defer running.Done()
			s.ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: time.Minute,
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				running.Add(1)
			case http.StateClosed, http.StateHijacked:
				running.Done()
			}
		},
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = web.Serve(l) // ends when stop closes it
	}()
	stop = func() {
		_ = web.Close() // what it closes is broken off
		<-served
		running.Wait()
	}
	return "http://" + l.Addr().String(), stop, nil
}
