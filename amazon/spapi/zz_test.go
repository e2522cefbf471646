package spapi_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/amazon/spapi"
)

func TestZZ(t *testing.T) {
	now := time.Now()
	amz, err := amazontest.New(amazontest.Config{Now: func() time.Time { return now }, Gzip: true})
	require.NoError(t, err)
	require.NoError(t, amz.AddSeller(amazontest.Seller{Merchant: "A1EXAMPLESELLER", ClientID: "c", ClientSecret: "s", RefreshToken: "r"}))
	c, err := spapi.New(spapi.Config{
		Credentials: func(context.Context, amazon.Account) (spapi.Credentials, error) {
			return spapi.Credentials{ClientID: "c", ClientSecret: "s", RefreshToken: "r"}, nil
		},
		Now: func() time.Time { return now },
		HTTPClient: amz.Client(),
	})
	require.NoError(t, err)
	a := seller
	a.Merchant = "A1EXAMPLESELLER"
	tk, err := c.Begin(t.Context(), a, amazon.RefundFeed)
	require.NoError(t, err)
	fence, at, err := tk.Upload(t.Context(), xmlType, []byte("<AmazonEnvelope/>"))
	require.NoError(t, err)
	t.Log(fence, at)
	f, err := tk.Create(t.Context())
	require.NoError(t, err)
	t.Log(f)
	fs, err := c.Feeds(t.Context(), a, amazon.RefundFeed, now.Add(-time.Hour))
	t.Log(fs, err)
	now = now.Add(10 * time.Minute)
	f, err = c.Feed(t.Context(), a, f.ID)
	t.Log(f, err)
	d, err := c.Document(t.Context(), a, f.Result)
	if err == nil {
		b, _ := io.ReadAll(d)
		t.Log(string(b))
	}
	t.Log(err)
}
