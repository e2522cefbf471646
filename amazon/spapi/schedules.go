package spapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

const schedulesPath = "/reports/2021-06-30/schedules"

// ReportScheduleID is Amazon's identifier of a report schedule, unique within a
// seller account.
type ReportScheduleID string

// ReportSchedule has Amazon make a report again and again (model
// reports_2021-06-30, ReportSchedule). A seller has one for a type of report and
// a set of marketplaces, whoever made it.
type ReportSchedule struct {
	ID           ReportScheduleID // Amazon's
	Type         amazon.ReportType
	Marketplaces []order.MarketplaceID // to create one: 1 to 25; none: those of the account
	Options      map[string]string

	// Period is one of Amazon's words of ISO 8601: PT5M, PT15M, PT30M, PT1H,
	// PT2H, PT4H, PT8H, PT12H, P1D, P2D, P3D, PT84H, P7D, P14D, P15D, P18D, P30D
	// or P1M. Others that Amazon tells are kept.
	Period string

	Next time.Time // when Amazon makes the next report; zero: Amazon's choice, or not told
}

// periods are those that Amazon takes (model reports_2021-06-30,
// CreateReportScheduleSpecification).
const periods = "PT5M PT15M PT30M PT1H PT2H PT4H PT8H PT12H P1D P2D P3D PT84H P7D P14D P15D P18D P30D P1M"

// checkPeriod refuses what Amazon would refuse, before a token is used up that
// takes 45 seconds to refill.
func checkPeriod(period string) error {
	if !slices.Contains(strings.Fields(periods), period) {
		return fmt.Errorf("period %q: want one of %s", period, periods)
	}
	return nil
}

// scheduleAnswer is model reports_2021-06-30, ReportSchedule.
type scheduleAnswer struct {
	ID           ReportScheduleID      `json:"reportScheduleId"`
	Type         amazon.ReportType     `json:"reportType"`
	Marketplaces []order.MarketplaceID `json:"marketplaceIds"`
	Options      map[string]string     `json:"reportOptions"`
	Period       string                `json:"period"`
	Next         timestamp             `json:"nextReportCreationTime"`
}

func (s scheduleAnswer) schedule() (ReportSchedule, error) {
	if s.ID == "" || s.Type == "" || s.Period == "" {
		return ReportSchedule{}, fmt.Errorf("report schedule %q of type %q with period %q: want all three",
			clean(string(s.ID), maxCode), clean(string(s.Type), maxCode), clean(s.Period, maxCode))
	}
	return ReportSchedule{
		ID:           s.ID,
		Type:         s.Type,
		Marketplaces: s.Marketplaces,
		Options:      s.Options,
		Period:       s.Period,
		Next:         s.Next.Time,
	}, nil
}

// scheduleSpecification is model reports_2021-06-30,
// CreateReportScheduleSpecification.
type scheduleSpecification struct {
	Type         amazon.ReportType     `json:"reportType"`
	Marketplaces []order.MarketplaceID `json:"marketplaceIds"`
	Options      map[string]string     `json:"reportOptions,omitempty"`
	Period       string                `json:"period"`
	Next         string                `json:"nextReportCreationTime,omitempty"`
}

// CreateReportSchedule makes a schedule, with createReportSchedule of model
// reports_2021-06-30: a token in 45 seconds, ten at most. It replaces the
// schedule of the same type and marketplaces, if there is one, also one that
// another application made; so repeating it leaves one schedule. The ID of s
// does not count.
func (c *Client) CreateReportSchedule(ctx context.Context, a amazon.Account, s ReportSchedule) (ReportScheduleID, error) {
	spec := scheduleSpecification{Type: s.Type, Marketplaces: s.Marketplaces, Options: s.Options, Period: s.Period}
	if len(spec.Marketplaces) == 0 {
		spec.Marketplaces = a.Marketplaces
	}
	if err := cmp.Or(
		checkType(s.Type),
		checkCount("marketplaces", spec.Marketplaces, 1, 25),
		checkPeriod(s.Period),
	); err != nil {
		return "", notSent(createReportSchedule, a, err)
	}
	if !s.Next.IsZero() {
		spec.Next = format(s.Next)
	}
	var ans struct {
		ID ReportScheduleID `json:"reportScheduleId"`
	}
	if _, err := c.call(ctx, a, request{op: createReportSchedule, path: schedulesPath, body: spec}, &ans); err != nil {
		return "", err
	}
	if ans.ID == "" {
		return "", incomplete(createReportSchedule, a, errors.New("answer without a reportScheduleId"))
	}
	return ans.ID, nil
}

// ReportSchedules lists the schedules of one to ten types of report, with
// getReportSchedules of model reports_2021-06-30: a token in 45 seconds, ten at
// most. Amazon answers them all at once.
func (c *Client) ReportSchedules(ctx context.Context, a amazon.Account, types ...amazon.ReportType) ([]ReportSchedule, error) {
	if err := checkCount("report types", types, 1, 10); err != nil {
		return nil, notSent(getReportSchedules, a, err)
	}
	query := url.Values{}
	setList(query, "reportTypes", types)
	var ans struct {
		Schedules []scheduleAnswer `json:"reportSchedules"`
	}
	if _, err := c.call(ctx, a, request{op: getReportSchedules, path: schedulesPath, query: query}, &ans); err != nil {
		return nil, err
	}
	schedules, err := each(ans.Schedules, scheduleAnswer.schedule)
	if err != nil {
		return nil, incomplete(getReportSchedules, a, err)
	}
	return schedules, nil
}

// ReportSchedule reads a schedule, with getReportSchedule of model
// reports_2021-06-30: a token in 45 seconds, ten at most.
func (c *Client) ReportSchedule(ctx context.Context, a amazon.Account, id ReportScheduleID) (ReportSchedule, error) {
	if id == "" {
		return ReportSchedule{}, notSent(getReportSchedule, a, errNoID)
	}
	var ans scheduleAnswer
	if _, err := c.call(ctx, a, request{op: getReportSchedule, path: schedulesPath + "/" + url.PathEscape(string(id))}, &ans); err != nil {
		return ReportSchedule{}, err
	}
	s, err := ans.schedule()
	if err != nil {
		return ReportSchedule{}, incomplete(getReportSchedule, a, err)
	}
	return s, nil
}

// CancelReportSchedule ends a schedule, with cancelReportSchedule of model
// reports_2021-06-30: a token in 45 seconds, ten at most.
func (c *Client) CancelReportSchedule(ctx context.Context, a amazon.Account, id ReportScheduleID) error {
	if id == "" {
		return notSent(cancelReportSchedule, a, errNoID)
	}
	_, err := c.call(ctx, a, request{op: cancelReportSchedule, path: schedulesPath + "/" + url.PathEscape(string(id))}, nil)
	return err
}
