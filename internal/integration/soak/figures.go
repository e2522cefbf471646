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
	f.LedgerEqual = f.LedgerEqual && g.LedgerEqual
	return f
}

// errUnsafe is what no run may come to.
type errUnsafe struct{ figures }

func (e errUnsafe) Error() string {
	return fmt.Sprintf("double %d, lost %d, wrong adoption %d, ledgers equal %t: want 0, 0, 0 and true", e.Double, e.Lost, e.WrongAdoption, e.LedgerEqual)
}

func (f figures) verdict() error {
	if f.Double > 0 || f.Lost > 0 || f.WrongAdoption > 0 || !f.LedgerEqual {
		return errUnsafe{f}
	}
	return nil
}

func (f figures) String() string {
	return fmt.Sprintf("%d runs, %d requests; %d faults, %d crashes, %d suspends\ndouble %d, lost %d, wrong adoption %d, undecided %d, ledgers equal: %t",
		f.Runs, f.Requests, f.Faults, f.Crashes, f.Suspends, f.Double, f.Lost, f.WrongAdoption, f.Undecided, f.LedgerEqual)
}
