package amazontest

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/url"
	"slices"
	"strings"
	"time"
)

// tokenLife is how long an access token of Login with Amazon is valid.
const tokenLife = time.Hour

// grantlessScopes are those of the operations that work for no seller (page
// "Grantless operations").
var grantlessScopes = []string{"sellingpartnerapi::notifications", "sellingpartnerapi::client_credential:rotation"}

// token is an access token that was given out. Expired ones are kept: they are
// refused in other words than unknown ones.
type token struct {
	Seller    string // merchant ID; empty: of the application alone, for grantless operations
	Expires   time.Time
	Resources []resource `json:",omitempty"` // of a Restricted Data Token, which opens nothing else
}

// opens tells whether a token that has not expired is one for a resource. This
// server has no grantless operations, so a token of no seller opens nothing.
func (t token) opens(method, path string) bool {
	return t.Seller != "" && (t.Resources == nil || slices.Contains(t.Resources, resource{method, path}))
}

// give makes an access token.
func (b *books) give(prefix string, t token) (access string) {
	access = fmt.Sprintf("%s%06d", prefix, len(b.Tokens)+1)
	b.Tokens[access] = t
	return access
}

// login gives out an access token: of a seller for a refresh token, of the
// application for its own credentials.
func (s *Server) login(r *request) answer {
	form, ok := r.form()
	if !ok {
		return loginError(400, "invalid_request", "want a form or a JSON object of strings")
	}
	grant := form.Get("grant_type")
	names := []string{"grant_type", "client_id", "client_secret"}
	switch grant {
	case "refresh_token":
		names = append(names, "refresh_token")
	case "client_credentials":
		names = append(names, "scope")
	}
	for _, name := range names {
		if form.Get(name) == "" {
			return loginError(400, "invalid_request", "the parameter "+name+" is missing")
		}
	}
	if len(names) == 3 {
		return loginError(400, "unsupported_grant_type", "this server knows the grants refresh_token and client_credentials")
	}
	if !s.books.knowsClient(form.Get("client_id"), form.Get("client_secret")) {
		return loginError(401, "invalid_client", "Client authentication failed")
	}

	given := map[string]any{"token_type": "bearer", "expires_in": int(tokenLife.Seconds())}
	t := token{Expires: r.now.Add(tokenLife)}
	if grant == "client_credentials" {
		for _, scope := range strings.Split(form.Get("scope"), " ") {
			if !slices.Contains(grantlessScopes, scope) {
				return loginError(400, "invalid_scope", "The request has an invalid grant parameter : scope")
			}
		}
	} else {
		a := s.books.byRefreshToken(form.Get("refresh_token"))
		if a == nil || a.Revoked || a.ClientID != form.Get("client_id") {
			return loginError(400, "invalid_grant", "The request has an invalid grant parameter : refresh_token")
		}
		t.Seller, given["refresh_token"] = a.Merchant, a.RefreshToken
	}
	given["access_token"] = s.books.give("Atza|", t)
	return jsonAnswer(200, given)
}

// Revoke takes back what the seller allowed the application: from now on its
// refresh token is answered invalid_grant. Access tokens that were given out stay
// valid until they expire; what Amazon does with them is not documented. A
// further [Server.AddSeller] authorizes the application again. An unknown seller
// is an error.
func (s *Server) Revoke(merchant string) error {
	return s.change(func(b *books) error {
		a := b.Sellers[merchant]
		if a == nil {
			return fmt.Errorf("revoke: seller %q is unknown", merchant)
		}
		a.Revoked = true
		return nil
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
func loginError(status int, code, message string) answer {
	return jsonAnswer(status, map[string]string{"error": code, "error_description": message})
}

// loginRefusal says in the words of OAuth what the API says in its own. Login
// with Amazon throttles, but its word for that is not public.
func loginRefusal(status int, _, message, _ string) answer {
	code := "invalid_request"
	switch {
	case status == 401:
		code = "invalid_client"
	case status == 403:
		code = "access_denied"
	case status == 429 || status == 503:
		code = "temporarily_unavailable"
	case status >= 500:
		code = "server_error"
	}
	return loginError(status, code, message)
}
