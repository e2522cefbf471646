package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback"
	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/refund/settlement"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/settings"
	"github.com/takebackhq/takeback/store"
)

const testSeed = 2

// play plays runs, with a mistake planted into the library, until enough of them
// were played or one has shown what is looked for.
func play(t *testing.T, runs int, plant func(*takeback.Config), shows func(figures) bool) figures {
	t.Helper()
	folder := t.TempDir()
	empty, err := emptyDatabase(folder)
	require.NoError(t, err)
	sum := figures{LedgerEqual: true}
	for n := 1; n <= runs && !shows(sum); n++ {
		r := newRun(testSeed, n, 3)
		r.plant = plant
		require.NoError(t, r.play(folder, empty))
		for _, finding := range r.findings {
			t.Logf("run %d: %s", n, finding)
		}
		sum = sum.plus(r.figures)
	}
	return sum
}

func TestRunsAreSafe(t *testing.T) {
	sum := play(t, 20, nil, func(figures) bool { return false })
	require.NoError(t, sum.verdict())
	assert.NotZero(t, sum.Requests)
	assert.NotZero(t, sum.Faults)
	assert.NotZero(t, sum.Crashes)
	assert.NotZero(t, sum.Suspends)
}

// The same seed, number and workers go the same way.
func TestRunReplays(t *testing.T) {
	folder := t.TempDir()
	empty, err := emptyDatabase(folder)
	require.NoError(t, err)
	for n := range 10 {
		var told [2][]string
		for i := range told {
			r := newRun(testSeed, n+1, 3)
			r.trace = func(line string) { told[i] = append(told[i], line) }
			require.NoError(t, r.play(folder, empty))
		}
		require.Empty(t, cmp.Diff(told[0], told[1]), "run %d", n+1)
	}
}

// What the program is for: each mistake is one that the library must not make,
// and shows.
func TestFindsMistakes(t *testing.T) {
	tests := []struct {
		name  string
		plant func(*takeback.Config)
		shows func(figures) bool
	}{
		{"sends a document twice", func(c *takeback.Config) { c.Amazon = twice{c.Amazon} }, func(f figures) bool { return f.Double > 0 }},
		{"does not compare before it sets", func(c *takeback.Config) { c.Store = forced{c.Store} }, func(f figures) bool { return f.Double > 0 }},
		{"takes a lost answer for unsent", func(c *takeback.Config) { c.Amazon = hasty{c.Amazon} }, func(f figures) bool { return f.Double > 0 }},
		{"sees no feeds when it looks", func(c *takeback.Config) { c.Amazon = unseeing{c.Amazon} }, func(f figures) bool { return f.Double > 0 }},
		{"knows nothing of other applications", func(c *takeback.Config) { c.Accounts = alone(c.Accounts.(amazon.AccountList)) }, func(f figures) bool { return f.WrongAdoption > 0 }},
		{"takes every feed for done well", func(c *takeback.Config) { c.Amazon = blind{c.Amazon} }, func(f figures) bool { return f.Lost > 0 }},
		{"does not post what was paid", func(c *takeback.Config) { c.Store = forgetful{c.Store} }, func(f figures) bool { return !f.LedgerEqual }},
		{"hands over whatever changed", func(c *takeback.Config) { c.Store = rash{c.Store} }, func(f figures) bool { return f.GateLies > 0 }},
		{"moves stock for each try", func(c *takeback.Config) { c.Store = restless{c.Store} }, func(f figures) bool { return f.StockWrong > 0 }},
		{"forgets how old a report was", func(c *takeback.Config) { c.Store = ageless{c.Store} }, func(f figures) bool { return f.ReturnsDiffer > 0 }},
		{"takes every booking for Amazon's own", func(c *takeback.Config) { c.Store = estranged{c.Store} }, func(f figures) bool { return f.Unexplained > 0 }},
		{"sends what nobody approved", func(c *takeback.Config) { c.Settings = unlimited{c.Settings} }, func(f figures) bool { return f.Unapproved > 0 }},
		{"never releases a hold", func(c *takeback.Config) { c.Book = clinging{c.Book} }, func(f figures) bool { return f.Astray > 0 }},
		{"forgets what buyers wish", func(c *takeback.Config) { c.Store = deaf{c.Store} }, func(f figures) bool { return f.Lost > 0 }},
	}
	for i := 0; i < len(tests); i += oneIn {
		tt := tests[i]
		t.Run(tt.name, func(t *testing.T) {
			sum := play(t, 500, tt.plant, tt.shows)
			assert.True(t, tt.shows(sum), "%+v", sum)
			assert.Error(t, sum.verdict())
		})
	}
}

