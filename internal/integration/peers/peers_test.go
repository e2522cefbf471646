package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/reportparse"
)

// A comparison is fair only if all do the same work.
func TestAllReadTheSame(t *testing.T) {
	const rows = 2000
	for _, c := range contests {
		want, err := c.contenders[0].read(c.input(rows))
		require.NoError(t, err)
		assert.Equal(t, rows, want.Rows)
		assert.Positive(t, want.Units)
		assert.Positive(t, want.Hundredths)
		assert.Positive(t, want.Seconds)
		for _, who := range c.contenders[1:] {
			t.Run(c.name+" "+who.name, func(t *testing.T) {
				got, err := who.read(c.input(rows))
				require.NoError(t, err)
				assert.Equal(t, want, got)
			})
		}
	}
}

func TestGeneratedFiles(t *testing.T) {
	for _, c := range contests {
		t.Run(c.name, func(t *testing.T) {
			once, err := io.ReadAll(c.input(500))
			require.NoError(t, err)
			again, err := io.ReadAll(c.input(500))
			require.NoError(t, err)
			assert.Equal(t, string(once), string(again))
			distinct := map[string]bool{}
			for line := range strings.Lines(string(once)) {
				distinct[line] = true
			}
			assert.Greater(t, len(distinct), 500)
		})
	}
}

func TestGeneratedSettlementAddsUp(t *testing.T) {
	r, err := reportparse.Settlement(settlement(1000), reportparse.Options{})
	require.NoError(t, err)
	for _, err := range r.All() {
		require.NoError(t, err)
	}
	require.Len(t, r.Settlements(), 1)
	total := r.Settlements()[0]
	assert.Equal(t, 1000, total.Rows)
	assert.Equal(t, "212118.95", total.Total.String())
	assert.True(t, total.Difference.Valid && total.Difference.Decimal.IsZero())
}

func TestAContenderThatCheatsIsFound(t *testing.T) {
	lazy := contender{"lazy", func(io.Reader) (digest, error) { return digest{Rows: 10}, nil }}
	broken := contender{"broken", func(io.Reader) (digest, error) { return digest{}, errors.New("no idea") }}
	tests := []struct {
		who  contender
		want string
	}{
		{lazy, "returns flat: lazy read {Rows:10 Units:0 Hundredths:0 Seconds:0}, and encoding/csv "},
		{broken, "returns flat: broken: no idea"},
	}
	for _, tt := range tests {
		t.Run(tt.who.name, func(t *testing.T) {
			c := contest{name: "returns flat", rows: 10, input: returnsFlat, contenders: []contender{{"encoding/csv", returnsCSV}, tt.who}}
			_, err := c.run(t.Context(), 1)
			require.Error(t, err)
			assert.Contains(t, err.Error(), tt.want)
		})
	}
}

func TestMemoryIsBounded(t *testing.T) {
	m, err := peak(t.Context(), 200_000)
	require.NoError(t, err)
	assert.Greater(t, m.Bytes, int64(memoryGoal), "a file that is smaller than the goal shows nothing")
	assert.Less(t, m.Go, int64(memoryGoal))
}

func TestProgram(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-rounds", "2", "-rows", "300", "-json"}, &out))
	var matches []match
	for line := range strings.Lines(out.String()) {
		var f figures
		require.NoError(t, json.Unmarshal([]byte(line), &f))
		matches = append(matches, match{f.Ours, f.Peer, f.Goal})
	}
	var want []match
	for _, c := range contests {
		want = append(want, c.matches...)
	}
	assert.Equal(t, append([]match{{}}, want...), matches, "memory first")

	out.Reset()
	require.NoError(t, run(t.Context(), []string{"-rounds", "1", "-rows", "300"}, &out))
	assert.Contains(t, out.String(), "1800 rows, took at most")
	assert.Contains(t, out.String(), "encoding/xml")
}

func TestCommandLine(t *testing.T) {
	for _, args := range [][]string{{"-rounds", "0"}, {"-rows", "-1"}, {"fast"}, {"-fast"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			assert.Error(t, run(t.Context(), args, io.Discard))
		})
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range contests {
		_, err := c.run(ctx, 1)
		require.ErrorIs(t, err, context.Canceled)
	}
	_, err := peak(ctx, 30_000)
	assert.ErrorIs(t, err, context.Canceled)
}

// BenchmarkPeers reports, for each pair, how many times as fast as the peer ours
// is, and what both take. Each iteration is a round.
func BenchmarkPeers(b *testing.B) {
	for _, c := range contests {
		for _, m := range c.matches {
			b.Run(c.name+"/"+m.ours+"/"+m.peer, func(b *testing.B) {
				found, err := c.between(m).run(b.Context(), b.N)
				require.NoError(b, err)
				b.ReportMetric(found[0].Ratio, "ratio")
				b.ReportMetric(found[0].NSPerRow, "ns/row")
				b.ReportMetric(found[0].PeerNSPerRow, "peer-ns/row")
				b.ReportMetric(found[0].AllocsPerRow, "allocs/row")
				b.ReportMetric(found[0].PeerAllocsPerRow, "peer-allocs/row")
			})
		}
	}
}

// between is the contest of one match alone.
func (c contest) between(m match) contest {
	var two []contender
	for _, who := range c.contenders {
		if who.name == m.ours || who.name == m.peer {
			two = append(two, who)
		}
	}
	c.contenders, c.matches = two, []match{m}
	return c
}
