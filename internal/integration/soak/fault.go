package main

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/settings"
)

// How far clocks may differ: Amazon's from everybody's, and those of the workers
// from each other.
const (
	skewOfAmazon = 10 * time.Minute
	skewOfWorker = 30 * time.Second
)

// lag is the longest that Amazon leaves a feed out of its lists, within the
// margin that the queue grants it.
const lag = 3*time.Hour + 30*time.Minute

// weather is how much goes wrong in a run: the chance that a call fails, that its
// caller crashes there, or is left there for a while.
type weather struct {
	fail, crash, suspend float64
	hot                  float64 // the same for createFeed, around which everything turns, and for the ship gate
	fate                 float64 // that a feed does not simply end DONE
}

func (r *run) drawWeather() weather {
	of := func(chances ...float64) float64 { return chances[r.random.IntN(len(chances))] }
	return weather{
		fail: of(0, 0.002, 0.01), crash: of(0, 0.001, 0.004), suspend: of(0, 0.005, 0.02),
		hot: of(0, 0.1, 0.3), fate: of(0, 0.2, 0.5),
	}
}

func (r *run) drawSettings() settings.Settings {
	s := settings.Settings{AllowZeroOutInventory: r.chance(0.6), SkipReturnlessRMA: r.chance(0.5), AllowLocalCancel: r.chance(0.5)}
	p := &s.Policy
	p.LostAnswer = oneOf(r, settings.LostAnswerAsks, settings.LostAnswerAsks, settings.LostAnswerSendsAnew)
	p.PaymentStatusAt = oneOf(r, settings.PaymentStatusWhenAccepted, settings.PaymentStatusWhenIssued)
	p.CancelledAt = oneOf(r, settings.CancelledWhenAccepted, settings.CancelledWhenAccepted, settings.CancelledWhenRequested)
	p.CloseRMA = oneOf(r, settings.CloseWhenRefundedAndReceived, settings.CloseWhenRefunded, settings.CloseManually)
	p.FollowAmazonClose = oneOf(r, settings.FollowWhenNothingAwaited, settings.FollowAlways, settings.FollowNever)
	p.KitRefund = oneOf(r, settings.KitWhenComplete, settings.KitProRata)
	p.RefundCeiling = oneOf(r, settings.CeilingAuthorised, settings.CeilingReceived, settings.CeilingGood)
	p.BeforeShipment = oneOf(r, settings.BeforeShipmentRefuse, settings.BeforeShipmentWait)
	p.AlreadyRefunded = oneOf(r, settings.AlreadyRefundedRefuse, settings.AlreadyRefundedWarn)
	p.OnBuyerRequest = oneOf(r, settings.BuyerRequestHolds, settings.BuyerRequestHolds, settings.BuyerRequestAccepted)
	if r.chance(0.3) {
		p.Limits = []settings.Limit{{Amount: limit, Currency: currency}, {Actor: "supervisor", Amount: cents(10_000_00), Currency: currency}}
	}
	return r.inSomeMode(s)
}

// limit is what may be refunded of an order without approval, where there is one.
var limit = cents(60_00)

func (r *run) inSomeMode(s settings.Settings) settings.Settings {
	mode := r.random.IntN(3)
	s.Queue, s.AutoSubmit = mode > 0, mode > 1
	return s
}

func oneOf[T any](r *run, words ...T) T { return words[r.random.IntN(len(words))] }

// judge says what becomes of a call; left tells to leave the worker there.
func (r *run) judge(w *worker, s *stop) (v verdict, left bool) {
	if r.calm {
		return proceed, false
	}
	c := r.weather
	if s.what == "amazon "+opCreateFeed && c.hot > 0 {
		c.fail, c.crash, c.suspend = c.hot, c.hot/3, c.hot
	}
	switch {
	case w.doing != handingOver || s.what != "store SaveCancellations":
	case s.after:
		c.suspend = 0 // it has left: what comes now is late
	case c.hot > 0:
		c.suspend = 0.5 // between what the gate says and the parcel's leaving
	}
	if again := w.failing; again.times > 0 && again.what == s.what && !s.after {
		w.failing.times--
		r.breakCall(s)
		return r.verdictOf(s), false
	}
	switch dice := r.random.Float64(); {
	case dice < c.fail:
		if strings.HasPrefix(s.what, "amazon ") && !s.after && s.what != "amazon "+opCreateFeed && r.chance(0.5) {
			w.failing = failing{s.what, maxTries - 1} // until the client gives up
		}
		r.figures.Faults++
		r.breakCall(s)
		return r.verdictOf(s), false
	case dice < c.fail+c.crash:
		return crash, false
	case dice < c.fail+c.crash+c.suspend:
		return proceed, true
	}
	return proceed, false
}

// maxTries is how often the client tries a call.
const maxTries = 5

// failing is a call that will fail some more times.
type failing struct {
	what  string
	times int
}