// twice sends what it has sent once more, under a new ticket.
type twice struct{ amazon.API }

func (a twice) Begin(ctx context.Context, account amazon.Account, t amazon.FeedType) (amazon.Ticket, error) {
	first, err := a.API.Begin(ctx, account, t)
	if err != nil {
		return nil, err
	}
	second, err := a.API.Begin(ctx, account, t)
	if err != nil {
		first.Close()
		return nil, err
	}
	return &twoTickets{first, second}, nil
}

type twoTickets struct {
	amazon.Ticket
	second amazon.Ticket
}

func (t *twoTickets) Upload(ctx context.Context, contentType string, doc []byte) (fence, at time.Time, err error) {
	if _, _, err := t.second.Upload(ctx, contentType, doc); err != nil {
		return fence, at, err
	}
	return t.Ticket.Upload(ctx, contentType, doc)
}

func (t *twoTickets) Create(ctx context.Context) (amazon.Feed, error) {
	if _, err := t.second.Create(ctx); err != nil {
		return amazon.Feed{}, err
	}
	return t.Ticket.Create(ctx)
}

func (t *twoTickets) Close() { t.second.Close(); t.Ticket.Close() }

// forced is a store that has every batch saved, whatever was saved before.
type forced struct{ takeback.Store }

func (s forced) SaveQueue(ctx context.Context, c queue.Change) error {
	err := s.Store.SaveQueue(ctx, c)
	if !errors.Is(err, store.ErrConflict) {
		return err
	}
	for i, b := range c.Batches {
		found, err := s.Batches(ctx, queue.BatchQuery{IDs: []queue.BatchID{b.ID}})
		if err != nil {
			return err
		}
		for _, now := range found {
			c.Batches[i].Version = now.Version
		}
	}
	for i, e := range c.Entries {
		found, err := s.Entries(ctx, queue.EntryQuery{IDs: []queue.EntryID{e.ID}})
		if err != nil {
			return err
		}
		for _, now := range found {
			c.Entries[i].Version = now.Version
		}
	}
	var heads []order.AmazonID
	for _, w := range c.Orders {
		heads = append(heads, w.Order)
	}
	ledgers, err := s.Ledgers(ctx, heads)
	if err != nil {
		return err
	}
	for i, l := range ledgers {
		c.Orders[i].Version = l.Version
	}
	return s.Store.SaveQueue(ctx, c)
}

// hasty says of every createFeed without a good answer that it was not sent.
type hasty struct{ amazon.API }

func (a hasty) Begin(ctx context.Context, account amazon.Account, t amazon.FeedType) (amazon.Ticket, error) {
	ticket, err := a.API.Begin(ctx, account, t)
	return hastyTicket{ticket}, err
}

type hastyTicket struct{ amazon.Ticket }

func (t hastyTicket) Create(ctx context.Context) (amazon.Feed, error) {
	f, err := t.Ticket.Create(ctx)
	if err != nil {
		err = &amazon.Error{Op: "createFeed", Sent: amazon.NotSent, Err: err}
	}
	return f, err
}

// unseeing lists no feeds.
type unseeing struct{ amazon.API }

func (a unseeing) ListFeeds(ctx context.Context, account amazon.Account, t amazon.FeedType, since time.Time) (amazon.FeedList, error) {
	list, err := a.API.ListFeeds(ctx, account, t, since)
	list.Feeds = nil
	return list, err
}

