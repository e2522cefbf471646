package settings_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/settings"
)

func TestFixedAnswersForEveryCompany(t *testing.T) {
	var source settings.Source = settings.Fixed{Queue: true}
	acme, err := source.Settings(t.Context(), "acme")
	require.NoError(t, err)
	assert.Equal(t, settings.Settings{Queue: true}, acme)

	other, err := source.Settings(t.Context(), "")
	require.NoError(t, err)
	assert.Equal(t, acme, other)
}

func TestByCompanyAnswersForEachCompany(t *testing.T) {
	var source settings.Source = settings.ByCompany{
		"acme":  {Queue: true},
		"bravo": {},
	}
	acme, err := source.Settings(t.Context(), "acme")
	require.NoError(t, err)
	assert.Equal(t, settings.Manual, acme.Mode())

	bravo, err := source.Settings(t.Context(), "bravo")
	require.NoError(t, err)
	assert.Equal(t, settings.Direct, bravo.Mode())
}

// Zero settings would send a forgotten company's money at once.
func TestByCompanyRefusesAnUnknownCompany(t *testing.T) {
	for _, source := range []settings.ByCompany{nil, {}, {"acme": {Queue: true}}} {
		_, err := source.Settings(t.Context(), "bravo")
		assert.ErrorContains(t, err, `"bravo"`)
	}
}
