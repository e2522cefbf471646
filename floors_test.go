package takeback_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/takebackhq/takeback"

// floors is a statement of policy: a package imports only packages of this
// module that stand on lower floors. Moving a package, or adding one, is a
// decision made here.
var floors = map[string]int{
	// Storage, the wire and what tests with them: SQL, HTTP and testing only here.
	"github.com/takebackhq/takeback/amazon/amazontest": 6,
	"github.com/takebackhq/takeback/amazon/spapi":      6,
	"github.com/takebackhq/takeback/order/ordertest":   6,
	"github.com/takebackhq/takeback/store/memory":      6,
	"github.com/takebackhq/takeback/store/postgres":    6,
	"github.com/takebackhq/takeback/store/sqlite":      6,
	"github.com/takebackhq/takeback/store/storetest":   6,

	// All services together.
	"github.com/takebackhq/takeback": 5,

	// The business.
	"github.com/takebackhq/takeback/refund/settlement": 4,
	"github.com/takebackhq/takeback/rma":               4,
	"github.com/takebackhq/takeback/cancel":            3,
	"github.com/takebackhq/takeback/refund":            3,

	// What knows no refund from a cancellation.
	"github.com/takebackhq/takeback/amazon/reportpoll": 2,
	"github.com/takebackhq/takeback/queue":             2,

	// What the business is said in.
	"github.com/takebackhq/takeback/amazon":      1,
	"github.com/takebackhq/takeback/reportparse": 1,
	"github.com/takebackhq/takeback/settings":    1,

	// The ground.
	"github.com/takebackhq/takeback/order": 0,
	"github.com/takebackhq/takeback/store": 0,
}

// internals are the packages that hosts cannot import, under the same policy.
// Each stands as low as its own imports allow; one that floor 0 needs, on -1.
var internals = map[string]int{
	"github.com/takebackhq/takeback/internal/laws":          8, // everything together, for tests
	"github.com/takebackhq/takeback/internal/drill":         7, // everything together, for tests
	"github.com/takebackhq/takeback/internal/wirelog":       0,
	"github.com/takebackhq/takeback/store/internal/rowcopy": 0,
}

// upperOnly is what no package below floor 6 may bring in, by whatever way.
// Paths are compared whole: database/sql/driver, which comes with every
// decimal.Decimal, is fine.
var upperOnly = []string{"database/sql", "net/http", "testing"}

const upperFloor = 6

// imports maps each import path to the paths its non-test files import.
type imports map[string][]string

func TestFloors(t *testing.T) {
	for _, v := range violations(loadImports(t)) {
		t.Error(v)
	}
}

func TestViolations(t *testing.T) {
	for _, tt := range []struct {
		name  string
		graph imports
		want  []string // what each violation says, in order
	}{
		{
			name: "down is fine, by any number of floors",
			graph: imports{
				module + "/rma":    {module + "/refund", module + "/order", "fmt"},
				module + "/refund": {module + "/order"},
				module + "/order":  {"github.com/shopspring/decimal"},
				// A path that only begins like ours is not ours.
				"github.com/takebackhq/takebackup": {module + "/rma"},
			},
		},
		{
			name:  "up",
			graph: imports{module + "/queue": {module + "/refund"}},
			want:  []string{module + "/queue (floor 2) imports " + module + "/refund (floor 3)"},
		},
		{
			name:  "the same floor",
			graph: imports{module + "/refund": {module + "/cancel"}},
			want:  []string{module + "/refund (floor 3) imports " + module + "/cancel (floor 3)"},
		},
		{
			name:  "the root package from below",
			graph: imports{module + "/rma": {module}},
			want:  []string{module + "/rma (floor 4) imports " + module + " (floor 5)"},
		},
		{
			name:  "an adapter from another adapter",
			graph: imports{module + "/store/sqlite": {module + "/store/memory"}},
			want:  []string{module + "/store/sqlite (floor 6) imports " + module + "/store/memory (floor 6)"},
		},
		{
			name:  "a package on no floor",
			graph: imports{module + "/util": {"fmt"}, module + "/internal/clock": {"time"}},
			want:  []string{module + "/internal/clock stands on no floor", module + "/util stands on no floor"},
		},
		{
			name:  "an import on no floor",
			graph: imports{module + "/rma": {module + "/util"}},
			want:  []string{module + "/rma (floor 4) imports " + module + "/util, which stands on no floor"},
		},
		{
			name:  "SQL at first hand",
			graph: imports{module + "/refund": {"database/sql"}},
			want:  []string{"database/sql below floor 6: " + module + "/refund → database/sql"},
		},
		{
			name: "HTTP at third hand, by the shortest way",
			graph: imports{
				module + "/settings":            {"example.com/config", "example.com/long"},
				"example.com/long":              {"example.com/longer"},
				"example.com/longer":            {"net/http"},
				"example.com/config":            {"example.com/config/remote", "fmt"},
				"example.com/config/remote":     {"net/http"},
				module + "/amazon/spapi":        {"net/http"},
				"example.com/nobody/imports/me": {"database/sql"},
			},
			want: []string{"net/http below floor 6: " + module + "/settings → example.com/config → example.com/config/remote → net/http"},
		},
		{
			name: "the SQL driver interface alone, and everything on floor 6",
			graph: imports{
				module + "/order":           {"github.com/shopspring/decimal"},
				module + "/store/sqlite":    {module + "/order", "database/sql"},
				module + "/store/storetest": {module + "/order", "testing"},
				"github.com/shopspring/decimal": {
					"database/sql/driver",
				},
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := violations(tt.graph)
			require.Len(t, got, len(tt.want), "%q", got)
			for i, want := range tt.want {
				assert.Contains(t, got[i], want)
			}
		})
	}
}

