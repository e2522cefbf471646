package spapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/spapi"
)

// roundTrip is an http.RoundTripper in memory.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// inMemory is an answer that no server gave.
func inMemory(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// printed is a value in every way in which a program prints or logs one.
func printed(t testing.TB, values ...any) string {
	t.Helper()
	var b bytes.Buffer
	for _, v := range values {
		fmt.Fprintf(&b, "%v\n%+v\n%#v\n%s\n%q\n", v, v, v, v, v)
		fmt.Fprintln(&b, v, struct{ Within any }{v}, []any{v}, map[string]any{"in": v})
		for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
			slog.New(h).Info("logged", "value", v, "within", struct{ Value any }{v}, "among", []any{v})
		}
	}
	return b.String()
}

func TestCredentialsDoNotPrint(t *testing.T) {
	text := printed(t, secrets, &secrets)
	assert.NotContains(t, text, "hush")
	for _, line := range strings.Split(strings.TrimSpace(printed(t, secrets)), "\n") {
		assert.Contains(t, line, secrets.ClientID, "what may be shown is")
	}
}

func TestConfigAndClientDoNotPrintSecrets(t *testing.T) {
	conf := spapi.Config{
		Credentials: func(context.Context, amazon.Account) (spapi.Credentials, error) { return secrets, nil },
		HTTPClient:  &http.Client{},
		Logger:      slog.New(slog.DiscardHandler),
	}
	s := newServer(t)
	c, _ := connect(t, s)
	ticket := uploaded(t, c)
	text := printed(t, conf, &conf, c, ticket)
	_, err := ticket.Create(t.Context())
	require.NoError(t, err)
	assert.NotContains(t, text+printed(t, c, ticket), "hush")
	assert.Contains(t, text, seller.Merchant, "the ticket was printed")
}

// TestSecretsStayOut has everything go wrong in the most talkative way.
func TestSecretsStayOut(t *testing.T) {
	leak := "your Atza|access-hush and Atzr%7Crefresh-hush and Atz.sprdt|rdt-hush with amzn1.oa2-cs.v1.hush at " +
		"https://bucket.s3.amazonaws.com/doc?X-Amz-Signature=hush&x=hush and X-Amz-Credential=hush"
	leakJSON, err := json.Marshal(leak)
	require.NoError(t, err)
	bodies := map[string]string{
		"API":     fmt.Sprintf(`{"errors":[{"code":%s,"message":%s,"details":%s}]}`, leakJSON, leakJSON, leakJSON),
		"gateway": fmt.Sprintf(`{"message":%s}`, leakJSON),
		"OAuth":   fmt.Sprintf(`{"error":%s,"error_description":%s}`, leakJSON, leakJSON),
		"page":    "<html><title>" + leak + "</title>" + leak + "</html>",
		"S3": "<Error><Code>SignatureDoesNotMatch</Code><Message>" + strings.ReplaceAll(leak, "&", "&amp;") + "</Message>" +
			"<AWSAccessKeyId>hush</AWSAccessKeyId><StringToSign>hush</StringToSign></Error>",
		"text": leak,
	}
	for name, body := range bodies {
		for _, route := range []string{tokenPath, placePath, uploadPath, createPath, feedPath, restrictedPath, reportDocPath, downloadPath} {
			t.Run(name+" "+route, func(t *testing.T) {
				s := withReport(t)
				s.on(route, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("x-amzn-RequestId", leak)
					w.WriteHeader(400)
					io.WriteString(w, body)
				})
				var logged bytes.Buffer
				c, _ := connect(t, s, func(conf *spapi.Config) {
					conf.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
				})
				assert.NotContains(t, outcomes(t, c)+logged.String(), "hush")
				assert.Contains(t, logged.String(), "status=400")
			})
		}
	}
}

