package settings_test

import (
	"fmt"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/settings"
)

// Each rule is a sentence a merchant would say.
func TestResolve(t *testing.T) {
	type values = settings.Values
	for _, tt := range []struct {
		rule            string
		client, company values
		want            settings.Settings
		mode            settings.Mode
	}{
		{
			rule: "nobody set anything: everything is off and each request goes out at once",
			mode: settings.Direct,
		},
		{
			rule:   "download returns for all my companies",
			client: values{settings.DownloadReturns: true},
			want:   settings.Settings{DownloadReturns: true},
			mode:   settings.Direct,
		},
		{
			rule:    "over-refunds are allowed, but not in this company",
			client:  values{settings.AllowOverRefund: true},
			company: values{settings.AllowOverRefund: false},
			mode:    settings.Direct,
		},
		{
			rule:    "over-refunds are forbidden, except in this company",
			client:  values{settings.AllowOverRefund: false},
			company: values{settings.AllowOverRefund: true},
			want:    settings.Settings{AllowOverRefund: true},
			mode:    settings.Direct,
		},
		{
			rule:    "zero out inventory when this company cancels",
			company: values{settings.AllowZeroOutInventory: true},
			want:    settings.Settings{AllowZeroOutInventory: true},
			mode:    settings.Direct,
		},
		{
			rule:   "no RMA for returnless refunds",
			client: values{settings.SkipReturnlessRMA: true},
			want:   settings.Settings{SkipReturnlessRMA: true},
			mode:   settings.Direct,
		},
		{
			rule:    "the client allows local cancels, and the company's other settings do not touch that",
			client:  values{settings.AllowLocalCancel: true},
			company: values{settings.SkipReturnlessRMA: false},
			want:    settings.Settings{AllowLocalCancel: true},
			mode:    settings.Direct,
		},
		{
			rule:   "queue refunds and cancellations: they wait for a person",
			client: values{settings.Queue: true},
			want:   settings.Settings{Queue: true},
			mode:   settings.Manual,
		},
		{
			rule:   "queue them and submit automatically",
			client: values{settings.Queue: true, settings.AutoSubmit: true},
			want:   settings.Settings{Queue: true, AutoSubmit: true},
			mode:   settings.Auto,
		},
		{
			rule:   "auto submit without the queue means nothing",
			client: values{settings.AutoSubmit: true},
			mode:   settings.Direct,
		},
		{
			rule:    "a company that leaves the queue leaves auto submit with it",
			client:  values{settings.Queue: true, settings.AutoSubmit: true},
			company: values{settings.Queue: false},
			mode:    settings.Direct,
		},
		{
			rule:    "a company that looks at everything itself switches off auto submit alone",
			client:  values{settings.Queue: true, settings.AutoSubmit: true},
			company: values{settings.AutoSubmit: false},
			want:    settings.Settings{Queue: true},
			mode:    settings.Manual,
		},
		{
			rule:    "parent and child may be set at different levels",
			client:  values{settings.AutoSubmit: true},
			company: values{settings.Queue: true},
			want:    settings.Settings{Queue: true, AutoSubmit: true},
			mode:    settings.Auto,
		},
		{
			rule:   "a setting nobody knows changes nothing",
			client: values{"Queue everything": true, "": true},
			mode:   settings.Direct,
		},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			got := settings.Resolve(tt.client, tt.company)
			assert.Empty(t, cmp.Diff(tt.want, got))
			assert.Equal(t, tt.mode, got.Mode())
		})
	}
}

// Every way to set the queue and its child for client and company: 3⁴ rows.
func TestModeOfEveryCombination(t *testing.T) {
	// What the company inherits, overrides or sets itself: [client][company].
	const absent, off, on = 0, 1, 2
	effective := [3][3]int{
		absent: {off, off, on},
		off:    {off, off, on},
		on:     {on, off, on},
	}
	mode := map[[2]int]settings.Mode{ // queue, auto submit
		{off, off}: settings.Direct,
		{off, on}:  settings.Direct,
		{on, off}:  settings.Manual,
		{on, on}:   settings.Auto,
	}
	level := func(queue, auto int) settings.Values {
		v := settings.Values{settings.Queue: queue == on, settings.AutoSubmit: auto == on}
		maps.DeleteFunc(v, func(n settings.Name, _ bool) bool {
			return n == settings.Queue && queue == absent || n == settings.AutoSubmit && auto == absent
		})
		return v
	}
	for i := range 81 {
		clientQueue, companyQueue, clientAuto, companyAuto := i/27, i/9%3, i/3%3, i%3
		client, company := level(clientQueue, clientAuto), level(companyQueue, companyAuto)
		t.Run(fmt.Sprint("client ", client, " company ", company), func(t *testing.T) {
			want := mode[[2]int{effective[clientQueue][companyQueue], effective[clientAuto][companyAuto]}]
			assert.Equal(t, want, settings.Resolve(client, company).Mode())
		})
	}
}

// Settings that a host fills by hand obey the parent too.
func TestModeIgnoresAutoSubmitWithoutQueue(t *testing.T) {
	assert.Equal(t, settings.Direct, settings.Settings{AutoSubmit: true}.Mode())
}

func TestZeroPolicyWaitsForAmazon(t *testing.T) {
	policy := settings.Resolve(nil, nil).Policy
	assert.Equal(t, settings.PaymentStatusWhenAccepted, policy.PaymentStatusAt)
	assert.Equal(t, settings.CancelledWhenAccepted, policy.CancelledAt)
}

func TestResolveProperties(t *testing.T) {
	names := append(settings.Names(), "Some other client setting")
	draw := func(t *rapid.T, label string) settings.Values {
		return rapid.MapOf(rapid.SampledFrom(names), rapid.Bool()).Draw(t, label)
	}

	t.Run("a company without values is its client", rapid.MakeCheck(func(t *rapid.T) {
		client := draw(t, "client")
		assert.Equal(t, settings.Resolve(client, client), settings.Resolve(client, nil))
	}))

	t.Run("two levels are one with the company written over the client", rapid.MakeCheck(func(t *rapid.T) {
		client, company := draw(t, "client"), draw(t, "company")
		merged := maps.Clone(client)
		maps.Copy(merged, company)
		assert.Equal(t, settings.Resolve(nil, merged), settings.Resolve(client, company))
	}))

	t.Run("a company that sets everything does not ask its client", rapid.MakeCheck(func(t *rapid.T) {
		company := settings.Values{}
		for _, n := range settings.Names() {
			company[n] = rapid.Bool().Draw(t, string(n))
		}
		assert.Equal(t, settings.Resolve(nil, company), settings.Resolve(draw(t, "client"), company))
	}))

	t.Run("the child is never on without its parent", rapid.MakeCheck(func(t *rapid.T) {
		s := settings.Resolve(draw(t, "client"), draw(t, "company"))
		assert.True(t, s.Queue || !s.AutoSubmit)
	}))

	t.Run("the values stay as they were", rapid.MakeCheck(func(t *rapid.T) {
		client, company := draw(t, "client"), draw(t, "company")
		clientBefore, companyBefore := maps.Clone(client), maps.Clone(company)
		settings.Resolve(client, company)
		assert.Equal(t, clientBefore, client)
		assert.Equal(t, companyBefore, company)
	}))
}
