package amazontest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
)

const (
	reportsPath   = "/reports/2021-06-30/reports"
	schedulesPath = "/reports/2021-06-30/schedules"
)

// ask creates a report and returns its path.
func (c client) ask(reportType string) string {
	c.Helper()
	made := c.api("POST", reportsPath, fmt.Sprintf(`{"reportType":%q,"marketplaceIds":["ATVPDKIKX0DER"]}`, reportType))
	require.Equal(c, 202, made.status, made.body)
	return reportsPath + "/" + made.field("reportId")
}

// status is how far a report is.
func (c client) status(report string) string {
	c.Helper()
	return c.api("GET", report, "").field("processingStatus")
}

func TestCancelReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		require.NoError(t, srv.AddReport(amazontest.ReportFile{Seller: merchant, Type: "GET_X", Body: []byte("rows")}))
		c, other := login(t, srv, "Atzr|one"), login(t, srv, "Atzr|two")
		started, waiting := c.ask("GET_X"), c.ask("GET_X")

		assert.Equal(t, 404, other.api("DELETE", waiting, "").status)
		got := c.api("DELETE", waiting, "")
		assert.Equal(t, 200, got.status)
		assert.Empty(t, got.body)
		assert.Equal(t, "CANCELLED", c.status(waiting))
		assert.Equal(t, 400, c.api("DELETE", waiting, "").status, "a second time")
		time.Sleep(30 * time.Second)
		assert.Equal(t, 400, c.api("DELETE", started, "").status, "IN_PROGRESS")
		time.Sleep(30 * time.Second)
		assert.Equal(t, []string{"DONE", "CANCELLED"}, []string{c.status(started), c.status(waiting)})
	})
}

func TestReportAskedForTooSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{ReportPause: 4 * time.Hour})
		for _, name := range []amazon.ReportType{"GET_X", "GET_Y"} {
			require.NoError(t, srv.AddReport(amazontest.ReportFile{Seller: merchant, Type: name, Body: []byte("rows")}))
		}
		c := login(t, srv, "Atzr|one")
		end := func(reportType string) string {
			c.token = c.login("Atzr|one")
			report := c.ask(reportType)
			time.Sleep(time.Minute)
			return c.status(report)
		}
		assert.Equal(t, "DONE", end("GET_X"))
		assert.Equal(t, "CANCELLED", end("GET_X"))
		assert.Equal(t, "DONE", end("GET_Y"))
		time.Sleep(4*time.Hour - 3*time.Minute)
		assert.Equal(t, "DONE", end("GET_X"), "a cancelled one does not count")
	})
	_, err := amazontest.New(amazontest.Config{ReportPause: -1})
	assert.ErrorContains(t, err, "report pause")
}

func TestFatesOfReports(t *testing.T) {
	type moment struct {
		after  time.Duration // its creation
		status string
	}
	const minute = time.Minute
	tests := map[string]struct {
		fate        amazontest.Fate
		explanation string
		states      []moment
		document    string // what it leads to; empty: none
	}{
		"as it should be":         {amazontest.Fate{}, "", []moment{{0, "IN_QUEUE"}, {30 * time.Second, "IN_PROGRESS"}, {minute, "DONE"}}, "rows"},
		"explained for nothing":   {amazontest.Fate{}, "why", []moment{{minute, "DONE"}}, "rows"},
		"FATAL":                   {amazontest.Fate{End: amazon.FeedFatal}, "", []moment{{30 * time.Second, "IN_PROGRESS"}, {minute, "FATAL"}}, ""},
		"FATAL, and why":          {amazontest.Fate{End: amazon.FeedFatal}, "why", []moment{{minute, "FATAL"}}, "why"},
		"cancelled":               {amazontest.Fate{End: amazon.FeedCancelled}, "why", []moment{{0, "IN_QUEUE"}, {minute, "CANCELLED"}}, ""},
		"a queue of half an hour": {amazontest.Fate{Queued: 30 * minute}, "", []moment{{29 * minute, "IN_QUEUE"}, {30 * minute, "IN_PROGRESS"}, {31 * minute, "DONE"}}, "rows"},
		"stuck in the queue":      {amazontest.Fate{Queued: amazontest.Forever}, "", []moment{{89 * 24 * time.Hour, "IN_QUEUE"}}, ""},
		"stuck in progress":       {amazontest.Fate{InProgress: amazontest.Forever}, "", []moment{{minute, "IN_PROGRESS"}, {89 * 24 * time.Hour, "IN_PROGRESS"}}, ""},
		"not seen at once":        {amazontest.Fate{Unknown: 2 * minute}, "", []moment{{minute, "<nil>"}, {2 * minute, "DONE"}}, "rows"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := amazontest.Config{File: filepath.Join(t.TempDir(), "books.json")}
				srv := open(t, config)
				file := amazontest.ReportFile{Seller: merchant, Type: "GET_X", Body: []byte("rows")}
				sick := file
				sick.Fate, sick.Explanation = tt.fate, []byte(tt.explanation)
				require.NoError(t, srv.AddReport(sick))
				c := login(t, srv, "Atzr|one")
				report, start := c.ask("GET_X"), time.Now()

				require.NoError(t, srv.AddReport(file)) // heals the next one only
				srv, err := amazontest.New(config)
				require.NoError(t, err)
				c.http = srv.Client()
				healed := c.ask("GET_X")

				for _, m := range tt.states {
					time.Sleep(m.after - time.Since(start))
					c.token = c.login("Atzr|one")
					assert.Equal(t, m.status, c.status(report), "after %s", m.after)
				}
				assert.Equal(t, tt.document, c.document(report))
				assert.Equal(t, "DONE", c.status(healed))
				assert.Equal(t, "rows", c.document(healed))
			})
		})
	}
}

