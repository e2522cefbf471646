package spapi_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
)

const (
	feedDocPath  = "GET /feeds/2021-06-30/documents/amzn1.tortuga.4.na.out"
	downloadPath = "GET /s3/out"
)

func gzipped(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestDocumentsAreUnpackedOnce(t *testing.T) {
	const text = "<AmazonEnvelope>report</AmazonEnvelope>"
	tests := map[string]struct {
		flag     string
		encoding string
		body     []byte
	}{
		"plain":                         {"", "", []byte(text)},
		"flag":                          {`,"compressionAlgorithm":"GZIP"`, "", gzipped(t, text)},
		"header, undone by the client":  {"", "gzip", gzipped(t, text)},
		"flag and header":               {`,"compressionAlgorithm":"GZIP"`, "gzip", gzipped(t, text)},
		"neither, but packed":           {"", "", gzipped(t, text)},
		"flag, but not packed":          {`,"compressionAlgorithm":"GZIP"`, "", []byte(text)},
		"header identity, but packed":   {"", "identity", gzipped(t, text)},
		"unknown flag, but not packed":  {`,"compressionAlgorithm":"BROTLI"`, "", []byte(text)},
		"shorter than a gzip signature": {"", "", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.on(feedDocPath, answer(200, fmt.Sprintf(`{"feedDocumentId":"d","url":"%s/s3/out?%s"%s}`, s.URL, noSignature, tt.flag)))
			s.on(downloadPath, answer(500, ""), func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Encoding"] = []string{tt.encoding}
				w.Write(tt.body)
			})
			c, _ := connect(t, s)
			doc, err := c.Document(t.Context(), seller, "amzn1.tortuga.4.na.out")
			require.NoError(t, err)
			defer doc.Close()
			got, err := io.ReadAll(doc)
			require.NoError(t, err)
			assert.Equal(t, len(tt.body) > 0, string(got) == text, "got %q", got)
			assert.Empty(t, s.requests(downloadPath)[0].header.Get("x-amz-access-token"))
		})
	}
}

// download reads a document to its end.
func download(doc io.ReadCloser, err error) error {
	if err != nil {
		return err
	}
	defer doc.Close()
	_, err = io.Copy(io.Discard, doc)
	return err
}

func TestADocumentThatWasUnpackedIsLeftAlone(t *testing.T) {
	s := newServer(t)
	archive := gzipped(t, "a report that is an archive")
	s.on(feedDocPath, answer(200, fmt.Sprintf(`{"url":"%s/s3/out"}`, s.URL)))
	s.on(downloadPath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(gzipped(t, string(archive)))
	})
	c, _ := connect(t, s)
	doc, err := c.Document(t.Context(), seller, "amzn1.tortuga.4.na.out")
	require.NoError(t, err)
	defer doc.Close()
	got, err := io.ReadAll(doc)
	require.NoError(t, err)
	assert.Equal(t, archive, got)
}

// TestBytesAndCharacterSetsAreHandedOn takes each way in which Amazon packs a
// document with each character set it writes in: the same bytes come out.
func TestBytesAndCharacterSetsAreHandedOn(t *testing.T) {
	sets := map[string]string{
		"text/plain;charset=Cp1252":    "Gr\xf6\xdfe 5 \x80",
		"text/plain;charset=Shift_JIS": "\x95\xd4\x95i",
		"text/plain; charset=UTF-8":    "\xef\xbb\xbfGr\u00f6\u00dfe",
		"":                             "plain",
	}
	packed := func(t testing.TB, text string) []byte { return gzipped(t, text) }
	plain := func(_ testing.TB, text string) []byte { return []byte(text) }
	ways := map[string]struct {
		flag, encoding string
		pack           func(testing.TB, string) []byte
		left           bool // the host's client leaves unpacking to us
	}{
		"by flag":            {`,"compressionAlgorithm":"GZIP"`, "identity", packed, false},
		"by header":          {"", "gzip", packed, false},
		"by header, left":    {"", "gzip", packed, true},
		"by flag and header": {`,"compressionAlgorithm":"GZIP"`, "gzip", packed, false},
		"by neither":         {"", "identity", packed, false},
		"not at all":         {"", "identity", plain, false},
	}
	for way, tt := range ways {
		for contentType, text := range sets {
			t.Run(way+" "+contentType, func(t *testing.T) {
				s := newServer(t)
				s.on(reportDocPath, answer(200, fmt.Sprintf(`{"url":"%s/s3/out?%s"%s}`, s.URL, noSignature, tt.flag)))
				s.on(downloadPath, func(w http.ResponseWriter, _ *http.Request) {
					w.Header()["Content-Type"] = []string{contentType}
					w.Header().Set("Content-Encoding", tt.encoding)
					w.Write(tt.pack(t, text))
				})
				c, _ := connect(t, s, carriedBy(&http.Transport{DisableCompression: tt.left}))
				doc, meta, err := c.Open(t.Context(), seller, amazon.Report{ID: "9001", Document: "doc-9001"})
				require.NoError(t, err)
				defer doc.Close()
				got, err := io.ReadAll(doc)
				require.NoError(t, err)
				assert.Equal(t, text, string(got))
				assert.Equal(t, contentType, meta.ContentType)
			})
		}
	}
}

const tooOld = `<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>`

