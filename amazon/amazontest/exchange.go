package amazontest

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/takebackhq/takeback/internal/wirelog"
)

// maxBody bounds what the server reads of a request.
const maxBody = 64 << 20

// operation is one thing a client can ask for.
type operation struct {
	name   string
	method string
	path   string // one that ends in a slash is followed by an ID
	plan   plan   // zero: Amazon publishes none, so it is not throttled
	refuse func(status int, code, message, details string) answer
	do     func(*Server, *request) answer
}

// operations are those of the models feeds_2021-06-30, reports_2021-06-30,
// tokens_2021-03-01, orders_2026-01-01 and finances_2024-06-19, with the usage
// plans given there, and what goes with them. The intervals are exact, where the
// models print fractions of a second, rounded.
var operations = []operation{
	{"login", "POST", "/auth/o2/token", plan{}, loginRefusal, (*Server).login},

	{"createFeedDocument", "POST", "/feeds/2021-06-30/documents", plan{2 * time.Second, 15}, apiError, authorized((*Server).createFeedDocument)},
	{"getFeedDocument", "GET", "/feeds/2021-06-30/documents/", plan{45 * time.Second, 10}, apiError, authorized((*Server).getDocument)},
	{"createFeed", "POST", "/feeds/2021-06-30/feeds", plan{120 * time.Second, 15}, apiError, authorized((*Server).createFeed)},
	{"getFeeds", "GET", "/feeds/2021-06-30/feeds", plan{45 * time.Second, 10}, apiError, authorized((*Server).getFeeds)},
	{"getFeed", "GET", "/feeds/2021-06-30/feeds/", plan{time.Second / 2, 15}, apiError, authorized((*Server).getFeed)},
	{"cancelFeed", "DELETE", "/feeds/2021-06-30/feeds/", plan{time.Second / 2, 15}, apiError, authorized((*Server).cancelFeed)},

	{"createReport", "POST", "/reports/2021-06-30/reports", plan{60 * time.Second, 15}, apiError, authorized((*Server).createReport)},
	{"getReports", "GET", "/reports/2021-06-30/reports", plan{45 * time.Second, 10}, apiError, authorized((*Server).getReports)},
	{"getReport", "GET", "/reports/2021-06-30/reports/", plan{time.Second / 2, 15}, apiError, authorized((*Server).getReport)},
	{"cancelReport", "DELETE", "/reports/2021-06-30/reports/", plan{45 * time.Second, 10}, apiError, authorized((*Server).cancelReport)},
	{"getReportDocument", "GET", "/reports/2021-06-30/documents/", plan{60 * time.Second, 15}, apiError, authorized((*Server).getReportDocument)},
	{"createReportSchedule", "POST", "/reports/2021-06-30/schedules", plan{45 * time.Second, 10}, apiError, authorized((*Server).createReportSchedule)},
	{"getReportSchedules", "GET", "/reports/2021-06-30/schedules", plan{45 * time.Second, 10}, apiError, authorized((*Server).getReportSchedules)},
	{"getReportSchedule", "GET", "/reports/2021-06-30/schedules/", plan{45 * time.Second, 10}, apiError, authorized((*Server).getReportSchedule)},
	{"cancelReportSchedule", "DELETE", "/reports/2021-06-30/schedules/", plan{45 * time.Second, 10}, apiError, authorized((*Server).cancelReportSchedule)},

	{"createRestrictedDataToken", "POST", "/tokens/2021-03-01/restrictedDataToken", plan{time.Second, 10}, apiError, authorized((*Server).createRestrictedDataToken)},

	{"searchOrders", "GET", "/orders/2026-01-01/orders", plan{180 * time.Second, 20}, apiError, authorized((*Server).searchOrders)},
	{"getOrder", "GET", "/orders/2026-01-01/orders/", plan{2 * time.Second, 30}, apiError, authorized((*Server).getOrder)},

	{"listTransactions", "GET", "/finances/2024-06-19/transactions", plan{2 * time.Second, 10}, apiError, authorized((*Server).listTransactions)},

	{"upload", "PUT", presignedPath, plan{}, storageError, (*Server).upload},
	{"download", "GET", presignedPath, plan{}, storageError, (*Server).download},
}

// unknown answers whatever has no route.
var unknown = operation{refuse: apiError, do: func(_ *Server, r *request) answer {
	return apiError(404, "NotFound", fmt.Sprintf("no operation %s %s", r.Method, r.URL.Path), "")
}}

