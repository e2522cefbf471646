package main

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"modernc.org/sqlite"
)

// database opens a SQLite file for a pool. Its connections keep the statements
// that they have prepared: half of a run would else be SQLite reading the same
// statements again. They do not watch for the end of a context, which takes a
// goroutine for each statement: nobody ends one while another call is under way.
type database struct {
	driver driver.Driver
	file   string
}

// durable is what the store asks of a host.
const durable = "?_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)&_txlock=immediate"

func openDatabase(file string) driver.Connector { return database{&sqlite.Driver{}, file} }

func (d database) Driver() driver.Driver { return d.driver }

func (d database) Connect(context.Context) (driver.Conn, error) {
	c, err := d.driver.Open("file:" + d.file + durable)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, prepared: map[string]prepared{}}, nil
}

// conn is a connection that keeps its statements.
type conn struct {
	driver.Conn
	prepared map[string]prepared
}

// prepared is what a statement of the driver can do.
type prepared interface {
	driver.Stmt
	driver.StmtQueryContext
	driver.StmtExecContext
}

var errDriver = errors.New("the SQLite driver's statements take no context")

func (c *conn) statement(text string) (prepared, error) {
	if s, ok := c.prepared[text]; ok {
		return s, nil
	}
	s, err := c.Prepare(text)
	if err != nil {
		return nil, err
	}
	p, ok := s.(prepared)
	if !ok {
		return nil, errDriver
	}
	c.prepared[text] = p
	return p, nil
}

// QueryContext implements [driver.QueryerContext].
func (c *conn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	// SQLite prepares a statement anew for each value of a limit that it is given.
	if limited, ok := strings.CutSuffix(text, " LIMIT ?"); ok {
		last := len(args) - 1
		text, args = fmt.Sprintf("%s LIMIT %d", limited, args[last].Value), args[:last]
	}
	s, err := c.statement(text)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(context.WithoutCancel(ctx), args)
}

// ExecContext implements [driver.ExecerContext].
func (c *conn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.statement(text)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(context.WithoutCancel(ctx), args)
}

// Close implements [driver.Conn].
func (c *conn) Close() error {
	var errs []error
	for _, s := range c.prepared {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.Conn.Close())...)
}
