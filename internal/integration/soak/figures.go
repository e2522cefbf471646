package main

import (
	"errors"
	"fmt"
)

// figures are what some runs came to.
type figures struct {
	Runs           int  `json:"runs"`
	Requests       int  `json:"requests"`
	Faults         int  `json:"faults"`
	Crashes        int  `json:"crashes"`
	Suspends       int  `json:"suspends"`
	Double         int  `json:"double"`
	Lost           int  `json:"lost"`
	WrongAdoption  int  `json:"wrong_adoption"`
	Undecided      int  `json:"undecided"`
	LedgerEqual    bool `json:"ledger_equal"`
	unequalLedgers int
	findings       []string // what was wrong, one line each
}

// plus adds up runs.
func (f figures) plus(g figures) figures {
	f.Runs += g.Runs
	f.Requests += g.Requests
	f.Faults += g.Faults
	f.Crashes += g.Crashes
	f.Suspends += g.Suspends
	f.Double += g.Double
	f.Lost += g.Lost
	f.WrongAdoption += g.WrongAdoption
	f.Undecided += g.Undecided
	f.LedgerEqual = f.LedgerEqual && g.LedgerEqual
	f.findings = append(f.findings, g.findings...)
	return f
}

// verdict is what a run must not come to.
func (f figures) verdict() error {
	if f.Double == 0 && f.Lost == 0 && f.WrongAdoption == 0 && f.LedgerEqual {
		return nil
	}
	return fmt.Errorf("double %d, lost %d, wrong adoption %d, ledgers equal %t: want none, and equal ledgers", f.Double, f.Lost, f.WrongAdoption, f.LedgerEqual)
}

var errFound = errors.New("runs went wrong")