// outcomes is what a client prints of a call of each kind.
func outcomes(t *testing.T, c *spapi.Client) string {
	t.Helper()
	texts := []string{fmt.Sprintf("%+v", c)}
	_, err := c.Feed(t.Context(), seller, "50001")
	texts = append(texts, fmt.Sprintf("%v %+v %#v", err, err, err))
	_, _, err = c.Open(t.Context(), seller, restrictedReport)
	texts = append(texts, fmt.Sprintf("%v %+v %#v", err, err, err))
	ticket, err := c.Begin(t.Context(), seller, amazon.RefundFeed)
	require.NoError(t, err)
	defer ticket.Close()
	_, _, err = ticket.Upload(t.Context(), xmlType, []byte("<x/>"))
	texts = append(texts, fmt.Sprintf("%v %+v %#v", err, err, err), fmt.Sprintf("%+v", ticket))
	_, err = ticket.Create(t.Context())
	texts = append(texts, fmt.Sprintf("%v %+v %#v", err, err, err), fmt.Sprintf("%+v", ticket))
	return strings.Join(texts, "\n")
}

// Secrets that look like nothing.
var (
	opaque = spapi.Credentials{ClientID: "amzn1.application-oa2-client.example",
		ClientSecret: "5ec2e75ec2e75ec2e75ec2e75ec2e7", RefreshToken: "2ef2e5/2ef2e5+2ef2e5|2ef2e5="}
	opaqueAccess     = "acce55/acce55+acce55|acce55="
	opaqueRestricted = "2e5712/2e5712+2e5712|2e5712="
	opaqueTraces     = `5ec2e7|2ef2e5|acce55|2e5712`
)

// spellings are the forms in which a secret comes back.
func spellings(secret string) string {
	query, path := url.QueryEscape(secret), url.PathEscape(secret)
	return strings.Join([]string{secret, query, path, strings.ToLower(query), strings.ToLower(path)}, " or ")
}

// withOpaqueSecrets is a server whose tokens look like nothing, and its client.
func withOpaqueSecrets(t *testing.T, logged io.Writer, change ...func(*spapi.Config)) (*server, *spapi.Client) {
	t.Helper()
	s := withReport(t)
	s.on(tokenPath, answer(200, fmt.Sprintf(`{"access_token":%q,"expires_in":3600}`, opaqueAccess)))
	s.on(restrictedPath, answer(200, fmt.Sprintf(`{"restrictedDataToken":%q,"expiresIn":3600}`, opaqueRestricted)))
	c, _ := connect(t, s, append(change, func(conf *spapi.Config) {
		conf.Credentials = func(context.Context, amazon.Account) (spapi.Credentials, error) { return opaque, nil }
		conf.Logger = slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})...)
	return s, c
}

// sent is what a request says in secret, in every spelling.
func sent(r *http.Request) string {
	if token := r.Header.Get("x-amz-access-token"); token != "" {
		return spellings(token)
	}
	return spellings(opaque.ClientSecret) + " and " + spellings(opaque.RefreshToken)
}

// TestWhatWasSentIsStruckOut has Amazon repeat secrets that no pattern knows.
func TestWhatWasSentIsStruckOut(t *testing.T) {
	bodies := map[string]func(leak string) string{
		"API":     func(leak string) string { return refused(leak, leak, leak) },
		"gateway": func(leak string) string { return fmt.Sprintf(`{"message":%q}`, leak) },
		"OAuth":   func(leak string) string { return fmt.Sprintf(`{"error":%q,"error_description":%q}`, leak, leak) },
		"page":    func(leak string) string { return "<html><title>" + leak + "</title></html>" },
		"S3": func(leak string) string {
			return "<Error><Code>" + leak + "</Code><Message>" + leak + "</Message></Error>"
		},
		"text":            func(leak string) string { return leak },
		"where it is cut": func(leak string) string { return strings.Repeat("x", 485) + leak },
	}
	for name, body := range bodies {
		for _, route := range []string{tokenPath, placePath, createPath, feedPath, restrictedPath, reportDocPath} {
			t.Run(name+" "+route, func(t *testing.T) {
				var logged bytes.Buffer
				s, c := withOpaqueSecrets(t, &logged)
				s.on(route, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("x-amzn-RequestId", sent(r))
					w.WriteHeader(400)
					io.WriteString(w, body(sent(r)))
				})
				text := outcomes(t, c) + logged.String()
				assert.NotRegexp(t, opaqueTraces, text)
				assert.Contains(t, text, "[redacted]")
			})
		}
	}
}

