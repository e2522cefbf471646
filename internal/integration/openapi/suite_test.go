package openapi_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	// A cached result ends with the next change of what it is about.
	_ "github.com/takebackhq/takeback/amazon/amazontest"
	_ "github.com/takebackhq/takeback/amazon/spapi"
	"github.com/takebackhq/takeback/internal/integration/openapi"
	"github.com/takebackhq/takeback/internal/wirelog"
)

// spoken are the operations of the client, by Amazon's model.
var spoken = map[string][]string{
	"feeds_2021-06-30": {"createFeedDocument", "getFeedDocument", "createFeed", "getFeeds", "getFeed", "cancelFeed"},
	"reports_2021-06-30": {
		"createReport", "getReports", "getReport", "cancelReport", "getReportDocument",
		"createReportSchedule", "getReportSchedules", "getReportSchedule", "cancelReportSchedule",
	},
	"tokens_2021-03-01":   {"createRestrictedDataToken"},
	"orders_2026-01-01":   {"searchOrders", "getOrder"},
	"finances_2024-06-19": {"listTransactions"},
}

// unmodelled are the paths for which Amazon publishes no model.
var unmodelled = map[string]string{
	"/auth/o2/token": "Login with Amazon",
	"/presigned/":    "the fake's document storage",
	"/s3/":           "the document storage in the tests of spapi",
}

// exceptions are where Amazon is known to differ from its models.
var exceptions []openapi.Exception

// TestTheSuiteSpeaksAmazonsModels runs the tests that exchange HTTP and holds
// each exchange against Amazon's own models.
//
// Where only those tests changed, the go command does not see it and may show
// the result from before; -count=1 runs this one anew.
func TestTheSuiteSpeaksAmazonsModels(t *testing.T) {
	amazon := os.Getenv("TAKEBACK_AMAZON")
	if amazon == "" {
		t.Skip("Amazon's API models are not here: set TAKEBACK_AMAZON to the folder that holds them, under models")
	}
	var files []string
	for _, name := range slices.Sorted(maps.Keys(spoken)) {
		files = append(files, filepath.Join(amazon, "models", name+".json"))
	}
	models, err := openapi.Load(files...)
	require.NoError(t, err)

	es := exchanges(t)
	report := openapi.Audit{Models: models, Client: "(Language=Go/", Unmodelled: unmodelled, Exceptions: exceptions}.Run(es)
	for _, v := range report.Violations {
		t.Error(v)
	}
	assert.Empty(t, report.Unused, "exceptions that nothing needs")
	var ids []string
	for _, id := range slices.Concat(slices.Collect(maps.Values(spoken))...) {
		tally := report.Operations[id]
		assert.NotZero(t, tally.Requests, "no request of the client is a %s", id)
		assert.NotZero(t, tally.Successes, "the fake never answered %s with success", id)
		assert.NotZero(t, tally.Refusals, "the fake never refused %s by itself", id)
		ids = append(ids, id)
	}
	for _, id := range slices.Sorted(maps.Keys(report.Operations)) {
		assert.Contains(t, ids, id, "add what is spoken now to the operations that must be")
		t.Logf("%-24s %+v", id, report.Operations[id])
	}
	t.Logf("%d exchanges, %d violations", len(es), len(report.Violations))
}

// exchanges runs the tests of all packages that exchange HTTP.
func exchanges(t *testing.T) []wirelog.Exchange {
	t.Helper()
	folder := t.TempDir()
	t.Setenv(wirelog.Folder, folder)
	for _, module := range []string{"../../..", "../../../examples", ".."} {
		if packages := speakers(t, module); len(packages) > 0 {
			_, err := run(t, module, append([]string{"test", "-count=1"}, packages...)...)
			assert.NoError(t, err) // what was exchanged until then may say why
		}
	}
	es, err := wirelog.Read(folder)
	require.NoError(t, err)
	return es
}

// programs say the same as other packages, some thousand times.
var programs = []string{"fair", "faults", "soak", "throttle"}

// speakers lists the packages of a module that use the client or the fake, in
// their tests or otherwise; this one, which runs them, is not among them, nor are
// the programs.
func speakers(t *testing.T, module string) []string {
	t.Helper()
	const imports = `{{join .Imports " "}} {{join .TestImports " "}} {{join .XTestImports " "}}`
	list, err := run(t, module, "list", "-f", "{{.ImportPath}} "+imports, "./...")
	require.NoError(t, err)
	var found []string
	for line := range strings.Lines(list) {
		words := strings.Fields(line)
		speaks := slices.ContainsFunc(words, func(path string) bool {
			return path == "github.com/takebackhq/takeback/amazon/spapi" || path == "github.com/takebackhq/takeback/amazon/amazontest"
		})
		within, integrates := strings.CutPrefix(words[0], "github.com/takebackhq/takeback/internal/integration/")
		if speaks && !(integrates && (within == "openapi" || slices.Contains(programs, within))) {
			found = append(found, words[0])
		}
	}
	return found
}

// run runs the go command in a folder.
func run(t *testing.T, folder string, args ...string) (out string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = folder
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	said, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s in %s: %w\n%s%s", cmd, folder, err, said, &complaint)
	}
	return string(said), nil
}
