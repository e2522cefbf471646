package takeback_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"

	"github.com/takebackhq/takeback/settings"
)

// A rule is what merchants expect of the desk, in their own words, with what shows
// it: a scenario on the fake Amazon, and what is seen of it, line by line, under each
// of the settings that the rule depends on. See merchant for what a scenario can do
// and look at.
type rule struct {
	rule string
	do   func(*merchant)
	want []when
}

// when is what is seen under some settings.
type when struct {
	settings settings.Settings
	sees     []string
}

// always is for a rule that no setting changes.
func always(sees ...string) []when { return []when{{sees: sees}} }

// off is with all settings off, as nobody has touched them.
func off(sees ...string) when { return when{sees: sees} }

// on is with some settings on.
func on(s settings.Settings, sees ...string) when { return when{s, sees} }

// under is with a policy of the merchant's own.
func under(p settings.Policy, sees ...string) when {
	return when{settings.Settings{Policy: p}, sees}
}

// rules are all of them.
func rules() []rule {
	return slices.Concat(returnRules(), kitRules(), refundRules(), moneyRules(), cancelRules(), partRules(), buyerRules(), queueRules(), settlementRules())
}

func TestRules(t *testing.T) {
	for _, r := range rules() {
		for _, w := range r.want {
			t.Run(fmt.Sprintf("%s/%s", r.rule, named(w.settings)), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m := newMerchant(t, w.settings)
					r.do(m)
					if diff := cmp.Diff(w.sees, m.seen); diff != "" {
						t.Errorf("%s (-want +got):\n%s", r.rule, diff)
					}
				})
			})
		}
	}
}

// named lists what is not as nobody has touched it.
func named(s settings.Settings) string {
	var names []string
	for name, v := range fields(s) {
		if !v.IsZero() {
			names = append(names, fmt.Sprintf("%s=%v", name, v))
		}
	}
	if len(names) == 0 {
		return "nothing set"
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}

// fields are all settings by name, those of the policy among them.
func fields(s settings.Settings) map[string]reflect.Value {
	all := map[string]reflect.Value{}
	for _, of := range []reflect.Value{reflect.ValueOf(s), reflect.ValueOf(s.Policy)} {
		for i := range of.NumField() {
			all[of.Type().Field(i).Name] = of.Field(i)
		}
	}
	delete(all, "Policy")
	return all
}

// Each setting has a rule that shows what it changes: with it touched, something
// else is seen than with it alone untouched.
func TestEverySettingHasItsRule(t *testing.T) {
	shown := map[string]bool{}
	for _, r := range rules() {
		for _, a := range r.want {
			for _, b := range r.want {
				if name, one := onlyTouched(a.settings, b.settings); one && !slices.Equal(a.sees, b.sees) {
					shown[name] = true
				}
			}
		}
	}
	for name := range fields(settings.Settings{}) {
		assert.True(t, shown[name], "no rule shows what %s changes", name)
	}
}

// onlyTouched names the one setting that is touched in a and not in b, while all
// others are the same.
func onlyTouched(a, b settings.Settings) (name string, one bool) {
	x, y := fields(a), fields(b)
	for f := range x {
		if reflect.DeepEqual(x[f].Interface(), y[f].Interface()) {
			continue
		}
		if one || !y[f].IsZero() {
			return "", false
		}
		name, one = f, true
	}
	return name, one
}

// A rule has one sentence, and is there once.
func TestRulesAreDistinct(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rules() {
		assert.False(t, seen[r.rule], r.rule)
		seen[r.rule] = true
	}
}
