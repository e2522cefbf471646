// Soak plays random small worlds in which everything goes wrong that the library
// promises to survive, and holds its books against Amazon's afterwards.
//
//	go run ./internal/integration/soak -seed S -runs N -workers W [-processes P] [-json]
//	go run ./internal/integration/soak -seed S -run K -workers W
//
// In a run, one to three companies ask for refunds and for cancellations of orders
// and of parts of them, in some mode and under some policies. W workers, each with the
// real client and a memory of its own, share one SQLite file, a host's order book and
// the fake Amazon. A scheduler that follows the seed lets one of them move at a time. At
// each call to the store, to the order book or to Amazon, before its effect and after it,
// it may have the call fail, have its worker crash and start anew, or leave it there while
// others go on and time passes. Amazon answers wrongly, late or not at all, lets a
// createFeed arrive until its token has expired, lists feeds late, cancels them, ends them
// halfway, and loses their reports; clocks differ; other applications send feeds, where an
// account allows for them. Returns reports come in any order and again, goods arrive,
// buyers wish to cancel and are heard late, the warehouse hands over what may leave, staff
// refund in Seller Central and may record it, Amazon refunds by itself, and settles. Simulated people decide by
// what the queue shows, and never override it. In the end nothing goes wrong any
// more, time runs on until nothing is left to do, and the last settlements are
// imported. Then, over all runs:
//
//	runs, requests             how many were played, and asked for
//	faults, crashes, suspends  what went wrong, how many workers crashed, and were left somewhere
//	double                     requests that had effect more than once
//	lost                       requests and buyers' wishes that are gone, that count as done and were not, or that
//	                           ended as neither; documents that have no end though all in them has
//	wrong_adoption             documents whose Document Number is another's
//	undecided                  requests that are still open, visibly
//	gate_lies                  orders that left though something stood against it, and units that left twice
//	stock_wrong                runs in which the host's stock was not moved once for each reason to
//	returns_differ             runs in which the RMAs are not those of the reports one by one
//	unexplained                cents that no settlement explains, and those that it shows and nothing explains
//	unapproved                 refunds above their clerk's limit that were sent and nobody else agreed to
//	astray                     host orders that do not show what became of them
//	ledger_equal               whether all that was posted is what Amazon paid, and all that is reserved is open
//
// The exit code is 1 unless all but undecided are 0 and the ledgers are equal. Each run
// follows from the seed, its number and the number of workers: the second form plays one
// of them and tells what happens in it.
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
	"runtime/debug"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	debug.SetGCPercent(400) // a run needs little memory, and leaves much of it
	if err := soak(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		stop()
		os.Exit(1)
	}
}

// flags are the command line.
type flags struct {
	seed      uint64
	runs      int
	first     int // number of the first run
	one       int // the only run; 0: all
	workers   int
	processes int
	folder    string
	json      bool
}

func parse(args []string) (f flags, err error) {
	set := flag.NewFlagSet("soak", flag.ContinueOnError)
	set.Uint64Var(&f.seed, "seed", 1, "what all runs follow from")
	set.IntVar(&f.runs, "runs", 1000, "how many runs to play")
	set.IntVar(&f.first, "first", 1, "the number of the first run")
	set.IntVar(&f.one, "run", 0, "play the run of this number only, and tell what happens")
	set.IntVar(&f.workers, "workers", 3, "how many workers a run has")
	set.IntVar(&f.processes, "processes", 1, "over how many processes to spread the runs")
	set.StringVar(&f.folder, "folder", memoryFolder(), "where the databases are for as long as they are needed")
	set.BoolVar(&f.json, "json", false, "print the figures as one JSON object")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	switch {
	case set.NArg() > 0:
		return f, fmt.Errorf("unexpected argument %q", set.Arg(0))
	case f.runs < 1 || f.first < 1 || f.workers < 1 || f.processes < 1 || f.one < 0:
		return f, errors.New("want at least 1 run, worker and process")
	case f.one > 0:
		f.first, f.runs, f.processes = f.one, 1, 1
	}
	return f, nil
}

// memoryFolder is a folder in memory where there is one: a run commits a hundred
// times, and here nothing has to outlive a power failure.
func memoryFolder() string {
	const folder = "/dev/shm"
	if info, err := os.Stat(folder); err == nil && info.IsDir() {
		return folder
	}
	return os.TempDir()
}

// soak plays the runs and prints what they came to.
func soak(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	f, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	var sum figures
	if f.processes > 1 {
		sum, err = spread(ctx, f, stderr)
	} else {
		sum, err = playAll(ctx, f, stdout, stderr)
	}
	if err != nil {
		return err
	}
	if f.json {
		err = json.NewEncoder(stdout).Encode(sum)
	} else {
		_, err = fmt.Fprintln(stdout, sum)
	}
	return errors.Join(err, sum.verdict())
}
