// Reportdump prints the rows of the reports that Amazon makes for sellers, as a
// table or as JSON, and what there is to know about each file.
//
//	go run ./examples/reportdump [-type T] [-charset C] [-marketplace M] [-json] [-errors N] [FILE…]
//
// Without FILE, or for "-", it reads the standard input. The type of each file is
// found out, unless -type names it. Files may be packed with gzip, and of any
// size: they are not held in memory.
//
// The table has the columns that the first 500 rows fill, named as the fields of
// the row types of package reportparse, and begins anew when a later row fills
// another one; long cells are cut. With -json each row
// is an object of the fields that are not blank, in a line of its own: amounts are
// text, times RFC 3339. An absent field is a blank cell or a column that the file
// does not have; columns_missing tells them apart.
//
// Behind the rows of each file comes its summary, with -json as one more line:
//
//	{"file","type","rows","bad","replaced_bytes","columns_missing","columns_unknown","settlement","settlements","error"}
//
// columns_missing lists documented columns by the names that Amazon gives them,
// columns_unknown those of the file of which nothing is known. settlement is
// {"id","currency","total","sum","difference"}, the difference being the total less
// the sum of the rows; a file of several settlements has a list of them in
// settlements instead. error is there when the file could not be read to its end;
// the rows before it count.
//
// Bad rows are told on the standard error, the first 20 of each file or as many as
// -errors says. They do not make the program fail: its exit status is 0 when every
// file was read to its end, 1 when one was not, and 2 when the command line is
// wrong.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/takebackhq/takeback/reportparse"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// flags are the command line.
type flags struct {
	typ     reportparse.Type // blank: to be found out
	options reportparse.Options
	json    bool
	errors  int
	files   []string
}

func parse(args []string, stderr io.Writer) (flags, error) {
	var f flags
	set := flag.NewFlagSet("reportdump", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.Usage = func() {
		fmt.Fprintln(stderr, "usage: reportdump [-type T] [-charset C] [-marketplace M] [-json] [-errors N] [FILE…]")
		set.PrintDefaults()
		fmt.Fprintln(stderr, "The exit status is 0 when every file was read to its end, even with bad rows; 1 when one was not; 2 when the command line is wrong.")
	}
	set.Func("type", "`type` of the files: "+typeNames()+", or Amazon's name of it; default: found out of each", func(name string) (err error) {
		f.typ, err = reportparse.ParseType(name)
		return err
	})
	set.StringVar(&f.options.Charset, "charset", "", "`name` of the character set, such as windows-1252; default: found out of each file")
	set.StringVar(&f.options.Marketplace, "marketplace", "", "`country` code or marketplace ID that the files are from, such as JP")
	set.BoolVar(&f.json, "json", false, "print one JSON object a line instead of tables")
	set.IntVar(&f.errors, "errors", 20, "how `many` bad rows of each file to tell")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	f.files = set.Args()
	if len(f.files) == 0 {
		f.files = []string{"-"}
	}
	return f, nil
}

// run prints one file after the other, and goes on behind one that cannot be
// read.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) (status int) {
	f, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return 2 // the flag set has said why
	}
	out := bufio.NewWriter(stdout)
	for _, name := range f.files {
		unread, err := printFile(name, f, stdin, out, stderr)
		if err == nil {
			err = out.Flush()
		}
		if err != nil {
			fmt.Fprintln(stderr, "reportdump: cannot print:", err)
			return 1
		}
		if unread != nil {
			fmt.Fprintln(stderr, "reportdump:", unread)
			status = 1
		}
	}
	return status
}

// printFile prints the rows of a file and its summary. It tells why a file was
// not read to its end apart from why it cannot be printed.
func printFile(name string, f flags, stdin io.Reader, out, stderr io.Writer) (unread, err error) {
	d := &dump{flags: f, out: out, stderr: stderr}
	d.options.Name = name
	d.summary.File = name
	unread = d.read(name, stdin)
	var unprinted printError
	if errors.As(unread, &unprinted) {
		return nil, unprinted
	}
	if unread != nil {
		d.summary.Error = unread.Error()
	}
	return unread, d.printSummary()
}
