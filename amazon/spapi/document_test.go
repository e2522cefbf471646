package spapi_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

	"github.com/takebackhq/takeback/amazon"
)

// encoded writes a text in a charset that has all of its characters.
func encoded(t testing.TB, charset encoding.Encoding, text string) []byte {
	t.Helper()
	b, err := charset.NewEncoder().Bytes([]byte(text))
	require.NoError(t, err)
	return b
}

// A document arrives as it was written, whatever its charset and however it was
// packed for the way. Its charset is told, and left to whoever reads it.
func TestDocumentsArriveByteForByte(t *testing.T) {
	const german, japaneseText = "Grund\tGröße passt nicht – 12,50 €\r\n", "理由\tソファの色が違う\r\n"
	charsets := map[string]struct {
		contentType string
		text        []byte
	}{
		"Cp1252":        {"text/plain;charset=Cp1252", encoded(t, charmap.Windows1252, german)},
		"Shift_JIS":     {"text/plain; charset=Shift_JIS", encoded(t, japanese.ShiftJIS, japaneseText)},
		"UTF-8 and BOM": {"text/plain;charset=UTF-8", encoded(t, unicode.UTF8BOM, german+japaneseText)},
		"not told":      {"", encoded(t, charmap.Windows1252, german)},
	}
	packings := map[string]struct {
		flag, encoding string
		pack           func(testing.TB, string) []byte
	}{
		"not packed":                  {"", "", func(_ testing.TB, text string) []byte { return []byte(text) }},
		"packed by flag":              {`,"compressionAlgorithm":"GZIP"`, "", gzipped},
		"packed by header":            {"", "gzip", gzipped},
		"packed by flag and header":   {`,"compressionAlgorithm":"GZIP"`, "gzip", gzipped},
		"packed, and nothing is told": {"", "", gzipped},
	}
	// What the host's client does about packing by itself.
	transports := map[string]http.RoundTripper{
		"unpacks":           &http.Transport{},
		"leaves it to us":   &http.Transport{DisableCompression: true},
		"asks for identity": header{"Accept-Encoding", "identity"},
	}
	for charset, doc := range charsets {
		for packing, by := range packings {
			for kind, transport := range transports {
				t.Run(fmt.Sprintf("%s, %s, transport that %s", charset, packing, kind), func(t *testing.T) {
					s := newServer(t)
					place := answer(200, fmt.Sprintf(`{"url":"%s/s3/out?%s"%s}`, s.URL, noSignature, by.flag))
					s.on(feedDocPath, place)
					s.on(reportDocPath, place)
					s.on(downloadPath, func(w http.ResponseWriter, _ *http.Request) {
						w.Header()["Content-Type"] = nil // keeps net/http from guessing one
						for name, value := range map[string]string{"Content-Type": doc.contentType, "Content-Encoding": by.encoding} {
							if value != "" {
								w.Header().Set(name, value)
							}
						}
						w.Write(by.pack(t, string(doc.text)))
					})
					c, _ := connect(t, s, carriedBy(transport))

					got, err := readAll(c.Document(t.Context(), seller, "amzn1.tortuga.4.na.out"))
					require.NoError(t, err)
					assert.Equal(t, doc.text, got, "processing report")

					r, meta, err := c.Open(t.Context(), seller, amazon.Report{ID: "9001", Type: amazon.ReturnsFlatReport, Document: "doc-9001"})
					require.NoError(t, err)
					got, err = readAll(r, nil)
					require.NoError(t, err)
					assert.Equal(t, doc.text, got, "report")
					assert.Equal(t, doc.contentType, meta.ContentType)
				})
			}
		}
	}
}

// header is a transport that sets a header, as a host's middleware does.
type header struct{ name, value string }

func (h header) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(h.name, h.value)
	return http.DefaultTransport.RoundTrip(r)
}

// readAll reads a document to its end.
func readAll(doc io.ReadCloser, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer doc.Close()
	return io.ReadAll(doc)
}

// TestASmallDownloadCannotFillTheHost reads a document that unpacks to much more
// than what was downloaded.
func TestASmallDownloadCannotFillTheHost(t *testing.T) {
	const unpacked = 64 << 20
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := io.CopyN(z, zeros{}, unpacked)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	s := newServer(t)
	s.on(feedDocPath, answer(200, fmt.Sprintf(`{"url":"%s/s3/out?%s"}`, s.URL, noSignature)))
	s.on(downloadPath, answer(200, packed.String()))
	c, _ := connect(t, s)

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	doc, err := c.Document(t.Context(), seller, "amzn1.tortuga.4.na.out")
	require.NoError(t, err)
	defer doc.Close()
	n, err := io.Copy(io.Discard, doc)
	require.NoError(t, err)
	runtime.ReadMemStats(&after)
	assert.EqualValues(t, unpacked, n)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(unpacked/8), "bytes allocated to read %d", unpacked)
}

