package spapi_test

import (
	"context"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/spapi"
)

func TestEndpoints(t *testing.T) {
	tests := map[amazon.Region]struct{ production, sandbox string }{
		amazon.NorthAmerica: {"https://sellingpartnerapi-na.amazon.com", "https://sandbox.sellingpartnerapi-na.amazon.com"},
		amazon.Europe:       {"https://sellingpartnerapi-eu.amazon.com", "https://sandbox.sellingpartnerapi-eu.amazon.com"},
		amazon.FarEast:      {"https://sellingpartnerapi-fe.amazon.com", "https://sandbox.sellingpartnerapi-fe.amazon.com"},
		"":                  {"", ""},
		"MARS":              {"", ""},
	}
	for region, want := range tests {
		assert.Equal(t, want.production, spapi.Production(region), "%q", region)
		assert.Equal(t, want.sandbox, spapi.Sandbox(region), "%q", region)
	}
}

func TestCallsGoToTheSandboxOfTheirRegion(t *testing.T) {
	var hosts []string
	c, err := spapi.New(spapi.Config{
		Credentials: func(context.Context, amazon.Account) (spapi.Credentials, error) { return secrets, nil },
		Endpoint:    spapi.Sandbox,
		HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			hosts = append(hosts, r.URL.Host)
			if r.URL.Path == "/auth/o2/token" {
				return inMemory(200, `{"access_token":"Atza|x","expires_in":3600}`), nil
			}
			return inMemory(200, feedJSON), nil
		})},
	})
	require.NoError(t, err)
	there := seller
	there.Region = amazon.Europe
	_, err = c.Feed(t.Context(), there, "50001")
	require.NoError(t, err)
	assert.Equal(t, []string{"api.amazon.com", "sandbox.sellingpartnerapi-eu.amazon.com"}, hosts, "tokens have no sandbox")

	there.Region = "MARS"
	_, err = c.Feed(t.Context(), there, "50001")
	assert.ErrorContains(t, err, `no endpoint for region "MARS"`)
}

// TestAClientWithoutALoggerIsSilent repeats a call, which go-retryablehttp by
// itself would tell on standard error. Its logger, like that of package log, got
// hold of that file long ago; so another takes its place there.
func TestAClientWithoutALoggerIsSilent(t *testing.T) {
	written, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	require.NoError(t, err)
	defer written.Close()
	stderr := *os.Stderr
	*os.Stderr = *written
	defer func() { *os.Stderr = stderr }()
	log.Print("this is written")

	tries := 0
	c := offline(t, roundTrip(func(r *http.Request) (*http.Response, error) {
		switch tries++; {
		case r.URL.Path == "/auth/o2/token":
			return inMemory(200, `{"access_token":"Atza|x","expires_in":3600}`), nil
		case tries == 2:
			return nil, io.ErrUnexpectedEOF
		case tries == 3:
			return inMemory(503, "down"), nil
		}
		return inMemory(200, feedJSON), nil
	}))
	_, err = c.Feed(t.Context(), seller, "50001")
	require.NoError(t, err)
	assert.Equal(t, 4, tries)
	said, err := os.ReadFile(written.Name())
	require.NoError(t, err)
	assert.Regexp(t, `^[^\n]*this is written\n$`, string(said), "and nothing else is")
}