func TestTransportErrorsShowNothingThatWasSent(t *testing.T) {
	for _, route := range []string{tokenPath, placePath, createPath, feedPath, restrictedPath, reportDocPath} {
		t.Run(route, func(t *testing.T) {
			var logged bytes.Buffer
			_, c := withOpaqueSecrets(t, &logged, carriedBy(roundTrip(func(r *http.Request) (*http.Response, error) {
				if r.Method+" "+r.URL.Path == route {
					return nil, fmt.Errorf("proxy refused %v for %s: %w", r.Header, sent(r), io.ErrUnexpectedEOF)
				}
				return http.DefaultTransport.RoundTrip(r)
			})))
			text := outcomes(t, c) + logged.String()
			assert.NotRegexp(t, opaqueTraces, text)
			assert.Contains(t, text, "proxy refused")
			assert.Contains(t, text, io.ErrUnexpectedEOF.Error(), "the cause is kept")
		})
	}
}

// TestBuyersStayOut has Amazon talk about a buyer where only an error belongs.
func TestBuyersStayOut(t *testing.T) {
	const order = `{"buyer":{"buyerName":"Jane Hush","buyerEmail":"jane.hush@marketplace.example"},"shipTo":"1 Hush Road"}`
	bodies := map[string]string{
		"an order":             order,
		"orders":               "[" + order + "]",
		"an order in errors":   `{"errors":` + order + `}`,
		"an order in a list":   `{"errors":[` + order + `]}`,
		"an order for a text":  `{"message":` + order + `}`,
		"half an order":        order[:len(order)-5],
		"a page":               "<html><title>Order</title><p>Jane Hush, 1 Hush Road</p></html>",
		"a document":           "<Order><Name>Jane Hush</Name></Order>",
		"an error of S3":       "<Error><Code>AccessDenied</Code><Message>no</Message><Name>Jane Hush</Name></Error>",
		"e-mail in a message":  refused("InvalidInput", "jane.hush@marketplace.example is no buyer", "jane.hush%40marketplace.example"),
		"e-mail with umlauts":  refused("InvalidInput", "wrong", "mailto:jäne.hush+1@bücher.example."),
		"e-mail in plain text": "cannot reach <jane.hush@marketplace.example>",
	}
	for name, body := range bodies {
		for status, route := range map[int]string{400: feedPath, 403: downloadPath, 422: createPath, 404: placePath} {
			t.Run(name+" "+route, func(t *testing.T) {
				var logged bytes.Buffer
				s := withReport(t)
				s.on(route, answer(status, body))
				c, _ := connect(t, s, func(conf *spapi.Config) {
					conf.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
				})
				text := outcomes(t, c)
				assert.Contains(t, text, fmt.Sprintf("HTTP %d", status))
				assert.NotRegexp(t, "(?i)hush", text+logged.String())
			})
		}
	}
}

// Amazon's words are kept whatever they are, as the package comment says: in the
// error, for who must act on it, and not in the log.
func TestAmazonsWordsAreInNoLog(t *testing.T) {
	var logged bytes.Buffer
	s := newServer(t)
	s.on(feedPath, answer(400, refused("InvalidInput", "Feed of Jane Doe", "1 Some Road")))
	c, _ := connect(t, s, func(conf *spapi.Config) {
		conf.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	_, err := c.Feed(t.Context(), seller, "50001")
	assert.ErrorContains(t, err, "InvalidInput: Feed of Jane Doe 1 Some Road")
	assert.Contains(t, logged.String(), "op=getFeed account=acme-na status=400 request=req-1")
	assert.NotRegexp(t, "Jane|Road|InvalidInput", logged.String())
}

func TestTransportErrorsShowNoPresignedURL(t *testing.T) {
	var logged bytes.Buffer
	refuse := false
	s := newServer(t)
	c, _ := connect(t, s, func(conf *spapi.Config) {
		conf.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
		conf.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			refuse = strings.HasPrefix(r.URL.Path, "/s3/")
			if refuse {
				return nil, fmt.Errorf("proxy refused %s with %v: %w", r.URL, r.Header, io.ErrUnexpectedEOF)
			}
			return http.DefaultTransport.RoundTrip(r)
		})}
	})
	err := uploadOnce(t.Context(), c)
	require.True(t, refuse)
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF, "the cause is kept")
	assert.ErrorContains(t, err, "proxy refused")
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), "hush")
	assert.NotContains(t, logged.String(), "hush")
}

