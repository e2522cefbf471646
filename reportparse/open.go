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

// open unpacks and decodes a file, and tells what it shows. What is no text has
// no content.
func open(r io.Reader, o Options) (*content, sighting, error) {
	t := &content{}
	raw, err := unpack(io.TeeReader(r, (*counter)(&t.read)))
	if err != nil {
		return nil, sighting{}, err
	}
	head, err := raw.Peek(headSize)
	switch {
	case len(head) == 0 && err == io.EOF:
		return nil, sighting{}, ErrEmpty
	case len(head) == 0:
		return nil, sighting{}, err
	}
	if found := foreignBytes(head); found != "" {
		return nil, sighting{noReport: true, saw: found}, nil
	}
	if t.in, err = decode(raw, o); err != nil {
		return nil, sighting{}, err
	}

	// An error comes again, with what it ended.
	t.ahead, _ = t.more("")
	if t.err == io.EOF && strings.TrimSpace(t.ahead) == "" {
		return nil, sighting{}, ErrEmpty
	}
	return t, look(t.ahead, o.Aliases), nil
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
