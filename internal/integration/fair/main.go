// Fair measures whether large and broken accounts keep others waiting. Many
// accounts ask for one refund in each interval, at times that are spread over it.
// Some of them are dead: each call to Amazon for them takes half a minute and
// fails. One has a large backlog. One process works through all of that in Auto
// mode, on a clock that the program moves.
//
//	go run ./internal/integration/fair [-accounts 10000] [-dead 100] [-backlog 1000000] [-intervals 2] [-json]
//
// It prints
//
//	served           how many refunds of live accounts were sent
//	late_seconds     what the slowest of them was sent after it was due, on the moved clock
//	steps            how many passes that took
//	tries            how many calls were made for dead accounts
//	real_seconds     what the run took
//
// and it fails when one is not sent within one interval after it was due. A million
// refunds want some 3 GB of memory.
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
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "fair:", err)
		stop()
		os.Exit(1)
	}
}

// size is how large the world is.
type size struct {
	accounts, dead, backlog, intervals int
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	var s size
	set := flag.NewFlagSet("fair", flag.ContinueOnError)
	set.IntVar(&s.accounts, "accounts", 10_000, "how many accounts there are")
	set.IntVar(&s.dead, "dead", 100, "how many of them are dead")
	set.IntVar(&s.backlog, "backlog", 1_000_000, "how many refunds wait in one of them")
	set.IntVar(&s.intervals, "intervals", 2, "how many intervals to work for")
	asJSON := set.Bool("json", false, "print a JSON object")
	if err := set.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	if set.NArg() > 0 || s.dead < 0 || s.accounts < s.dead+1 || s.accounts > maxAccounts || s.backlog < 0 || s.backlog > maxBacklog || s.intervals < 1 {
		return fmt.Errorf("%q: want 1 to %d accounts of which one at least is live, a backlog of at most %d, and no further words", args, maxAccounts, maxBacklog)
	}
	m, err := measure(ctx, s)
	if err != nil {
		return err
	}
	if *asJSON {
		err = json.NewEncoder(stdout).Encode(m)
	} else {
		_, err = fmt.Fprintf(stdout, "%d refunds of live accounts were sent, the slowest %.0f s after it was due; %d steps, %d calls for dead accounts, %.1f s\n",
			m.Served, m.Late, m.Steps, m.Tries, m.Real)
	}
	return errors.Join(err, m.goal(s))
}
