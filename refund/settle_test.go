package refund_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/settings"
)

func indefinite(item string) queue.Result {
	return queue.Result{Part: item, Verdict: amazon.VerdictIndefinite, Code: 5002, Text: "internal error"}
}

// byBob is a result that a person decided.
func byBob(r queue.Result) queue.Result {
	r.By = "bob"
	return r
}

// became is the entry in a new state with nothing else changed. Each state is a
// minute later than the one before.
func (s *shop) became(id queue.EntryID, to queue.State) queue.Entry {
	s.t.Helper()
	e := s.entry(id)
	e.State, e.Changed = to, order.Stamp{By: "bob", At: e.Changed.At.Add(time.Minute), Why: "so it is"}
	return e
}

// learned is the entry after these results of one attempt came, from 1, in the
// state that it has.
func (s *shop) learned(id queue.EntryID, attempt int, results ...queue.Result) queue.Entry {
	s.t.Helper()
	e := s.entry(id)
	for len(e.Attempts) < attempt {
		e.Attempts = append(e.Attempts, queue.Attempt{Batch: batch(len(e.Attempts) + 1), At: noon})
	}
	e.Attempts[attempt-1].Results = results
	return e
}

// alerts are the keys and texts of the alerts that stand.
func (s *shop) alerts() map[string]string {
	s.t.Helper()
	as, err := s.store.Alerts(s.t.Context(), order.AlertQuery{})
	require.NoError(s.t, err)
	texts := map[string]string{}
	for _, a := range as {
		assert.Equal(s.t, order.Operator, a.For)
		texts[a.Key] = a.Text
	}
	return texts
}

// findings are those alerts that are of more than a refusal.
func (s *shop) findings() map[string]string {
	s.t.Helper()
	texts := s.alerts()
	maps.DeleteFunc(texts, func(key, _ string) bool { return strings.HasPrefix(key, "refused/") })
	return texts
}

func (s *shop) outcomes(id queue.EntryID) (os []refund.Outcome) {
	s.t.Helper()
	for _, l := range s.refund(id).Lines {
		os = append(os, l.Outcome)
	}
	return os
}

// assertBalances compares what is posted and reserved on the order.
func (s *shop) assertBalances(posted, reserved string) {
	s.t.Helper()
	l := s.ledger()
	assert.Equal(s.t, posted, l.Total(order.Posted).StringFixed(2), "posted")
	assert.Equal(s.t, reserved, l.Total(order.Reserved).StringFixed(2), "reserved")
}

