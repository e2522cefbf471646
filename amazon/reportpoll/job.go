package reportpoll

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"time"

	"github.com/takebackhq/takeback/amazon"
)

// Sink takes a report. It may be given the same one again, and reports whose
// windows overlap. A report counts as handed over when ImportReport answers nil; it
// answers the errors of r, so that a download that broke off is made again, and the
// error of a file that it cannot read, which is shown in [Status]: without buyers'
// data.
type Sink interface {
	ImportReport(ctx context.Context, a amazon.Account, m amazon.ReportMeta, r io.Reader) error
}

// Job is a report that is wanted of every account again and again.
type Job struct {
	Name string // of the job, for ever: its cursor has it; 1 to 64 letters, digits, dots, hyphens or underscores

	// Types are the report types that will do, the best first; at most 10. A listed
	// report of any of them is taken; asked for is the first.
	Types []amazon.ReportType

	// ListOnly says that Amazon makes these reports by itself, such as settlements:
	// they are listed and never asked for.
	ListOnly bool

	Every time.Duration // how often; required

	// Overlap is how far a window reaches back behind the end of the one before, as
	// far as Span allows. Defaults to a day. With ListOnly it is how far behind the
	// last look a report may have been made that the next one sees first.
	Overlap time.Duration

	Span time.Duration // the longest window of one report, two days at least. Defaults to the 60 days that returns and order reports may have.

	// First is how far back the cursor lies at first; the first window begins Overlap
	// before it. Defaults to a day less than Span: when the first report fails, there
	// is a day left to make up for it in one.
	First time.Duration

	// Reach is how far back Amazon serves such data; windows that are wholly older
	// are given up. Defaults to two years.
	Reach time.Duration

	// Options are the reportOptions of createReport. Amazon does not list them, so
	// with options no report is taken that somebody else may have asked for.
	Options map[string]string

	// Wanted says whether an account wants it now; nil: all do. It is asked when the
	// job is due, and again a quarter of an hour after it said no.
	Wanted func(ctx context.Context, a amazon.Account) (bool, error)

	Sink Sink
}

const (
	day = 24 * time.Hour

	// keeps is for how long Amazon lists a report (model reports_2021-06-30,
	// getReports, createdSince).
	keeps = 90 * day
)

var jobName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// withDefaults checks a job, or names what is wrong with it.
func (j Job) withDefaults() (Job, error) {
	j.Overlap = cmp.Or(j.Overlap, day)
	j.Span = cmp.Or(j.Span, 60*day)
	j.First = cmp.Or(j.First, max(j.Span-day, day))
	j.Reach = cmp.Or(j.Reach, 2*365*day)
	switch {
	case !jobName.MatchString(j.Name):
		return j, fmt.Errorf("job %.80q: want a name of 1 to 64 letters, digits, dots, hyphens or underscores", j.Name)
	case len(j.Types) == 0 || len(j.Types) > 10 || slices.Contains(j.Types, ""):
		return j, fmt.Errorf("job %s: report types %q: want 1 to 10", j.Name, j.Types)
	case j.Every <= 0:
		return j, fmt.Errorf("job %s: Every %s: want how often, above zero", j.Name, j.Every)
	case j.Overlap < 0 || j.First < 0 || j.Reach < 0:
		return j, fmt.Errorf("job %s: Overlap %s, First %s, Reach %s: want nothing below zero", j.Name, j.Overlap, j.First, j.Reach)
	case j.Span < 2*day:
		return j, fmt.Errorf("job %s: Span %s: want two days at least", j.Name, j.Span)
	case j.Sink == nil:
		return j, fmt.Errorf("job %s: no Sink", j.Name)
	}
	return j, nil
}

// checkJobs checks the jobs of a configuration.
func checkJobs(jobs []Job) ([]Job, error) {
	checked := make([]Job, len(jobs))
	var errs []error
	names := map[string]bool{}
	for i, j := range jobs {
		var err error
		if checked[i], err = j.withDefaults(); err == nil && names[j.Name] {
			err = fmt.Errorf("job %s is there twice: names are unique, since each has its own cursor", j.Name)
		}
		errs = append(errs, err)
		names[j.Name] = true
	}
	return checked, errors.Join(errs...)
}

// rank is the place of a type among those that will do; the best is 0.
func (j *Job) rank(t amazon.ReportType) int { return slices.Index(j.Types, t) }
