package reportpoll_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/amazon/amazontest"
	"github.com/takebackhq/takeback/amazon/reportpoll"
	"github.com/takebackhq/takeback/amazon/spapi"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/store"
	"github.com/takebackhq/takeback/store/memory"
)

// world is one Amazon, one store and one clock around any number of pollers, which
// reach Amazon by the real client. Its time is that of a synctest bubble, counted
// from epoch.
type world struct {
	t        require.TestingT
	ctx      context.Context
	begun    time.Time
	amz      *amazontest.Server
	client   amazon.Reports
	store    store.Cells
	accounts amazon.AccountList
	sink     *sink
	budget   reportpoll.Budget
	off      time.Duration           // how far the pollers' clock is ahead of Amazon's
	fault    func(call string) fault // asked at every call to the store and to Amazon

	mu    sync.Mutex
	calls map[string]int
	asked []asked
	open  int // downloads that are not closed
}

// asked is a createReport that had its effect.
type asked struct {
	Account order.AccountID
	ID      amazon.ReportID
	At      time.Time
	amazon.ReportRequest
}

// fault is an error before or after a call has its effect.
type fault struct{ before, after error }

const (
	day = 24 * time.Hour
	us  = order.MarketplaceID("ATVPDKIKX0DER")
)

var epoch = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// in runs a test in a world of its own, with one account.
func in(t *testing.T, f func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t.Context(), t, amazontest.Config{})
		f(w)
		assert.Zero(t, w.open, "downloads that nobody closed")
	})
}

// newWorld makes a world within a bubble.
func newWorld(ctx context.Context, t require.TestingT, c amazontest.Config) *world {
	w := &world{
		t: t, ctx: ctx, begun: time.Now(), store: memory.New(), calls: map[string]int{},
		fault: func(string) fault { return fault{} },
	}
	w.sink = &sink{now: w.now}
	c.Now = w.now
	var err error
	w.amz, err = amazontest.New(c)
	require.NoError(t, err)
	client, err := spapi.New(spapi.Config{
		Credentials: func(_ context.Context, a amazon.Account) (spapi.Credentials, error) {
			return spapi.Credentials{ClientID: "app", ClientSecret: "secret", RefreshToken: "Atzr|" + a.Merchant}, nil
		},
		HTTPClient: w.amz.Client(), Now: w.now,
	})
	require.NoError(t, err)
	w.client = watched{client, w}
	w.enrol("shop")
	return w
}

// enrol adds accounts, each with a seller of its own.
func (w *world) enrol(ids ...order.AccountID) {
	for _, id := range ids {
		merchant := fmt.Sprintf("A1SELLER%d", len(w.accounts))
		require.NoError(w.t, w.amz.AddSeller(amazontest.Seller{
			Merchant: merchant, ClientID: "app", ClientSecret: "secret", RefreshToken: "Atzr|" + merchant,
		}))
		w.accounts = append(w.accounts, amazon.Account{
			ID: id, Company: "acme", Merchant: merchant, Region: amazon.NorthAmerica, Marketplaces: []order.MarketplaceID{us},
		})
	}
}

// file gives the first account's seller a file; reports are made of it from now on.
func (w *world) file(f amazontest.ReportFile) {
	f.Seller = w.accounts[0].Merchant
	require.NoError(w.t, w.amz.AddReport(f))
}

func (w *world) now() time.Time { return epoch.Add(time.Since(w.begun)) }

// returns is a job whose reports are asked for.
func (w *world) returns() reportpoll.Job {
	return reportpoll.Job{
		Name: "returns", Types: []amazon.ReportType{amazon.ReturnsFlatReport, amazon.ReturnsXMLReport},
		Every: 4 * time.Hour, Sink: w.sink,
	}
}

// settlements is a job whose reports are listed.
func (w *world) settlements() reportpoll.Job {
	return reportpoll.Job{
		Name: "settlements", Types: []amazon.ReportType{amazon.SettlementReport, amazon.SettlementV1Report},
		ListOnly: true, Every: 6 * time.Hour, Sink: w.sink,
	}
}

// poller opens a poller, as a process does when it starts.
func (w *world) poller(jobs ...reportpoll.Job) *reportpoll.Poller {
	p, err := reportpoll.New(reportpoll.Config{
		Reports: w.client, Accounts: hosts{w}, Cells: cells{w.store, w}, Jobs: jobs, Budget: w.budget,
		Now: func() time.Time { return w.now().Add(w.off) },
	})
	require.NoError(w.t, err)
	return p
}

// run steps for so long, and returns what went wrong.
func (w *world) run(p *reportpoll.Poller, d time.Duration) (errs []error) {
	for end := w.now().Add(d); w.now().Before(end); {
		next, err := p.Step(w.ctx)
		if err != nil {
			errs = append(errs, err)
		}
		time.Sleep(min(max(time.Second, next.Sub(w.now().Add(w.off))), end.Sub(w.now())))
	}
	return errs
}

