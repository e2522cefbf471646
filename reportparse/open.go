package reportparse

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
)

const headSize = 512 // bytes that show what a file is

// open unpacks and decodes a file, and tells what it shows. What is no text has
// no content.
func open(r io.Reader, o Options) (*content, sighting, error) {
	t := &content{file: &input{r: r}}
	var err error
	if t.in, err = unpack(t.file); err != nil {
		return nil, sighting{}, err
	}
	t.fill(blockSize)
	head := t.raw[:min(len(t.raw), headSize)]
	switch {
	case len(head) == 0 && t.err == io.EOF:
		return nil, sighting{}, ErrEmpty
	case len(head) == 0:
		return nil, sighting{}, t.err
	}
	if found := foreignBytes(head); found != "" {
		return nil, sighting{noReport: true, saw: found}, nil
	}
	if err := t.decide(head, o); err != nil {
		return nil, sighting{}, err
	}

	// An error comes again, with what it ended.
	t.ahead, _ = t.more("")
	if t.err == io.EOF && strings.TrimSpace(t.ahead) == "" {
		return nil, sighting{}, ErrEmpty
	}
	return t, look(t.ahead, o.Aliases), nil
}

// unpack undoes one compression with gzip, of which there may be several files
// one behind the other.
func unpack(r io.Reader) (io.Reader, error) {
	packed := bufio.NewReader(r)
	if head, _ := packed.Peek(2); !isGzip(head) {
		return packed, nil
	}
	unpacked, err := gzip.NewReader(packed)
	return gunzip{unpacked}, damagedGzip(err)
}

// gunzip says of its errors what to do.
type gunzip struct{ packed *gzip.Reader }

func (g gunzip) Read(p []byte) (int, error) {
	n, err := g.packed.Read(p)
	return n, damagedGzip(err)
}

func damagedGzip(err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &corrupt):
		return fmt.Errorf("the file is damaged gzip; download it again: %w", err)
	}
	return err
}

func isGzip(head []byte) bool { return bytes.HasPrefix(head, []byte("\x1F\x8B")) }

// input is a file as it is given. It keeps the first error of a reader that
// might give it only once, since a bufio.Reader forgets the error of a Peek.
type input struct {
	r    io.Reader
	read int64
	err  error
}

func (f *input) Read(p []byte) (n int, err error) {
	if f.err == nil {
		n, f.err = f.r.Read(p)
		f.read += int64(n)
	}
	return n, f.err
}
