package main

import (
	"encoding/json"
	"fmt"
	"io"
)

// story is what the program tells: a text for people, or the counts as JSON.
type story struct {
	out    io.Writer
	asJSON bool
	told   summary
}

// summary is what -json prints.
type summary struct {
	Steps        []*step `json:"steps"`
	PaidByAmazon string  `json:"paid_by_amazon"`
	PostedByUs   string  `json:"posted_by_us"`
	LedgerEqual  bool    `json:"ledger_equal"`
}

// step is one thing that is done during the day, with what was counted.
type step struct {
	Name   string         `json:"step"`
	Counts map[string]int `json:"counts"`
}

func newStory(out io.Writer, asJSON bool) *story {
	return &story{out: out, asJSON: asJSON}
}

// part begins a part of the day.
func (s *story) part(title string) { s.say("\n# %s", title) }

// step begins a step; what is counted from now on is its.
func (s *story) step(name, title string) {
	s.told.Steps = append(s.told.Steps, &step{Name: name, Counts: map[string]int{}})
	s.say("\n%s", title)
}

func (s *story) say(format string, args ...any) {
	if !s.asJSON {
		fmt.Fprintf(s.out, format+"\n", args...)
	}
}

// count adds to one of the counts of the step.
func (s *story) count(what string, n int) {
	s.told.Steps[len(s.told.Steps)-1].Counts[what] += n
}

// books tells how our ledgers stand to Amazon's.
func (s *story) books(amazon, ours string, equal bool) {
	s.told.PaidByAmazon, s.told.PostedByUs, s.told.LedgerEqual = amazon, ours, equal
	s.say("  paid by Amazon: %s\n  posted by us:   %s", amazon, ours)
}

// finish prints what was counted, as JSON.
func (s *story) finish() error {
	if !s.asJSON {
		return nil
	}
	enc := json.NewEncoder(s.out)
	enc.SetIndent("", "  ")
	return enc.Encode(s.told)
}