func TestNoPackageStandsOnTwoFloors(t *testing.T) {
	for path := range internals {
		assert.Contains(t, path, "/internal/", "only internal packages are listed among internals")
		assert.NotContains(t, floors, path)
	}
	for path := range floors {
		assert.NotContains(t, path, "/internal/", "internal packages are listed among internals")
	}
}

// violations names every import of g that the policy does not allow, in the
// order of the importing packages.
func violations(g imports) []string {
	var found []string
	for _, path := range slices.Sorted(maps.Keys(g)) {
		if !ours(path) {
			continue
		}
		floor, ok := floorOf(path)
		if !ok {
			found = append(found, fmt.Sprintf("%s stands on no floor: give it one in floors or internals of this test", path))
			continue
		}
		for _, imported := range g[path] {
			if !ours(imported) {
				continue
			}
			below, ok := floorOf(imported)
			switch {
			case !ok:
				found = append(found, fmt.Sprintf("%s (floor %d) imports %s, which stands on no floor: give it one in floors or internals of this test",
					path, floor, imported))
			case below >= floor:
				found = append(found, fmt.Sprintf("%s (floor %d) imports %s (floor %d): imports go to a lower floor only; a new arrow is a decision made in floors of this test",
					path, floor, imported, below))
			}
		}
		if floor >= upperFloor {
			continue
		}
		for _, target := range upperOnly {
			if way := g.way(path, target); way != nil {
				found = append(found, fmt.Sprintf("%s below floor %d: %s; keep it in an adapter, behind an interface that the lower floor declares",
					target, upperFloor, strings.Join(way, " → ")))
			}
		}
	}
	return found
}

func ours(path string) bool {
	return path == module || strings.HasPrefix(path, module+"/")
}

func floorOf(path string) (floor int, ok bool) {
	if floor, ok = floors[path]; !ok {
		floor, ok = internals[path]
	}
	return floor, ok
}

// way finds a shortest chain of imports between two packages, both included;
// nil if there is none.
func (g imports) way(from, to string) []string {
	seen := map[string]bool{from: true}
	for ways := [][]string{{from}}; len(ways) > 0; ways = ways[1:] {
		way := ways[0]
		last := way[len(way)-1]
		if last == to {
			return way
		}
		for _, next := range g[last] {
			if !seen[next] {
				seen[next] = true
				ways = append(ways, append(slices.Clip(way), next))
			}
		}
	}
	return nil
}

// loadImports asks the go command for the packages of this module and all they
// depend on, as a host sees them: without the workspace.
func loadImports(t *testing.T) imports {
	t.Helper()
	readDirectories(t)
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Imports", "./...")
	list.Env = append(os.Environ(), "GOWORK=off")
	var complaint bytes.Buffer
	list.Stderr = &complaint
	out, err := list.Output()
	require.NoError(t, err, "%s: %s", list, &complaint)

	g := imports{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		g[p.ImportPath] = p.Imports
	}
	require.Contains(t, g, module+"/order", "go list must have walked the module")
	return g
}

// readDirectories makes a cached result of this test end with the next change
// of a source file: the go command knows what a test reads itself, and nothing
// of what its child, go list, reads.
func readDirectories(t *testing.T) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if hidden := strings.HasPrefix(d.Name(), ".") && path != "."; hidden && d.IsDir() {
			return fs.SkipDir
		}
		return err
	}))
}
