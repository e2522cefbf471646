// Package model_test has spin check send.pml, a model of how a document is sent,
// taken over and found again: as it stands, and without each of its rules.
//
// With -v it prints how many states there are, and for each rule the shortest
// way in which money goes wrong without it.
package model_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAllRules(t *testing.T) {
	needs(t, "spin", "gcc")
	for name, defines := range map[string]string{
		"alone":                      "",
		"beside another application": "STRANGER LAST=2",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := compile(t, defines, "-O1")()
			require.Contains(t, out, "errors: 0", "send.pml says how to see the way to it")
			require.NotContains(t, out, "too small", "not every state was looked at")
			require.NotContains(t, out, "not completed", "not every state was looked at")
			t.Logf("%s: no error in %s states", name, find(t, `(\d+) states, stored`, out)[0])

			// What no worker ever does, nobody has checked.
			for _, step := range find(t, `(?m)^\tsend\.pml:.*$`, out) {
				assert.Contains(t, step, `"-end-"`, "a step that is never taken")
			}
		})
	}
}

func TestWithoutRule(t *testing.T) {
	needs(t, "spin", "gcc")
	for rule, want := range map[string]string{
		"NO_CAS":                        "paid_twice",
		"NO_RAISE":                      "wrong_adoption",
		"NO_TAKEOVER":                   "lost",
		"SEND_FOUND":                    "paid_twice",
		"NO_BOUND_TOKEN":                "wrong_adoption",
		"REPEATED_POST":                 "paid_twice",
		"ANY_ANSWER":                    "paid_twice",
		"NO_WAIT":                       "wrong_adoption",
		"ADOPTION_LIFTS_FENCE STRANGER": "wrong_adoption",
		"NO_FENCE":                      "paid_twice", // the naive protocol: not found, so sent again
		"NO_MARGIN":                     "paid_twice",
		"FIRST_PAGE":                    "paid_twice",
		"NO_WINDOW":                     "wrong_adoption",
		"NO_OWNER":                      "wrong_adoption",
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			check := compile(t, rule+" LAST=2", "-DBFS") // breadth first: the shortest way
			out := check("-w18")                         // a table for few states
			require.Contains(t, out, "assertion violated  !("+want+")")
			steps := find(t, `(?m)^(?:worker|Amazon|It is) .*$`, check("-w18", "-r", "-n"))
			t.Logf("%s: %s after %s states:\n%s", rule, want, find(t, `(\d+) nominal states`, out)[0], strings.Join(steps, "\n"))
		})
	}
}

// needs skips the test where a program that it runs is not installed.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("the model is checked by %s (apt-get install spin gcc libc6-dev): %v", strings.Join(programs, " and "), err)
		}
	}
}

// compile has spin make a checker of the model, with some of its switches
// defined, and returns a func that runs it and returns what it says.
func compile(t *testing.T, defines string, flags ...string) func(args ...string) string {
	t.Helper()
	model, err := os.ReadFile("send.pml")
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "send.pml"), model, 0o600))
	run := func(program string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s\n%s", cmd, out)
		return string(out)
	}
	args := []string{"-a"}
	for d := range strings.FieldsSeq(defines) {
		args = append(args, "-D"+d)
	}
	run("spin", append(args, "send.pml")...)
	run("gcc", append(flags, "-w", "-DSAFETY", "-o", "pan", "pan.c")...)
	return func(args ...string) string {
		t.Helper()
		return run(filepath.Join(dir, "pan"), args...)
	}
}

// find returns the matches of a pattern, or of its group, of which there is at
// least one.
func find(t *testing.T, pattern, in string) []string {
	t.Helper()
	var found []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(in, -1) {
		found = append(found, m[len(m)-1])
	}
	require.NotEmpty(t, found, "%s in:\n%s", pattern, in)
	return found
}
