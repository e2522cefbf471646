package amazontest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/order"
)

type paid = map[amazontest.Origin]map[string]order.Amounts

// Who looks for a double payment must tell ours from those of others.
func TestPaidForTellsWhoseMoneyItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		c := login(t, srv, "Atzr|one")
		const mug, cup = "10000000000011", "100000000000012"
		c.send(amazon.RefundFeed, refunds(
			adjust(shipped, mug, "Principal 5.00 USD", "Tax 0.40 USD", "RestockingFee -1.00 USD"),
			adjust(shipped, cup, "Principal 2.50 USD"),
			adjust(yen, "10000000000071", "Principal 99 JPY"),
		))
		c.send(amazon.RefundFeed, refunds(adjust(shipped, mug, "Principal 3.00 USD")))
		_, err := srv.AddFeed(merchant, amazon.RefundFeed, []byte(refunds(
			adjust(shipped, mug, "Principal 1.00 USD"), adjust(unshipped, "10000000000021", "Principal 4.00 USD"))))
		require.NoError(t, err)
		require.NoError(t, srv.Refund(amazon.ActorMerchant, shipped, mug, order.Amounts{order.Principal: dec("2")}))
		require.NoError(t, srv.Refund(amazon.ActorAmazon, shipped, cup, order.Amounts{order.Goodwill: dec("6")}))
		time.Sleep(time.Minute)

		want := paid{
			amazontest.OriginFeed: {
				mug: {order.Principal: dec("8"), order.Tax: dec("0.4"), order.RestockingFee: dec("-1")},
				cup: {order.Principal: dec("2.5")},
			},
			amazontest.OriginStranger:      {mug: {order.Principal: dec("1")}},
			amazontest.OriginSellerCentral: {mug: {order.Principal: dec("2")}},
			amazontest.OriginAmazon:        {cup: {order.Goodwill: dec("6")}},
		}
		assert.Empty(t, cmp.Diff(want, srv.PaidFor(shipped)))
		assert.Empty(t, cmp.Diff(paid{amazontest.OriginFeed: {"10000000000071": {order.Principal: dec("99")}}}, srv.PaidFor(yen)))
		assert.Empty(t, srv.PaidFor(unshipped), "it waits for its shipment")
		assert.Empty(t, srv.PaidFor("111-9999999-9999999"))

		require.NoError(t, srv.Ship(unshipped, "10000000000021", 1))
		assert.Empty(t, cmp.Diff(paid{amazontest.OriginStranger: {"10000000000021": {order.Principal: dec("4")}}}, srv.PaidFor(unshipped)))
	})
}