// alone are the accounts as somebody describes them who thinks that nobody else
// sends.
func alone(accounts amazon.AccountList) amazon.AccountList {
	accounts = slices.Clone(accounts)
	for i := range accounts {
		accounts[i].OtherSenders = false
	}
	return accounts
}

// blind reads of every processing report only how many messages there were.
type blind struct{ amazon.API }

var processed = regexp.MustCompile(`<MessagesProcessed>(\d+)<`)

func (a blind) Document(ctx context.Context, account amazon.Account, id amazon.DocumentID) (io.ReadCloser, error) {
	r, err := a.API.Document(ctx, account, id)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	report, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	n := "0"
	if found := processed.FindSubmatch(report); found != nil {
		n = string(found[1])
	}
	return io.NopCloser(strings.NewReader(`<AmazonEnvelope><Header><DocumentVersion>1.02</DocumentVersion></Header>
		<MessageType>ProcessingReport</MessageType><Message><MessageID>1</MessageID><ProcessingReport>
		<DocumentTransactionID>1</DocumentTransactionID><StatusCode>Complete</StatusCode><ProcessingSummary>
		<MessagesProcessed>` + n + `</MessagesProcessed><MessagesSuccessful>` + n + `</MessagesSuccessful>
		<MessagesWithError>0</MessagesWithError><MessagesWithWarning>0</MessagesWithWarning>
		</ProcessingSummary></ProcessingReport></Message></AmazonEnvelope>`)), nil
}

// forgetful is a store in which what is posted counts nothing.
type forgetful struct{ takeback.Store }

func (s forgetful) SaveRefunds(ctx context.Context, cs []refund.Change) error {
	for _, c := range cs {
		for i := range c.Postings {
			if c.Postings[i].Balance == order.Posted {
				c.Postings[i].Amount = decimal.Zero
			}
		}
	}
	return s.Store.SaveRefunds(ctx, cs)
}

// rash is a store that hands over whatever changed since the gate was asked.
type rash struct{ takeback.Store }

func (s rash) SaveCancellations(ctx context.Context, cs []cancel.Change) error {
	err := s.Store.SaveCancellations(ctx, cs)
	if !errors.Is(err, store.ErrConflict) || len(cs) != 1 || len(cs[0].Gates) == 0 || len(cs[0].Cancellations) > 0 {
		return err
	}
	ledgers, err := s.Ledgers(ctx, []order.AmazonID{cs[0].Order})
	if err != nil {
		return err
	}
	cs[0].Version = ledgers[0].Version
	return s.Store.SaveCancellations(ctx, cs)
}

// restless is a store in which goods that came move the stock twice.
type restless struct{ takeback.Store }

func (s restless) SaveRMAs(ctx context.Context, cs []rma.Change) error {
	for i := range cs {
		for _, e := range cs[i].Effects {
			if e.Kind == order.EffectStock {
				cs[i].Effect(e, e.Order, e.Stamp)
			}
		}
	}
	return s.Store.SaveRMAs(ctx, cs)
}

// ageless is a store that forgets when reports were made.
type ageless struct{ takeback.Store }

func (s ageless) SaveRMAs(ctx context.Context, cs []rma.Change) error {
	for i := range cs {
		for j := range cs[i].Returns {
			clear(cs[i].Returns[j].Known)
		}
	}
	return s.Store.SaveRMAs(ctx, cs)
}

// estranged is a store in which what settlements show belongs to no refund of ours.
type estranged struct{ takeback.Store }

func (s estranged) SaveBookings(ctx context.Context, cs []settlement.Change) error {
	for i := range cs {
		for j := range cs[i].Bookings {
			cs[i].Bookings[j].Refund = ""
		}
	}
	return s.Store.SaveBookings(ctx, cs)
}

// unlimited are settings without limits.
type unlimited struct{ settings.Source }

func (s unlimited) Settings(ctx context.Context, id order.CompanyID) (settings.Settings, error) {
	of, err := s.Source.Settings(ctx, id)
	of.Policy.Limits = nil
	return of, err
}

