package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The submitter sends as fast as Amazon allows, and never faster: fifteen
// documents at once, then one every two minutes.
func TestPace(t *testing.T) {
	tests := []struct {
		name                 string
		backlog, perDocument int
		want                 figures
	}{
		{"one refund", 1, 10, figures{Feeds: 1}},
		{"as many documents as Amazon takes at once", 150, 10, figures{Feeds: 15}},
		{"one document more", 151, 10, figures{Feeds: 16, Optimum: 120, Seconds: 120}},
		{"half an hour of documents", 300, 10, figures{Feeds: 30, Optimum: 1800, Seconds: 1800}},
		{"four hours of documents", 135, 1, figures{Feeds: 135, Optimum: 14_400, Seconds: 14_400}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := measure(t.Context(), tt.backlog, tt.perDocument)
			require.NoError(t, err)
			require.NoError(t, got.goals())
			tt.want.Backlog, tt.want.Ratio = tt.backlog, 1
			realTime := cmpopts.IgnoreFields(figures{}, "Real", "Day")
			assert.Empty(t, cmp.Diff(tt.want, got, realTime))
		})
	}
}

func TestGoals(t *testing.T) {
	tests := []struct {
		name string
		m    figures
		want string // part of the error; empty: none
	}{
		{"met", figures{Ratio: 0.98}, ""},
		{"too slow", figures{Ratio: 0.979, Seconds: 1000, Optimum: 979}, "1000 s of the best 979 s"},
		{"refused", figures{Ratio: 1, Refused: 2}, "refused 2 calls"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got string
			if err := tt.m.goals(); err != nil {
				got = err.Error()
			}
			assert.Contains(t, got, tt.want)
			assert.Equal(t, tt.want == "", got == "")
		})
	}
}

func TestOutput(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), strings.Fields("-json -backlog 1,20 -per-document 1"), &out))
	lines := json.NewDecoder(&out)
	for _, feeds := range []float64{1, 20} {
		var got map[string]float64
		require.NoError(t, lines.Decode(&got))
		assert.Subset(t, got, map[string]float64{"backlog": feeds, "feeds": feeds, "ratio": 1, "refused": 0})
		for _, name := range []string{"seconds", "optimum_seconds", "real_seconds"} {
			assert.Contains(t, got, name)
		}
	}
	assert.False(t, lines.More(), "one line for each backlog")

	out.Reset()
	require.NoError(t, run(t.Context(), strings.Fields("-backlog 20 -per-document 1"), &out))
	head, row, _ := strings.Cut(out.String(), "\n")
	assert.Contains(t, head, "real seconds")
	assert.Equal(t, []string{"20", "600", "600", "1.0000", "0", "20"}, strings.Fields(row)[:6])
}

func TestCommandLineRefuses(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"-backlog 10,", `"": want a number`},
		{"-backlog 0", `"0": want a number from 1`},
		{"-backlog 10000000", "to 9999999"},
		{"-per-document 0", "want at least 1"},
		{"1000", `unexpected argument "1000"`},
	} {
		t.Run(tt.args, func(t *testing.T) {
			require.ErrorContains(t, run(t.Context(), strings.Fields(tt.args), &bytes.Buffer{}), tt.want)
		})
	}
}
