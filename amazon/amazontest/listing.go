package amazontest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/takebackhq/takeback/amazon"
)

// visible is how long feeds and reports are listed.
const visible = 90 * 24 * time.Hour

// query is what getFeeds and getReports select by.
type query struct {
	types, statuses, marketplaces []string
	since, until                  time.Time
	size                          int
	after                         string // ID of the last job on the page before; empty: first page
}

// list answers getFeeds or getReports: the newest first, page by page.
func (r *request) list(jobs []*job, typesName, listName string, view func(*job) any) answer {
	values := r.URL.Query()
	if values.Has("nextToken") {
		if len(values) > 1 {
			return invalid("nextToken must be the only parameter")
		}
		raw, err := base64.StdEncoding.DecodeString(values.Get("nextToken"))
		if err == nil {
			values, err = url.ParseQuery(string(raw))
		}
		if err != nil || !values.Has("after") {
			return invalid("nextToken is not one that this server gave")
		}
	} else if values.Has("after") {
		return invalid("parameter after is unknown")
	}
	q, err := parseQuery(values, typesName, r.now)
	if err != nil {
		return invalid("%v", err)
	}

	page := []any{}
	seen := q.after == ""
	for _, j := range slices.Backward(jobs) {
		switch {
		case !seen:
			seen = j.ID == q.after
		case !q.selects(j) || !j.listed(r.now):
		case len(page) == q.size:
			values.Set("after", q.after)
			next := base64.StdEncoding.EncodeToString([]byte(values.Encode()))
			return jsonAnswer(200, map[string]any{listName: page, "nextToken": next})
		default:
			q.after = j.ID
			if r.omit > 0 {
				r.omit--
				continue
			}
			page = append(page, view(j))
		}
	}
	return jsonAnswer(200, map[string]any{listName: page})
}

func parseQuery(values url.Values, typesName string, now time.Time) (query, error) {
	q := query{size: 10, since: now.Add(-visible), until: now}
	for name, given := range values {
		if len(given) > 1 {
			return query{}, fmt.Errorf("%s is given %d times; separate its values by commas", name, len(given))
		}
		var err error
		value := given[0]
		switch name {
		case typesName:
			q.types, err = words(value, 10)
		case "marketplaceIds":
			q.marketplaces, err = words(value, 10)
		case "processingStatuses":
			q.statuses, err = words(value, 5)
			for _, status := range q.statuses {
				switch amazon.FeedStatus(status) {
				case amazon.FeedInQueue, amazon.FeedInProgress, amazon.FeedDone, amazon.FeedCancelled, amazon.FeedFatal:
				default:
					err = fmt.Errorf("%q is not a status", status)
				}
			}
		case "createdSince":
			q.since, err = time.Parse(time.RFC3339, value)
		case "createdUntil":
			q.until, err = time.Parse(time.RFC3339, value)
		case "pageSize":
			if q.size, err = strconv.Atoi(value); err == nil && (q.size < 1 || q.size > 100) {
				err = fmt.Errorf("%d is not within 1 to 100", q.size)
			}
		case "after":
			q.after = value
		default:
			err = errors.New("unknown parameter")
		}
		if err != nil {
			return query{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	if q.types == nil {
		return query{}, fmt.Errorf("%s is required", typesName)
	}
	return q, nil
}

// words splits a comma-separated list.
func words(list string, most int) ([]string, error) {
	ws := strings.Split(list, ",")
	if slices.Contains(ws, "") || len(ws) > most {
		return nil, fmt.Errorf("%q: want 1 to %d values, separated by commas", list, most)
	}
	return ws, nil
}

func (q query) selects(j *job) bool {
	here := func(w string) bool {
		for _, m := range j.Marketplaces {
			if string(m) == w {
				return true
			}
		}
		return false
	}
	return slices.Contains(q.types, j.Type) &&
		(q.statuses == nil || slices.Contains(q.statuses, string(j.Status))) &&
		(q.marketplaces == nil || slices.ContainsFunc(q.marketplaces, here)) &&
		!j.CreatedAt.Before(q.since) && !j.CreatedAt.After(q.until)
}

func find(jobs []*job, id string) *job {
	i := slices.IndexFunc(jobs, func(j *job) bool { return j.ID == id })
	if i < 0 {
		return nil
	}
	return jobs[i]
}
