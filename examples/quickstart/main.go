// Quickstart is the main job of takeback in a small host: a returns report comes
// in, RMAs appear, refunds and a cancellation are drafted, issued, looked
// through, sent to Amazon in one document each, answered, and accounted for.
// Amazon is a fake one on the loopback, reached by the real client; everything
// else is as in a real host.
//
//	go run ./examples/quickstart [-db FILE] [-returns FILE] [-mode manual|auto|direct] [-out DIR] [-json]
//
// With -db, a second run finds everything done and changes nothing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/examples/internal/outside"
	"github.com/takebackhq/takeback/examples/internal/shop"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store/sqlite"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		stop()
		os.Exit(1)
	}
}

// flags are the command line.
type flags struct {
	db, returns, mode, out string
	json                   bool
}

func parse(args []string) (flags, error) {
	var f flags
	set := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	set.StringVar(&f.db, "db", "", "SQLite `file` to keep everything in; default: a temporary one")
	set.StringVar(&f.returns, "returns", "", "returns report `file`, flat or XML; default: one of our own")
	set.StringVar(&f.mode, "mode", "manual", "manual, auto or direct")
	set.StringVar(&f.out, "out", "", "`folder` to write every sent document and processing report to")
	set.BoolVar(&f.json, "json", false, "print one JSON object instead of the story")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	if set.NArg() > 0 {
		return f, fmt.Errorf("unexpected argument %q", set.Arg(0))
	}
	if _, ok := modes[f.mode]; !ok {
		return f, fmt.Errorf("-mode %q: want manual, auto or direct", f.mode)
	}
	return f, nil
}

// modes are the settings that each submission mode adds up from.
var modes = map[string]settings.Values{
	"manual": {settings.Queue: true},
	"auto":   {settings.Queue: true, settings.AutoSubmit: true},
	"direct": {},
}

func run(ctx context.Context, args []string, stdout io.Writer) (err error) {
	f, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	if f.db == "" {
		dir, err := os.MkdirTemp("", "takeback-quickstart-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		f.db = filepath.Join(dir, "host.db")
	}
	report, name, made, err := returnsReport(f.returns)
	if err != nil {
		return err
	}

	// The host's database, with its own orders table in it.
	db, err := shop.Open(f.db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := sqlite.Migrate(ctx, db); err != nil {
		return err
	}
	st, err := sqlite.New(ctx, db)
	if err != nil {
		return err
	}
	host, err := shop.New(ctx, db)
	if err != nil {
		return err
	}

	// The outside: orders that match the report, and an Amazon that knows them.
	orders, err := ordersFor(report, name, "demo")
	if err != nil {
		return err
	}
	if err := host.Add(ctx, orders...); err != nil {
		return err
	}
	all, err := host.All(ctx)
	if err != nil {
		return err
	}
	var currencies []order.Currency
	for _, o := range all {
		currencies = append(currencies, o.Currency)
	}
	c := outside.NewClock(time.Now())
	fake, err := outside.Start(f.db+".amazon.json", c, st, accountFor(currencies))
	if err != nil {
		return err
	}
	defer fake.Close()
	if err := seed(fake, orders); err != nil {
		return err
	}

	// This is all the wiring that a host needs.
	desk, err := takeback.New(takeback.Config{
		Store:    st,
		Book:     host,
		Amazon:   fake.Client,
		Accounts: amazon.AccountList{fake.Account},
		Settings: settings.Fixed(settings.Resolve(modes[f.mode], nil)),
		Now:      c.Now,

		Installation: "quickstart",
		Polling:      takeback.Polling{Off: true}, // the story hands its reports in by itself
	})
	if err != nil {
		return err
	}

	d := day{
		flags: f, desk: desk, db: db, store: st, shop: host, amazon: fake, clock: c, tell: stdout,
		earlier: map[queue.BatchID]bool{},
	}
	if f.json {
		d.tell = io.Discard
	}
	err = d.work(ctx, report, name, made)
	if f.json && (err == nil || errors.Is(err, errBooks)) {
		err = errors.Join(err, d.printJSON(stdout))
	}
	return err
}

// returnsReport is the merchant's file and when it was made.
func returnsReport(path string) (report []byte, name string, made time.Time, err error) {
	if path == "" {
		return returnsFile, "returns.txt", time.Date(2026, 11, 14, 6, 0, 0, 0, time.UTC), nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, "", time.Time{}, err
	}
	report, err = os.ReadFile(path)
	return report, filepath.Base(path), info.ModTime(), err
}
