package amazontest

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/internal/wirelog"
	"github.com/takebackhq/takeback/order"
)

// Config says how the server works. The zero Config is a server in memory on
// the real clock.
type Config struct {
	// Now is the server's clock. Defaults to time.Now.
	Now func() time.Time

	// ProcessingTime is how long after its creation a feed or report is done:
	// the first half of it IN_QUEUE, the second IN_PROGRESS. Defaults to one
	// minute.
	ProcessingTime time.Duration

	// Throttle limits how often each operation can be called. Zero: Amazon's
	// own limits.
	Throttle Throttle

	// ReportPause is how long Amazon makes a seller wait between two reports of
	// one type: a report asked for sooner ends CANCELLED. Zero: no such wait.
	ReportPause time.Duration

	// FinanceLag is how long after a refund was paid listTransactions shows it.
	// Zero: 48 hours, which Amazon names. Below zero: none but the two minutes
	// that every transaction has to be old.
	FinanceLag time.Duration

	// File keeps the books: read by New when it exists, replaced as a whole
	// after every call and before its answer goes out. One process may use it
	// at a time. Empty: the books are forgotten with the server.
	File string

	// ConcessionCap limits the concessions of one order, in its currency. Zero:
	// no limit.
	ConcessionCap decimal.Decimal

	// Gzip compresses all documents that are downloaded, as Amazon does with
	// some; [ReportFile.Gzip] does so for one.
	Gzip bool

	// Skew is how far Amazon's clock, which shows in every time it names and in
	// the header Date, is ahead of Now; below zero it is behind.
	Skew time.Duration
}

// Server is a fake Amazon. It is safe for use from several goroutines.
type Server struct {
	config Config

	mu        sync.Mutex // guards what follows
	books     *books
	script    func(Call) Fault
	fate      func(Feed) Fate
	unwritten error // why an exchange was not kept; further calls have no effect
}

// New makes a server, with the books of c.File if that exists. It returns an
// error when the file cannot be read or does not hold books of this version, and
// when TAKEBACK_EXCHANGES names no folder.
func New(c Config) (*Server, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.ProcessingTime == 0 {
		c.ProcessingTime = time.Minute
	}
	if c.ProcessingTime < 0 {
		return nil, fmt.Errorf("amazontest: processing time %s is below zero", c.ProcessingTime)
	}
	if c.ConcessionCap.IsNegative() {
		return nil, fmt.Errorf("amazontest: concession cap %s is below zero; zero means no limit", c.ConcessionCap)
	}
	if speed := c.Throttle.Speed; speed != 0 && !(speed >= minSpeed && speed <= maxSpeed) {
		return nil, fmt.Errorf("amazontest: throttle speed %v: want %v to %v; zero means 1", speed, minSpeed, maxSpeed)
	}
	if c.ReportPause < 0 {
		return nil, fmt.Errorf("amazontest: report pause %s is below zero; zero means none", c.ReportPause)
	}
	if c.FinanceLag == 0 {
		c.FinanceLag = 48 * time.Hour
	}
	if err := wirelog.Check(); err != nil {
		return nil, fmt.Errorf("amazontest: %w", err)
	}
	b, err := load(c.File)
	if err != nil {
		return nil, fmt.Errorf("amazontest: %w", err)
	}
	return &Server{config: c, books: b}, nil
}

// Seller is a selling account and the application that may act for it.
type Seller struct {
	Merchant     string // the seller ID, A followed by letters and digits
	ClientID     string
	ClientSecret string
	RefreshToken string // of this seller only

	// CancelColumn is the column about buyers' wishes to cancel that the seller has
	// switched on for the order reports which the server makes of its order book,
	// with the reason beside it. Empty: none. Amazon calls it
	// is-buyer-requested-cancellation, and its help is-buyer-requested-cancelation.
	CancelColumn string `json:",omitempty"`
}

