package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/takebackhq/takeback/reportparse"
)

// dump is the printing of one file.
type dump struct {
	flags
	out, stderr io.Writer
	detected    reportparse.Detection
	summary     summary
}

// printError is what goes wrong with printing, not with reading.
type printError struct{ error }

// reader reads and prints the rows of a type.
type reader struct {
	typ  reportparse.Type
	read func(*dump, io.Reader) error
}

var readers = []reader{
	{reportparse.TypeReturns, rowsOf(reportparse.Returns)},
	{reportparse.TypePrimeReturns, rowsOf(reportparse.Returns)},
	{reportparse.TypeUnshippedOrders, rowsOf(reportparse.Orders)},
	{reportparse.TypeOrders, rowsOf(reportparse.Orders)},
	{reportparse.TypeAllOrders, rowsOf(reportparse.AllOrders)},
	{reportparse.TypeSettlement, settlements},
	{reportparse.TypeSettlementV1, settlements},
	{reportparse.TypeSettlementXML, settlements},
	{reportparse.TypeFBAReturns, rowsOf(reportparse.FBAReturns)},
}

func typeNames() string {
	var names []string
	for _, r := range readers {
		names = append(names, string(r.typ))
	}
	return strings.Join(names, ", ")
}

func rowsOf[T any](open func(io.Reader, reportparse.Options) (*reportparse.Reader[T], error)) func(*dump, io.Reader) error {
	return func(d *dump, in io.Reader) error {
		r, err := open(in, d.options)
		if err != nil {
			return err
		}
		return rows(d, r)
	}
}

func settlements(d *dump, in io.Reader) error {
	r, err := reportparse.Settlement(in, d.options)
	if err != nil {
		return err
	}
	err = rows(d, r.Reader)
	d.summary.settle(r.Settlements())
	return err
}

// read finds out what a file is and prints its rows.
func (d *dump) read(name string, stdin io.Reader) error {
	in := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		defer file.Close()
		in = file
	}
	typ := d.typ
	if typ == "" {
		var err error
		d.detected, in, err = reportparse.Detect(in, d.options)
		if err != nil {
			return err
		}
		typ = d.detected.Type
		d.summary.Type = typ
	}
	for _, r := range readers {
		if r.typ == typ {
			return r.read(d, in)
		}
	}
	return fmt.Errorf("%s: %s; if it is one of these reports, say which with -type: %s", name, d.detected.Saw, typeNames())
}

// rows prints the rows of a reader, and tells the bad ones.
func rows[T any](d *dump, r *reportparse.Reader[T]) error {
	var (
		row T
		v   = reflect.ValueOf(&row).Elem()
		p   printer
		end error
	)
	if d.json {
		p = lines{d.out, fieldsOf(v.Type()), newObjects()}
	} else {
		p = newTable(d.out, fieldsOf(v.Type()))
	}
	for end == nil {
		err := r.Next(&row)
		var bad *reportparse.RowError
		switch {
		case err == nil:
			if err := p.row(v); err != nil {
				return printError{err}
			}
		case errors.As(err, &bad):
			if r.Progress().Bad <= d.errors {
				fmt.Fprintln(d.stderr, bad)
			}
		default:
			end = err
		}
	}
	if err := p.end(); err != nil {
		return printError{err}
	}
	d.summary.describe(r)
	if more := d.summary.Bad - d.errors; more > 0 {
		fmt.Fprintf(d.stderr, "%s: and %d more bad rows\n", d.summary.File, more)
	}
	if end == io.EOF {
		return nil
	}
	return end
}