// The lamps cost 12.00 and the mug 4.00. Each step is applied after the one before.
func TestWhatAStateMeansForMoney(t *testing.T) {
	type step struct {
		to      queue.State
		attempt int
		results []queue.Result
	}
	sent := func(to queue.State, results ...queue.Result) step { return step{to, 1, results} }
	to := func(s queue.State) step { return step{to: s} }
	open, posted, voided := refund.LineOpen, refund.LinePosted, refund.LineVoided
	for _, tt := range []struct {
		name             string
		steps            []step
		lines            []refund.Outcome
		posted, reserved string
	}{
		{"given up", []step{sent(queue.EntryUnknownSent), to(queue.EntryGivenUp)}, []refund.Outcome{voided, voided}, "0.00", "0.00"},
		{"settled outside", []step{sent(queue.EntryUnknownSent), to(queue.EntrySettledOutside)}, []refund.Outcome{posted, posted}, "16.00", "0.00"},
		{"given up where it is open", []step{sent(queue.EntryNeedsDecision, accepted(lamp), indefinite(mug)), to(queue.EntryGivenUp)}, []refund.Outcome{posted, voided}, "12.00", "0.00"},
		{"settled outside where it is open", []step{sent(queue.EntryNeedsDecision, refused(lamp), indefinite(mug)), to(queue.EntrySettledOutside)}, []refund.Outcome{voided, posted}, "4.00", "0.00"},
		{"decided for one part", []step{sent(queue.EntryNeedsDecision, indefinite(lamp), indefinite(mug)), sent(queue.EntryNeedsDecision, refused(lamp), indefinite(mug))},
			[]refund.Outcome{voided, open}, "0.00", "4.00"},
		{"decided part by part", []step{
			sent(queue.EntryNeedsDecision, indefinite(lamp), indefinite(mug)), sent(queue.EntryNeedsDecision, refused(lamp), indefinite(mug)),
			sent(queue.EntryPartlyAccepted, refused(lamp), accepted(mug)),
		}, []refund.Outcome{voided, posted}, "4.00", "0.00"},
		{"sent anew where it is open", []step{sent(queue.EntryUnknownResult, accepted(lamp), unknown(mug)), to(queue.EntryQueued)}, []refund.Outcome{posted, open}, "12.00", "4.00"},
		{"sent anew, but not what was refused", []step{sent(queue.EntryUnknownResult, refused(lamp), unknown(mug)), to(queue.EntryQueued)}, []refund.Outcome{voided, open}, "0.00", "4.00"},
		{"sent anew and withdrawn", []step{sent(queue.EntryUnknownResult, accepted(lamp), unknown(mug)), to(queue.EntryQueued), to(queue.EntryWithdrawn)}, []refund.Outcome{posted, voided}, "12.00", "0.00"},
		{"Amazon cancelled the feed", []step{sent(queue.EntrySubmitted), to(queue.EntryQueued)}, []refund.Outcome{open, open}, "0.00", "16.00"},
		{"a part was done another way", []step{sent(queue.EntryNeedsDecision, indefinite(lamp), indefinite(mug)), sent(queue.EntryNeedsDecision, byBob(accepted(lamp)), indefinite(mug))},
			[]refund.Outcome{posted, open}, "12.00", "4.00"},
		{"all parts were done another way", []step{sent(queue.EntryUnknownSent), sent(queue.EntrySettledOutside, byBob(accepted(lamp)), byBob(accepted(mug)))},
			[]refund.Outcome{posted, posted}, "16.00", "0.00"},
		{"done another way, which Amazon had paid before", []step{
			sent(queue.EntryUnknownSent), to(queue.EntryQueued), {queue.EntryUnknownSent, 2, nil},
			sent(queue.EntryUnknownSent, accepted(lamp), accepted(mug)), {queue.EntrySettledOutside, 2, []queue.Result{byBob(accepted(lamp)), byBob(accepted(mug))}},
		}, []refund.Outcome{posted, posted}, "16.00", "0.00"},
		{"tried again after it was given up", []step{sent(queue.EntryUnknownSent), to(queue.EntryGivenUp), to(queue.EntryQueued)}, []refund.Outcome{open, open}, "0.00", "16.00"},
		{"tried again where it was not paid", []step{sent(queue.EntryNeedsDecision, accepted(lamp), indefinite(mug)), to(queue.EntryGivenUp), to(queue.EntryQueued)}, []refund.Outcome{posted, open}, "12.00", "4.00"},
		{"refused, tried again, and sent anew", []step{
			sent(queue.EntryRefused, refused(lamp), refused(mug)), to(queue.EntryQueued), {queue.EntryUnknownSent, 2, nil}, to(queue.EntryQueued),
		}, []refund.Outcome{open, open}, "0.00", "16.00"},
		{"refused, tried again, and the refusal comes once more", []step{
			sent(queue.EntryRefused, refused(lamp), refused(mug)), to(queue.EntryQueued), sent(queue.EntryQueued, refused(lamp), refused(mug)),
		}, []refund.Outcome{open, open}, "0.00", "16.00"},
		{"known from the books", []step{sent(queue.EntryUnknownResult, unknown(lamp), unknown(mug)), sent(queue.EntryUnknownResult, accepted(lamp), unknown(mug)), sent(queue.EntryAccepted, accepted(lamp), accepted(mug))},
			[]refund.Outcome{posted, posted}, "16.00", "0.00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newShop(t, settings.Settings{}, newOrder())
			id := s.issue(both("k")).ID
			for _, st := range tt.steps {
				e := s.became(id, st.to)
				if st.attempt > 0 {
					e.Attempts = s.learned(id, st.attempt, st.results...).Attempts
				}
				s.apply(e)
			}
			assert.Equal(t, tt.lines, s.outcomes(id))
			s.assertBalances(tt.posted, tt.reserved)
			assert.Empty(t, s.findings(), "nothing here contradicts anything")
		})
	}
}

