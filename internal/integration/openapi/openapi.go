// Package openapi holds HTTP exchanges against API models written in Swagger
// 2.0.
//
// It is stricter than the models: what they do not name is a violation too, be
// it a query parameter, a field of a JSON object or a status. That is how a
// misspelt name of something optional is found.
package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/takebackhq/takeback/internal/wirelog"
)

// Models are the operations of some model files.
type Models struct{ routers []routers.Router }

// Load reads model files.
func Load(files ...string) (*Models, error) {
	m := &Models{}
	for _, name := range files {
		router, err := load(name)
		if err != nil {
			return nil, fmt.Errorf("model %s: %w", name, err)
		}
		m.routers = append(m.routers, router)
	}
	return m, nil
}

func load(name string) (routers.Router, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var model openapi2.T
	if err := json.Unmarshal(data, &model); err != nil {
		return nil, err
	}
	model.Host = "" // every host is meant
	for _, path := range model.Paths {
		for _, operation := range path.Operations() {
			separateByCommas(operation.Parameters)
		}
	}
	doc, err := openapi2conv.ToV3(&model)
	if err != nil {
		return nil, err
	}
	closeObjects(doc)
	return gorillamux.NewRouter(doc)
}

// separateByCommas says how lists are written where the model does not: Swagger
// 2.0 has another default than OpenAPI 3.
func separateByCommas(parameters openapi2.Parameters) {
	for _, p := range parameters {
		if p.Type.Is("array") && p.CollectionFormat == "" {
			p.CollectionFormat = "csv"
		}
	}
}

// Call is an exchange of an operation.
type Call struct {
	Operation string // its ID in the model
	exchange  wirelog.Exchange
	input     *openapi3filter.RequestValidationInput
}

// Find returns the operation that an exchange is of, by method and path.
func (m *Models) Find(e wirelog.Exchange) (c Call, ok bool) {
	r, err := http.NewRequest(e.Method, "http://any"+e.Target, bytes.NewReader(e.Body))
	if err != nil {
		return Call{}, false
	}
	r.Header = maps.Clone(http.Header(e.Header))
	for _, router := range m.routers {
		route, path, err := router.FindRoute(r)
		if err != nil {
			continue
		}
		return Call{
			Operation: route.Operation.OperationID,
			exchange:  e,
			input: &openapi3filter.RequestValidationInput{
				Request: r, Route: route, PathParams: path, Options: options(),
			},
		}, true
	}
	return Call{}, false
}

func options() *openapi3filter.Options {
	o := &openapi3filter.Options{MultiError: true, SkipSettingDefaults: true}
	o.WithCustomSchemaErrorFunc(func(e *openapi3.SchemaError) string {
		reason := e.Reason
		if e.Origin != nil {
			reason += ": " + e.Origin.Error()
		}
		return fmt.Sprintf("/%s: %s", strings.Join(e.JSONPointer(), "/"), reason)
	})
	return o
}

// Request lists what is wrong with the request.
func (c Call) Request() []string {
	operation := c.input.Route.Operation
	wrong := c.query()
	if operation.RequestBody == nil && len(c.exchange.Body) > 0 {
		wrong = append(wrong, "request with a body, where the operation has none")
	}
	if err := openapi3filter.ValidateRequest(c.input.Request.Context(), c.input); err != nil {
		wrong = append(wrong, err.Error())
	}
	return wrong
}

// query lists what is wrong with the names in the query.
func (c Call) query() (wrong []string) {
	query, err := url.ParseQuery(c.input.Request.URL.RawQuery)
	if err != nil {
		wrong = append(wrong, fmt.Sprintf("query: %v", err))
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		switch {
		case c.input.Route.Operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, name) == nil:
			wrong = append(wrong, fmt.Sprintf("query parameter %q is not the operation's", name))
		case len(query[name]) > 1:
			wrong = append(wrong, fmt.Sprintf("query parameter %q is given more than once", name))
		}
	}
	return wrong
}

// Answer lists what is wrong with the answer, which the exchange must have.
func (c Call) Answer() []string {
	a := c.exchange.Answer
	declared := c.input.Route.Operation.Responses.Status(a.Status)
	if declared == nil {
		return []string{fmt.Sprintf("status %d is not the operation's", a.Status)}
	}
	var wrong []string
	if rate := http.Header(a.Header).Values(rateHeader); len(rate) > 0 && !declares(declared.Value, rateHeader) {
		wrong = append(wrong, fmt.Sprintf("status %d with %s, which does not come with it", a.Status, rateHeader))
	}
	if len(declared.Value.Content) == 0 && len(a.Body) > 0 {
		wrong = append(wrong, fmt.Sprintf("status %d with a body, where the operation has none", a.Status))
	}
	err := openapi3filter.ValidateResponse(c.input.Request.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: c.input,
		Status:                 a.Status,
		Header:                 a.Header,
		Body:                   io.NopCloser(bytes.NewReader(a.Body)),
		Options:                c.input.Options,
	})
	if err != nil {
		wrong = append(wrong, fmt.Sprintf("status %d: %v", a.Status, err))
	}
	return wrong
}

const rateHeader = "X-Amzn-Ratelimit-Limit"

func declares(r *openapi3.Response, header string) bool {
	for name := range r.Headers {
		if http.CanonicalHeaderKey(name) == header {
			return true
		}
	}
	return false
}
