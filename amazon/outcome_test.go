package amazon_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/amazon"
)

func counts(processed, successful, withError int) *amazon.Summary {
	return &amazon.Summary{Processed: processed, Successful: successful, WithError: withError}
}

func failed(id amazon.MessageID, code int, text string) amazon.Result {
	return amazon.Result{MessageID: id, ResultCode: "Error", Code: code, Description: text}
}

func warned(id amazon.MessageID, text string) amazon.Result {
	return amazon.Result{MessageID: id, ResultCode: "Warning", Code: 5000, Description: text}
}

func TestOutcomes(t *testing.T) {
	accepted := amazon.Outcome{Verdict: amazon.VerdictAccepted}
	refused := func(code int, text string) amazon.Outcome {
		return amazon.Outcome{Verdict: amazon.VerdictRefused, Code: code, Text: text}
	}
	indefinite := func(code int, text string) amazon.Outcome {
		return amazon.Outcome{Verdict: amazon.VerdictIndefinite, Code: code, Text: text}
	}
	unknown := func(text string) amazon.Outcome {
		return amazon.Outcome{Verdict: amazon.VerdictUnknown, Text: text}
	}
	with := func(o amazon.Outcome, warnings ...string) amazon.Outcome {
		o.Warnings = warnings
		return o
	}
	type results = []amazon.Result

	// Messages 7 and 8 were sent.
	for _, test := range []struct {
		name         string
		status       string
		summary      *amazon.Summary
		results      results
		seven, eight amazon.Outcome
	}{
		{"both succeeded", "Complete", counts(2, 2, 0), nil, accepted, accepted},
		{"one refused", "Complete", counts(2, 1, 1), results{failed(8, 18028, "no such order")}, accepted, refused(18028, "no such order")},
		{"both refused", "Complete", counts(2, 0, 2), results{failed(7, 18028, "a"), failed(8, 18021, "b")}, refused(18028, "a"), refused(18021, "b")},
		{"warnings are no failures", "Complete", counts(2, 2, 0), results{warned(7, "a"), warned(7, "b"), warned(0, "c")}, with(accepted, "a", "b", "c"), with(accepted, "c")},
		{"warning beside an error", "Complete", counts(2, 1, 1), results{warned(8, "w"), failed(8, 18028, "e")}, accepted, with(refused(18028, "e"), "w")},

		{"two errors of a message count once", "Complete", counts(2, 1, 1), results{failed(8, 18028, "a"), failed(8, 18021, "b")}, accepted, refused(18028, "a; b")},
		{"errors counted, not messages", "Complete", counts(2, 1, 2), results{failed(8, 18028, "a"), failed(8, 18021, "b")}, accepted, refused(18028, "a; b")},
		{"the same error twice", "Complete", counts(2, 0, 2), results{failed(8, 18028, "a"), failed(8, 18028, "a")},
			unknown("messages processed: 2, successful: 0, with an error: 1"), refused(18028, "a; a")},
		{"an indefinite error decides over others", "Complete", counts(2, 1, 1), results{failed(8, 18028, "a"), failed(8, 5002, "b")}, accepted, indefinite(5002, "a; b")},
		{"internal error", "Complete", counts(2, 1, 1), results{failed(7, 5002, "resubmit")}, indefinite(5002, "resubmit"), accepted},
		{"aborted", "Complete", counts(2, 1, 1), results{failed(7, 5003, "too many errors")}, indefinite(5003, "too many errors"), accepted},

		{"document refused", "Rejected", counts(0, 0, 1), results{failed(0, 5000, "malformed")}, refused(5000, "malformed"), refused(5000, "malformed")},
		{"document refused, called complete", "Complete", counts(0, 0, 0), results{failed(0, 5000, "malformed")}, refused(5000, "malformed"), refused(5000, "malformed")},
		{"document refused, one message by itself", "Rejected", counts(0, 0, 2), results{failed(0, 5000, "d"), failed(7, 18028, "m"), warned(8, "w")}, refused(18028, "m"), with(refused(5000, "d"), "w")},
		{"document stopped by an internal error", "Complete", counts(0, 0, 1), results{failed(0, 5002, "resubmit")}, indefinite(5002, "resubmit"), indefinite(5002, "resubmit")},
		{"document error after some were processed", "Complete", counts(1, 1, 1), results{failed(0, 5003, "aborted")},
			unknown("messages sent: 2, processed: 1; error 5003 is about the whole document: aborted"),
			unknown("messages sent: 2, processed: 1; error 5003 is about the whole document: aborted")},
		{"document error though all were processed", "Complete", counts(2, 2, 0), results{failed(0, 5000, "d")},
			unknown("error 5000 is about the whole document: d"), unknown("error 5000 is about the whole document: d")},
		{"document error without a summary", "Rejected", nil, results{failed(0, 5000, "d")},
			unknown(`the report's status is "Rejected", not Complete; the report has no summary; error 5000 is about the whole document: d`),
			unknown(`the report's status is "Rejected", not Complete; the report has no summary; error 5000 is about the whole document: d`)},
		{"document error while processing goes on", "Processing", counts(0, 0, 1), results{failed(0, 5000, "d"), failed(7, 1, "m")}, refused(1, "m"),
			unknown(`the report's status is "Processing", not Complete; messages sent: 2, processed: 0; messages processed: 0, successful: 0, with an error: 1; error 5000 is about the whole document: d`)},
		{"document refused in another document's report", "Complete", counts(0, 0, 1), results{failed(0, 5000, "d"), failed(9, 1, "f")},
			unknown("messages sent: 2, processed: 0; a result is about message 9, which was not sent in this document; error 5000 is about the whole document: d"),
			unknown("messages sent: 2, processed: 0; a result is about message 9, which was not sent in this document; error 5000 is about the whole document: d")},

		{"empty report", "", nil, nil, unknown(`the report's status is "", not Complete; the report has no summary`), unknown(`the report's status is "", not Complete; the report has no summary`)},
		{"not complete", "Processing", counts(2, 2, 0), nil, unknown(`the report's status is "Processing", not Complete`), unknown(`the report's status is "Processing", not Complete`)},
		{"no summary", "Complete", nil, results{failed(8, 18028, "e")}, unknown("the report has no summary"), refused(18028, "e")},
		{"too few processed", "Complete", counts(1, 1, 0), nil, unknown("messages sent: 2, processed: 1"), unknown("messages sent: 2, processed: 1")},
		{"too many processed", "Complete", counts(3, 3, 0), nil, unknown("messages sent: 2, processed: 3"), unknown("messages sent: 2, processed: 3")},
		{"nothing processed, no error", "Complete", counts(0, 0, 0), nil, unknown("messages sent: 2, processed: 0"), unknown("messages sent: 2, processed: 0")},
		{"an error that is not listed", "Complete", counts(2, 1, 1), nil,
			unknown("messages processed: 2, successful: 1, with an error: 0; errors counted: 1, listed: 0"),
			unknown("messages processed: 2, successful: 1, with an error: 0; errors counted: 1, listed: 0")},
		{"an error counted beside all successes", "Complete", counts(2, 2, 1), nil, unknown("errors counted: 1, listed: 0"), unknown("errors counted: 1, listed: 0")},
		{"an error that is not counted", "Complete", counts(2, 1, 0), results{failed(8, 18028, "e")}, accepted, refused(18028, "e")},
		{"an error of a message counted as success", "Complete", counts(2, 2, 0), results{failed(8, 18028, "e")},
			unknown("messages processed: 2, successful: 2, with an error: 1"), refused(18028, "e")},
		{"warning about a foreign message", "Complete", counts(2, 2, 0), results{warned(9, "w")},
			unknown("a result is about message 9, which was not sent in this document"),
			unknown("a result is about message 9, which was not sent in this document")},
		{"error about a foreign message", "Complete", counts(2, 1, 1), results{failed(8, 18028, "e"), failed(9, 18028, "f")},
			unknown("a result is about message 9, which was not sent in this document"), refused(18028, "e")},
		{"a word that is neither error nor warning", "Complete", counts(2, 2, 0), results{{MessageID: 7, ResultCode: "Fatal", Code: 1}},
			unknown(`result code "Fatal": neither Error nor Warning`), accepted},
		{"such a word about the document", "Complete", counts(2, 2, 0), results{{ResultCode: "Fatal", Code: 1}},
			unknown(`result code "Fatal" about the whole document`), unknown(`result code "Fatal" about the whole document`)},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := amazon.ProcessingReport{StatusCode: test.status, Summary: test.summary, Results: test.results}
			want := map[amazon.MessageID]amazon.Outcome{7: test.seven, 8: test.eight}
			if diff := cmp.Diff(want, p.Outcomes([]amazon.MessageID{7, 8})); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOutcomesOfNothingSent(t *testing.T) {
	p := amazon.ProcessingReport{StatusCode: "Complete", Summary: counts(0, 0, 0)}
	assert.Equal(t, map[amazon.MessageID]amazon.Outcome{}, p.Outcomes(nil))
}

func TestIndefinite(t *testing.T) {
	for code, want := range map[int]bool{0: false, 5000: false, 5001: false, 5002: true, 5003: true, 5004: false, 18028: false} {
		assert.Equal(t, want, amazon.Indefinite(code), "code %d", code)
	}
}

// drawReport draws reports that add up and reports that nearly do.
func drawReport(t *rapid.T, sent []amazon.MessageID) amazon.ProcessingReport {
	n := len(sent)
	near := rapid.IntRange(max(0, n-2), n+1)
	ids := append([]amazon.MessageID{0, 99}, sent...)
	p := amazon.ProcessingReport{
		StatusCode: rapid.SampledFrom([]string{"Complete", "Complete", "Complete", "Rejected", "Processing", ""}).Draw(t, "status"),
		Results: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) amazon.Result {
			return amazon.Result{
				MessageID:   rapid.SampledFrom(ids).Draw(t, "id"),
				ResultCode:  rapid.SampledFrom([]string{"Error", "Error", "Warning", "Warning", "Fatal"}).Draw(t, "result"),
				Code:        rapid.SampledFrom([]int{18028, 5000, 5002, 5003}).Draw(t, "code"),
				Description: rapid.StringN(0, 5, -1).Draw(t, "text"),
			}
		}), 0, 3).Draw(t, "results"),
	}
	if rapid.IntRange(0, 5).Draw(t, "summary") > 0 {
		p.Summary = &amazon.Summary{
			Processed:   rapid.OneOf(rapid.Just(n), near, rapid.Just(0)).Draw(t, "processed"),
			Successful:  near.Draw(t, "successful"),
			WithError:   rapid.IntRange(0, 2).Draw(t, "with error"),
			WithWarning: rapid.IntRange(0, 2).Draw(t, "with warning"),
		}
	}
	return p
}