// Whatever was decided, what Amazon did is posted, also beyond what was charged,
// and people are told.
func TestWhatAmazonDidIsPosted(t *testing.T) {
	for _, tt := range []struct {
		name      string
		given     func(*shop, queue.EntryID)
		attempt   int // whose acceptance comes late
		alert     string
		says      string
		paid      []queue.BatchID
		posted    string
		unchanged queue.State
	}{
		{"given up", func(s *shop, id queue.EntryID) {
			s.apply(s.sent(id, queue.EntryUnknownSent))
			s.apply(s.became(id, queue.EntryGivenUp))
		}, 1, "contradicted", "item " + lamp + ": Amazon paid it in batch acme-us-1, though it was taken for unpaid", []queue.BatchID{"acme-us-1"}, "20.00", queue.EntryGivenUp},
		{"settled outside", func(s *shop, id queue.EntryID) {
			s.apply(s.sent(id, queue.EntryUnknownSent))
			s.apply(s.became(id, queue.EntrySettledOutside))
		}, 1, "contradicted", "Amazon paid it in batch acme-us-1, beside what was done another way", []queue.BatchID{"", "acme-us-1"}, "40.00", queue.EntrySettledOutside},
		{"settled outside, part by part", func(s *shop, id queue.EntryID) {
			s.apply(s.sent(id, queue.EntryUnknownSent))
			e := s.became(id, queue.EntrySettledOutside)
			e.Attempts = s.learned(id, 1, byBob(accepted(lamp))).Attempts
			s.apply(e)
		}, 1, "contradicted", "beside what was done another way", []queue.BatchID{"", "acme-us-1"}, "40.00", queue.EntrySettledOutside},
		{"sent anew, and withdrawn", func(s *shop, id queue.EntryID) {
			s.apply(s.sent(id, queue.EntryUnknownSent))
			s.apply(s.became(id, queue.EntryQueued))
			s.apply(s.became(id, queue.EntryWithdrawn))
		}, 1, "contradicted", "though it was taken for unpaid", []queue.BatchID{"acme-us-1"}, "20.00", queue.EntryWithdrawn},
		{"sent anew, and accepted", func(s *shop, id queue.EntryID) {
			s.apply(s.sent(id, queue.EntryUnknownSent))
			s.apply(s.became(id, queue.EntryQueued))
			s.apply(s.sent(id, queue.EntryAccepted, accepted(lamp)))
		}, 1, "doubled", "item " + lamp + ": Amazon paid it in batch acme-us-1, after batch acme-us-2", []queue.BatchID{"acme-us-2", "acme-us-1"}, "40.00", queue.EntryAccepted},
		{"sent anew, and refused", func(s *shop, id queue.EntryID) {
			s.apply(s.sent(id, queue.EntryUnknownSent))
			s.apply(s.became(id, queue.EntryQueued))
			s.apply(s.sent(id, queue.EntryRefused, refused(lamp)))
		}, 1, "contradicted", "though it was taken for unpaid", []queue.BatchID{"acme-us-1"}, "20.00", queue.EntryRefused},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newShop(t, settings.Settings{}, newOrder())
			id := s.issue(exactly("k", "20.00")).ID
			other := s.issue(exactly("k2", "5.00")).ID
			tt.given(s, id)
			before := s.results(id)
			late := s.learned(id, tt.attempt, accepted(lamp))
			s.apply(late)

			key := tt.alert + "/" + string(id) + "/1"
			assert.Contains(t, s.alerts()[key], tt.says)
			assert.Len(t, s.findings(), 1)
			assert.Equal(t, tt.unchanged, s.entry(id).State)
			assert.Equal(t, tt.paid, s.refund(id).Lines[0].Paid)
			assert.Equal(t, refund.LinePosted, s.refund(id).Lines[0].Outcome)
			s.assertBalances(tt.posted, "5.00")
			assert.Equal(t, tt.posted, s.payment().Refunded.StringFixed(2))
			assert.Contains(t, s.lastNote(), tt.says)
			assert.Equal(t, before, s.results(id), "its state has not changed")
			assert.Contains(t, s.ledger().Postings[len(s.ledger().Postings)-1].By, "Amazon")

			// The same once more changes nothing.
			postings := s.ledger().Postings
			s.apply(s.learned(id, tt.attempt, accepted(lamp)))
			assert.Empty(t, cmp.Diff(postings, s.ledger().Postings))
			assert.Len(t, s.findings(), 1)

			aside := s.prepare(other)[0].Aside
			assert.Equal(t, tt.posted == "40.00", aside != nil, "held only when more is gone than was charged")
		})
	}
}

