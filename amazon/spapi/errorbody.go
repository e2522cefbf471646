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

// parseRefusal reads an error body, whatever it is, and keeps the secrets that
// were sent out of what it says.
func parseRefusal(body []byte, sent secrets) refusal {
	r := readRefusal(body)
	r.code = clean(sent.strike(r.code), maxCode)
	r.message = clean(sent.strike(r.message), maxMessage)
	return r
}

// readRefusal knows Amazon's four shapes: the error list of the API, the message
// of its gateway, the HTML of its front end and the XML of S3; Login with Amazon
// has a fifth. Other JSON and other pages are data that got into the wrong
// answer, perhaps about a buyer, and are not quoted; text is, from its beginning.
func readRefusal(body []byte) refusal {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	switch {
	case bytes.HasPrefix(body, []byte("{")), bytes.HasPrefix(body, []byte("[")):
		return parseJSON(body)
	case bytes.HasPrefix(body, []byte("<")):
		return parseMarkup(body)
	}
	return refusal{message: string(body)}
}

func parseJSON(body []byte) refusal {
	var doc struct {
		Errors           json.RawMessage `json:"errors"`
		Message          any             `json:"message"`
		Error            any             `json:"error"`
		ErrorDescription any             `json:"error_description"`
	}
	unknown := refusal{message: "the answer is JSON without an error that is known"}
	if json.Unmarshal(body, &doc) != nil {
		return unknown
	}
	var list []struct {
		Code    any `json:"code"`
		Message any `json:"message"`
		Details any `json:"details"`
	}
	if json.Unmarshal(doc.Errors, &list) == nil && len(list) > 0 {
		r := refusal{code: text(list[0].Code)}
		var words []string
		for _, e := range list {
			for _, s := range []string{text(e.Message), text(e.Details)} {
				r.token = r.token || namesToken(s)
				if s != "" {
					words = append(words, s)
				}
			}
		}
		r.message = strings.Join(words, " ")
		return r
	}
	if code := text(doc.Error); code != "" {
		return refusal{code: code, message: text(doc.ErrorDescription)}
	}
	if words := text(doc.Message); words != "" {
		return refusal{message: words}
	}
	return unknown
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
		return refusal{code: s3.Code, message: s3.Message}
	}
	if m := title.FindSubmatch(body); m != nil {
		return refusal{message: html.UnescapeString(string(m[1]))}
	}
	return refusal{message: "the answer is a page without a title"}
}

var (
	// The tokens of Login with Amazon, the restricted data token and the client
	// secret, also percent-encoded.
	secret = regexp.MustCompile(`(?i)(?:Atz[a-z]|Atc|Atz\.sprdt)(?:\||%7C)[^\s"'<>&,;]*|amzn1\.oa2-cs\.[^\s"'<>&,;]*`)
	// The query of any URL, and the parts of a presigned one that stand alone.
	queries   = regexp.MustCompile(`(?i)(https?://[^\s?"'<>]*)\?[^\s"'<>]*`)
	presigned = regexp.MustCompile(`(?i)(X-Amz-(?:Signature|Credential|Security-Token)(?:=|%3D))[^\s"'<>&]*`)
	// E-mail addresses, which may be a buyer's.
	email = regexp.MustCompile(`(?i)[^\s"'<>()\[\],;:@]+(?:@|%40)(?:[\pL\pN-]+\.)+\pL[\pL\pN-]+`)
)

// redact takes secrets and e-mail addresses out of a text.
func redact(s string) string {
	s = queries.ReplaceAllString(s, "$1?[redacted]")
	s = presigned.ReplaceAllString(s, "$1[redacted]")
	s = secret.ReplaceAllString(s, "[redacted]")
	return email.ReplaceAllString(s, "[redacted]")
}

// clean makes a text from outside fit for an error: one line, no secrets, at
// most so many bytes.
func clean(s string, most int) string {
	// What a server puts into an error may have any length.
	s = s[:min(len(s), maxErrorBody)]
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
		switch {
		case !errors.As(err, &u):
			return &quietError{clean(err.Error(), maxMessage), err}
		case u.Err == nil:
			return &quietError{"failed, without a cause", err}
		}
		err = u.Err
	}
}