func TestAnswersAreLogged(t *testing.T) {
	s := newServer(t)
	var logged bytes.Buffer
	c, _ := connect(t, s, func(conf *spapi.Config) {
		conf.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	_, err := uploaded(t, c).Create(t.Context())
	require.NoError(t, err)
	for _, op := range []string{"getToken", "createFeedDocument", "upload", "createFeed"} {
		assert.Contains(t, logged.String(), "op="+op+" account=acme-na status=20")
	}
	assert.Contains(t, logged.String(), "request=req-1")
	assert.NotContains(t, logged.String(), "hush")
}

func FuzzErrorBody(f *testing.F) {
	f.Add(403, []byte(refused("Unauthorized", "Access to requested resource is denied.", "The access token you provided has expired.")))
	f.Add(400, []byte("<html><head><title>400 Bad Request</title></head></html>"))
	f.Add(403, []byte("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"))
	f.Add(400, []byte(`{"error":"invalid_grant","error_description":"Atzr|x"}`))
	f.Add(500, []byte(`{"message":null,"errors":{"code":1}}`))
	f.Add(429, []byte("\xff\xfe\x00https://x/?Atza|"))
	f.Add(202, []byte(`{"feedId":5}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		var creating bool
		c := offline(t, roundTrip(func(r *http.Request) (*http.Response, error) {
			switch {
			case creating:
				io.Copy(io.Discard, r.Body)
				return inMemory(200+((status%400)+400)%400, string(body)), nil
			case r.URL.Path == "/auth/o2/token":
				return inMemory(200, `{"access_token":"Atza|x","expires_in":3600}`), nil
			default:
				return inMemory(201, `{"feedDocumentId":"d","url":"https://s3.example/in?X-Amz-Signature=hush"}`), nil
			}
		}))
		ticket, err := c.Begin(t.Context(), seller, amazon.RefundFeed)
		require.NoError(t, err)
		_, _, err = ticket.Upload(t.Context(), xmlType, []byte("<x/>"))
		require.NoError(t, err)
		creating = true
		feed, err := ticket.Create(t.Context())
		if err == nil {
			assert.NotEmpty(t, feed.ID)
			return
		}
		var e *amazon.Error
		require.ErrorAs(t, err, &e)
		assert.LessOrEqual(t, len(e.Code), 100)
		assert.LessOrEqual(t, len(e.Message), 500)
		assert.True(t, utf8.ValidString(err.Error()), "%q", err)
		assert.NotContains(t, err.Error(), "\n")
		assert.NotRegexp(t, `(?i)atz[ar]\|\w`, err.Error())
	})
}

func FuzzTokenAnswer(f *testing.F) {
	f.Add([]byte(`{"access_token":"Atza|x","refresh_token":"Atzr|y","token_type":"bearer","expires_in":3600}`))
	f.Add([]byte(`{"access_token":"Atza|x","expires_in":"3600"}`))
	f.Add([]byte(`{"access_token":"Atza|\u0000","expires_in":3600}`))
	f.Add([]byte(`{"access_token":"x","expires_in":-1}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		errStop := errors.New("far enough")
		var sent string
		c := offline(t, roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/auth/o2/token" {
				return inMemory(200, string(body)), nil
			}
			sent = r.Header.Get("x-amz-access-token")
			return nil, errStop
		}))
		_, err := c.Feed(context.Background(), seller, "5")
		require.Error(t, err)
		assert.Equal(t, errors.Is(err, errStop), sent != "", "a call goes out with a token, or not at all: %v", err)
		assert.NotRegexp(t, `(?i)atz[ar]\|\w`, err.Error())
	})
}
