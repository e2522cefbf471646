package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
)

// playAll plays the runs in this process, as many at a time as there are
// processors: they have nothing in common.
func playAll(ctx context.Context, f flags, stdout, stderr io.Writer) (sum figures, err error) {
	folder, err := os.MkdirTemp(f.folder, "soak")
	if err != nil {
		return sum, err
	}
	defer os.RemoveAll(folder)
	empty, err := emptyDatabase(folder)
	if err != nil {
		return sum, err
	}

	numbers := make(chan int)
	go func() {
		defer close(numbers)
		for n := f.first; n < f.first+f.runs; n++ {
			select {
			case numbers <- n:
			case <-ctx.Done():
				return
			}
		}
	}()
	var mu sync.Mutex // guards what follows, and the outputs
	var errs []error
	sum.LedgerEqual = true
	done := func(r *run, err error) {
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			errs = append(errs, err)
			return
		}
		sum = sum.plus(r.figures)
		for _, finding := range r.findings {
			fmt.Fprintf(stderr, "run %d: %s\n", r.number, finding)
		}
	}
	var players sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		players.Go(func() {
			for n := range numbers {
				r := newRun(f.seed, n, f.workers)
				if f.one > 0 {
					r.trace = func(line string) { fmt.Fprintln(stdout, line) }
				}
				done(r, r.play(folder, empty))
			}
		})
	}
	players.Wait()
	return sum, errors.Join(append(errs, ctx.Err())...)
}

// spread has other processes play the runs, and adds up what they print.
func spread(ctx context.Context, f flags, stderr io.Writer) (sum figures, err error) {
	program, err := os.Executable()
	if err != nil {
		return sum, err
	}
	parts := make([]figures, f.processes)
	errs := make([]error, f.processes)
	var children sync.WaitGroup
	heard := &lockedWriter{to: stderr}
	for i := range f.processes {
		from, to := f.runs*i/f.processes, f.runs*(i+1)/f.processes
		parts[i].LedgerEqual = true
		if from == to {
			continue
		}
		child := exec.CommandContext(ctx, program, "-json", "-folder", f.folder, //nolint:gosec // ourselves
			"-seed", strconv.FormatUint(f.seed, 10), "-workers", strconv.Itoa(f.workers),
			"-first", strconv.Itoa(f.first+from), "-runs", strconv.Itoa(to-from))
		child.Stderr = heard
		children.Go(func() { parts[i], errs[i] = listen(child) })
	}
	children.Wait()
	sum.LedgerEqual = true
	for _, part := range parts {
		sum = sum.plus(part)
	}
	return sum, errors.Join(errs...)
}

// listen reads the figures of a process. That it exits with 1 is an error only
// when they do not tell why.
func listen(child *exec.Cmd) (f figures, err error) {
	var out bytes.Buffer
	child.Stdout = &out
	ended := child.Run()
	if err := json.Unmarshal(out.Bytes(), &f); err != nil {
		return f, fmt.Errorf("a process printed no figures: %w", errors.Join(ended, err))
	}
	if ended != nil && f.verdict() == nil {
		return f, ended
	}
	return f, nil
}

// lockedWriter is a writer for several processes.
type lockedWriter struct {
	mu sync.Mutex
	to io.Writer
}

func (w *lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}
