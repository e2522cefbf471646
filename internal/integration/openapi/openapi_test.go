package openapi_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/internal/integration/openapi"
	"github.com/takebackhq/takeback/internal/wirelog"
)

var asJSON = map[string][]string{"Content-Type": {"application/json"}}

// kettles loads a model of our own.
func kettles(t *testing.T) *openapi.Models {
	t.Helper()
	m, err := openapi.Load(filepath.Join("testdata", "kettles.json"))
	require.NoError(t, err)
	return m
}

func find(t *testing.T, m *openapi.Models, e wirelog.Exchange) openapi.Call {
	t.Helper()
	c, ok := m.Find(e)
	require.True(t, ok, "%s %s", e.Method, e.Target)
	return c
}

func TestFind(t *testing.T) {
	m := kettles(t)
	for request, want := range map[string]string{
		"GET /kettles":             "listKettles",
		"GET /kettles?pageSize=1":  "listKettles",
		"POST /kettles":            "buyKettle",
		"GET /kettles/old%2Fround": "getKettle",
		"PUT /kettles":             "",
		"GET /kettles/":            "",
		"GET /kettles/old/round":   "",
		"GET /pots":                "",
		"GET %":                    "",
	} {
		method, target, _ := strings.Cut(request, " ")
		c, ok := m.Find(wirelog.Exchange{Method: method, Target: target})
		assert.Equal(t, want != "", ok, request)
		assert.Equal(t, want, c.Operation, request)
	}
}

func TestRequests(t *testing.T) {
	for name, tt := range map[string]struct {
		method, target, body string
		header               map[string][]string
		wrong                string // what the only violation says; empty: there is none
	}{
		"no parameter":           {"GET", "/kettles", "", nil, ""},
		"every parameter":        {"GET", "/kettles?colours=RED%2CBLUE&boughtSince=2026-09-01T12%3A00%3A00Z&pageSize=100", "", nil, ""},
		"another parameter":      {"GET", "/kettles?colour=RED", "", nil, `query parameter "colour"`},
		"a parameter twice":      {"GET", "/kettles?colours=RED&colours=BLUE", "", nil, "more than once"},
		"broken query":           {"GET", "/kettles?pageSize=1&a%zz=1", "", nil, "invalid URL escape"},
		"list too long":          {"GET", "/kettles?colours=RED,BLUE,RED", "", nil, "maximum number of items is 2"},
		"empty list":             {"GET", "/kettles?colours=", "", nil, `parameter "colours"`},
		"unknown word in a list": {"GET", "/kettles?colours=RED,GREEN", "", nil, "/1: value is not one of the allowed values"},
		"no number":              {"GET", "/kettles?pageSize=ten", "", nil, `parameter "pageSize"`},
		"number too high":        {"GET", "/kettles?pageSize=101", "", nil, "number must be at most 100"},
		"time without a zone":    {"GET", "/kettles?boughtSince=2026-09-01T12:00:00", "", nil, `parameter "boughtSince"`},
		"body of a GET":          {"GET", "/kettles", "{}", asJSON, "request with a body"},

		"all of a body":         {"POST", "/kettles", `{"name":"a","litres":1.5,"bought":"2026-09-01T12:00:00.123+02:00","labels":{"k":"v"}}`, asJSON, ""},
		"no body":               {"POST", "/kettles", "", asJSON, "value is required but missing"},
		"body of another type":  {"POST", "/kettles", `{"name":"a"}`, map[string][]string{"Content-Type": {"text/plain"}}, `"text/plain"`},
		"broken body":           {"POST", "/kettles", `{"name":`, asJSON, "failed to decode request body"},
		"no required field":     {"POST", "/kettles", `{"litres":1}`, asJSON, `property "name" is missing`},
		"null for a string":     {"POST", "/kettles", `{"name":null}`, asJSON, "/name: Value is not nullable"},
		"wrong type":            {"POST", "/kettles", `{"name":"a","litres":"1"}`, asJSON, "/litres: value must be a number"},
		"no time":               {"POST", "/kettles", `{"name":"a","bought":"today"}`, asJSON, "/bought: "},
		"another field":         {"POST", "/kettles", `{"name":"a","liters":1}`, asJSON, `property "liters" is unsupported`},
		"any key, wrong type":   {"POST", "/kettles", `{"name":"a","labels":{"k":1}}`, asJSON, "/labels/k: value must be a string"},
		"fields of all parts":   {"POST", "/kettles", `{"name":"a","parts":{"kind":"k","hinge":true}}`, asJSON, ""},
		"required of one part":  {"POST", "/kettles", `{"name":"a","parts":{"hinge":true}}`, asJSON, `property "kind" is missing`},
		"two things wrong":      {"POST", "/kettles", `{"litres":"1"}`, asJSON, " | "},
		"a query with the body": {"POST", "/kettles?dry=1", `{"name":"a"}`, asJSON, `query parameter "dry"`},
	} {
		t.Run(name, func(t *testing.T) {
			e := wirelog.Exchange{Method: tt.method, Target: tt.target, Header: tt.header, Body: []byte(tt.body)}
			wrong := find(t, kettles(t), e).Request()
			assert.Equal(t, tt.wrong == "", len(wrong) == 0, "%q", wrong)
			assert.LessOrEqual(t, len(wrong), 1, "%q", wrong)
			assert.Contains(t, strings.Join(wrong, ""), tt.wrong)
		})
	}
}

func TestAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		request string
		status  int
		body    string
		header  map[string][]string // beside the content type
		wrong   string              // what the only violation says; empty: there is none
	}{
		"page":                 {"GET /kettles", 200, `{"kettles":[{"name":"a"}]}`, nil, ""},
		"with its rate":        {"GET /kettles", 200, `{"kettles":[]}`, map[string][]string{"X-Amzn-Ratelimit-Limit": {"0.0222"}}, ""},
		"no required list":     {"GET /kettles", 200, `{}`, nil, `property "kettles" is missing`},
		"null for the list":    {"GET /kettles", 200, `{"kettles":null}`, nil, "/kettles: Value is not nullable"},
		"wrong within":         {"GET /kettles", 200, `{"kettles":[{"name":"a"},{"name":2}]}`, nil, "/kettles/1/name: value must be a string"},
		"another field":        {"GET /kettles", 200, `{"kettles":[],"next":"b"}`, nil, `property "next" is unsupported`},
		"another field within": {"GET /kettles", 200, `{"kettles":[{"name":"a","colour":"RED"}]}`, nil, `property "colour" is unsupported`},
		"error":                {"GET /kettles", 429, `{"code":"QuotaExceeded"}`, nil, ""},
		"error of another API": {"GET /kettles", 429, `{"error":"slow_down"}`, nil, `property "code" is missing`},
		"error with a rate":    {"GET /kettles", 429, `{"code":"c"}`, map[string][]string{"X-Amzn-Ratelimit-Limit": {"0.0222"}}, "status 429 with X-Amzn-Ratelimit-Limit"},
		"other status":         {"GET /kettles", 404, `{"code":"NotFound"}`, nil, "status 404 is not the operation's"},
		"redirect":             {"GET /kettles", 307, ``, nil, "status 307 is not the operation's"},
		"no JSON":              {"GET /kettles", 200, `<html>`, nil, "failed to decode response body"},
		"empty":                {"GET /kettles", 200, ``, nil, "failed to decode response body"},
		"other content type":   {"GET /kettles", 200, `{"kettles":[]}`, map[string][]string{"Content-Type": {"text/html"}}, `"text/html"`},
		"nothing to say":       {"POST /kettles", 202, ``, nil, ""},
		"said nevertheless":    {"POST /kettles", 202, `{"name":"a"}`, nil, "status 202 with a body"},
	} {
		t.Run(name, func(t *testing.T) {
			method, target, _ := strings.Cut(tt.request, " ")
			header := map[string][]string{"Content-Type": {"application/json"}}
			for name, values := range tt.header {
				header[name] = values
			}
			e := wirelog.Exchange{Method: method, Target: target, Answer: &wirelog.Answer{Status: tt.status, Header: header, Body: []byte(tt.body)}}
			wrong := find(t, kettles(t), e).Answer()
			assert.Equal(t, tt.wrong == "", len(wrong) == 0, "%q", wrong)
			assert.Contains(t, strings.Join(wrong, ""), tt.wrong)
		})
	}
}

func TestLoadRefusesWhatIsNoModel(t *testing.T) {
	_, err := openapi.Load(filepath.Join("testdata", "nowhere.json"))
	assert.ErrorIs(t, err, os.ErrNotExist)
	broken := filepath.Join(t.TempDir(), "broken.json")
	require.NoError(t, os.WriteFile(broken, []byte(`{"swagger":`), 0o600))
	_, err = openapi.Load(broken)
	assert.ErrorContains(t, err, broken)
}
