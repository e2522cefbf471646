package queue

import (
	"context"
	"log/slog"
	"time"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

// EventKind says what an [Event] is about. Words may be added.
type EventKind string

// What can be observed, and what each carries beside Account. Events about a
// batch carry Company, Feed, Batch, State and Entries, those about an entry
// Company, Feed, Entry and HostOrder.
const (
	// Logged at Debug: how the work goes.

	EventStep      EventKind = "Step"      // a pass over the accounts ended; no account; Next, Err
	EventLeaseBusy EventKind = "LeaseBusy" // another worker has the account; By, Next
	EventOvertaken EventKind = "Overtaken" // another worker saved first; Text, Err
	EventThrottled EventKind = "Throttled" // Amazon takes no more for now, and nothing was sent; Feed, Next, Err; Warn when that is long

	// Logged at Info: what was done.

	EventBatchSent     EventKind = "BatchSent"     // the batch has its Document Number; Document, Next
	EventBatchEnded    EventKind = "BatchEnded"    // each entry of the batch has its result; Document, Text
	EventEntrySetAside EventKind = "EntrySetAside" // the entry cannot go now; Text; Next, unless it waits for another
	EventAdopted       EventKind = "Adopted"       // a feed was taken to be the batch's, whose answer is lost; Document
	EventDecided       EventKind = "Decided"       // about the batch or the entry, by a person or the host's policy; By, Text
	EventPaused        EventKind = "Paused"        // sending was stopped, of Account, of Company, or of all by Recover; By, Text
	EventResumed       EventKind = "Resumed"       // sending goes on, of Account or Company; By, Text
	EventAlertClosed   EventKind = "AlertClosed"   // a person has looked; Alert, By, Text

	// Logged at Warn: what is put right without a person, unless it comes often.

	EventNotSent       EventKind = "NotSent"       // createFeed for the batch had no effect; Next, when it is called again, or none: its entries are queued again; Err
	EventAnswerLost    EventKind = "AnswerLost"    // nobody knows whether the batch was sent; Text
	EventUnadopted     EventKind = "Unadopted"     // the feed that the batch adopted is another's; Document
	EventEffectRefused EventKind = "EffectRefused" // the host's order book did not take an effect; Company, HostOrder, Text, Err
	EventAccountFailed EventKind = "AccountFailed" // something of the account's pass failed and will be tried again; Company, Next, Err
	EventStepFailed    EventKind = "StepFailed"    // a pass could not go over its accounts or effects; no account; Next, Err

	// Logged at Error: what needs a person.

	EventAnswerUnsaved EventKind = "AnswerUnsaved" // Amazon's answer about the batch cannot be saved yet; Document, Err
	EventAlert         EventKind = "Alert"         // somebody should look; Alert, By, Text
)

// Event is something that was observed. It holds no data of buyers. It may be
// told twice, and a crash can keep it from being told at all: what must not be
// missed is in the store, as states, alerts and the journals' [order.Event].
type Event struct {
	Kind      EventKind
	At        time.Time // UTC, on our clock
	Company   order.CompanyID
	Account   order.AccountID
	Feed      amazon.FeedType
	Batch     BatchID
	State     BatchState    // where the batch stands now
	Document  amazon.FeedID // Document Number
	Entry     EntryID
	Entries   int      // how many are in the batch
	HostOrder order.ID // of the entry, or of the effect
	Alert     string   // the key to close it by
	Next      time.Time
	By        string
	Text      string // for people
	Err       error
}

// longThrottle is how far ahead Amazon's next token never is by its published
// rates.
const longThrottle = 10 * time.Minute

// Level is the level that an event is logged at.
func (e Event) Level() slog.Level {
	switch e.Kind {
	case EventThrottled:
		if e.Next.Sub(e.At) > longThrottle {
			return slog.LevelWarn
		}
		return slog.LevelDebug
	case EventStep, EventLeaseBusy, EventOvertaken:
		return slog.LevelDebug
	case EventNotSent, EventAnswerLost, EventUnadopted, EventEffectRefused, EventAccountFailed, EventStepFailed:
		return slog.LevelWarn
	case EventAnswerUnsaved, EventAlert:
		return slog.LevelError
	}
	return slog.LevelInfo
}

// Observer returns a function that logs an event and hands it to observe; either
// may be nil. Whatever is told goes through it, so that log and events say the
// same.
func Observer(log *slog.Logger, observe func(context.Context, Event)) func(context.Context, Event) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return func(ctx context.Context, e Event) {
		if log.Enabled(ctx, e.Level()) {
			log.LogAttrs(ctx, e.Level(), "takeback "+string(e.Kind), e.attrs()...)
		}
		if observe != nil {
			observe(ctx, e)
		}
	}
}

// attrs are the fields that are set.
func (e Event) attrs() []slog.Attr {
	var set []slog.Attr
	text := func(key, value string) {
		if value != "" {
			set = append(set, slog.String(key, value))
		}
	}
	text("company", string(e.Company))
	text("account", string(e.Account))
	text("feed", string(e.Feed))
	text("batch", string(e.Batch))
	text("state", string(e.State))
	text("document_number", string(e.Document))
	text("entry", string(e.Entry))
	if e.Entries > 0 {
		set = append(set, slog.Int("entries", e.Entries))
	}
	text("order", e.HostOrder.Number)
	text("alert", e.Alert)
	if !e.Next.IsZero() {
		set = append(set, slog.Time("next", e.Next))
	}
	text("by", e.By)
	text("text", e.Text)
	if e.Err != nil {
		text("error", e.Err.Error())
	}
	return set
}

// event is what every event about a batch carries.
func (b Batch) event(k EventKind) Event {
	return Event{Kind: k, Company: b.Company, Account: b.Account, Feed: b.Feed, Batch: b.ID, State: b.State, Document: b.DocumentNumber, Entries: b.Entries}
}

// event is what every event about an entry carries.
func (e Entry) event(k EventKind) Event {
	return Event{Kind: k, Company: e.HostOrder.Company, Account: e.Order.Account, Feed: e.Feed, Entry: e.ID, HostOrder: e.HostOrder}
}

// observe tells an event: after what it tells of is saved, and never inside a
// transaction.
func (q *Queue) observe(ctx context.Context, e Event) {
	e.At = q.now()
	q.tell(ctx, e)
}

// overtaken tells that another worker was faster, whose save is as good as ours.
func (q *Queue) overtaken(ctx context.Context, about Event, what string, err error) {
	about.Kind, about.Text, about.Err = EventOvertaken, what, err
	q.observe(ctx, about)
}

// waits tells of an error that only says to come later, and drops it: being
// throttled is waiting, not failing. Any other error it returns.
func (q *Queue) waits(ctx context.Context, about Event, err error) error {
	at, throttled := amazon.Throttled(err)
	if !throttled {
		return err
	}
	about.Kind, about.Next, about.Err = EventThrottled, at, err
	q.observe(ctx, about)
	return nil
}
