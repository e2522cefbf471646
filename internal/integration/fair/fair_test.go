package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every live account is served within one interval, whatever the others do.
func TestEveryLiveAccountIsServedWithinOneInterval(t *testing.T) {
	for name, args := range map[string]string{
		"a tenth of them dead":        "-accounts 300 -dead 30 -backlog 0",
		"one with a large backlog":    "-accounts 300 -dead 0 -backlog 10000",
		"a tenth dead, and a backlog": "-accounts 500 -dead 50 -backlog 10000",
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			require.NoError(t, run(t.Context(), strings.Fields(args+" -json"), &out))
			var got map[string]float64
			require.NoError(t, json.Unmarshal(out.Bytes(), &got))
			assert.GreaterOrEqual(t, got["served"], 500.0)
			t.Log(out.String())
		})
	}
}

func TestGoal(t *testing.T) {
	require.NoError(t, figures{Late: 1800}.goal(size{}))
	require.ErrorContains(t, figures{Late: 1801}.goal(size{}), "1801 s after it was due")
	require.ErrorContains(t, figures{missing: 2}.goal(size{accounts: 5, dead: 1}), "2 refunds of 4 live accounts")
}

func TestCommandLineRefuses(t *testing.T) {
	for _, args := range []string{"-accounts 0", "-accounts 5 -dead 5", "-backlog -1", "-intervals 0", "now"} {
		require.ErrorContains(t, run(t.Context(), strings.Fields(args), &bytes.Buffer{}), "want 1 to")
	}
}
