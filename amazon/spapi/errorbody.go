package spapi

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"html"
	"net/url"
	"regexp"
	"strings"
)

const (
	maxErrorBody = 8 << 10 // bytes of an error body that are read
	maxCode      = 100     // bytes kept of Amazon's code
	maxMessage   = 500     // bytes kept of Amazon's words
)

// refusal is what an error body says, in Amazon's words, without secrets.
type refusal struct {
	code    string
	message string
	token   bool // names the access token as the cause
}

// parseRefusal reads an error body, whatever it is. Amazon has four shapes: the
// error list of the API, the message of its gateway, the HTML of its front end
// and the XML of S3; Login with Amazon has a fifth. An unknown one is quoted
// from its beginning.
func parseRefusal(body []byte) refusal {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	switch {
	case bytes.HasPrefix(body, []byte("{")):
		if r, ok := parseJSONRefusal(body); ok {
			return r
		}
	case bytes.HasPrefix(body, []byte("<")):
		return parseMarkup(body)
	}
	return refusal{message: clean(string(body), maxMessage)}
}

func parseJSONRefusal(body []byte) (refusal, bool) {
	var doc struct {
		Errors           json.RawMessage `json:"errors"`
		Message          any             `json:"message"`
		Error            any             `json:"error"`
		ErrorDescription any             `json:"error_description"`
	}
	if json.Unmarshal(body, &doc) != nil {
		return refusal{}, false
	}
	var list []struct {
		Code    any `json:"code"`
		Message any `json:"message"`
		Details any `json:"details"`
	}
	if json.Unmarshal(doc.Errors, &list) == nil && len(list) > 0 {
		r := refusal{code: clean(text(list[0].Code), maxCode)}
		var words []string
		for _, e := range list {
			for _, s := range []string{text(e.Message), text(e.Details)} {
				r.token = r.token || namesToken(s)
				if s != "" {
					words = append(words, s)
				}
			}
		}
		r.message = clean(strings.Join(words, " "), maxMessage)
		return r, true
	}
	if code := text(doc.Error); code != "" {
		return refusal{code: clean(code, maxCode), message: clean(text(doc.ErrorDescription), maxMessage)}, true
	}
	if words := text(doc.Message); words != "" {
		return refusal{message: clean(words, maxMessage)}, true
	}
	return refusal{}, false
}

// text returns a JSON string, and nothing for any other value.
func text(v any) string {
	s, _ := v.(string)
	return s
}

// namesToken recognises Amazon's three sentences about a refused access token:
// "The access token you provided has expired.", "… is revoked, malformed or
// invalid." and "Access token is missing in the request header.".
func namesToken(s string) bool {
	s = strings.ToLower(s)
	if !strings.Contains(s, "access token") {
		return false
	}
	for _, fault := range []string{"expired", "revoked", "malformed", "invalid", "missing"} {
		if strings.Contains(s, fault) {
			return true
		}
	}
	return false
}

var title = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)

// parseMarkup reads the error of S3, or the title of a page. Other elements of
// the S3 error repeat the signed request and are left out.
func parseMarkup(body []byte) refusal {
	var s3 struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
	}
	if xml.Unmarshal(body, &s3) == nil && s3.Code != "" {
		return refusal{code: clean(s3.Code, maxCode), message: clean(s3.Message, maxMessage)}
	}
	if m := title.FindSubmatch(body); m != nil {
		return refusal{message: clean(html.UnescapeString(string(m[1])), maxMessage)}
	}
	return refusal{message: "the answer is a page without a title"}
}

var (
	// Login with Amazon's access and refresh tokens, the restricted data token
	// and the client secret, also percent-encoded.
	secret = regexp.MustCompile(`(?i)(?:Atz[ar]|Atz\.sprdt)(?:\||%7C)[^\s"'<>&,;]*|amzn1\.oa2-cs\.[^\s"'<>&,;]*`)
	// The query of any URL, and the parts of a presigned one that stand alone.
	queries   = regexp.MustCompile(`(?i)(https?://[^\s?"'<>]*)\?[^\s"'<>]*`)
	presigned = regexp.MustCompile(`(?i)(X-Amz-(?:Signature|Credential|Security-Token)(?:=|%3D))[^\s"'<>&]*`)
)

// redact takes secrets out of a text.
func redact(s string) string {
	s = queries.ReplaceAllString(s, "$1?[redacted]")
	s = presigned.ReplaceAllString(s, "$1[redacted]")
	return secret.ReplaceAllString(s, "[redacted]")
}

// clean makes a text from outside fit for an error: one line, no secrets, at
// most so many bytes.
func clean(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	s = redact(strings.Join(strings.Fields(s), " "))
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most-len("…")], "") + "…"
	}
	return s
}

// quietError is an error from below with its text cleaned.
type quietError struct {
	text string
	err  error
}

func (e *quietError) Error() string { return e.text }
func (e *quietError) Unwrap() error { return e.err }

// quiet keeps secrets out of the text of an error from below. A [*url.Error]
// gives way to its cause, because it holds the whole address.
func quiet(err error) error {
	for {
		var u *url.Error
		if !errors.As(err, &u) {
			return &quietError{clean(err.Error(), maxMessage), err}
		}
		err = u.Err
	}
}
