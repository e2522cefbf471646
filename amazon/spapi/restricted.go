package spapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/takebackhq/takeback/amazon"
)

const restrictedTokenPath = "/tokens/2021-03-01/restrictedDataToken"

// RestrictedResource is one call that needs a restricted data token (model
// tokens_2021-03-01, RestrictedResource).
type RestrictedResource struct {
	Method string `json:"method"` // GET, PUT, POST or DELETE

	// Path is below the endpoint. It may stay general, such as
	// /mfn/v0/shipments/{shipmentId}, except for documents of reports, which it
	// names: /reports/2021-06-30/documents/ and the ID.
	Path string `json:"path"`

	// DataElements are what the Orders API of version 0 tells on demand only,
	// such as buyerInfo; none for other calls.
	DataElements []string `json:"dataElements,omitempty"`
}

// RestrictedDataToken asks for a token that opens buyers' data, with
// createRestrictedDataToken of model tokens_2021-03-01: a token in a second, ten
// at most. It takes 1 to 50 resources, and is good for these calls only, in
// place of the access token, until it expires by our clock. It is not kept: each
// call asks for a new one. [Client.Open] does this by itself. The token belongs
// into no log.
func (c *Client) RestrictedDataToken(ctx context.Context, a amazon.Account, resources []RestrictedResource) (token string, expires time.Time, err error) {
	tok, err := c.restrictedToken(ctx, a, resources)
	if err != nil {
		return "", time.Time{}, err
	}
	return tok.value, tok.expires, nil
}

func (c *Client) restrictedToken(ctx context.Context, a amazon.Account, resources []RestrictedResource) (*accessToken, error) {
	if err := checkResources(resources); err != nil {
		return nil, notSent(createRestrictedDataToken, a, err)
	}
	body := struct {
		Resources []RestrictedResource `json:"restrictedResources"`
	}{resources}
	asked := c.now()
	var ans json.RawMessage
	if _, err := c.call(ctx, a, request{op: createRestrictedDataToken, path: restrictedTokenPath, body: body}, &ans); err != nil {
		return nil, err
	}
	value, life, err := parseRestrictedToken(ans)
	if err != nil {
		return nil, incomplete(createRestrictedDataToken, a, err)
	}
	return &accessToken{value: value, expires: asked.Add(life)}, nil
}

func checkResources(resources []RestrictedResource) error {
	if len(resources) == 0 || len(resources) > 50 {
		return fmt.Errorf("%d restricted resources: want 1 to 50", len(resources))
	}
	for _, r := range resources {
		switch {
		case r.Method != "GET" && r.Method != "PUT" && r.Method != "POST" && r.Method != "DELETE":
			return fmt.Errorf("restricted resource with method %q: want GET, PUT, POST or DELETE", r.Method)
		case len(r.Path) == 0 || r.Path[0] != '/':
			return fmt.Errorf("restricted resource with path %q: want one below the endpoint, such as /reports/2021-06-30/documents/ and an ID", r.Path)
		}
	}
	return nil
}

// parseRestrictedToken reads the answer of createRestrictedDataToken, also in
// the wrapper that Amazon's Tokens API guide shows and its model does not. Its
// errors quote nothing of the token.
func parseRestrictedToken(body []byte) (value string, life time.Duration, err error) {
	type issued struct {
		Token     string      `json:"restrictedDataToken"`
		ExpiresIn json.Number `json:"expiresIn"`
	}
	var doc struct {
		issued
		Payload issued `json:"payload"`
	}
	if json.Unmarshal(body, &doc) != nil {
		return "", 0, errors.New("answer is not the JSON of its model")
	}
	if doc.Token == "" {
		doc.issued = doc.Payload
	}
	life, err = checkToken(doc.Token, doc.ExpiresIn)
	return doc.Token, life, err
}

// restricted tells whether Amazon hands out the document of a report only for a
// restricted data token (page "Get authorization to access restricted report
// types"; settlement and returns reports are not among them).
func restricted(t amazon.ReportType) bool {
	switch t {
	case "GET_AMAZON_FULFILLED_SHIPMENTS_DATA_INVOICING",
		"GET_AMAZON_FULFILLED_SHIPMENTS_DATA_TAX",
		"GET_FLAT_FILE_ACTIONABLE_ORDER_DATA_SHIPPING",
		"GET_FLAT_FILE_ORDER_REPORT_DATA_SHIPPING",
		"GET_FLAT_FILE_ORDER_REPORT_DATA_INVOICING",
		"GET_FLAT_FILE_ORDER_REPORT_DATA_TAX",
		"GET_ORDER_REPORT_DATA_SHIPPING",
		"GET_ORDER_REPORT_DATA_INVOICING",
		"GET_ORDER_REPORT_DATA_TAX",
		"GET_EASYSHIP_DOCUMENTS",
		"GET_GST_MTR_B2B_CUSTOM",
		"GET_VAT_TRANSACTION_DATA",
		"SC_VAT_TAX_REPORT":
		return true
	}
	return false
}
