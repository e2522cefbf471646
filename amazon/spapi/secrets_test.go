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

func TestCredentialsDoNotPrint(t *testing.T) {
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "credentials", secrets)
	for _, text := range []string{
		fmt.Sprint(secrets), fmt.Sprintf("%v", secrets), fmt.Sprintf("%+v", secrets), fmt.Sprintf("%#v", secrets),
		fmt.Sprintf("%s %q", secrets, &secrets), logged.String(),
	} {
		assert.NotContains(t, text, "hush")
		assert.Contains(t, text, secrets.ClientID)
	}
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
				texts := []string{fmt.Sprintf("%+v", c)}
				_, err := c.Feed(t.Context(), seller, "50001")
				texts = append(texts, fmt.Sprintf("%v %+v %#v", err, err, err))
				_, _, err = c.Open(t.Context(), seller, restrictedReport)
				texts = append(texts, fmt.Sprintf("%v %+v %#v", err, err, err))
				ticket, err := c.Begin(t.Context(), seller, amazon.RefundFeed)
				require.NoError(t, err)
				_, _, err = ticket.Upload(t.Context(), xmlType, []byte("<x/>"))
				texts = append(texts, fmt.Sprintf("%v %+v %#v", err, err, err), fmt.Sprintf("%+v", ticket))
				_, err = ticket.Create(t.Context())
				texts = append(texts, fmt.Sprintf("%v %+v %#v", err, err, err), fmt.Sprintf("%+v", ticket), logged.String())
				assert.NotContains(t, strings.Join(texts, "\n"), "hush")
				assert.Contains(t, logged.String(), "status=400")
			})
		}
	}
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