func route(method, path string) (op operation, id string) {
	for _, op := range operations {
		rest, ok := strings.CutPrefix(path, op.path)
		if ok && method == op.method && (rest != "") == strings.HasSuffix(op.path, "/") {
			return op, rest
		}
	}
	return unknown, ""
}

// Call is one call that arrived. The journal of calls holds no token.
type Call struct {
	Number int // counts all calls, from 1

	// Op is Amazon's operation, such as createFeed, or one of login, upload and
	// download; empty when there is no such operation.
	Op     string
	Path   string    // of the URL, such as /feeds/2021-06-30/feeds/50000000001, without the query
	Nth    int       // counts the calls of this operation, from 1
	Seller string    // merchant ID; empty when the call does not tell
	Time   time.Time // when it arrived
	Status int       // HTTP status of the answer; 0 when there was none: the connection was broken, or left hanging

	RequestID string // x-amzn-RequestId

	// Fault is what went wrong with the call.
	Fault Fault `json:",omitzero"`

	// Effect is the HTTP status that the operation came to, whatever the caller
	// was told, at EffectTime. 0: a fault kept the call from its effect, or it is
	// late and has not arrived yet.
	Effect     int
	EffectTime time.Time
}

// request is a call with what its operation needs to know.
type request struct {
	*http.Request
	body []byte
	op   operation
	id   string
	at   time.Time // when it arrived
	now  time.Time // the same, in the precision of Amazon's answers
	base string    // scheme and host of presigned addresses
	omit int       // entries to leave out of a list

	// restricted: the access token is a Restricted Data Token for this resource.
	restricted bool
}

// answer is an HTTP response before it is written.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// ServeHTTP implements [http.Handler]. Operations are told apart by method and
// path only, so one server is Login with Amazon, the API and the document
// storage at once; presigned addresses point back to it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	a, ok := s.exchange(r, scheme+r.Host)
	if !ok {
		breakConnection(w)
		return
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that has gone away needs no answer
}

func breakConnection(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2: net/http's own word for breaking off
	}
	_ = conn.Close()
}

// exchange carries out one call, unless a fault keeps it from its effect. It
// answers false when the connection is to be broken.
func (s *Server) exchange(hr *http.Request, base string) (answer, bool) {
	body, err := io.ReadAll(io.LimitReader(hr.Body, maxBody+1))
	if err != nil {
		return answer{}, false // the client broke off: the call never arrived
	}
	r := &request{Request: hr, body: body, base: base}
	r.op, r.id = route(hr.Method, hr.URL.Path)

	call, script := s.arrive(r)
	var fault Fault
	if script != nil {
		fault = script(call)
	}
	a, answered := s.perform(r, call, fault)
	s.writeDown(r, a, fault)
	return a, wait(hr.Context(), fault.Delay) && answered
}

// writeDown keeps the exchange for a check of all of them; an answer that the
// script had a hand in is not the server's own. Where it cannot be kept, the
// answer still tells what came of the call, and the server takes no further one.
func (s *Server) writeDown(r *request, a answer, fault Fault) {
	e := wirelog.Exchange{Method: r.Method, Target: r.URL.RequestURI(), Header: r.Header, Body: r.body}
	if fault.none() {
		e.Answer = &wirelog.Answer{Status: a.status, Header: a.header, Body: a.body}
	}
	if err := wirelog.Write(e); err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.unwritten = err
	}
}

// arrive enters a call in the journal. The script is asked afterwards, without
// the lock, so that it may look at the books.
func (s *Server) arrive(r *request) (Call, func(Call) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.books
	b.Counts[r.op.name]++
	n := len(b.Calls) + 1
	b.Calls = append(b.Calls, Call{
		Number: n, Op: r.op.name, Path: r.URL.Path, Nth: b.Counts[r.op.name], Seller: b.caller(r), Time: s.now(),
		RequestID: fmt.Sprintf("00000000-0000-4000-8000-%012d", n),
	})
	return b.Calls[n-1], s.script
}