// results are what the journal says that a refund came to.
func (s *shop) results(id queue.EntryID) (texts []string) {
	for _, e := range s.events() {
		if e.Kind == order.EventResult && e.Subject == "refund "+string(id) {
			texts = append(texts, e.Text)
		}
	}
	return texts
}

func (s *shop) lastNote() string {
	s.t.Helper()
	es, err := s.store.Effects(s.t.Context(), noon.AddDate(1, 0, 0), 1000)
	require.NoError(s.t, err)
	es = slices.DeleteFunc(es, func(e order.Effect) bool { return e.Kind != order.EffectNote })
	require.NotEmpty(s.t, es)
	return es[len(es)-1].Note.Text
}

// Of two attempts on their way, the first pays from the reservation, the second
// beyond it. When the second one is refused, its entry says so, and people are told
// that it was paid all the same.
func TestTwoAttemptsOnTheirWay(t *testing.T) {
	under := func(t *testing.T) (*shop, queue.EntryID) {
		s := newShop(t, settings.Settings{}, newOrder())
		id := s.issue(exactly("k", "20.00")).ID
		s.apply(s.sent(id, queue.EntryUnknownSent))
		s.apply(s.became(id, queue.EntryQueued))
		s.apply(s.sent(id, queue.EntrySubmitted))
		s.apply(s.learned(id, 1, accepted(lamp)))
		s.assertBalances("20.00", "0.00")
		assert.Empty(t, s.alerts(), "what was asked for was paid, once")
		return s, id
	}
	t.Run("accepted", func(t *testing.T) {
		s, id := under(t)
		e := s.became(id, queue.EntryAccepted)
		e.Attempts = s.learned(id, 2, accepted(lamp)).Attempts
		s.apply(e)
		s.assertBalances("40.00", "0.00")
		assert.Contains(t, s.alerts(), "doubled/"+string(id)+"/2")
		assert.Equal(t, order.PartialRefund, s.payment().Status)
	})
	t.Run("refused", func(t *testing.T) {
		s, id := under(t)
		e := s.became(id, queue.EntryRefused)
		e.Attempts = s.learned(id, 2, refused(lamp)).Attempts
		s.apply(e)
		s.assertBalances("20.00", "0.00")
		assert.Contains(t, s.alerts()["contradicted/"+string(id)+"/2"], "was paid before, though its last attempt was refused")
		assert.ErrorIs(t, s.Apply(t.Context(), []queue.Entry{s.became(id, queue.EntryQueued)}), queue.ErrTransition, "nothing is left to try again")
	})
	t.Run("cancelled by Amazon", func(t *testing.T) {
		s, id := under(t)
		s.apply(s.became(id, queue.EntryQueued))
		s.assertBalances("20.00", "0.00")
		assert.Empty(t, s.prepare(id)[0].Messages, "there is nothing to send")
	})
}

// More is gone than was charged: what was not sent waits, unless it was allowed to
// go beyond.
func TestAnOrderThatIsOverHoldsItsRefunds(t *testing.T) {
	s := newShop(t, settings.Settings{AllowOverRefund: true}, newOrder())
	gift := ask(refund.Ask{Item: lamp, Amounts: goodwill("31.00")})
	gift.Key = "gift"
	id := s.issue(gift).ID
	other := s.issue(exactly("k2", "1.00")).ID
	s.apply(s.sent(id, queue.EntryUnknownSent))
	s.apply(s.became(id, queue.EntryQueued))
	s.apply(s.sent(id, queue.EntryAccepted, accepted(lamp)))
	require.Nil(t, s.prepare(other)[0].Aside)
	s.apply(s.learned(id, 1, accepted(lamp)))
	require.Nil(t, s.prepare(other)[0].Aside, "62.00 of 63.50")
	s.apply(s.learned(id, 3, accepted(lamp)))

	aside := s.prepare(other)[0].Aside
	require.NotNil(t, aside)
	assert.Equal(t, queue.EntryQueued, aside.State)
	assert.Equal(t, "the order is overdrawn: 29.50 USD more is posted than it says was charged", aside.Why)
	assert.Equal(t, order.OverRefund, s.payment().Status)
	s.assertBalances("93.00", "1.00")
}