// document is what a report came to; empty: nothing.
func (c client) document(report string) string {
	c.Helper()
	id := c.api("GET", report, "").field("reportDocumentId")
	found := c.api("GET", "/reports/2021-06-30/documents/"+id, "")
	if found.status == 404 {
		return ""
	}
	return c.do("GET", found.field("url"), "", "", "").body
}

func TestStuckReportIsCancelledAndUnlisted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		require.NoError(t, srv.AddReport(amazontest.ReportFile{
			Seller: merchant, Type: "GET_X", Body: []byte("rows"),
			Fate: amazontest.Fate{Queued: amazontest.Forever, Unlisted: 20 * time.Minute, Unknown: 10 * time.Minute},
		}))
		c := login(t, srv, "Atzr|one")
		report := c.ask("GET_X")
		list := func() int { return len(c.listed(reportsPath, "reports", "reportId", "reportTypes=GET_X")[0]) }
		assert.Equal(t, 404, c.api("DELETE", report, "").status)
		time.Sleep(10 * time.Minute)
		assert.Equal(t, 0, list())
		assert.Equal(t, 200, c.api("DELETE", report, "").status)
		time.Sleep(10 * time.Minute)
		assert.Equal(t, "CANCELLED", c.status(report))
		assert.Equal(t, 1, list())
	})
}

// Nobody asks for a listed report, nor for the one of a schedule.
func TestFatesOfReportsThatNobodyAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		for kind, fate := range map[amazon.ReportType]amazontest.Fate{
			"GET_DONE": {}, "GET_FATAL": {End: amazon.FeedFatal}, "GET_STUCK": {InProgress: amazontest.Forever},
		} {
			require.NoError(t, srv.AddReport(amazontest.ReportFile{Seller: merchant, Type: kind, Body: []byte("rows"), Listed: true, Fate: fate}))
		}
		require.NoError(t, srv.AddReport(amazontest.ReportFile{Seller: merchant, Type: "GET_X", Fate: amazontest.Fate{End: amazon.FeedFatal}}))
		c := login(t, srv, "Atzr|one")
		list := func(types string) map[string]string {
			var found struct {
				Reports []struct{ ReportType, ProcessingStatus string }
			}
			got := c.api("GET", reportsPath+"?reportTypes="+types, "")
			require.NoError(t, json.Unmarshal([]byte(got.body), &found), got.body)
			status := map[string]string{}
			for _, r := range found.Reports {
				status[r.ReportType] = r.ProcessingStatus
			}
			return status
		}
		assert.Empty(t, cmp.Diff(map[string]string{"GET_DONE": "DONE", "GET_FATAL": "FATAL", "GET_STUCK": "IN_QUEUE"},
			list("GET_DONE,GET_FATAL,GET_STUCK,GET_X")))
		require.Equal(t, 201, c.api("POST", schedulesPath, schedule("GET_X", "P1D", `"ATVPDKIKX0DER"`)).status)
		time.Sleep(time.Minute)
		want := map[string]string{"GET_DONE": "DONE", "GET_FATAL": "FATAL", "GET_STUCK": "IN_PROGRESS", "GET_X": "FATAL"}
		assert.Empty(t, cmp.Diff(want, list("GET_DONE,GET_FATAL,GET_STUCK,GET_X")))
	})
}

