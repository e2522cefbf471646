package spapi_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/spapi"
)

const (
	mebi    = 1 << 20
	buffers = 16 << 10 // more than what is read ahead
)

// flood is a body that repeats one piece, and counts what was read of it.
type flood struct {
	piece []byte
	read  int64
}

func (f *flood) Read(p []byte) (n int, err error) {
	for n < len(p) {
		m := copy(p[n:], f.piece[f.read%int64(len(f.piece)):])
		n, f.read = n+m, f.read+int64(m)
	}
	return n, nil
}

// flooded returns a client whose calls of the API are all answered by api, and
// whose downloads are so many pieces of a flood.
func flooded(t *testing.T, api func() *http.Response, f *flood, pieces int) *spapi.Client {
	return offline(t, roundTrip(func(r *http.Request) (*http.Response, error) {
		switch {
		case r.URL.Path == "/auth/o2/token":
			return inMemory(200, `{"access_token":"Atza|access-hush","expires_in":3600}`), nil
		case r.Header.Get("x-amz-access-token") != "":
			return api(), nil
		}
		return streamed(200, io.LimitReader(f, int64(pieces*len(f.piece)))), nil
	}))
}

// streamed is an answer whose body nobody has read yet.
func streamed(status int, body io.Reader) *http.Response {
	resp := inMemory(status, "")
	resp.Body = io.NopCloser(body)
	return resp
}

// document is the answer of an operation that says where a document is.
func document() *http.Response {
	return inMemory(200, fmt.Sprintf(`{"url":"https://s3.example/out?%s"}`, noSignature))
}

// asNew returns a client with the limits that New gives it, and small one whose
// limits are a mebibyte for an answer and eight for a document.
func asNew(c *spapi.Client) *spapi.Client { return c }
func small(c *spapi.Client) *spapi.Client { return c.Limited(mebi, 8*mebi) }

// Each piece of these documents is a mebibyte, once it is unpacked.
func TestADocumentHasALimit(t *testing.T) {
	plain := make([]byte, mebi)
	packed := gzipped(t, string(plain))
	tests := map[string]struct {
		client       func(*spapi.Client) *spapi.Client
		piece        []byte
		pieces, read int // in mebibytes: what is there, and at most what is handed on
		want         string
	}{
		"plain, as large as allowed":  {small, plain, 8, 8, "<nil>"},
		"plain, larger":               {small, plain, 9, 8, "document of more than 8388608 bytes"},
		"plain, without end":          {small, plain, 1000, 8, "document of more than 8388608 bytes"},
		"packed, as large as allowed": {small, packed, 8, 8, "<nil>"},
		"packed, larger":              {small, packed, 9, 8, "document of more than 8388608 bytes"},
		"packed, without end":         {small, packed, 1000, 8, "document of more than 8388608 bytes"},
		"of a new client":             {asNew, plain, 1025, 1024, "document of more than 1073741824 bytes"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := &flood{piece: tt.piece}
			doc, err := tt.client(flooded(t, document, f, tt.pieces)).Document(t.Context(), seller, "d")
			require.NoError(t, err)
			defer doc.Close()
			n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, doc, make([]byte, mebi))
			assert.Contains(t, fmt.Sprint(err), tt.want)
			assert.LessOrEqual(t, n, int64(tt.read*mebi))
			assert.Greater(t, n, int64((tt.read-1)*mebi))
			assert.LessOrEqual(t, f.read, int64(tt.read*len(tt.piece)+buffers), "bytes downloaded")
		})
	}
}

// A document is downloaded as it is read, so that nobody holds more of it than a
// few buffers.
func TestADocumentIsStreamed(t *testing.T) {
	const pieces = 64
	plain := make([]byte, mebi)
	for name, piece := range map[string][]byte{"plain": plain, "packed": gzipped(t, string(plain))} {
		t.Run(name, func(t *testing.T) {
			f := &flood{piece: piece}
			doc, err := flooded(t, document, f, pieces).Document(t.Context(), seller, "d")
			require.NoError(t, err)
			defer doc.Close()
			for i := range pieces {
				assert.LessOrEqual(t, f.read, int64(i*len(piece)+buffers), "bytes downloaded before piece %d is read", i)
				_, err := io.CopyN(io.Discard, doc, mebi)
				require.NoError(t, err)
			}
			n, err := io.Copy(io.Discard, doc)
			assert.NoError(t, err)
			assert.Zero(t, n)
		})
	}
}

// These answers are a feed and blanks: well-formed, were they to be read.
func TestAnAnswerHasALimit(t *testing.T) {
	tests := map[string]struct {
		client       func(*spapi.Client) *spapi.Client
		status       int
		length, read int64
		want         string
	}{
		"as large as allowed": {small, 200, mebi, mebi, "<nil>"},
		"larger":              {small, 200, mebi + 1, mebi + 1, "answer of more than 1048576 bytes"},
		"without end":         {small, 200, 100 * mebi, mebi + 1, "answer of more than 1048576 bytes"},
		"of a new client":     {asNew, 200, 100 * mebi, 16*mebi + 1, "answer of more than 16777216 bytes"},
		"refusal without end": {asNew, 400, 100 * mebi, 8 << 10, "HTTP 400"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			blanks := &flood{piece: bytes.Repeat([]byte(" "), 1<<10)}
			body := io.LimitReader(io.MultiReader(strings.NewReader(feedJSON), blanks), tt.length)
			c := tt.client(flooded(t, func() *http.Response { return streamed(tt.status, body) }, nil, 0))
			_, err := c.Feed(t.Context(), seller, "50001")
			assert.Contains(t, fmt.Sprint(err), tt.want)
			assert.Equal(t, tt.read, blanks.read+int64(len(feedJSON)), "bytes read")
		})
	}
}

// A limit says which call went beyond it, and a reader that is asked again says
// so again.
func TestALimitIsAnError(t *testing.T) {
	f := &flood{piece: gzipped(t, string(make([]byte, mebi)))}
	doc, err := flooded(t, document, f, 1000).Limited(mebi, mebi).Document(t.Context(), seller, "d")
	require.NoError(t, err)
	defer doc.Close()
	for range 3 {
		_, err = io.Copy(io.Discard, doc)
		var got *amazon.Error
		require.ErrorAs(t, err, &got)
		assert.Equal(t, "download", got.Op)
		assert.Equal(t, string(seller.ID), got.Account)
	}
	assert.LessOrEqual(t, f.read, int64(len(f.piece)+buffers))
}
