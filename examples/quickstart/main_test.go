package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/reportparse"
)

// runJSON runs the program and reads what -json prints.
func runJSON(t *testing.T, args ...string) summary {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, run(context.Background(), append(args, "-json"), &out))
	var s summary
	require.NoError(t, json.Unmarshal(out.Bytes(), &s))
	return s
}

func TestModes(t *testing.T) {
	tests := []struct {
		mode    string
		batches []batchSummary // without IDs, in the order of their creation
		paid    string
	}{
		{"manual", []batchSummary{
			{Type: "refund", Entries: 5, Accepted: 4, Refused: 1},
			{Type: "cancellation", Entries: 1, Accepted: 1},
		}, "202.38 USD"},
		{"auto", []batchSummary{
			{Type: "cancellation", Entries: 1, Accepted: 1},
			{Type: "refund", Entries: 5, Accepted: 4, Refused: 1},
		}, "202.38 USD"},
		{"direct", []batchSummary{
			{Type: "refund", Entries: 1, Accepted: 1},
			{Type: "refund", Entries: 1, Accepted: 1},
			{Type: "refund", Entries: 1, Accepted: 1},
			{Type: "refund", Entries: 1, Accepted: 1},
			{Type: "cancellation", Entries: 1, Accepted: 1},
			{Type: "refund", Entries: 1, Refused: 1},
			{Type: "refund", Entries: 1, Accepted: 1},
		}, "240.27 USD"},
	}
	for _, tt := range tests {
		t.Run(tt.mode, func(t *testing.T) {
			dir := t.TempDir()
			args := []string{"-db", filepath.Join(dir, "host, 100% ours?.db"), "-mode", tt.mode, "-out", filepath.Join(dir, "out")}

			first := runJSON(t, args...)
			var files []string
			for i, b := range first.Batches {
				require.NotEmpty(t, b.BatchID)
				require.NotEmpty(t, b.DocumentNumber)
				files = append(files, string(b.BatchID)+".xml", string(b.BatchID)+".report.xml")
				first.Batches[i].BatchID, first.Batches[i].DocumentNumber = "", ""
			}
			assert.ElementsMatch(t, tt.batches, first.Batches)
			assert.True(t, first.Ledger.Equal)
			assert.Equal(t, tt.paid, first.Ledger.PaidByAmazon)
			assert.Equal(t, tt.paid, first.Ledger.PostedByUs)
			for _, name := range files {
				assert.FileExists(t, filepath.Join(dir, "out", name))
			}

			assert.FileExists(t, args[1])
			second := runJSON(t, args...)
			assert.Empty(t, second.Batches, "a second run sends nothing")
			assert.Equal(t, first.Returns.Created, second.Returns.Unchanged, "a returned row imports once")
			assert.Zero(t, second.Returns.Created+second.Returns.Updated)
			assert.Empty(t, cmp.Diff(first.Ledger, second.Ledger), "the books stay as they were")
		})
	}
}

func TestStory(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(context.Background(), nil, &out))
	for _, want := range []string{"Total Refunded", "ask for at most", "it must not ship", "rejected by olga", "Batch ID", "Document Number", "Refused by Amazon", "to the cent"} {
		assert.Contains(t, out.String(), want)
	}
}

func TestBadReturnsReports(t *testing.T) {
	tests := []struct {
		name, content string
		is            error
		says          string
	}{
		{"empty", "", reportparse.ErrEmpty, "empty"},
		{"another report", "settlement-id\tsettlement-start-date\ttotal-amount\n1\t2\t3\n", reportparse.ErrWrongReport, "settlement"},
		{"Amazon-fulfilled", "return-date\torder-id\tsku\tasin\tfnsku\tproduct-name\tquantity\tfulfillment-center-id\tdetailed-disposition\treason\n", reportparse.ErrWrongReport, "Amazon-fulfilled"},
		{"a web page", "<!DOCTYPE html><html><body>Sign in</body></html>", reportparse.ErrWrongReport, "HTML"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "returns.txt")
			require.NoError(t, os.WriteFile(file, []byte(tt.content), 0o600))
			err := run(context.Background(), []string{"-returns", file}, &bytes.Buffer{})
			require.ErrorIs(t, err, tt.is)
			assert.ErrorContains(t, err, tt.says)
		})
	}
}

func TestBadArguments(t *testing.T) {
	for _, args := range [][]string{{"-mode", "never"}, {"stray"}, {"-returns", "no such file"}, {"-wrong"}} {
		assert.Error(t, run(context.Background(), args, &bytes.Buffer{}), "%v", args)
	}
}
