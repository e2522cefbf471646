package amazontest

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/url"
	"time"
)

// tokenLife is how long an access token of Login with Amazon is valid.
const tokenLife = time.Hour

// token is an access token that was given out. Expired ones are kept: they are
// refused in other words than unknown ones.
type token struct {
	Seller  string
	Expires time.Time
}

// login gives out an access token for a refresh token.
func (s *Server) login(r *request) answer {
	form, ok := r.form()
	if !ok {
		return loginError(400, "invalid_request", "want a form or a JSON object of strings", "")
	}
	for _, name := range []string{"grant_type", "refresh_token", "client_id", "client_secret"} {
		if form.Get(name) == "" {
			return loginError(400, "invalid_request", "the parameter "+name+" is missing", "")
		}
	}
	if form.Get("grant_type") != "refresh_token" {
		return loginError(400, "unsupported_grant_type", "this server knows the grant refresh_token only", "")
	}
	if !s.books.knowsClient(form.Get("client_id"), form.Get("client_secret")) {
		return loginError(401, "invalid_client", "Client authentication failed", "")
	}
	a := s.books.byRefreshToken(form.Get("refresh_token"))
	if a == nil || a.ClientID != form.Get("client_id") {
		return loginError(400, "invalid_grant", "The request has an invalid grant parameter : refresh_token", "")
	}

	access := fmt.Sprintf("Atza|%06d", len(s.books.Tokens)+1)
	s.books.Tokens[access] = token{Seller: a.Merchant, Expires: r.now.Add(tokenLife)}
	return jsonAnswer(200, map[string]any{
		"access_token": access, "refresh_token": a.RefreshToken, "token_type": "bearer", "expires_in": int(tokenLife.Seconds()),
	})
}

// form reads the parameters of a login, sent as a form or, as one of Amazon's
// own clients does, as JSON.
func (r *request) form() (url.Values, bool) {
	switch media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media {
	case "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(r.body))
		return form, err == nil
	case "application/json":
		var object map[string]string
		if json.Unmarshal(r.body, &object) != nil {
			return nil, false
		}
		form := url.Values{}
		for name, value := range object {
			form.Set(name, value)
		}
		return form, true
	}
	return nil, false
}

func (b *books) knowsClient(id, secret string) bool {
	for _, a := range b.Sellers {
		if a.ClientID == id && a.ClientSecret == secret {
			return true
		}
	}
	return false
}

func (b *books) byRefreshToken(refresh string) *account {
	for _, a := range b.Sellers {
		if a.RefreshToken == refresh {
			return a
		}
	}
	return nil
}

// loginError is an error of Login with Amazon, which speaks OAuth.
func loginError(status int, code, message, _ string) answer {
	return jsonAnswer(status, map[string]string{"error": code, "error_description": message})
}