func verdicts(os map[amazon.MessageID]amazon.Outcome) map[amazon.MessageID]amazon.Verdict {
	vs := map[amazon.MessageID]amazon.Verdict{}
	for id, o := range os {
		vs[id] = o.Verdict
	}
	return vs
}

// Money is booked as paid on Accepted and given free on Refused: neither may
// ever come from a report that leaves it open.
func TestOutcomesProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sent := rapid.SliceOfNDistinct(rapid.Map(rapid.Int64Range(1, 9), func(n int64) amazon.MessageID { return amazon.MessageID(n) }), 0, 4, rapid.ID).Draw(t, "sent")
		p := drawReport(t, sent)
		outcomes := p.Outcomes(sent)

		require.ElementsMatch(t, sent, slices.Collect(maps.Keys(outcomes)), "every message has an outcome, and no other")

		// Counted here in another way than in the code under test.
		errorsOf := map[amazon.MessageID][]int{}
		foreign := false
		for _, r := range p.Results {
			foreign = foreign || r.MessageID == 99
			if r.ResultCode == "Error" {
				errorsOf[r.MessageID] = append(errorsOf[r.MessageID], r.Code)
			}
		}
		ownFailures := len(errorsOf)
		for _, other := range []amazon.MessageID{0, 99} {
			if _, found := errorsOf[other]; found {
				ownFailures--
			}
		}
		addsUp := p.StatusCode == "Complete" && !foreign && len(errorsOf[0]) == 0 &&
			p.Summary != nil && p.Summary.Processed == len(sent) && p.Summary.Successful+ownFailures == len(sent)
		nothingDone := len(errorsOf[0]) > 0 && p.Summary != nil && p.Summary.Processed == 0 && p.Summary.Successful == 0

		for id, o := range outcomes {
			switch o.Verdict {
			case amazon.VerdictAccepted:
				require.True(t, addsUp, "message %d accepted by a report that does not add up", id)
				require.Empty(t, errorsOf[id], "message %d accepted in spite of its error", id)
			case amazon.VerdictRefused:
				require.True(t, len(errorsOf[id]) > 0 || nothingDone, "message %d refused without an error", id)
				require.False(t, slices.ContainsFunc(errorsOf[id], amazon.Indefinite), "message %d refused by an indefinite error", id)
			case amazon.VerdictIndefinite:
				require.True(t, amazon.Indefinite(o.Code), "message %d", id)
			case amazon.VerdictUnknown:
				require.Empty(t, errorsOf[id], "message %d has an error of its own", id)
				require.NotEmpty(t, o.Text, "message %d: unknown without a word why", id)
			default:
				require.Fail(t, "no verdict", "message %d: %q", id, o.Verdict)
			}
		}

		slices.Reverse(p.Results)
		require.Equal(t, verdicts(outcomes), verdicts(p.Outcomes(sent)), "the order of results matters")
		again := append(slices.Clone(sent), sent...)
		require.Equal(t, verdicts(outcomes), verdicts(p.Outcomes(again)), "an ID given twice matters")
	})
}
