package settings

// Values is what a person has set, for a client or for one company. A name that
// is absent was not set. Names other than the seven have no effect.
type Values map[Name]bool

// Settings is what holds for one company. The zero value has everything off:
// its mode is [Direct]. The fields are explained at the [Name] they come from.
type Settings struct {
	DownloadReturns       bool
	AllowOverRefund       bool
	AllowZeroOutInventory bool
	SkipReturnlessRMA     bool
	AllowLocalCancel      bool
	Queue                 bool
	AutoSubmit            bool // counts only while Queue is on

	Policy Policy
}

// Resolve adds up the values of a client and of one company of it. For each
// name by itself the company's value counts, on or off; where the company set
// none, the client's; where neither did, off. AutoSubmit is on only if Queue
// is. Either argument may be nil. The Policy is left at its zero value, which
// is the careful one.
func Resolve(client, company Values) Settings {
	on := func(n Name) bool {
		if v, set := company[n]; set {
			return v
		}
		return client[n]
	}
	return Settings{
		DownloadReturns:       on(DownloadReturns),
		AllowOverRefund:       on(AllowOverRefund),
		AllowZeroOutInventory: on(AllowZeroOutInventory),
		SkipReturnlessRMA:     on(SkipReturnlessRMA),
		AllowLocalCancel:      on(AllowLocalCancel),
		Queue:                 on(Queue),
		AutoSubmit:            on(Queue) && on(AutoSubmit),
	}
}

// Mode is how requests get from the queue to Amazon. The mode is read anew at
// each pass of the queue, so a change concerns what already waits there.
type Mode string

const (
	Direct Mode = "Direct" // each request is due at once; the next pass sends what waits, usually one
	Manual Mode = "Manual" // requests wait until a person chooses what to send
	Auto   Mode = "Auto"   // requests wait for the next batch; a person may still send or reject them before
)

// Mode is the submission mode that Queue and AutoSubmit add up to.
func (s Settings) Mode() Mode {
	switch {
	case !s.Queue:
		return Direct
	case s.AutoSubmit:
		return Auto
	}
	return Manual
}
