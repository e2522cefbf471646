package spapi_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/spapi"
	"github.com/takebackhq/takeback/order"
)

const (
	makeSchedulePath   = "POST /reports/2021-06-30/schedules"
	schedulesPath      = "GET /reports/2021-06-30/schedules"
	schedulePath       = "GET /reports/2021-06-30/schedules/77"
	cancelSchedulePath = "DELETE /reports/2021-06-30/schedules/77"

	scheduleJSON = `{"reportScheduleId":"77","reportType":"GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE","period":"P100Y","new":1,
		"marketplaceIds":["ATVPDKIKX0DER"],"reportOptions":{"k":"v"},"nextReportCreationTime":"2026-09-01T14:00:00+02:00"}`
)

var (
	weekly = spapi.ReportSchedule{Type: amazon.ReturnsFlatReport, Period: "P7D"}

	// readSchedule is scheduleJSON, with a period that this version does not know.
	readSchedule = spapi.ReportSchedule{
		ID: "77", Type: amazon.ReturnsFlatReport, Marketplaces: []order.MarketplaceID{"ATVPDKIKX0DER"},
		Options: map[string]string{"k": "v"}, Period: "P100Y", Next: amazonTime,
	}
)

func TestCreateReportSchedule(t *testing.T) {
	tests := map[string]struct {
		schedule spapi.ReportSchedule
		want     string
	}{
		"defaults": {weekly, `{"reportType":"GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE","period":"P7D","marketplaceIds":["ATVPDKIKX0DER","A2EUQ1WTGCTBG2"]}`},
		"everything": {spapi.ReportSchedule{ID: "6", Type: amazon.ReturnsXMLReport, Period: "PT5M", Next: amazonTime.Add(time.Millisecond),
			Marketplaces: []order.MarketplaceID{"A2EUQ1WTGCTBG2"}, Options: map[string]string{"k": "v"}},
			`{"reportType":"GET_XML_RETURNS_DATA_BY_RETURN_DATE","period":"PT5M","marketplaceIds":["A2EUQ1WTGCTBG2"],
			  "reportOptions":{"k":"v"},"nextReportCreationTime":"2026-09-01T12:00:00Z"}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.on(makeSchedulePath, answer(503, ""), answer(201, `{"reportScheduleId":"77"}`))
			c, _ := connect(t, s)
			id, err := c.CreateReportSchedule(t.Context(), seller, tt.schedule)
			require.NoError(t, err)
			assert.Equal(t, spapi.ReportScheduleID("77"), id)
			assert.JSONEq(t, tt.want, s.requests(makeSchedulePath)[1].body)
		})
	}
}

func TestCreateReportScheduleRefusesBadInput(t *testing.T) {
	tests := map[string]struct {
		schedule spapi.ReportSchedule
		want     string
	}{
		"no type":           {spapi.ReportSchedule{Period: "P1D"}, "empty report type"},
		"no period":         {spapi.ReportSchedule{Type: amazon.ReturnsFlatReport}, `period "": want one of PT5M PT15M`},
		"unknown period":    {spapi.ReportSchedule{Type: amazon.ReturnsFlatReport, Period: "P5D"}, `period "P5D": want one of PT5M PT15M`},
		"two periods":       {spapi.ReportSchedule{Type: amazon.ReturnsFlatReport, Period: "P1D P2D"}, "want one of"},
		"many marketplaces": {spapi.ReportSchedule{Type: amazon.ReturnsFlatReport, Period: "P1D", Marketplaces: make([]order.MarketplaceID, 26)}, "26 marketplaces"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			c, _ := connect(t, s)
			_, err := c.CreateReportSchedule(t.Context(), seller, tt.schedule)
			assert.ErrorContains(t, err, tt.want)
			assert.Equal(t, amazon.NotSent, amazon.Whether(err))
			assert.Empty(t, s.requests(tokenPath))
		})
	}
}

func TestReportSchedules(t *testing.T) {
	s := newServer(t)
	s.on(schedulesPath, answer(200, `{"reportSchedules":[`+scheduleJSON+`]}`))
	s.on(schedulePath, answer(200, scheduleJSON))
	s.on(cancelSchedulePath, answer(200, ""))
	c, _ := connect(t, s)
	all, err := c.ReportSchedules(t.Context(), seller, amazon.ReturnsFlatReport, amazon.ReturnsXMLReport)
	require.NoError(t, err)
	if diff := cmp.Diff([]spapi.ReportSchedule{readSchedule}, all); diff != "" {
		t.Errorf("ReportSchedules (-want +got):\n%s", diff)
	}
	assert.Equal(t, "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE,GET_XML_RETURNS_DATA_BY_RETURN_DATE", queries(t, s, schedulesPath)[0].Get("reportTypes"))
	one, err := c.ReportSchedule(t.Context(), seller, "77")
	require.NoError(t, err)
	if diff := cmp.Diff(readSchedule, one); diff != "" {
		t.Errorf("ReportSchedule (-want +got):\n%s", diff)
	}
	require.NoError(t, c.CancelReportSchedule(t.Context(), seller, "77"))
	assert.Len(t, s.requests(cancelSchedulePath), 1)
}

func TestReportSchedulesRefuseWhatProvesNothing(t *testing.T) {
	s := newServer(t)
	c, _ := connect(t, s)
	_, err := c.ReportSchedules(t.Context(), seller)
	assert.ErrorContains(t, err, "0 report types: want 1 to 10")
	assert.Equal(t, amazon.NotSent, amazon.Whether(err))

	for _, body := range []string{`{}`, `{"reportSchedules":[{}]}`, `{"reportSchedules":[` + scheduleJSON + `,{"reportScheduleId":"78"}]}`} {
		s.on(schedulesPath, answer(200, body))
		all, err := c.ReportSchedules(t.Context(), seller, amazon.ReturnsFlatReport)
		assert.Error(t, err, body)
		assert.Nil(t, all)
	}
	s.on(schedulePath, answer(200, `{"reportScheduleId":"77"}`))
	_, err = c.ReportSchedule(t.Context(), seller, "77")
	assert.ErrorContains(t, err, "want all three")
	s.on(makeSchedulePath, answer(201, `{}`))
	_, err = c.CreateReportSchedule(t.Context(), seller, weekly)
	assert.ErrorContains(t, err, "answer without a reportScheduleId")
}
