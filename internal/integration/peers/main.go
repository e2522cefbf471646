// Peers measures how fast package reportparse reads, beside what people use
// today: the standard library by hand, csvutil, gocsv and encoding/xml. Each
// input is made once, and ours and theirs read the same bytes in the same
// process, one after the other, round by round. All turn the same cells into
// numbers and times, and the program fails if one of them read another sum.
//
//	go run ./internal/integration/peers [-rounds 7] [-rows N] [-json]
//
// Of each pair it prints the medians of all rounds:
//
//	ns/row   time for a row, of ours and of the peer
//	ratio    how many times as fast ours is; beside it the goal
//	allocs   allocations for a row, of ours and of the peer
//
// "reused" is Reader.Next, which uses its row again, and "kept" is Reader.All,
// whose rows are for keeping. First, the program reads a settlement of six times
// the rows that is made while it is read, and prints the most memory that it held
// above what it held before.
//
// Goals are printed and not enforced: they are about a quiet machine.
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
	"text/tabwriter"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		stop()
		os.Exit(1)
	}
}

// flags are the command line.
type flags struct {
	rounds, rows int
	json         bool
}

func parse(args []string) (flags, error) {
	var f flags
	set := flag.NewFlagSet("peers", flag.ContinueOnError)
	set.IntVar(&f.rounds, "rounds", 7, "how often each reads each input")
	set.IntVar(&f.rows, "rows", 0, "how many rows each input has; default: 1000000 settlement rows, 200000 returns")
	set.BoolVar(&f.json, "json", false, "print one JSON object a line instead of a table")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	switch {
	case set.NArg() > 0:
		return f, fmt.Errorf("unexpected argument %q", set.Arg(0))
	case f.rounds < 1:
		return f, fmt.Errorf("-rounds %d: want at least 1", f.rounds)
	case f.rows < 0:
		return f, fmt.Errorf("-rows %d: want at least 1, or 0 for the default", f.rows)
	}
	return f, nil
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	f, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	show := report(text{stdout})
	if f.json {
		show = lines{json.NewEncoder(stdout)}
	}
	m, err := peak(ctx, 6*f.or(contests[0].rows))
	if err != nil {
		return err
	}
	if err := show.memory(m); err != nil {
		return err
	}
	var all []figures
	for _, c := range contests {
		c.rows = f.or(c.rows)
		found, err := c.run(ctx, f.rounds)
		if err != nil {
			return err
		}
		all = append(all, found...)
	}
	return show.figures(all)
}

// or is how many rows an input has that has rows by default.
func (f flags) or(rows int) int {
	if f.rows > 0 {
		return f.rows
	}
	return rows
}

// report prints what was measured.
type report interface {
	memory(memory) error
	figures([]figures) error
}

type lines struct{ *json.Encoder }

func (l lines) memory(m memory) error { return l.Encode(map[string]memory{"memory": m}) }

func (l lines) figures(all []figures) error {
	for _, f := range all {
		if err := l.Encode(f); err != nil {
			return err
		}
	}
	return nil
}

type text struct{ io.Writer }

func (t text) memory(m memory) error {
	const mebi = 1 << 20
	_, err := fmt.Fprintf(t, "A settlement of %d MB, %d rows, took at most %.1f MiB above the baseline (resident: %.1f MiB); goal: %d MiB\n\n",
		m.Bytes/1e6, m.Rows, float64(m.Go)/mebi, float64(m.Resident)/mebi, memoryGoal/mebi)
	return err
}

func (t text) figures(all []figures) error {
	w := tabwriter.NewWriter(t, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "input\trows\tours\tpeer\tns/row\tpeer ns/row\tratio\tgoal\tallocs/row\tpeer allocs/row\t")
	for _, f := range all {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%.0f\t%.0f\t%.2f\t%.0f\t%.4f\t%.2f\t\n",
			f.Input, f.Rows, f.Ours, f.Peer, f.NSPerRow, f.PeerNSPerRow, f.Ratio, f.Goal, f.AllocsPerRow, f.PeerAllocsPerRow)
	}
	return w.Flush()
}
