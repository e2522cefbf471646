// Throttle measures how near the submitter comes to the best that Amazon's
// limits allow. For each backlog it queues that many refunds of one account, has
// a person process all of them at once, and lets the real queue and the real
// client send them to the fake Amazon, with its buckets, on a clock that the
// program moves.
//
//	go run ./internal/integration/throttle [-backlog 1000,10000,100000,1000000] [-per-document 10000] [-json]
//
// The best is 15 documents at once and a further one every 120 seconds. Of each
// backlog it prints
//
//	seconds          until the last createFeed, on the moved clock
//	optimum_seconds  the best
//	ratio            optimum_seconds / seconds; 1 when nothing had to wait
//	refused          how many calls Amazon answered with 429
//	feeds            how many feeds Amazon has
//	real_seconds     what the run took, from Process to the last answer; without queueing the refunds
//	day_seconds      what a day on the moved clock took, without the passes that build documents or apply
//	                 answers; only of runs of at least an hour
//
// and it fails when a ratio is below 0.98, a call is refused, or a refund is not
// paid exactly once. A million refunds want some 12 GB of memory.
//
// The subject is the submitter, so the refunds have neither host orders nor
// ledgers: a small handler stands where package refund does, and asks for 5.00
// for each. What happens to their entries and documents is all real.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"text/tabwriter"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "throttle:", err)
		stop()
		os.Exit(1)
	}
}

// flags are the command line.
type flags struct {
	backlogs    []int
	perDocument int
	json        bool
}

func parse(args []string) (flags, error) {
	f := flags{backlogs: []int{1_000, 10_000, 100_000, 1_000_000}}
	set := flag.NewFlagSet("throttle", flag.ContinueOnError)
	set.Func("backlog", "how many refunds wait; several `numbers`, separated by commas, are measured one after the other (default 1000,10000,100000,1000000)", func(list string) error {
		f.backlogs = nil
		for _, word := range strings.Split(list, ",") {
			n, err := strconv.Atoi(word)
			if err != nil || n < 1 || n > maxBacklog {
				return fmt.Errorf("%q: want a number from 1 to %d", word, maxBacklog)
			}
			f.backlogs = append(f.backlogs, n)
		}
		return nil
	})
	set.IntVar(&f.perDocument, "per-document", 10_000, "how many refunds go into one document")
	set.BoolVar(&f.json, "json", false, "print one JSON object a line instead of a table")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	if set.NArg() > 0 {
		return f, fmt.Errorf("unexpected argument %q", set.Arg(0))
	}
	if f.perDocument < 1 {
		return f, fmt.Errorf("-per-document %d: want at least 1", f.perDocument)
	}
	return f, nil
}

// run measures one backlog after the other, and prints what each came to as soon
// as it is known.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	f, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	show := table(stdout)
	if f.json {
		lines := json.NewEncoder(stdout)
		show = func(m figures) error { return lines.Encode(m) }
	}
	var errs []error
	for _, backlog := range f.backlogs {
		m, err := measure(ctx, backlog, f.perDocument)
		if err != nil {
			return fmt.Errorf("backlog %d: %w", backlog, err)
		}
		if err := show(m); err != nil {
			return err
		}
		if err := m.goals(); err != nil {
			errs = append(errs, fmt.Errorf("backlog %d: %w", backlog, err))
		}
	}
	return errors.Join(errs...)
}

// table prints figures below each other.
func table(stdout io.Writer) func(figures) error {
	rows := tabwriter.NewWriter(stdout, 14, 0, 2, ' ', tabwriter.AlignRight)
	head := "backlog\tseconds\toptimum\tratio\trefused\tfeeds\treal seconds\tof a day\t\n"
	return func(m figures) error {
		day := "-"
		if m.Day > 0 {
			day = fmt.Sprintf("%.3f", m.Day)
		}
		fmt.Fprintf(rows, "%s%d\t%.0f\t%.0f\t%.4f\t%d\t%d\t%.3f\t%s\t\n", head, m.Backlog, m.Seconds, m.Optimum, m.Ratio, m.Refused, m.Feeds, m.Real, day)
		head = ""
		return rows.Flush()
	}
}
