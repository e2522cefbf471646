// Package wirelog writes HTTP exchanges to files, so that a check can look at
// all of them when the programs that had them are done.
package wirelog

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Folder is the environment variable that names the folder to write to. Unset or
// empty: nothing is written.
const Folder = "TAKEBACK_EXCHANGES"

// Exchange is a request and its answer.
type Exchange struct {
	Program string // that wrote it; set by Write

	Method string
	Target string              // path and query, as in the request line
	Header map[string][]string // by canonical name
	Body   []byte

	// Answer is nil when there was none, or when a test made it up.
	Answer *Answer
}

// Answer is an HTTP response.
type Answer struct {
	Status int
	Header map[string][]string // by canonical name
	Body   []byte
}

// Check tells whether Write has something to write to: the error names the
// variable when it is set to what is no folder.
func Check() error {
	folder := os.Getenv(Folder)
	if folder == "" {
		return nil
	}
	info, err := os.Stat(folder)
	if err != nil {
		return fmt.Errorf("wirelog: %w; %s names a folder that exists, or is unset", err, Folder)
	}
	if !info.IsDir() {
		return fmt.Errorf("wirelog: %s is %s, which is no folder", Folder, folder)
	}
	return nil
}

// Write adds an exchange to this process's file in the folder, which must exist.
// Access and refresh tokens, client secrets and the signatures of presigned
// addresses are replaced by the word REDACTED. It may be called from several
// goroutines.
func Write(e Exchange) error {
	folder := os.Getenv(Folder)
	if folder == "" {
		return nil
	}
	e = e.redact()
	e.Program = filepath.Base(os.Args[0])
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("wirelog: %s %s: %w", e.Method, e.Target, err)
	}
	name := filepath.Join(folder, fmt.Sprintf("%s-%d.jsonl", e.Program, os.Getpid()))
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("wirelog: %w; %s names a folder that exists", err, Folder)
	}
	_, err = f.Write(append(line, '\n')) // in one piece, so that goroutines do not mix
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("wirelog: %w", err)
	}
	return nil
}

// Read returns the exchanges of all files in a folder, by file and in the order
// in which they were written.
func Read(folder string) ([]Exchange, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.jsonl"))
	if err != nil {
		return nil, fmt.Errorf("wirelog: %w", err)
	}
	var all []Exchange
	for _, name := range files {
		es, err := readFile(name)
		if err != nil {
			return nil, fmt.Errorf("wirelog: %s: exchange %d: %w", name, len(es)+1, err)
		}
		all = append(all, es...)
	}
	return all, nil
}

func readFile(name string) (es []Exchange, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for d := json.NewDecoder(bufio.NewReader(f)); ; {
		var e Exchange
		switch err := d.Decode(&e); {
		case errors.Is(err, io.EOF):
			return es, nil
		case err != nil:
			return es, err
		}
		es = append(es, e)
	}
}