func TestFateThatReportsCannotHave(t *testing.T) {
	srv := open(t, amazontest.Config{})
	for _, fate := range []amazontest.Fate{{Messages: 1}, {Report: amazontest.ReportMissing}} {
		err := srv.AddReport(amazontest.ReportFile{Seller: merchant, Type: "GET_X", Fate: fate})
		assert.ErrorContains(t, err, "only feeds have")
	}
}

func TestDownload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := open(t, amazontest.Config{})
		c := login(t, srv, "Atzr|one")
		address := func(f amazontest.ReportFile) (compression, url string) {
			f.Seller = merchant
			require.NoError(t, srv.AddReport(f))
			report := c.ask(string(f.Type))
			time.Sleep(time.Minute)
			doc := c.api("GET", "/reports/2021-06-30/documents/"+c.api("GET", report, "").field("reportDocumentId"), "")
			require.Equal(t, 200, doc.status, doc.body)
			return doc.field("compressionAlgorithm"), doc.field("url")
		}

		compression, plain := address(amazontest.ReportFile{Type: "GET_PLAIN", Body: []byte("rows"), ContentType: "text/plain;charset=Cp1252"})
		assert.Equal(t, "<nil>", compression)
		got := c.do("GET", plain, "", "", "")
		assert.Equal(t, "rows", got.body)
		assert.Equal(t, "text/plain;charset=Cp1252", got.header.Get("Content-Type"))

		compression, packed := address(amazontest.ReportFile{Type: "GET_PACKED", Body: []byte("rows"), Gzip: true})
		assert.Equal(t, "GZIP", compression)
		got = c.do("GET", packed, "", "", "")
		assert.Equal(t, "\x1f\x8b", got.body[:2])
		assert.Empty(t, got.header.Values("Content-Type"))

		for name, tt := range map[string]struct {
			method, address, token, code string
			status                       int
		}{
			"changed address":   {"GET", plain + "&x=1", "", "SignatureDoesNotMatch", 403},
			"no signature":      {"GET", strings.Split(plain, "?")[0], "", "SignatureDoesNotMatch", 403},
			"another document":  {"GET", strings.Replace(plain, ".000001", ".000002", 1), "", "SignatureDoesNotMatch", 403},
			"another method":    {"PUT", plain, "", "SignatureDoesNotMatch", 403},
			"with access token": {"GET", plain, c.token, "AccessDenied", 403},
		} {
			got := c.do(tt.method, tt.address, "", "", tt.token)
			assert.Equal(t, tt.status, got.status, name)
			assert.Contains(t, got.body, "<Error><Code>"+tt.code+"</Code>", name)
		}
		time.Sleep(5 * time.Minute)
		got = c.do("GET", packed, "", "", "")
		assert.Equal(t, http.StatusForbidden, got.status)
		assert.Contains(t, got.body, "<Error><Code>AccessDenied</Code><Message>Request has expired</Message>")
	})
}

func schedule(reportType, period, marketplaces string) string {
	return fmt.Sprintf(`{"reportType":%q,"period":%q,"marketplaceIds":[%s]}`, reportType, period, marketplaces)
}