// AddSeller lets a seller's application log in. A seller already known gets
// these credentials and columns instead of its earlier ones, is authorized again if
// that was revoked, and keeps everything else; so a rotated client secret is a
// second AddSeller, after which the old secret is answered invalid_client. All
// fields but CancelColumn are required; a refresh token of another seller is an
// error.
func (s *Server) AddSeller(seller Seller) error {
	if seller.Merchant == "" || seller.ClientID == "" || seller.ClientSecret == "" || seller.RefreshToken == "" ||
		strings.Contains(seller.Merchant, "/") {
		return fmt.Errorf("amazontest: seller %q: want a merchant ID without slashes, a client ID, a client secret and a refresh token", seller.Merchant)
	}
	return s.change(func(b *books) error {
		for merchant, a := range b.Sellers {
			if merchant != seller.Merchant && a.RefreshToken == seller.RefreshToken {
				return fmt.Errorf("seller %s: its refresh token belongs to seller %s", seller.Merchant, merchant)
			}
		}
		a := b.Sellers[seller.Merchant]
		if a == nil {
			a = &account{LastID: firstID, Buckets: map[string]bucket{}, Documents: map[string]*document{}}
			b.Sellers[seller.Merchant] = a
		}
		a.Seller, a.Revoked = seller, false
		return nil
	})
}

// Seed enters orders into the order book. An order already known stays as it
// is, so a program may seed at every start. One bad order refuses them all.
func (s *Server) Seed(orders ...Order) error {
	return s.change(func(b *books) error {
		var errs []error
		fresh := map[string]*Order{}
		for _, o := range orders {
			if known := b.Orders[o.Number]; known != nil {
				if known.Seller != o.Seller {
					errs = append(errs, fmt.Errorf("order %s belongs to seller %s, not %s", o.Number, known.Seller, o.Seller))
				}
				continue
			}
			o = o.clone()
			if o.Status == "" {
				o.Status = o.shipping()
			}
			o.date(s.now())
			errs = append(errs, o.check())
			fresh[o.Number] = &o
		}
		if err := errors.Join(errs...); err != nil {
			return err
		}
		maps.Copy(b.Orders, fresh)
		return nil
	})
}

// AddReport gives a seller a report file. A file already known (same seller,
// type, bytes) is not added again, but the reports that are made of it from now
// on have the new Fate and Explanation. An unknown seller is an error.
func (s *Server) AddReport(f ReportFile) error {
	return s.change(func(b *books) error {
		a := b.Sellers[f.Seller]
		switch {
		case a == nil:
			return fmt.Errorf("report %s: seller %q is unknown; add it first", f.Type, f.Seller)
		case f.Type == "":
			return errors.New("report without a type")
		case f.Fate.Messages != 0 || f.Fate.Report != "":
			return fmt.Errorf("report %s: its fate has Messages or a Report, which only feeds have", f.Type)
		}
		f.Body, f.Explanation = slices.Clone(f.Body), slices.Clone(f.Explanation)
		if i := slices.IndexFunc(a.Files, f.same); i >= 0 {
			a.Files[i].Fate, a.Files[i].Explanation = f.Fate, f.Explanation
			return nil
		}
		a.Files = append(a.Files, f)
		if f.Listed {
			report := &job{
				Type: string(f.Type), Marketplaces: f.Marketplaces, CreatedAt: s.now(), DataStart: f.Start, DataEnd: f.End,
			}
			a.report(report, &f)
			if max(f.Fate.Queued, f.Fate.InProgress) <= 0 && report.due(report.CreatedAt, 0) {
				report.publish()
			}
		}
		return nil
	})
}

// Refuse has every message about an order refused from now on, with this code
// and text; nothing of such a message is carried out. Code 0 takes that back.
func (s *Server) Refuse(orderNumber string, code int, text string) error {
	return s.change(func(b *books) error {
		switch {
		case orderNumber == "" || code < 0:
			return fmt.Errorf("refuse order %q with code %d: want an order number and a code of at least 0", orderNumber, code)
		case code == 0:
			delete(b.Refusals, orderNumber)
		default:
			b.Refusals[orderNumber] = refusal{Code: code, Text: text}
		}
		return nil
	})
}