// A refund that is renewed takes its money again, when it is there.
func TestGivenUpIsTriedAgain(t *testing.T) {
	s := newShop(t, settings.Settings{}, newOrder())
	id := s.issue(exactly("k", "20.00")).ID
	s.apply(s.sent(id, queue.EntryUnknownSent))
	s.apply(s.became(id, queue.EntryGivenUp))
	assert.Equal(t, "so it is", s.refund(id).Ended.Why)
	_, err := s.Issue(t.Context(), exactly("k", "20.00"))
	require.ErrorIs(t, err, refund.ErrEnded)

	other := s.issue(exactly("k2", "10.01")).ID
	require.ErrorIs(t, s.Apply(t.Context(), []queue.Entry{s.became(id, queue.EntryQueued)}), order.ErrOver)
	s.apply(s.became(other, queue.EntryWithdrawn))
	s.apply(s.became(id, queue.EntryQueued))
	s.assertBalances("0.00", "20.00")
	assert.Equal(t, order.Stamp{}, s.refund(id).Ended)
	s.apply(s.sent(id, queue.EntryAccepted, accepted(lamp)))
	s.assertBalances("20.00", "0.00")
	assert.Empty(t, s.alerts())
}

// However states, results and decisions follow each other: what is reserved is what
// the open lines hold, what is posted is what was paid, and nothing reserved is
// below zero.
func TestTheLedgerFollowsTheEvidence(t *testing.T) {
	verdicts := []amazon.Verdict{"", amazon.VerdictUnknown, amazon.VerdictAccepted, amazon.VerdictRefused, amazon.VerdictIndefinite}
	rapid.Check(t, func(r *rapid.T) {
		s := newShop(t, settings.Settings{}, newOrder())
		ids := []queue.EntryID{s.issue(both("k")).ID, s.issue(both("k2")).ID}
		settled := map[queue.EntryID][]string{} // the items that were done another way
		at := noon
		r.Repeat(map[string]func(*rapid.T){
			"a state": func(r *rapid.T) {
				id := rapid.SampledFrom(ids).Draw(r, "refund")
				e := s.entry(id)
				var next []queue.State
				for _, tr := range queue.EntryTransitions() {
					if tr.From == string(e.State) {
						next = append(next, queue.State(tr.To))
					}
				}
				if len(next) == 0 {
					return // Accepted for good
				}
				e.State = rapid.SampledFrom(next).Draw(r, "state")
				at = at.Add(time.Minute)
				e.Changed = order.Stamp{By: "bob", At: at}
				before := s.refund(id)
				switch e.State {
				case queue.EntryClaimed:
					if before.Ended != (order.Stamp{}) || len(e.Attempts) == 4 {
						return // enough
					}
					e.Attempts = append(e.Attempts, queue.Attempt{Batch: batch(len(e.Attempts) + 1), At: at})
				case queue.EntryAccepted, queue.EntryPartlyAccepted, queue.EntryRefused:
					return // follows from results
				}
				err := s.Apply(t.Context(), []queue.Entry{e})
				switch {
				case err == nil && e.State == queue.EntrySettledOutside:
					for _, l := range before.Lines {
						if l.Outcome == refund.LineOpen {
							settled[id] = append(settled[id], l.Item)
						}
					}
				case err != nil:
					retried := before.Ended != order.Stamp{}
					require.True(r, retried, "only what is tried again is refused: %v", err)
				}
			},
			"results": func(r *rapid.T) {
				id := rapid.SampledFrom(ids).Draw(r, "refund")
				e := s.entry(id)
				if len(e.Attempts) == 0 {
					return // never sent
				}
				i := rapid.IntRange(0, len(e.Attempts)-1).Draw(r, "attempt")
				a := &e.Attempts[i]
				var results []queue.Result
				refusals := 0
				for _, item := range []string{lamp, mug} {
					v := rapid.SampledFrom(verdicts).Draw(r, item)
					if slices.ContainsFunc(a.Results, func(res queue.Result) bool { return res.Part == item && res.Verdict == amazon.VerdictAccepted }) {
						v = amazon.VerdictAccepted // what is known stays known
					}
					if v == amazon.VerdictRefused {
						refusals++
					}
					results = append(results, queue.Result{Part: item, Verdict: v})
				}
				a.Results = results
				if i == len(e.Attempts)-1 && e.State.UnderWay() && refusals == 2 {
					at = at.Add(time.Minute)
					e.State, e.Changed = queue.EntryRefused, order.Stamp{By: "Amazon", At: at}
				}
				s.apply(e)
			},
			"": func(r *rapid.T) {
				l := s.ledger()
				posted, reserved := decimal.Zero, decimal.Zero
				for _, id := range ids {
					re, e := s.refund(id), s.entry(id)
					for _, line := range re.Lines {
						times := 0
						for _, a := range e.Attempts {
							times += len(slices.DeleteFunc(slices.Clone(a.Results), func(res queue.Result) bool {
								return res.Part != line.Item || res.Verdict != amazon.VerdictAccepted
							}))
						}
						if slices.Contains(settled[id], line.Item) {
							times++
						}
						require.Len(r, line.Paid, times, "item %s", line.Item)
						require.Equal(r, times > 0, line.Outcome == refund.LinePosted)
						held := order.Amounts{}
						if line.Outcome == refund.LineOpen {
							held = line.Amounts
						}
						require.True(r, l.Held(re.Cause(), line.Item).Equal(held), "item %s holds %s", line.Item, l.Held(re.Cause(), line.Item))
						posted = posted.Add(line.Amounts.Total().Mul(decimal.NewFromInt(int64(times))))
						reserved = reserved.Add(held.Total())
					}
				}
				require.Equal(r, posted.String(), l.Total(order.Posted).String())
				require.Equal(r, reserved.String(), l.Total(order.Reserved).String())
			},
		})
	})
}