// clinging never tells the host that a hold is over.
type clinging struct{ order.Book }

func (b clinging) ApplyOrder(ctx context.Context, e order.Effect) error {
	if e.Kind == order.EffectRelease {
		return nil
	}
	return b.Book.ApplyOrder(ctx, e)
}

// deaf is a store that has no buyers' wishes.
type deaf struct{ takeback.Store }

func (s deaf) SaveCancellations(ctx context.Context, cs []cancel.Change) error {
	for i := range cs {
		cs[i].Requests = nil
	}
	return s.Store.SaveCancellations(ctx, cs)
}

// asProgram has a process of this test's be the program itself.
const asProgram = "TAKEBACK_SOAK"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// The figures are one JSON object, the same from one process and from several.
func TestOutput(t *testing.T) {
	t.Setenv(asProgram, "yes")
	figuresOf := func(args string) (got map[string]any) {
		var out, findings bytes.Buffer
		require.NoError(t, soak(t.Context(), strings.Fields("-json -seed 7 -runs 7 -workers 2 -folder "+t.TempDir()+" "+args), &out, &findings))
		require.NoError(t, json.Unmarshal(out.Bytes(), &got), out.String())
		assert.Empty(t, findings.String())
		return got
	}
	got := figuresOf("-processes 1")
	assert.Equal(t, got, figuresOf("-processes 3"))
	assert.ElementsMatch(t, slices.Collect(maps.Keys(got)), []string{
		"runs", "requests", "faults", "crashes", "suspends", "double", "lost", "wrong_adoption", "undecided",
		"gate_lies", "stock_wrong", "returns_differ", "unexplained", "unapproved", "astray", "ledger_equal",
	})
	assert.EqualValues(t, 7, got["runs"])
	assert.Equal(t, true, got["ledger_equal"])
}

// One run is told line by line.
func TestOneRunIsTold(t *testing.T) {
	var out, findings bytes.Buffer
	require.NoError(t, soak(t.Context(), strings.Fields("-seed 7 -run 2 -folder "+t.TempDir()), &out, &findings))
	assert.Contains(t, out.String(), "worker 1: step")
	assert.Contains(t, out.String(), "\n1 runs, ")
}

func TestVerdict(t *testing.T) {
	good := figures{Runs: 1, Undecided: 1, LedgerEqual: true}
	assert.NoError(t, good.verdict())
	for name, spoil := range map[string]func(*figures){
		"double":         func(f *figures) { f.Double = 1 },
		"lost":           func(f *figures) { f.Lost = 1 },
		"wrong adoption": func(f *figures) { f.WrongAdoption = 1 },
		"gate lies":      func(f *figures) { f.GateLies = 1 },
		"stock wrong":    func(f *figures) { f.StockWrong = 1 },
		"returns differ": func(f *figures) { f.ReturnsDiffer = 1 },
		"unexplained":    func(f *figures) { f.Unexplained = 1 },
		"unapproved":     func(f *figures) { f.Unapproved = 1 },
		"astray":         func(f *figures) { f.Astray = 1 },
		"ledgers equal":  func(f *figures) { f.LedgerEqual = false },
	} {
		bad := good
		spoil(&bad)
		assert.ErrorContains(t, bad.verdict(), name)
		assert.ErrorContains(t, good.plus(bad).verdict(), name, "one bad run is enough")
	}
}

func TestCommandLineRefuses(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"-runs 0", "at least 1"},
		{"-workers 0", "at least 1"},
		{"-processes 0", "at least 1"},
		{"-run -1", "at least 1"},
		{"-folder /nowhere/at/all", "/nowhere/at/all"},
		{"7", `unexpected argument "7"`},
	} {
		t.Run(tt.args, func(t *testing.T) {
			require.ErrorContains(t, soak(t.Context(), strings.Fields(tt.args), &bytes.Buffer{}, &bytes.Buffer{}), tt.want)
		})
	}
}