// breakCall draws what goes wrong with a call to Amazon that has not left yet.
// Without a fault the call does not leave at all.
func (r *run) breakCall(s *stop) {
	if s.after || !strings.HasPrefix(s.what, "amazon ") {
		return
	}
	faults := []amazontest.Fault{
		{},
		{Drop: true},
		{Status: http.StatusServiceUnavailable},
	}
	if s.what == "amazon "+opCreateFeed {
		faults = append(faults,
			amazontest.Fault{Drop: true, After: true},
			amazontest.Fault{Status: http.StatusInternalServerError, After: true},
			amazontest.Fault{Status: http.StatusForbidden},
			amazontest.Fault{Status: http.StatusBadRequest},
			amazontest.Fault{Body: "<html>maintenance</html>", ContentType: "text/html"},
			amazontest.Fault{Late: r.upTo(time.Minute)},
			amazontest.Fault{Late: r.upTo(70 * time.Minute)}, // its token lives an hour
		)
	}
	r.fault = faults[r.random.IntN(len(faults))]
}

// verdictOf is what a call that is to fail is told: it goes on when Amazon will
// see to the fault.
func (r *run) verdictOf(s *stop) verdict {
	if r.fault != (amazontest.Fault{}) {
		r.tell("  Amazon will answer with %+v", r.fault)
		return proceed
	}
	return fail
}

// takeFault is what goes wrong with the call that has just arrived.
func (r *run) takeFault() (f amazontest.Fault) {
	f, r.fault = r.fault, amazontest.Fault{}
	return f
}

// throttles tells whether Amazon refuses a createFeed for its rate.
func (r *run) throttles() bool {
	if r.calm || !r.chance(r.weather.hot/4) {
		return false
	}
	r.figures.Faults++
	r.tell("  Amazon throttles")
	return true
}

// fate draws what becomes of a feed.
func (r *run) fate(f amazontest.Feed) (fate amazontest.Fate) {
	defer func() { r.tell("  Amazon has feed %s of %s, stranger %t, fate %+v", f.ID, f.Seller, f.Stranger, fate) }()
	if r.calm || !r.chance(r.weather.fate) {
		return fate
	}
	r.figures.Faults++
	switch r.random.IntN(9) {
	case 0:
		fate.Queued = r.upTo(30 * time.Hour)
	case 1:
		fate.InProgress = r.upTo(30 * time.Hour)
	case 2:
		fate.End = amazon.FeedCancelled
	case 3:
		fate.End, fate.Messages = amazon.FeedFatal, r.random.IntN(4)
	case 4, 5:
		wrong := []amazontest.ReportFate{amazontest.ReportMissing, amazontest.ReportMiscounted, amazontest.ReportCutOff, amazontest.ReportPlain}
		fate.Report = wrong[r.random.IntN(len(wrong))]
	case 6:
		fate.Unknown = r.upTo(time.Hour)
	default:
		fate.Unlisted = r.upTo(lag)
	}
	return fate
}

// others draws what others do meanwhile: another application's feed, a refund that
// the library knows nothing of, a buyer who changes their mind, a carrier, Amazon's
// settlement, a merchant who changes the mode.
func (r *run) others() error {
	switch dice := r.random.IntN(20); {
	case dice < 11 && len(r.world.strange) > 0:
		return r.strangersFeed()
	case dice < 13:
		return r.past()
	case dice < 15:
		return r.changesMind()
	case dice < 17:
		r.carry()
		return nil
	case dice < 18:
		return r.closePeriod(r.anyAccount())
	}
	company := r.anyAccount().Company
	r.world.settings[company] = r.inSomeMode(r.world.settings[company])
	r.tell("%s: mode %s", company, r.world.settings[company].Mode())
	return nil
}

func (r *run) strangersFeed() error {
	var senders []amazon.Account
	for _, a := range r.world.accounts {
		if a.OtherSenders {
			senders = append(senders, a)
		}
	}
	a := senders[r.random.IntN(len(senders))]
	r.figures.Faults++
	if r.chance(0.3) {
		_, err := r.world.fake.AddFeed(a.Merchant, amazon.CancelFeed, nil, marketplace)
		return err
	}
	var ms []amazon.Numbered
	for n := range 1 + r.random.IntN(2) {
		ms = append(ms, amazon.Numbered{ID: amazon.MessageID(n + 1), Message: amazon.Adjustment{
			Order: r.world.strange[a.ID], Item: []string{strangeItem, "99000000000002"}[n], // the second one is refused
			AdjustmentID: fmt.Sprintf("OTHER-%d", n+1), Reason: amazon.RefundGeneralAdjustment, Currency: currency,
			Amounts: order.Amounts{order.Principal: cents(3)},
		}})
	}
	document, err := amazon.Encode(a.Merchant, amazon.RefundFeed, ms)
	if err != nil {
		return err
	}
	_, err = r.world.fake.AddFeed(a.Merchant, amazon.RefundFeed, document, marketplace)
	return err
}