// Warn has every message about an order answered with a warning of this code and
// text from now on. A warning changes nothing: the message succeeds, or is
// refused, as it would without. Code 0 takes it back.
func (s *Server) Warn(orderNumber string, code int, text string) error {
	return s.change(func(b *books) error {
		switch {
		case orderNumber == "" || code < 0:
			return fmt.Errorf("warn about order %q with code %d: want an order number and a code of at least 0", orderNumber, code)
		case code == 0:
			delete(b.Warnings, orderNumber)
		default:
			b.Warnings[orderNumber] = refusal{Code: code, Text: text}
		}
		return nil
	})
}

// change alters the books and saves them.
func (s *Server) change(alter func(*books) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance(s.now())
	if err := alter(s.books); err != nil {
		return fmt.Errorf("amazontest: %w", err)
	}
	if err := s.books.save(s.config.File); err != nil {
		return fmt.Errorf("amazontest: %w", err)
	}
	return nil
}

// Orders lists the order book by order number.
func (s *Server) Orders() []Order {
	defer s.read()()
	var all []Order
	for _, number := range slices.Sorted(maps.Keys(s.books.Orders)) {
		all = append(all, s.books.Orders[number].clone())
	}
	return all
}

// Order finds an order by its number.
func (s *Server) Order(number string) (Order, bool) {
	defer s.read()()
	o, ok := s.books.Orders[number]
	if !ok {
		return Order{}, false
	}
	return o.clone(), true
}

// Feed is a feed as the server keeps it.
type Feed struct {
	ID           amazon.FeedID // unique only together with the seller
	Seller       string        // merchant ID
	Type         amazon.FeedType
	Marketplaces []order.MarketplaceID
	Status       amazon.FeedStatus
	CreatedAt    time.Time
	StartedAt    time.Time // zero until processing started
	EndedAt      time.Time // zero until it ended
	Document     []byte    // as it was uploaded
	ContentType  string    // of the document, as it was uploaded
	Report       []byte    // the processing report; nil when there is none
	Fate         Fate
	Stranger     bool // it came by AddFeed
}

// Feeds lists all feeds in the order of their creation.
func (s *Server) Feeds() []Feed {
	defer s.read()()
	var all []Feed
	for _, w := range s.books.jobs((*account).feeds) {
		all = append(all, w.account.feed(w.job))
	}
	return all
}

func (a *account) feed(j *job) Feed {
	f := Feed{
		ID: amazon.FeedID(j.ID), Seller: a.Merchant, Type: amazon.FeedType(j.Type),
		Marketplaces: slices.Clone(j.Marketplaces), Status: j.Status,
		CreatedAt: j.CreatedAt, StartedAt: j.StartedAt, EndedAt: j.EndedAt,
		Document: slices.Clone(a.Documents[j.Input].Body), ContentType: a.Documents[j.Input].ContentType,
		Fate: j.Fate, Stranger: j.Stranger,
	}
	if j.Result != "" {
		f.Report = slices.Clone(a.Documents[j.Result].Body)
	}
	return f
}

// Calls lists every call that arrived, oldest first.
func (s *Server) Calls() []Call {
	defer s.read()()
	return slices.Clone(s.books.Calls)
}

// read locks the books, brought up to the clock, and returns the unlocking.
func (s *Server) read() func() {
	s.mu.Lock()
	s.advance(s.now())
	return s.mu.Unlock
}

// clock is Amazon's clock.
func (s *Server) clock() time.Time { return s.config.Now().Add(s.config.Skew).UTC() }

// now is Amazon's clock, in the precision of its answers.
func (s *Server) now() time.Time { return s.clock().Truncate(time.Millisecond) }

var _ http.Handler = (*Server)(nil)