// perform lets the call have its effect, saves the books, and only then answers.
// It answers false when the connection is to be broken.
func (s *Server) perform(r *request, call Call, fault Fault) (answer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.at, r.omit = s.clock(), fault.Omit
	r.now = r.at.Truncate(time.Millisecond)
	s.advance(r.now)

	var a answer
	switch {
	case s.unwritten != nil:
		a = r.op.refuse(500, "InternalFailure", s.unwritten.Error(), "")
	case len(r.body) > maxBody:
		a = r.op.refuse(413, "RequestTooLarge", "the request is larger than this server reads", "")
	case fault.Late > 0:
		s.books.park(r, call, fault.Late)
	case fault.spares():
		a = s.effect(r, call.Number)
	}
	a = fault.answer(r.op, a)
	entry := &s.books.Calls[call.Number-1]
	entry.Fault = fault
	if !fault.breaks() && fault.Delay < Forever {
		entry.Status = a.status
	}
	if err := s.books.save(s.config.File); err != nil {
		a = r.op.refuse(500, "InternalFailure", err.Error(), "")
	}

	a.header.Set("Date", r.now.Format(http.TimeFormat))
	a.header.Set("X-Amzn-Requestid", call.RequestID)
	if r.op.plan.burst > 0 {
		a.header.Set("X-Amz-Apigw-Id", fmt.Sprintf("gw-%012d", call.Number))
	}
	if r.op.plan.burst > 0 && (a.status < 300 || a.status == 400 || a.status == 404) {
		a.header.Set("X-Amzn-Ratelimit-Limit", s.config.Throttle.rate(r.op.plan))
	}
	return a, !fault.breaks()
}

// caller is the merchant ID of whoever calls, as far as the call tells, whether
// or not it will be let in.
func (b *books) caller(r *request) string {
	switch r.op.name {
	case "login":
		form, _ := r.form()
		if a := b.byRefreshToken(form.Get("refresh_token")); a != nil {
			return a.Merchant
		}
		return ""
	case "upload", "download":
		merchant, _, _ := strings.Cut(r.id, "/")
		if b.Sellers[merchant] == nil {
			return ""
		}
		return merchant
	}
	return b.Tokens[r.Header.Get("x-amz-access-token")].Seller
}

// authorized is an operation for those who show an access token that is valid
// for it, as often as the operation's usage plan allows.
func authorized(do func(*Server, *request, *account) answer) func(*Server, *request) answer {
	return func(s *Server, r *request) answer {
		access := r.Header.Get("x-amz-access-token")
		t, known := s.books.Tokens[access]
		switch {
		case access == "":
			return denied("MissingAuthenticationToken", "Access token is missing in the request header.")
		case !known:
			return denied("Unauthorized", "The access token you provided is revoked, malformed or invalid.")
		case !r.now.Before(t.Expires):
			return denied("Unauthorized", "The access token you provided has expired.")
		case !t.opens(r.Method, r.URL.Path):
			return denied("Unauthorized", "")
		}
		a := s.books.Sellers[t.Seller]
		if !a.admit(r.op, r.at, s.config.Throttle) {
			return apiError(429, "QuotaExceeded", "You exceeded your quota for the requested resource.", "")
		}
		r.restricted = t.Resources != nil
		return do(s, r, a)
	}
}

// denied is what Amazon answers to a caller who may not; 401 is declared for
// some operations, but not seen.
func denied(code, details string) answer {
	return apiError(403, code, "Access to requested resource is denied.", details)
}

// json reads the request's body into v, which names all fields that the model
// has.
func (r *request) json(v any) (refused answer, ok bool) {
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media != "application/json" {
		return apiError(415, "UnsupportedMediaType", "want Content-Type application/json", ""), false
	}
	d := json.NewDecoder(strings.NewReader(string(r.body)))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return invalid("body: %v", err), false
	}
	if d.More() {
		return invalid("body: more than one JSON value"), false
	}
	return answer{}, true
}

func jsonAnswer(status int, v any) answer {
	body, err := json.Marshal(v)
	if err != nil {
		return apiError(500, "InternalFailure", err.Error(), "")
	}
	return answer{status, http.Header{"Content-Type": {"application/json"}}, body}
}

// emptyAnswer is an answer without a body.
func emptyAnswer(status int) answer { return answer{status: status, header: http.Header{}} }

// apiError is an error of the API (model type ErrorList).
func apiError(status int, code, message, details string) answer {
	type apiErr struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Details string `json:"details"`
	}
	a := jsonAnswer(status, map[string][]apiErr{"errors": {{code, message, details}}})
	if status == 429 {
		a.header.Set("X-Amzn-Errortype", "TooManyRequestsException")
	}
	return a
}

func invalid(format string, args ...any) answer {
	return apiError(400, "InvalidInput", fmt.Sprintf(format, args...), "")
}

// storageError is an error of the document storage, which speaks XML.
func storageError(status int, code, message, _ string) answer {
	body, err := xml.Marshal(struct {
		XMLName       xml.Name `xml:"Error"`
		Code, Message string
	}{Code: code, Message: message})
	if err != nil {
		return apiError(500, "InternalFailure", err.Error(), "")
	}
	return answer{status, http.Header{"Content-Type": {"application/xml"}}, append([]byte(xml.Header), body...)}
}
