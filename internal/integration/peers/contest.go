package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"time"
)

// digest is what a reader makes of a file. It takes from each typed column, so
// that two readers with the same one did the same work.
type digest struct {
	Rows       int
	Units      int
	Hundredths int64 // of all amounts
	Seconds    int64 // of all times, from 1970 on
}

func (d *digest) dollars(amount float64) { d.Hundredths += int64(math.Round(amount * 100)) }

func (d *digest) time(t time.Time) {
	if !t.IsZero() {
		d.Seconds += t.Unix()
	}
}

// contender is one way to read an input.
type contender struct {
	name string
	read func(io.Reader) (digest, error)
}

// contest is an input that several read.
type contest struct {
	name       string
	rows       int
	input      func(rows int) io.Reader
	contenders []contender
	matches    []match
}

// match is which two of a contest are compared, and how many times as fast the
// first is to be.
type match struct {
	ours, peer string
	goal       float64
}

var contests = []contest{
	{
		"settlement V2", 1_000_000, settlement,
		[]contender{
			{reused, settlementReused}, {kept, settlementKept},
			{"encoding/csv", settlementCSV}, {"csvutil", settlementCSVUtil}, {"gocsv", settlementGoCSV},
		},
		[]match{{reused, "encoding/csv", 4}, {kept, "encoding/csv", 3}, {reused, "csvutil", 6}, {reused, "gocsv", 15}},
	},
	{
		"returns flat", 200_000, returnsFlat,
		[]contender{{reused, returnsReused}, {kept, returnsKept}, {"encoding/csv", returnsCSV}},
		[]match{{reused, "encoding/csv", 3}, {kept, "encoding/csv", 3}},
	},
	{
		"returns XML", 200_000, returnsXML,
		[]contender{{reused, returnsReused}, {kept, returnsKept}, {"encoding/xml", returnsEncodingXML}},
		[]match{{reused, "encoding/xml", 5}, {kept, "encoding/xml", 5}},
	},
}

// measured is what a reading took, for each row.
type measured struct{ nanoseconds, allocs float64 }

// measure has a contender read a file of some rows once.
func (c contender) measure(file []byte, rows int) (measured, digest, error) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	d, err := c.read(bytes.NewReader(file))
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	if err != nil {
		return measured{}, d, fmt.Errorf("%s: %w", c.name, err)
	}
	return measured{
		nanoseconds: float64(took.Nanoseconds()) / float64(rows),
		allocs:      float64(after.Mallocs-before.Mallocs) / float64(rows),
	}, d, nil
}

// figures are what a match came to: medians of its rounds.
type figures struct {
	Input            string  `json:"input"`
	Rows             int     `json:"rows"`
	Bytes            int     `json:"bytes"`
	Ours             string  `json:"ours"`
	Peer             string  `json:"peer"`
	NSPerRow         float64 `json:"ns_per_row"`
	PeerNSPerRow     float64 `json:"peer_ns_per_row"`
	Ratio            float64 `json:"ratio"` // the median of what it was in each round, not of the medians
	Goal             float64 `json:"goal"`
	AllocsPerRow     float64 `json:"allocs_per_row"`
	PeerAllocsPerRow float64 `json:"peer_allocs_per_row"`
}

// run has all contenders read the same file, one after the other, round by
// round, and compares those of each match. It is an error if they do not all read
// the same.
func (c contest) run(ctx context.Context, rounds int) ([]figures, error) {
	file, err := io.ReadAll(c.input(c.rows))
	if err != nil {
		return nil, err
	}
	all := map[string][]measured{} // by contender, one a round
	var agreed *digest
	for range rounds {
		for _, who := range c.contenders {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			m, d, err := who.measure(file, c.rows)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			if agreed == nil {
				agreed = &d
			}
			if d != *agreed {
				return nil, fmt.Errorf("%s: %s read %+v, and %s %+v", c.name, who.name, d, c.contenders[0].name, *agreed)
			}
			all[who.name] = append(all[who.name], m)
		}
	}
	var out []figures
	for _, m := range c.matches {
		f := figures{Input: c.name, Rows: c.rows, Bytes: len(file), Ours: m.ours, Peer: m.peer, Goal: m.goal}
		var ratios []float64
		for i, ours := range all[m.ours] {
			ratios = append(ratios, all[m.peer][i].nanoseconds/ours.nanoseconds)
		}
		f.Ratio = median(ratios)
		f.NSPerRow, f.AllocsPerRow = medians(all[m.ours])
		f.PeerNSPerRow, f.PeerAllocsPerRow = medians(all[m.peer])
		out = append(out, f)
	}
	return out, nil
}

func medians(of []measured) (nanoseconds, allocs float64) {
	var ns, as []float64
	for _, m := range of {
		ns, as = append(ns, m.nanoseconds), append(as, m.allocs)
	}
	return median(ns), median(as)
}

// median is the middle of some values, at least one; the upper of two.
func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
