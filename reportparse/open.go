package reportparse

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
)

const (
	headSize   = 512      // bytes that show what a file is
	windowSize = 64 << 10 // bytes by which a character set is guessed
)

// open unpacks and decodes a file, refuses what is no report, and tells whether
// the rest is XML.
func open(r io.Reader, o Options, rep report) (t *content, isXML bool, err error) {
	t = &content{}
	raw, err := unpack(io.TeeReader(r, (*counter)(&t.read)))
	if err != nil {
		return nil, false, err
	}
	head, err := raw.Peek(headSize)
	switch {
	case len(head) == 0 && err == io.EOF:
		return nil, false, ErrEmpty
	case len(head) == 0:
		return nil, false, err
	}
	if found := foreignBytes(head); found != "" {
		return nil, false, wrongReport(rep, found)
	}

	decoded, err := decode(raw, o)
	if err != nil {
		return nil, false, err
	}
	in := bufio.NewReaderSize(decoded, windowSize)
	t.in = in
	head, _ = in.Peek(headSize)
	start := strings.ToLower(string(bytes.TrimSpace(head)))
	switch {
	case strings.HasPrefix(start, "<!doctype html"), strings.HasPrefix(start, "<html"):
		return nil, false, wrongReport(rep, "the file is an HTML page, as servers give instead of a report")
	case strings.HasPrefix(start, "{"), strings.HasPrefix(start, "["):
		return nil, false, wrongReport(rep, "the file is JSON, as Amazon answers instead of a report")
	}
	return t, strings.HasPrefix(start, "<"), nil
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// unpack undoes one compression with gzip.
func unpack(r io.Reader) (*bufio.Reader, error) {
	raw := bufio.NewReaderSize(&stickyReader{r: r}, windowSize)
	if head, _ := raw.Peek(2); !isGzip(head) {
		return raw, nil
	}
	unpacked, err := gzip.NewReader(raw)
	if err != nil {
		return nil, fmt.Errorf("the file is damaged gzip; download it again: %w", err)
	}
	return bufio.NewReaderSize(unpacked, windowSize), nil
}

func isGzip(head []byte) bool { return bytes.HasPrefix(head, []byte("\x1F\x8B")) }

// stickyReader keeps the first error of a reader that might give it only once,
// since a bufio.Reader forgets the error of a Peek.
type stickyReader struct {
	r   io.Reader
	err error
}

func (s *stickyReader) Read(p []byte) (n int, err error) {
	if s.err == nil {
		n, s.err = s.r.Read(p)
	}
	return n, s.err
}