// What Amazon refuses, wholly or in part, is an alert, once an attempt, with its words
// for each line. What a person gave up is none.
func TestARefusalIsAnAlert(t *testing.T) {
	for _, tt := range []struct {
		name    string
		to      queue.State
		results []queue.Result
		want    string // empty: no alert
	}{
		{"wholly", queue.EntryRefused, []queue.Result{refused(lamp), refused(mug)},
			"refused by Amazon: item " + lamp + ": 18028 more than was charged; item " + mug + ": 18028 more than was charged"},
		{"in part", queue.EntryPartlyAccepted, []queue.Result{accepted(lamp), refused(mug)}, "refused by Amazon: item " + mug + ": 18028 more than was charged"},
		{"given up in part", queue.EntryPartlyAccepted, []queue.Result{accepted(lamp), byBob(refused(mug))}, ""},
		{"given up", queue.EntryGivenUp, []queue.Result{byBob(refused(lamp)), byBob(refused(mug))}, ""},
		{"accepted", queue.EntryAccepted, []queue.Result{accepted(lamp), accepted(mug)}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newShop(t, settings.Settings{}, newOrder())
			id := s.issue(both("k")).ID
			e := s.sent(id, tt.to, tt.results...)
			s.apply(e)
			want := map[string]string{"refused/" + string(id) + "/1": tt.want}
			maps.DeleteFunc(want, func(_, text string) bool { return text == "" })
			assert.Equal(t, want, s.alerts())

			e.Version = s.entry(id).Version
			s.apply(e)
			assert.Equal(t, want, s.alerts(), "applied once more")
		})
	}
}

func TestEachAttemptIsRefusedForItself(t *testing.T) {
	d := newDesk(t, settings.Settings{})
	d.amazon.errors[lamp] = 18028
	id := d.issue(exactly("k", "12.00")).ID
	d.pass()
	require.Equal(t, queue.EntryRefused, d.entry(id).State)
	require.NoError(t, d.queue.Retry(t.Context(), "bob", "again", id))
	d.pass()
	want := map[string]string{}
	for _, attempt := range []string{"1", "2"} {
		want["refused/"+string(id)+"/"+attempt] = "refused by Amazon: item " + lamp + ": 18028 no"
	}
	assert.Equal(t, want, d.alerts())
}
