package settlement_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
)

// event is a payment that really happened at Amazon.
type event struct {
	item   string
	amount int // cents
	at     time.Time
	ours   string // adjustment ID, where Amazon gives it back
	kind   string // empty: Refund
}

func cents(n int) string { return decimal.New(int64(n), -2).StringFixed(2) }

// Whatever was asked for, refused, accepted or never answered, whatever Amazon did
// beside it, and in whatever order, parts and repetitions its settlements are
// imported: in the end the ledger has what happened, each booking is taken for one
// thing, and the books add up.
func TestTheLedgerIsTheSumOfTheTruth(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := oneMugLeft()
		o.Lines[1].Charges = principal("60.00")
		s := newShop(t, o)
		part := s.splitMug()
		var truth []event
		var waits []queue.EntryID // their answers come late
		hour := 0
		tick := func() time.Time {
			hour++
			s.now = noon.Add(time.Duration(hour) * time.Hour)
			return s.now
		}
		unshown := map[string]int{} // accepted money that no settlement shows
		for range rapid.IntRange(1, 7).Draw(rt, "refunds") {
			tick()
			item := rapid.SampledFrom([]string{lamp, mug}).Draw(rt, "item")
			amount := rapid.SampledFrom([]int{100, 150, 200}).Draw(rt, "amount")
			named := rapid.Bool().Draw(rt, "named")
			fate := rapid.SampledFrom([]string{"accepted", "accepted", "different", "missing", "twice", "refused", "withdrawn", "late", "lost", "Amazon"}).Draw(rt, "fate")
			if fate == "Amazon" {
				truth = append(truth, event{item, amount, tick().Add(30 * time.Minute), "", "A-to-z Guarantee Refund"})
				continue
			}
			if fate == "missing" {
				amount += 11 // else another payment of the same amount would pass for it
			}
			id := s.issue(item, principal(cents(amount)))
			pays := func(n int) {
				e := event{item: item, amount: n, at: tick().Add(30 * time.Minute)}
				if named {
					e.ours = string(id) + "-1-1"
				}
				truth = append(truth, e)
			}
			switch fate {
			case "accepted":
				s.sent(id, queue.EntryAccepted, amazon.VerdictAccepted)
				pays(amount)
			case "different":
				named = true
				s.sent(id, queue.EntryAccepted, amazon.VerdictAccepted)
				pays(amount - 3)
			case "twice":
				s.sent(id, queue.EntryAccepted, amazon.VerdictAccepted)
				pays(amount)
				pays(amount)
			case "missing":
				s.sent(id, queue.EntryAccepted, amazon.VerdictAccepted)
				unshown[item] += amount
			case "refused":
				s.sent(id, queue.EntryRefused, amazon.VerdictRefused)
			case "withdrawn":
				s.apply(s.entry(id), queue.EntryWithdrawn)
			case "late":
				s.sent(id, queue.EntryUnknownResult, amazon.VerdictUnknown)
				pays(amount)
				waits = append(waits, id)
			case "lost":
				s.sent(id, queue.EntryUnknownSent, amazon.VerdictUnknown)
				waits = append(waits, id)
			}
		}
		gone := rapid.SampledFrom([]string{"waits", "accepted", "twice", "refused", "late", "contradicted"}).Draw(rt, "part")
		times := map[string]int{"accepted": 1, "twice": 2, "late": 1, "contradicted": 1}[gone]
		tick()
		switch gone {
		case "accepted", "twice":
			s.cancelled(part, queue.EntryAccepted, amazon.VerdictAccepted)
		case "refused", "contradicted":
			s.cancelled(part, queue.EntryRefused, amazon.VerdictRefused)
		case "late":
			s.cancelled(part, queue.EntryUnknownResult, amazon.VerdictUnknown)
		}
		for range times {
			e := event{item: mug, amount: 3000, at: tick().Add(30 * time.Minute)}
			if rapid.Bool().Draw(rt, "part named") {
				e.ours = string(part) + "-1-1"
			}
			truth = append(truth, e)
		}
		files := settle(rt, truth)
		for i := range rapid.IntRange(len(files), 2*len(files)+1).Draw(rt, "imports") {
			file := files[i%len(files)]
			if i >= len(files) {
				file = rapid.SampledFrom(files).Draw(rt, "again")
			}
			fault := &faulty{Store: s.memory, at: rapid.IntRange(0, 4).Draw(rt, "fails"), late: rapid.Bool().Draw(rt, "late")}
			s.store = fault
			s.open(noSettings)
			if _, err := s.read(file); err != nil {
				require.ErrorIs(rt, err, errDown)
			}
			s.store = s.memory
			s.open(noSettings)
			_, err := s.read(file)
			require.NoError(rt, err)
		}
		for _, id := range waits { // what the queue hears from the settlement, or a person says
			shown := slices.ContainsFunc(s.bookings(), func(b settlement.Booking) bool { return b.Refund == id })
			if shown {
				s.answered(id, queue.EntryAccepted, amazon.VerdictAccepted)
			} else {
				s.apply(s.entry(id), queue.EntryGivenUp)
			}
		}
		if late := s.entry(part); gone == "late" {
			late.Attempts[0].Results[0].Verdict = amazon.VerdictAccepted
			s.became(late, queue.EntryAccepted)
		}
		_, err := s.Retry(t.Context(), acme)
		require.NoError(rt, err)

		want := map[string]int{}
		for item, n := range unshown {
			want[item] += n
		}
		for _, e := range truth {
			want[e.item] += e.amount
		}
		for item, n := range want {
			posted := s.ledger().Sum(order.Posted, item).Total()
			require.Equal(rt, cents(n), posted.StringFixed(2), "%s: %s", item, s.ends())
		}
		bs := s.bookings()
		require.Len(rt, bs, len(truth))
		taken := slices.DeleteFunc(slices.Clone(bs), func(b settlement.Booking) bool { return b.Cancellation != part })
		require.Len(rt, taken, times, "%s", gone)
		rows := map[string]bool{}
		for _, b := range bs {
			require.NotEmpty(rt, b.Match)
			for _, row := range b.Rows {
				name := fmt.Sprint(b.Settlement, row)
				require.False(rt, rows[name], "row %s is in two bookings", name)
				rows[name] = true
			}
		}
		require.NoError(rt, s.ends().Check())
		rs, err := s.refunds.Refunds(t.Context(), refund.Query{})
		require.NoError(rt, err)
		for _, r := range rs {
			for _, l := range r.Lines {
				for _, id := range l.Bookings {
					require.True(rt, slices.ContainsFunc(bs, func(b settlement.Booking) bool { return b.ID == id && b.Refund == r.ID }))
				}
			}
		}
	})
}

