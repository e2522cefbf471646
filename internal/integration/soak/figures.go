package main

import (
	"fmt"
)

// figures are what some runs came to.
type figures struct {
	Runs          int  `json:"runs"`
	Requests      int  `json:"requests"`
	Faults        int  `json:"faults"`
	Crashes       int  `json:"crashes"`
	Suspends      int  `json:"suspends"`
	Double        int  `json:"double"`
	Lost          int  `json:"lost"`
	WrongAdoption int  `json:"wrong_adoption"`
	Undecided     int  `json:"undecided"`
	GateLies      int  `json:"gate_lies"`
	StockWrong    int  `json:"stock_wrong"`
	ReturnsDiffer int  `json:"returns_differ"`
	Unexplained   int  `json:"unexplained"`
	Unapproved    int  `json:"unapproved"`
	Astray        int  `json:"astray"`
	LedgerEqual   bool `json:"ledger_equal"`
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
	f.GateLies += g.GateLies
	f.StockWrong += g.StockWrong
	f.ReturnsDiffer += g.ReturnsDiffer
	f.Unexplained += g.Unexplained
	f.Unapproved += g.Unapproved
	f.Astray += g.Astray
	f.LedgerEqual = f.LedgerEqual && g.LedgerEqual
	return f
}

// errUnsafe is what no run may come to.
type errUnsafe struct{ figures }

func (e errUnsafe) Error() string {
	return "want 0 of all but undecided, and equal ledgers: " + e.outcome()
}

func (f figures) verdict() error {
	if f.Double+f.Lost+f.WrongAdoption+f.GateLies+f.StockWrong+f.ReturnsDiffer+f.Unexplained+f.Unapproved+f.Astray > 0 || !f.LedgerEqual {
		return errUnsafe{f}
	}
	return nil
}

func (f figures) String() string {
	return fmt.Sprintf("%d runs, %d requests; %d faults, %d crashes, %d suspends\n%s", f.Runs, f.Requests, f.Faults, f.Crashes, f.Suspends, f.outcome())
}

func (f figures) outcome() string {
	return fmt.Sprintf("double %d, lost %d, wrong adoption %d, undecided %d, gate lies %d, stock wrong %d, returns differ %d, unexplained %d, unapproved %d, astray %d, ledgers equal: %t",
		f.Double, f.Lost, f.WrongAdoption, f.Undecided, f.GateLies, f.StockWrong, f.ReturnsDiffer, f.Unexplained, f.Unapproved, f.Astray, f.LedgerEqual)
}
