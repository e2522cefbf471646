package spapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/amazon/spapi"
)

// plan is a usage plan: how many tokens a full bucket holds, and the time in
// which one of them is refilled.
type plan struct {
	burst int
	every time.Duration
}

// rates reads Amazon's table of exact rates: for each operation of an API the
// tokens, the burst and, unless it is a second, the time of so many tokens.
func rates(t *testing.T, folder string) map[string]plan {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, "rate-limits.yml"))
	require.NoError(t, err)
	var rows map[string][]float64
	require.NoError(t, yaml.Unmarshal(data, &rows))
	plans := map[string]plan{}
	for name, row := range rows {
		require.GreaterOrEqual(t, len(row), 2, name)
		seconds := append(row, 1)[2]
		plans[name] = plan{int(row[1]), time.Duration(seconds / row[0] * float64(time.Second))}
	}
	return plans
}

// printed are the rates and bursts that a model names in the descriptions of its
// operations, by operation ID.
func printed(t *testing.T, folder, model string) map[string][]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, model+".json"))
	require.NoError(t, err)
	var doc openapi2.T
	require.NoError(t, json.Unmarshal(data, &doc))
	row := regexp.MustCompile(`\| ([0-9.]+) \| ([0-9]+) \|`)
	found := map[string][]string{}
	for _, path := range doc.Paths {
		for _, op := range path.Operations() {
			if named := row.FindStringSubmatch(op.Description); named != nil {
				found[op.OperationID] = named[1:]
			}
		}
	}
	return found
}

// row is a plan as the models print it: tokens in a second, rounded, and burst.
func (p plan) row() []string {
	perSecond := math.Round(1e4/p.every.Seconds()) / 1e4
	return []string{strconv.FormatFloat(perSecond, 'f', -1, 64), strconv.Itoa(p.burst)}
}

// The client and the fake each know the plans by heart. Both are asked, and
// neither knows what it is compared with.
func TestUsagePlansAreAmazons(t *testing.T) {
	folder := os.Getenv("TAKEBACK_AMAZON")
	if folder == "" {
		t.Skip("Amazon's API models are not here: set TAKEBACK_AMAZON to the folder that holds them, under models")
	}
	folder = filepath.Join(folder, "models")
	exact := rates(t, folder)
	for model, apis := range operations {
		table := printed(t, folder, model)
		for api, calls := range apis {
			for op, call := range calls {
				t.Run(op, func(t *testing.T) {
					want, known := exact[api+"-"+op]
					require.True(t, known, "no row %s-%s", api, op)
					assert.Equal(t, want.row(), table[op], "the two sources")
					synctest.Test(t, func(t *testing.T) {
						got, last := planOfClient(t, op, call)
						assert.Equal(t, want, got, "the client's")
						checkPlanOfFake(t, want, last)
					})
				})
			}
		}
	}
}

// planOfClient calls until the client has no token. The calls reach a fake that
// lets all of them through and does not say at which rate. The last of them that
// had an access token is returned too.
func planOfClient(t *testing.T, op string, call func(context.Context, *spapi.Client) error) (plan, *sent) {
	t.Helper()
	wire := &recorder{base: fake(t, amazontest.Config{Throttle: amazontest.Throttle{Off: true}}).RoundTripper()}
	c := client(t, wire).Waiting(0)
	for n := range 100 {
		err := call(t.Context(), c)
		if at, throttled := amazon.Throttled(err); throttled {
			assert.ErrorContains(t, err, op)
			return plan{n, time.Until(at).Round(time.Microsecond)}, wire.last
		}
	}
	require.Fail(t, "never throttled")
	return plan{}, nil
}

// checkPlanOfFake sends a call to a fake that throttles.
func checkPlanOfFake(t *testing.T, want plan, call *sent) {
	t.Helper()
	srv := fake(t, amazontest.Config{})
	token, err := client(t, srv.RoundTripper()).AccessToken(t.Context(), seller)
	require.NoError(t, err)
	allowed := func() int {
		for n := range 100 {
			resp, err := srv.RoundTripper().RoundTrip(call.with(t, token))
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			if resp.StatusCode == http.StatusTooManyRequests {
				return n
			}
		}
		return 100
	}
	assert.Equal(t, want.burst, allowed(), "the fake's: a full bucket")
	time.Sleep(want.every - 2*time.Millisecond)
	assert.Zero(t, allowed(), "the fake's: before a token is back")
	time.Sleep(2 * time.Millisecond)
	assert.Equal(t, 1, allowed(), "the fake's: when a token is back")
}

const (
	rateHeader  = "x-amzn-RateLimit-Limit"
	tokenHeader = "x-amz-access-token"
)

// recorder remembers the last request with an access token, and keeps the rates
// from whoever sent it.
type recorder struct {
	base http.RoundTripper
	last *sent
}

func (w *recorder) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get(tokenHeader) != "" {
		call := &sent{Request: r.Clone(r.Context())}
		if r.Body != nil {
			var err error
			if call.body, err = io.ReadAll(r.Body); err != nil {
				return nil, fmt.Errorf("read request: %w", err)
			}
			r = r.Clone(r.Context())
			r.Body = io.NopCloser(bytes.NewReader(call.body))
		}
		w.last = call
	}
	resp, err := w.base.RoundTrip(r)
	if err == nil {
		resp.Header.Del(rateHeader)
	}
	return resp, err
}

// sent is a request that was sent, and can be sent again.
type sent struct {
	*http.Request
	body []byte
}

// with is the request with another access token.
func (s *sent) with(t *testing.T, token string) *http.Request {
	r := s.Clone(t.Context())
	r.Header.Set(tokenHeader, token)
	r.Body = io.NopCloser(bytes.NewReader(s.body))
	return r
}
