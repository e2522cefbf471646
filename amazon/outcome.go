package amazon

import (
	"fmt"
	"slices"
	"strings"
)

// Verdict is what a processing report means for one message.
type Verdict string

const (
	VerdictAccepted   Verdict = "Accepted"   // Amazon did what the message asked
	VerdictRefused    Verdict = "Refused"    // Amazon says that it did nothing of the message
	VerdictIndefinite Verdict = "Indefinite" // an error that does not say whether something was done; see [Indefinite]
	VerdictUnknown    Verdict = "Unknown"    // the report does not tell
)

// Outcome is what became of one message.
type Outcome struct {
	Verdict  Verdict
	Code     int      // Amazon's code when refused or indefinite
	Text     string   // Amazon's words about it, or why the outcome is unknown
	Warnings []string // Amazon's warnings about the message or its document; they are no failure
}

// indefinite lists the codes after which part of a message may have had its
// effect. Source: Amazon's "Marketplace Feeds: Error Codes", as of 2026-08.
var indefinite = [...]int{
	5002, // internal error
	5003, // too many errors, processing aborted
}

// Indefinite reports whether an error with this code leaves open if the message
// had its effect.
func Indefinite(code int) bool { return slices.Contains(indefinite[:], code) }

// Outcomes tells what the report of a feed that is DONE means for each message
// that was sent in it. The map has every ID in sent and no other.
//
// An Error under its ID decides about a message: it is refused, or indefinite if
// one of its codes is, by [Indefinite] or among those given as more. Without one, a message is accepted only when the whole
// report adds up: it is Complete, it has counted every message that was sent,
// each of them succeeded or has an Error that is listed, no result is about a
// message of another document, and no Error is about the document as a whole.
//
// When nothing was processed and an Error is about the document as a whole,
// Amazon refused the document and so every message. In all other cases a
// message without an Error is unknown: that none is listed proves nothing when
// the report does not add up. So is one whose result is neither Error nor
// Warning.
func (p ProcessingReport) Outcomes(sent []MessageID, more ...int) map[MessageID]Outcome {
	of := p.byMessage(sent)
	doubts := of.doubts(p)
	refusal, refused := of.documentRefusal(p, more)

	outcomes := make(map[MessageID]Outcome, len(of.sent))
	for id, own := range of.sent {
		var o Outcome
		switch {
		case len(own.errors) > 0:
			o = failure(own.errors, more)
		case len(own.other) > 0:
			o = Outcome{Verdict: VerdictUnknown, Text: fmt.Sprintf("result code %.40q: neither %s nor %s", own.other[0].ResultCode, resultError, resultWarning)}
		case refused:
			o = refusal
		case len(doubts) > 0:
			o = Outcome{Verdict: VerdictUnknown, Text: strings.Join(doubts, "; ")}
		default:
			o = Outcome{Verdict: VerdictAccepted}
		}
		o.Warnings = slices.Concat(own.warnings, of.document.warnings)
		outcomes[id] = o
	}
	return outcomes
}

// findings are the results about one message, or about the document.
type findings struct {
	errors   []Result
	warnings []string
	other    []Result
}

func (f *findings) add(r Result) {
	switch r.ResultCode {
	case resultError:
		f.errors = append(f.errors, r)
	case resultWarning:
		f.warnings = append(f.warnings, r.Description)
	default:
		f.other = append(f.other, r)
	}
}

// grouped are the results of a report by what they are about.
type grouped struct {
	sent     map[MessageID]*findings
	document findings
	foreign  []MessageID
}

func (p ProcessingReport) byMessage(sent []MessageID) grouped {
	g := grouped{sent: make(map[MessageID]*findings, len(sent))}
	for _, id := range sent {
		g.sent[id] = &findings{}
	}
	for _, r := range p.Results {
		own, found := g.sent[r.MessageID]
		switch {
		case r.MessageID == 0:
			g.document.add(r)
		case found:
			own.add(r)
		default:
			g.foreign = append(g.foreign, r.MessageID)
		}
	}
	return g
}

// doubts are the reasons why silence about a message proves nothing.
func (g grouped) doubts(p ProcessingReport) []string {
	var ds []string
	doubt := func(format string, args ...any) { ds = append(ds, fmt.Sprintf(format, args...)) }

	failed, listed := 0, len(g.document.errors)
	for _, own := range g.sent {
		if len(own.errors) > 0 {
			failed++
		}
		listed += len(own.errors)
	}
	if p.StatusCode != statusComplete {
		doubt("the report's status is %.40q, not %s", p.StatusCode, statusComplete)
	}
	if s := p.Summary; s == nil {
		doubt("the report has no summary")
	} else {
		if s.Processed != len(g.sent) {
			doubt("messages sent: %d, processed: %d", len(g.sent), s.Processed)
		}
		if s.Successful+failed != s.Processed {
			doubt("messages processed: %d, successful: %d, with an error: %d", s.Processed, s.Successful, failed)
		}
		// Whether Amazon counts messages or errors here is not documented;
		// either way, one that is counted and not listed could be anybody's.
		if s.WithError > listed {
			doubt("errors counted: %d, listed: %d", s.WithError, listed)
		}
	}
	if len(g.foreign) > 0 {
		doubt("a result is about message %d, which was not sent in this document", g.foreign[0])
	}
	if len(g.document.errors) > 0 {
		e := g.document.errors[0]
		doubt("error %d is about the whole document: %s", e.Code, e.Description)
	}
	if len(g.document.other) > 0 {
		doubt("result code %.40q about the whole document", g.document.other[0].ResultCode)
	}
	return ds
}

// documentRefusal is the outcome of every message when Amazon refused the
// document unread.
func (g grouped) documentRefusal(p ProcessingReport, more []int) (Outcome, bool) {
	ended := p.StatusCode == statusComplete || p.StatusCode == statusRejected
	nothing := p.Summary != nil && p.Summary.Processed == 0 && p.Summary.Successful == 0
	if !ended || !nothing || len(g.foreign) > 0 || len(g.document.errors) == 0 {
		return Outcome{}, false
	}
	return failure(g.document.errors, more), true
}

// failure is the outcome of one or more errors: an indefinite one decides.
func failure(errs []Result, more []int) Outcome {
	o := Outcome{Verdict: VerdictRefused, Code: errs[0].Code}
	if i := slices.IndexFunc(errs, func(r Result) bool { return Indefinite(r.Code) || slices.Contains(more, r.Code) }); i >= 0 {
		o = Outcome{Verdict: VerdictIndefinite, Code: errs[i].Code}
	}
	texts := make([]string, len(errs))
	for i, r := range errs {
		texts[i] = r.Description
	}
	o.Text = strings.Join(texts, "; ")
	return o
}
