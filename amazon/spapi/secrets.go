package spapi

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// leastSecret is the length below which a text is no secret: to strike it would
// only take letters out of words.
const leastSecret = 8

// secrets are those that one request carries. An answer to it, or the error of
// what carries it, can repeat these and no others; they are struck out literally,
// whatever they look like, where redact knows Amazon's patterns only.
type secrets []string

type credentialsKey struct{}

// carrying returns a context for requests whose body holds credentials.
func carrying(ctx context.Context, c Credentials) context.Context {
	return context.WithValue(ctx, credentialsKey{}, c)
}

// carried returns the secrets that a request carries.
func carried(r *http.Request) secrets {
	c, _ := r.Context().Value(credentialsKey{}).(Credentials)
	return secrets{r.Header.Get(tokenHeader), c.ClientSecret, c.RefreshToken}
}

var percent = regexp.MustCompile(`%[0-9A-F]{2}`)

// strike takes the secrets out of a text, also percent-encoded.
func (s secrets) strike(text string) string {
	for _, literal := range s {
		if len(literal) < leastSecret {
			continue
		}
		for _, form := range []string{literal, url.QueryEscape(literal), url.PathEscape(literal)} {
			text = strings.ReplaceAll(text, form, "[redacted]")
			text = strings.ReplaceAll(text, percent.ReplaceAllStringFunc(form, strings.ToLower), "[redacted]")
		}
	}
	return text
}

// discreet is a transport that does not repeat what a request carries: neither in
// its errors, nor in the request ID of an answer.
type discreet struct{ base http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (t discreet) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := carried(r)
	resp, err := t.base.RoundTrip(r)
	if err != nil {
		if text := sent.strike(err.Error()); text != err.Error() {
			err = &quietError{clean(text, maxMessage), err}
		}
		return resp, err
	}
	if resp == nil {
		return nil, nil // net/http says what it holds of that
	}
	for _, name := range requestIDs {
		if id := resp.Header.Get(name); sent.strike(id) != id {
			resp.Header.Set(name, sent.strike(id))
		}
	}
	resp.Request = r // for read; not every transport says so
	return resp, nil
}
