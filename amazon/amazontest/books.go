package amazontest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

// format is the version of the file. It changes when an older server could
// misread a newer file.
const format = 3

// firstID is where each seller's feed and report IDs start. All sellers start
// alike: Amazon's IDs are unique only together with the seller.
const firstID = 50_000_000_000

// books is everything the server knows, and what its file holds.
type books struct {
	Format   int
	Sellers  map[string]*account // by merchant ID
	Tokens   map[string]token    // by access token
	Orders   map[string]*Order   // by number
	Refusals map[string]refusal  // by order number
	Warnings map[string]refusal  // by order number
	Payments []Payment
	Calls    []Call
	Counts   map[string]int // calls by operation
	Parked   []parked       // late calls
}

// account is what one seller has at Amazon.
type account struct {
	Seller
	Revoked   bool              // its refresh token logs nobody in any more
	Buckets   map[string]bucket // by operation
	LastID    int64
	Feeds     []*job
	Reports   []*job
	Schedules []*schedule
	Files     []ReportFile
	Given     []string             `json:",omitempty"` // names of the files that are given once, and were
	Documents map[string]*document // by ID
}

// job is a feed or a report: something asked for that is done later.
type job struct {
	ID           string
	Type         string
	Marketplaces []order.MarketplaceID
	Status       amazon.FeedStatus // both APIs have the same five
	CreatedAt    time.Time
	StartedAt    time.Time
	EndedAt      time.Time
	Input        string `json:",omitempty"` // ID of the document that a feed asks with, or that a report is to get
	Result       string `json:",omitempty"` // ID of the document that came of it
	DataStart    time.Time
	DataEnd      time.Time
	Schedule     string `json:",omitempty"` // ID of the schedule that asked for a report
	Fate         Fate   `json:",omitzero"`
	Stranger     bool   `json:",omitempty"`
}

func (j *job) open() bool {
	return j.Status == amazon.FeedInQueue || j.Status == amazon.FeedInProgress
}

// document is a file that is uploaded or downloaded.
type document struct {
	ContentType string
	CreatedAt   time.Time
	Upload      bool   // made by createFeedDocument, not by the server
	Gzip        bool   `json:",omitempty"` // packed when it is downloaded
	Body        []byte // nil until uploaded
}

func (a *account) feeds() []*job       { return a.Feeds }
func (a *account) openFeeds() []*job   { return open(a.Feeds) }
func (a *account) openReports() []*job { return open(a.Reports) }

func open(jobs []*job) []*job {
	var still []*job
	for _, j := range jobs {
		if j.open() {
			still = append(still, j)
		}
	}
	return still
}

func (a *account) nextID() string {
	a.LastID++
	return strconv.FormatInt(a.LastID, 10)
}

// keep stores a document that the server made.
func (a *account) keep(contentType string, body []byte, now time.Time) (id string) {
	id = a.documentID()
	a.Documents[id] = &document{ContentType: contentType, CreatedAt: now, Body: body}
	return id
}

func (a *account) documentID() string {
	return fmt.Sprintf("amzn1.tortuga.4.na.%06d", len(a.Documents)+1)
}

// work is a job with the account it belongs to.
type work struct {
	account *account
	job     *job
}

// jobs lists the jobs of all sellers in the order of their creation.
func (b *books) jobs(of func(*account) []*job) []work {
	var all []work
	for _, a := range b.Sellers {
		for _, j := range of(a) {
			all = append(all, work{a, j})
		}
	}
	slices.SortFunc(all, func(x, y work) int {
		return cmp.Or(x.job.CreatedAt.Compare(y.job.CreatedAt), cmp.Compare(x.account.Merchant, y.account.Merchant), cmp.Compare(x.job.ID, y.job.ID))
	})
	return all
}

// advance brings feeds and reports to where they stand at a time. What a job
// becomes depends on its own times only, not on when somebody looks.
func (b *books) advance(now time.Time, c Config) {
	feeds := slices.DeleteFunc(b.jobs((*account).openFeeds), func(w work) bool { return !w.job.due(now, c.ProcessingTime) })
	slices.SortStableFunc(feeds, func(x, y work) int { return x.job.EndedAt.Compare(y.job.EndedAt) })
	for _, w := range feeds {
		if report := b.process(w.account, w.job, c.ConcessionCap); report != nil {
			w.job.Result = w.account.keep("text/xml; charset=UTF-8", report, w.job.EndedAt)
		}
	}
	for _, a := range b.Sellers {
		b.runSchedules(a, now)
	}
	for _, w := range b.jobs((*account).openReports) {
		if w.job.due(now, c.ProcessingTime) {
			w.job.publish()
		}
	}
}

func load(file string) (*books, error) {
	b := &books{
		Format: format, Sellers: map[string]*account{}, Tokens: map[string]token{}, Orders: map[string]*Order{},
		Refusals: map[string]refusal{}, Warnings: map[string]refusal{}, Counts: map[string]int{},
	}
	if file == "" {
		return b, nil
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(b); err != nil {
		return nil, fmt.Errorf("books in %s are not readable; delete the file to start anew: %w", file, err)
	}
	if b.Format != format {
		return nil, fmt.Errorf("books in %s have format %d, this server reads %d; delete the file to start anew", file, b.Format, format)
	}
	return b, nil
}

// save replaces the file in one step, so that a process killed at any moment
// leaves either the old books or the new ones.
func (b *books) save(file string) error {
	if file == "" {
		return nil
	}
	data, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("save books: %w", err)
	}
	next := file + ".next"
	if err := writeSynced(next, data); err != nil {
		return fmt.Errorf("save books: %w", err)
	}
	if err := os.Rename(next, file); err != nil {
		return fmt.Errorf("save books: %w", err)
	}
	return nil
}

func writeSynced(file string, data []byte) error {
	f, err := os.OpenFile(filepath.Clean(file), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}