func TestReportSchedules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := amazontest.Config{File: filepath.Join(t.TempDir(), "books.json")}
		srv := open(t, config)
		require.NoError(t, srv.AddReport(amazontest.ReportFile{Seller: merchant, Type: "GET_X", Body: []byte("rows")}))
		c, other := login(t, srv, "Atzr|one"), login(t, srv, "Atzr|two")
		create := func(body string) string {
			made := c.api("POST", schedulesPath, body)
			require.Equal(t, 201, made.status, made.body)
			return made.field("reportScheduleId")
		}
		list := func(types string) []string {
			var found struct {
				ReportSchedules []struct{ ReportScheduleID string }
			}
			got := c.api("GET", schedulesPath+"?reportTypes="+types, "")
			require.Equal(t, 200, got.status, got.body)
			require.NoError(t, json.Unmarshal([]byte(got.body), &found))
			ids := []string{}
			for _, sch := range found.ReportSchedules {
				ids = append(ids, sch.ReportScheduleID)
			}
			return ids
		}

		replaced := create(schedule("GET_X", "P1D", `"A1PA6795UKMFR9","ATVPDKIKX0DER"`))
		elsewhere := create(schedule("GET_X", "P1D", `"A1PA6795UKMFR9"`))
		hourly := create(`{"reportType":"GET_X","period":"PT1H","marketplaceIds":["ATVPDKIKX0DER","A1PA6795UKMFR9"],"reportOptions":{"a":"b"},"nextReportCreationTime":"2000-01-01T00:10:00Z"}`)
		monthly := create(schedule("GET_Y", "P1M", `"ATVPDKIKX0DER"`))
		assert.Equal(t, []string{elsewhere, hourly}, list("GET_X"))
		assert.Equal(t, []string{elsewhere, hourly, monthly}, list("GET_Y,GET_X"))
		assert.Equal(t, []string{}, list("GET_Z"))
		assert.JSONEq(t, `{"reportScheduleId":"`+hourly+`","reportType":"GET_X","period":"PT1H","marketplaceIds":["ATVPDKIKX0DER","A1PA6795UKMFR9"],
			"reportOptions":{"a":"b"},"nextReportCreationTime":"2000-01-01T00:10:00Z"}`, c.api("GET", schedulesPath+"/"+hourly, "").body)

		srv, err := amazontest.New(config)
		require.NoError(t, err)
		c.http, other.http = srv.Client(), srv.Client()
		for _, id := range []string{replaced, "1"} {
			assert.Equal(t, 404, c.api("GET", schedulesPath+"/"+id, "").status)
			assert.Equal(t, 404, c.api("DELETE", schedulesPath+"/"+id, "").status)
		}
		assert.Equal(t, 404, other.api("GET", schedulesPath+"/"+monthly, "").status)
		got := c.api("DELETE", schedulesPath+"/"+elsewhere, "")
		assert.Equal(t, 200, got.status)
		assert.Empty(t, got.body)
		assert.Equal(t, []string{hourly}, list("GET_X"))

		// Both schedules make their reports when their time comes, although nobody
		// looks then.
		time.Sleep(2*time.Hour + 30*time.Minute)
		c.token = c.login("Atzr|one")
		var found struct{ Reports []map[string]any }
		require.NoError(t, json.Unmarshal([]byte(c.api("GET", reportsPath+"?reportTypes=GET_X,GET_Y&pageSize=100", "").body), &found))
		var made []string
		for _, r := range found.Reports {
			made = append(made, fmt.Sprint(r["reportScheduleId"], " ", r["createdTime"], " ", r["dataStartTime"], " ", r["processingStatus"]))
		}
		want := []string{
			hourly + " 2000-01-01T02:10:00Z 2000-01-01T01:10:00Z DONE",
			hourly + " 2000-01-01T01:10:00Z 2000-01-01T00:10:00Z DONE",
			hourly + " 2000-01-01T00:10:00Z 1999-12-31T23:10:00Z DONE",
			monthly + " 2000-01-01T00:00:00Z 1999-12-01T00:00:00Z CANCELLED",
			elsewhere + " 2000-01-01T00:00:00Z 1999-12-31T00:00:00Z DONE",
			replaced + " 2000-01-01T00:00:00Z 1999-12-31T00:00:00Z DONE",
		}
		assert.Empty(t, cmp.Diff(want, made))
		assert.Equal(t, "2000-02-01T00:00:00Z", c.api("GET", schedulesPath+"/"+monthly, "").field("nextReportCreationTime"))
	})
}

func TestScheduleIsRefused(t *testing.T) {
	srv := open(t, amazontest.Config{})
	c := login(t, srv, "Atzr|one")
	for name, body := range map[string]string{
		"period":      schedule("GET_X", "PT3M", `"A"`),
		"no period":   schedule("GET_X", "", `"A"`),
		"no type":     schedule("", "P1D", `"A"`),
		"settlements": schedule("GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2", "P1D", `"A"`),
		"nowhere":     schedule("GET_X", "P1D", ""),
	} {
		assert.Equal(t, 400, c.api("POST", schedulesPath, body).status, name)
	}
	for name, query := range map[string]string{
		"no types": "", "unknown parameter": "?reportTypes=GET_X&pageSize=1", "eleven types": "?reportTypes=1,2,3,4,5,6,7,8,9,10,11",
	} {
		assert.Equal(t, 400, c.api("GET", schedulesPath+query, "").status, name)
	}
	assert.Contains(t, c.api("POST", schedulesPath, schedule("GET_X", "PT3M", `"A"`)).body, "PT84H", "the error names the periods")
}