// zeros reads as zero bytes without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// harmless checks that an error is ours and shows neither secrets nor lines.
func harmless(t *testing.T, err error) {
	t.Helper()
	var e *amazon.Error
	require.ErrorAs(t, err, &e)
	assert.True(t, utf8.ValidString(err.Error()), "%q", err)
	assert.NotContains(t, err.Error(), "\n")
	assert.NotRegexp(t, `(?i)atz[ar]\|\w`, err.Error())
	assert.NotRegexp(t, `(?i)X-Amz-Signature=\w`, err.Error())
	assert.Less(t, len(err.Error()), 2000)
}

// FuzzPlace has Amazon answer anything where a presigned address is expected,
// for an upload and for a download.
func FuzzPlace(f *testing.F) {
	f.Add([]byte(`{"feedDocumentId":"d","url":"https://s3.example/in?X-Amz-Signature=hush"}`))
	f.Add([]byte(`{"feedDocumentId":"d","url":"https://s3.example/in?X-Amz-Signature=hush","compressionAlgorithm":"GZIP"}`))
	f.Add([]byte(`{"feedDocumentId":"d","url":"::/in?X-Amz-Signature=hush"}`))
	f.Add([]byte(`{"feedDocumentId":"d","url":"ftp://Atza|x@s3.example/\n?X-Amz-Signature=hush"}`))
	f.Add([]byte(`{"feedDocumentId":"d","url":"http://[::1]:99999/%zz"}`))
	f.Add([]byte(`{"feedDocumentId":"","url":""}`))
	f.Add([]byte(`{"url":7}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var stored int
		c := offline(t, roundTrip(func(r *http.Request) (*http.Response, error) {
			switch {
			case r.Header.Get("x-amz-access-token") != "":
				return inMemory(201, string(body)), nil
			case r.Method == http.MethodPost: // only the token call
				return inMemory(200, `{"access_token":"Atza|x","expires_in":3600}`), nil
			}
			stored++
			return inMemory(200, "report"), nil
		}))
		ticket, err := c.Begin(t.Context(), seller, amazon.RefundFeed)
		require.NoError(t, err)
		_, _, err = ticket.Upload(t.Context(), xmlType, []byte("<x/>"))
		if assert.Equal(t, err == nil, stored == 1, "an upload is done, or is an error: %v", err); err != nil {
			harmless(t, err)
			_, err = ticket.Create(t.Context())
			assert.Equal(t, amazon.NotSent, amazon.Whether(err), "%v", err)
		}

		stored = 0
		got, err := readAll(c.Document(t.Context(), seller, "d"))
		assert.Equal(t, err == nil, stored == 1, "a document is read, or is an error: %v", err)
		if err != nil {
			harmless(t, err)
			return
		}
		assert.Equal(t, "report", string(got))
	})
}

// FuzzStorage has the document storage answer anything, to an upload and to a
// download.
func FuzzStorage(f *testing.F) {
	f.Add(200, "", []byte("report"))
	f.Add(200, "gzip", gzipped(f, "report"))
	f.Add(200, "", gzipped(f, "report")[:12])
	f.Add(200, "identity", []byte("\x1f\x8b"))
	f.Add(200, "", append(gzipped(f, "report"), "more"...))
	f.Add(403, "", []byte(`<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>`))
	f.Add(403, "", []byte(`<?xml version="1.0"?><Error><Code>SignatureDoesNotMatch</Code><StringToSign>X-Amz-Signature=hush</StringToSign>`))
	f.Add(503, "", []byte("<Error><Code>SlowDown</Code></Error>"))
	f.Add(307, "", []byte("<title>moved to https://elsewhere/?X-Amz-Signature=hush</title>"))
	f.Fuzz(func(t *testing.T, status int, encoding string, body []byte) {
		status = 200 + ((status%400)+400)%400
		c := offline(t, roundTrip(func(r *http.Request) (*http.Response, error) {
			switch {
			case r.Header.Get("x-amz-access-token") != "":
				return inMemory(201, `{"feedDocumentId":"d","url":"https://s3.example/in?X-Amz-Signature=hush"}`), nil
			case r.Method == http.MethodPost: // only the token call
				return inMemory(200, `{"access_token":"Atza|x","expires_in":3600}`), nil
			}
			resp := inMemory(status, string(body))
			resp.Header.Set("Content-Encoding", encoding)
			return resp, nil
		}))
		err := uploadOnce(context.Background(), c)
		assert.Equal(t, status < 300, err == nil, "HTTP %d to an upload: %v", status, err)
		if err != nil {
			harmless(t, err)
		}

		doc, err := c.Document(context.Background(), seller, "d")
		if err == nil {
			assert.Less(t, status, 300)
			_, err = io.Copy(io.Discard, io.LimitReader(doc, 1<<20))
			assert.NoError(t, doc.Close())
		}
		if err != nil {
			harmless(t, err)
		}
	})
}
