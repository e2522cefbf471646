package amazontest

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/takebackhq/takeback/order"
)

// schedule has a report made again and again.
type schedule struct {
	ID           string
	Type         string
	Marketplaces []order.MarketplaceID
	Options      map[string]string
	Period       string
	Next         time.Time // when it makes its next report
}

// periods are those that Amazon knows (model reports_2021-06-30,
// CreateReportScheduleSpecification).
var periods = map[string]time.Duration{
	"PT5M": 5 * time.Minute, "PT15M": 15 * time.Minute, "PT30M": 30 * time.Minute,
	"PT1H": 1 * time.Hour, "PT2H": 2 * time.Hour, "PT4H": 4 * time.Hour, "PT8H": 8 * time.Hour, "PT12H": 12 * time.Hour,
	"P1D": 24 * time.Hour, "P2D": 48 * time.Hour, "P3D": 72 * time.Hour, "PT84H": 84 * time.Hour, "P7D": 7 * 24 * time.Hour,
	"P14D": 14 * 24 * time.Hour, "P15D": 15 * 24 * time.Hour, "P18D": 18 * 24 * time.Hour, "P30D": 30 * 24 * time.Hour,
	"P1M": 0, // as the calendar has it
}

// shift is a time some periods later, or earlier.
func shift(t time.Time, period string, times int) time.Time {
	if period == "P1M" {
		return t.AddDate(0, times, 0)
	}
	return t.Add(time.Duration(times) * periods[period])
}

// runSchedules makes the reports whose time has come, oldest first, each as of
// its own time.
func (b *books) runSchedules(a *account, now time.Time) {
	for {
		var due *schedule
		for _, sch := range a.Schedules {
			if !sch.Next.After(now) && (due == nil || sch.Next.Before(due.Next)) {
				due = sch
			}
		}
		if due == nil {
			return
		}
		report := &job{
			Type: due.Type, Marketplaces: due.Marketplaces, Schedule: due.ID,
			CreatedAt: due.Next, DataStart: shift(due.Next, due.Period, -1), DataEnd: due.Next,
		}
		a.report(report, b.file(a, report))
		due.Next = shift(due.Next, due.Period, 1)
	}
}

// createReportSchedule replaces a schedule of the same type and marketplaces.
// Without a time for its first report that is now; one in the past is now too.
func (s *Server) createReportSchedule(r *request, a *account) answer {
	var ask struct {
		ReportType             string                `json:"reportType"`
		MarketplaceIDs         []order.MarketplaceID `json:"marketplaceIds"`
		ReportOptions          map[string]string     `json:"reportOptions"`
		Period                 string                `json:"period"`
		NextReportCreationTime time.Time             `json:"nextReportCreationTime"`
	}
	if refused, ok := r.json(&ask); !ok {
		return refused
	}
	switch _, known := periods[ask.Period]; {
	case ask.ReportType == "" || strings.HasPrefix(ask.ReportType, settlements):
		return invalid("reportType %q cannot be requested", ask.ReportType)
	case len(ask.MarketplaceIDs) < 1 || len(ask.MarketplaceIDs) > 25:
		return invalid("marketplaceIds: %d given, want 1 to 25", len(ask.MarketplaceIDs))
	case !known:
		return invalid("period %q: want one of %s", ask.Period, strings.Join(slices.Sorted(maps.Keys(periods)), ", "))
	}
	made := &schedule{
		ID: a.nextID(), Type: ask.ReportType, Marketplaces: ask.MarketplaceIDs, Options: ask.ReportOptions,
		Period: ask.Period, Next: later(ask.NextReportCreationTime.UTC().Truncate(time.Millisecond), r.now),
	}
	a.Schedules = append(slices.DeleteFunc(a.Schedules, made.replaces), made)
	return jsonAnswer(201, map[string]string{"reportScheduleId": made.ID})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (sch *schedule) replaces(old *schedule) bool {
	return sch.Type == old.Type &&
		slices.Equal(slices.Sorted(slices.Values(sch.Marketplaces)), slices.Sorted(slices.Values(old.Marketplaces)))
}

func (s *Server) getReportSchedules(r *request, a *account) answer {
	args, err := arguments(r.URL.Query(), "reportTypes")
	if err != nil {
		return invalid("%v", err)
	}
	types, err := words(args["reportTypes"], 10)
	if err != nil {
		return invalid("reportTypes: %v", err)
	}
	found := []any{}
	for _, sch := range a.Schedules {
		if slices.Contains(types, sch.Type) {
			found = append(found, sch.view())
		}
	}
	return jsonAnswer(200, map[string]any{"reportSchedules": found})
}

func (s *Server) getReportSchedule(r *request, a *account) answer {
	i := a.schedule(r.id)
	if i < 0 {
		return apiError(404, "NotFound", "report schedule "+r.id+" does not exist", "")
	}
	return jsonAnswer(200, a.Schedules[i].view())
}

// cancelReportSchedule ends a schedule. The reports that it has made stay.
func (s *Server) cancelReportSchedule(r *request, a *account) answer {
	i := a.schedule(r.id)
	if i < 0 {
		return apiError(404, "NotFound", "report schedule "+r.id+" does not exist", "")
	}
	a.Schedules = slices.Delete(a.Schedules, i, i+1)
	return emptyAnswer(200)
}

// schedule is the index of a schedule, or below zero.
func (a *account) schedule(id string) int {
	return slices.IndexFunc(a.Schedules, func(sch *schedule) bool { return sch.ID == id })
}

// view is the model's ReportSchedule.
func (sch *schedule) view() any {
	return struct {
		ID           string                `json:"reportScheduleId"`
		Type         string                `json:"reportType"`
		Marketplaces []order.MarketplaceID `json:"marketplaceIds"`
		Options      map[string]string     `json:"reportOptions,omitempty"`
		Period       string                `json:"period"`
		Next         time.Time             `json:"nextReportCreationTime"`
	}{sch.ID, sch.Type, sch.Marketplaces, sch.Options, sch.Period, sch.Next}
}
