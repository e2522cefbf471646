// Workday is one day of a merchant who sells on Amazon, in a host that has takeback
// embedded: returns come in, a kit among them; buyers change their minds in time and
// too late; goods are missing, orders are cancelled in part and in full; refunds are
// issued, reviewed and sent; Amazon and people in Seller Central refund as well; and
// in the end a settlement closes the books.
//
// Amazon is a fake one on the loopback, reached by the real client, and the clock is
// moved by the program. Everything else is as in a real host.
//
//	go run ./examples/workday [-db FILE] [-json]
//
// Read orders.go for what was sold, day.go for all the wiring that a host needs, and
// timetable.go for its worker; then morning.go, noon.go, afternoon.go and evening.go
// for the day. What the staff do again and again is in staff.go.
package main

import (
	"context"
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
		fmt.Fprintln(os.Stderr, "workday:", err)
		stop()
		os.Exit(1)
	}
}

// flags are the command line.
type flags struct {
	db   string
	json bool
}

const usage = `usage: workday [-db FILE] [-json]

One day of a merchant who sells on Amazon, on a fake Amazon.

With -db, everything is kept in a SQLite file, and the fake Amazon's books in
FILE.amazon.json beside it. A second run with the same file lives the same day
again: it finds everything done, sends nothing, and the books stay as they are. A
run that was broken off is gone on with.

`

func parse(args []string) (f flags, err error) {
	set := flag.NewFlagSet("workday", flag.ContinueOnError)
	set.Usage = func() {
		fmt.Fprint(set.Output(), usage)
		set.PrintDefaults()
	}
	set.StringVar(&f.db, "db", "", "SQLite `file` to keep everything in; default: in memory")
	set.BoolVar(&f.json, "json", false, "print one JSON object instead of the story: counts per step, and whether the ledgers are equal")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	if set.NArg() > 0 {
		return f, fmt.Errorf("unexpected argument %q", set.Arg(0))
	}
	return f, nil
}

func run(ctx context.Context, args []string, stdout io.Writer) (err error) {
	f, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	story := newStory(stdout, f.json)
	d, err := begin(ctx, f.db, story)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.end()) }()
	err = d.work(ctx)
	if err == nil || errors.Is(err, errBooks) {
		err = errors.Join(err, story.finish())
	}
	return err
}