// settle spreads payments over settlements, in any order.
func settle(rt *rapid.T, truth []event) []string {
	truth = slices.Clone(truth)
	slices.SortStableFunc(truth, func(a, b event) int { return a.at.Compare(b.at) })
	var files []string
	for i, part := range slices.Collect(slices.Chunk(truth, max(1, rapid.IntRange(1, 4).Draw(rt, "settlements")))) {
		r := report{id: fmt.Sprint(500 + i), start: noon.Add(-day)}
		part = rapid.Permutation(part).Draw(rt, "rows")
		for n, e := range part {
			r.rows = append(r.rows, with(paid(e.item, e.at, "Principal", cents(e.amount)), func(row *row) {
				row.kind = cmp.Or(e.kind, row.kind)
				row.ours, row.adjustment = e.ours, fmt.Sprintf("amzn1:crow:%d-%d", i, n)
			})...)
		}
		files = append(files, r.v2())
	}
	if len(files) == 0 {
		files = []string{report{id: "500"}.v2()}
	}
	slices.SortFunc(files, func(a, b string) int { return cmp.Compare(len(a), len(b)) })
	return rapid.Permutation(files).Draw(rt, "files")
}

func FuzzImport(f *testing.F) {
	f.Add(day500().v2())
	f.Add(v1)
	f.Add(xml)
	f.Add(strings.ReplaceAll(day500().v2(), "Refund", "Refund - Reversal"))
	f.Fuzz(func(t *testing.T, file string) {
		s := newShop(t, newOrder())
		s.accepted(lamp, principal("10.00"))
		in, err := s.read(file)
		if err != nil {
			require.NotErrorIs(t, err, settlement.ErrUnbalanced)
			return
		}
		posted := s.posted(lamp) + s.posted(mug)
		_, err = s.read(file)
		require.NoError(t, err)
		require.Equal(t, posted, s.posted(lamp)+s.posted(mug))
		require.NoError(t, s.ends().Check())
		_ = in
	})
}