// cron steps now and then, whatever the poller says, and returns what went wrong.
func (w *world) cron(p *reportpoll.Poller, d, every time.Duration) (errs []error) {
	for end := w.now().Add(d); w.now().Before(end); time.Sleep(every) {
		if _, err := p.Step(w.ctx); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// status is the only one there is of the first account.
func (w *world) status(p *reportpoll.Poller) reportpoll.Status {
	list, err := p.Status(w.ctx, w.accounts[0].ID)
	require.NoError(w.t, err)
	require.Len(w.t, list, 1)
	return list[0]
}

// requests are the createReports so far.
func (w *world) requests() []asked {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.asked)
}

// count is how often a call was made.
func (w *world) count(call string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls[call]
}

// meet makes a call, unless a fault keeps it from being made or answered.
func meet[V any](w *world, call string, do func() (V, error)) (V, error) {
	w.mu.Lock()
	w.calls[call]++
	w.mu.Unlock()
	var none V
	f := w.fault(call)
	if f.before != nil {
		return none, f.before
	}
	v, err := do()
	if f.after != nil {
		return none, f.after
	}
	return v, err
}

// watched is the way to Amazon's reports.
type watched struct {
	client amazon.Reports
	w      *world
}

func (r watched) Request(ctx context.Context, a amazon.Account, q amazon.ReportRequest) (amazon.ReportID, error) {
	return meet(r.w, "Request", func() (amazon.ReportID, error) {
		id, err := r.client.Request(ctx, a, q)
		if err == nil {
			r.w.mu.Lock()
			defer r.w.mu.Unlock()
			r.w.asked = append(r.w.asked, asked{a.ID, id, r.w.now(), q})
		}
		return id, err
	})
}

func (r watched) Report(ctx context.Context, a amazon.Account, id amazon.ReportID) (amazon.Report, error) {
	return meet(r.w, "Report", func() (amazon.Report, error) { return r.client.Report(ctx, a, id) })
}

func (r watched) Reports(ctx context.Context, a amazon.Account, q amazon.ReportQuery) ([]amazon.Report, error) {
	return meet(r.w, "Reports", func() ([]amazon.Report, error) { return r.client.Reports(ctx, a, q) })
}

func (r watched) Open(ctx context.Context, a amazon.Account, of amazon.Report) (io.ReadCloser, amazon.ReportMeta, error) {
	var meta amazon.ReportMeta
	body, err := meet(r.w, "Open", func() (body io.ReadCloser, err error) {
		body, meta, err = r.client.Open(ctx, a, of)
		return body, err
	})
	if err == nil {
		r.w.opened(1)
		body = download{body, r.w}
	}
	return body, meta, err
}

// download is the body of a report.
type download struct {
	io.ReadCloser
	w *world
}

func (d download) Close() error {
	d.w.opened(-1)
	return d.ReadCloser.Close()
}

func (w *world) opened(more int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open += more
}

// cells is the way to the store.
type cells struct {
	store store.Cells
	w     *world
}

func (c cells) Cells(ctx context.Context, names []string) ([]store.Cell, error) {
	return meet(c.w, "Cells", func() ([]store.Cell, error) { return c.store.Cells(ctx, names) })
}

func (c cells) SaveCell(ctx context.Context, cell store.Cell) error {
	_, err := meet(c.w, "SaveCell", func() (struct{}, error) { return struct{}{}, c.store.SaveCell(ctx, cell) })
	return err
}

// hosts are the accounts as they are now.
type hosts struct{ w *world }

func (h hosts) Accounts(ctx context.Context, ids ...order.AccountID) ([]amazon.Account, error) {
	return meet(h.w, "Accounts", func() ([]amazon.Account, error) { return h.w.accounts.Accounts(ctx, ids...) })
}

// sink remembers what it was given.
type sink struct {
	now    func() time.Time
	refuse func(m amazon.ReportMeta) error // nil: it takes everything
	read   func(r io.Reader) ([]byte, error)

	mu    sync.Mutex
	taken []taken
}

type taken struct {
	Account order.AccountID
	Meta    amazon.ReportMeta
	Body    string
	At      time.Time
}

func (s *sink) ImportReport(_ context.Context, a amazon.Account, m amazon.ReportMeta, r io.Reader) error {
	read := s.read
	if read == nil {
		read = io.ReadAll
	}
	body, err := read(r)
	if err != nil {
		return err
	}
	if s.refuse != nil {
		if err := s.refuse(m); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = append(s.taken, taken{a.ID, m, string(body), s.now()})
	return nil
}

func (s *sink) all() []taken {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.taken)
}

// bodies are the files that were taken, in that order.
func (s *sink) bodies() (bodies []string) {
	for _, t := range s.all() {
		bodies = append(bodies, t.Body)
	}
	return bodies
}

// covered is the time that the reports cover which an account's sink took, and the
// first gap in it, if there is one.
func (w *world) covered(id order.AccountID) (all, gap reportpoll.Window) {
	handed := map[amazon.ReportID]bool{}
	for _, t := range w.sink.all() {
		handed[t.Meta.ID] = handed[t.Meta.ID] || t.Account == id
	}
	windows := slices.DeleteFunc(w.requests(), func(a asked) bool { return a.Account != id || !handed[a.ID] })
	slices.SortFunc(windows, func(a, b asked) int { return a.Start.Compare(b.Start) })
	for i, a := range windows {
		if i == 0 {
			all = reportpoll.Window{Start: a.Start, End: a.End}
			continue
		}
		if a.Start.After(all.End) && gap.Start.IsZero() {
			gap = reportpoll.Window{Start: all.End, End: a.Start}
		}
		if a.End.After(all.End) {
			all.End = a.End
		}
	}
	return all, gap
}
