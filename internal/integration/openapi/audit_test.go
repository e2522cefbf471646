package openapi_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/assert"

	"github.com/takebackhq/takeback/internal/integration/openapi"
	"github.com/takebackhq/takeback/internal/wirelog"
)

// asked is an exchange in which a GET was answered, or not with status 0.
func asked(agent, target string, status int, body string) wirelog.Exchange {
	e := wirelog.Exchange{Program: "kettle.test", Method: "GET", Target: target, Header: map[string][]string{"User-Agent": {agent}}}
	if status != 0 {
		e.Answer = &wirelog.Answer{Status: status, Header: asJSON, Body: []byte(body)}
	}
	return e
}

func TestAudit(t *testing.T) {
	const (
		client = "Takeback/1 (Language=Go/1.25; Platform=linux)"
		forger = "Go-http-client/1.1"
		page   = `{"kettles":[]}`
		hot    = `{"code":"QuotaExceeded"}`
	)
	misspelt := openapi.Violation{Operation: "listKettles", What: `query parameter "colour" is not the operation's`,
		First: "kettle.test: GET /kettles?colour=RED", Times: 1}
	thrice := misspelt
	thrice.Times = 3
	for name, tt := range map[string]struct {
		exchanges []wirelog.Exchange
		tally     openapi.Tally
		want      []openapi.Violation
	}{
		"all is well": {
			[]wirelog.Exchange{asked(client, "/kettles", 200, page), asked(client, "/kettles", 429, hot), asked(forger, "/kettles", 200, page)},
			openapi.Tally{Requests: 2, Successes: 2, Refusals: 1}, nil,
		},
		"the client's request, refused":    {[]wirelog.Exchange{asked(client, "/kettles?colour=RED", 429, hot)}, openapi.Tally{Requests: 1, Refusals: 1}, []openapi.Violation{misspelt}},
		"the client's request, unanswered": {[]wirelog.Exchange{asked(client, "/kettles?colour=RED", 0, "")}, openapi.Tally{Requests: 1}, []openapi.Violation{misspelt}},
		"a forged request, refused":        {[]wirelog.Exchange{asked(forger, "/kettles?colour=RED", 429, hot)}, openapi.Tally{Refusals: 1}, nil},
		"a forged request, unanswered":     {[]wirelog.Exchange{asked(forger, "/kettles?colour=RED", 0, "")}, openapi.Tally{}, nil},
		"a forged request, accepted":       {[]wirelog.Exchange{asked(forger, "/kettles?colour=RED", 200, page)}, openapi.Tally{Successes: 1}, []openapi.Violation{misspelt}},
		"the same thing thrice": {
			[]wirelog.Exchange{asked(client, "/kettles?colour=RED", 0, ""), asked(client, "/kettles?colour=BLUE", 0, ""), asked(client, "/kettles?colour=", 0, "")},
			openapi.Tally{Requests: 3}, []openapi.Violation{thrice},
		},
		"an answer to anybody": {[]wirelog.Exchange{asked(forger, "/kettles", 404, hot)}, openapi.Tally{Refusals: 1},
			[]openapi.Violation{{Operation: "listKettles", What: "status 404 is not the operation's", First: "kettle.test: GET /kettles", Times: 1}}},
		"no operation, asked by the client": {[]wirelog.Exchange{asked(client, "/pots", 404, hot)}, openapi.Tally{},
			[]openapi.Violation{{What: "no model has GET /pots", First: "kettle.test: GET /pots", Times: 1}}},
		"no operation, accepted": {[]wirelog.Exchange{asked(forger, "/pots", 200, hot)}, openapi.Tally{},
			[]openapi.Violation{{What: "no model has GET /pots", First: "kettle.test: GET /pots", Times: 1}}},
		"no operation, refused": {[]wirelog.Exchange{asked(forger, "/pots", 404, hot)}, openapi.Tally{}, nil},
		"outside of the models": {[]wirelog.Exchange{asked(client, "/login", 200, hot), asked(client, "/files/1?x=y", 200, "")}, openapi.Tally{}, nil},
		"known to be otherwise": {[]wirelog.Exchange{asked(client, "/kettles/a", 403, hot)}, openapi.Tally{}, nil},
		"of another operation":  {[]wirelog.Exchange{asked(client, "/kettles", 403, hot)}, openapi.Tally{Requests: 1, Refusals: 1}, []openapi.Violation{{Operation: "listKettles", What: "status 403 is not the operation's", First: "kettle.test: GET /kettles", Times: 1}}},
		"nothing":               {nil, openapi.Tally{}, nil},
		"two different violations": {[]wirelog.Exchange{asked(client, "/kettles?colour=RED", 403, hot)}, openapi.Tally{Requests: 1, Refusals: 1},
			[]openapi.Violation{misspelt, {Operation: "listKettles", What: "status 403 is not the operation's", First: "kettle.test: GET /kettles?colour=RED", Times: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			got := openapi.Audit{
				Models: kettles(t), Client: "(Language=Go/",
				Unmodelled: map[string]string{"/login": "a login", "/files/": "a storage"},
				Exceptions: []openapi.Exception{{Operation: "getKettle", Violation: "status 403", Because: "kettles may be locked"}},
			}.Run(tt.exchanges)
			if diff := cmp.Diff(tt.want, got.Violations, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
			assert.Equal(t, tt.tally, got.Operations["listKettles"])
		})
	}
}

func TestExceptionsThatNothingNeeds(t *testing.T) {
	needed := openapi.Exception{Operation: "listKettles", Violation: "status 403", Because: "kettles may be locked"}
	idle := openapi.Exception{Operation: "getKettle", Violation: "status 403", Because: "kettles may be locked"}
	got := openapi.Audit{Models: kettles(t), Client: "Takeback", Exceptions: []openapi.Exception{needed, idle}}.Run([]wirelog.Exchange{
		asked("Takeback/1", "/kettles", 403, `{}`),
	})
	assert.Empty(t, got.Violations)
	assert.Equal(t, []openapi.Exception{idle}, got.Unused)
}