func TestAnAddressThatExpiredIsAskedForAnew(t *testing.T) {
	signature := answer(403, `<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error>`)
	tests := map[string]struct {
		steps     []step
		ok        bool
		addresses int
	}{
		"once":            {[]step{answer(403, tooOld), answer(200, "")}, true, 2},
		"not twice":       {[]step{answer(403, tooOld)}, false, 2},
		"other signer":    {[]step{answer(400, `<Error><Code>ExpiredToken</Code></Error>`), answer(200, "")}, true, 2},
		"wrong signature": {[]step{signature, answer(200, "")}, false, 1},
		"refused":         {[]step{answer(403, ""), answer(200, "")}, false, 1},
	}
	for name, tt := range tests {
		for place, object := range map[string]string{feedDocPath: downloadPath, placePath: uploadPath} {
			t.Run(name+" "+object, func(t *testing.T) {
				s := newServer(t)
				s.on(feedDocPath, answer(200, fmt.Sprintf(`{"url":"%s/s3/out?%s"}`, s.URL, noSignature)))
				s.on(object, tt.steps...)
				c, _ := connect(t, s)
				err := calls(c)[object](t.Context())
				assert.Equal(t, tt.ok, err == nil, "%v", err)
				assert.Len(t, s.requests(place), tt.addresses)
				assert.Len(t, s.requests(object), tt.addresses)
			})
		}
	}
}

func TestAnAddressAskedForAnewCostsAToken(t *testing.T) {
	s := newServer(t)
	s.on(feedDocPath, answer(200, fmt.Sprintf(`{"url":"%s/s3/out?%s"}`, s.URL, noSignature)), answer(429, ""))
	s.on(downloadPath, answer(403, tooOld))
	c, _ := connect(t, s)
	err := download(c.Document(t.Context(), seller, "amzn1.tortuga.4.na.out"))
	comesBack(t, err, 45*time.Second, 57*time.Second)
}

func TestAnUploadPlacedAnewIsTheOneThatIsCreated(t *testing.T) {
	s := newServer(t)
	s.on(placePath, answer(201, fmt.Sprintf(`{"feedDocumentId":"old","url":"%s/s3/in?%s"}`, s.URL, noSignature)),
		answer(201, fmt.Sprintf(`{"feedDocumentId":"new","url":"%s/s3/in?%s"}`, s.URL, noSignature)))
	s.on(uploadPath, answer(403, tooOld), answer(200, ""))
	c, _ := connect(t, s)
	_, err := uploaded(t, c).Create(t.Context())
	require.NoError(t, err)
	puts := s.requests(uploadPath)
	require.Len(t, puts, 2)
	assert.Equal(t, puts[0].body, puts[1].body)
	assert.Contains(t, s.requests(createPath)[0].body, `"inputFeedDocumentId":"new"`)
}

func TestDocumentErrors(t *testing.T) {
	broken := gzipped(t, "some text that is cut")
	found := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"url":"http://%s/s3/out?%s"}`, r.Host, noSignature)
	}
	tests := map[string]struct {
		document, download step
		want               string
	}{
		"unknown":   {answer(404, refused("NotFound", "no such document", "")), nil, "no such document"},
		"no url":    {answer(200, `{}`), nil, "without a url"},
		"bad url":   {answer(200, `{"url":"::/s3?`+noSignature+`"}`), nil, "missing protocol scheme"},
		"expired":   {found, answer(403, `<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>`), "AccessDenied: Request has expired"},
		"cut off":   {found, answer(200, string(broken[:len(broken)-4])), "unexpected EOF"},
		"not gzip":  {found, answer(200, "\x1f\x8bnot gzip"), "gzip"},
		"redirects": {found, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }, "HTTP 302"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.on(feedDocPath, tt.document)
			s.on(downloadPath, tt.download)
			c, _ := connect(t, s)
			err := download(c.Document(t.Context(), seller, "amzn1.tortuga.4.na.out"))
			var got *amazon.Error
			require.ErrorAs(t, err, &got)
			assert.ErrorContains(t, err, tt.want)
			assert.NotContains(t, err.Error(), "hush")
		})
	}
}

func FuzzDocumentAnswer(f *testing.F) {
	f.Add([]byte(`{"feedDocumentId":"d","url":"https://s3.example/out?X-Amz-Signature=hush","compressionAlgorithm":"GZIP"}`), []byte("\x1f\x8bx"))
	f.Add([]byte(`{"url":"ftp://s3.example/?X-Amz-Signature=hush"}`), []byte(""))
	f.Add([]byte(`{"url":"https://s3.example:port/\u0000?X-Amz-Signature=hush"}`), []byte("x"))
	f.Add([]byte(`{"url":null}`), []byte(tooOld))
	f.Add([]byte(`[]`), []byte(""))
	f.Fuzz(func(t *testing.T, body, object []byte) {
		var asked, sent int
		c := offline(t, roundTrip(func(r *http.Request) (*http.Response, error) {
			switch {
			case r.URL.Path == "/auth/o2/token":
				return inMemory(200, `{"access_token":"Atza|access-hush","expires_in":3600}`), nil
			case r.Header.Get("x-amz-access-token") != "":
				asked++
				return inMemory(200, string(body)), nil
			default:
				sent++
				return inMemory(200, string(object)), nil
			}
		}))
		err := download(c.Document(context.Background(), seller, "d"))
		assert.Equal(t, 1, asked, "the address is asked for once and with the token")
		assert.LessOrEqual(t, sent, 1)
		if err != nil {
			var e *amazon.Error
			require.ErrorAs(t, err, &e)
			assert.NotContains(t, err.Error(), "hush")
		}
	})
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

// FuzzStorageAnswer has the document storage answer anything, to an upload and to a
// download.
func FuzzStorageAnswer(f *testing.F) {
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
