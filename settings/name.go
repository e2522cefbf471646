package settings

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// Name is a client setting, spelled as merchants know it. A setting that was
// never set is off.
type Name string

const (
	// DownloadReturns off: returns come in only from files that somebody
	// imports. On: the returns report is requested from Amazon, downloaded and
	// merged into RMAs on a schedule.
	DownloadReturns Name = "Download and process RMA report from Amazon"

	// AllowOverRefund off: a refund beyond what the buyer paid for the Amazon
	// order is refused. On: it is allowed, recorded with who asked for it, and
	// the surplus goes out as goodwill.
	AllowOverRefund Name = "Allow to Over Refund Amazon Order"

	// AllowZeroOutInventory off: asking to zero out the inventory with a
	// cancellation is an error; the reason No Stock may be given and zeroes
	// nothing. On: zero-out may be asked for, and No Stock implies it.
	AllowZeroOutInventory Name = "Allow To Zero Out Inventory When Cancelling Amazon Order"

	// SkipReturnlessRMA off: a refund without a return makes an RMA like any
	// other. On: it makes none; the return is still recorded, and its money
	// comes with the settlement.
	SkipReturnlessRMA Name = "Do not create RMA for Amazon returnless refunds"

	// AllowLocalCancel off: a cancellation marked Do Not Send To Amazon is an
	// error. On: it may be asked for and changes the host's order alone.
	AllowLocalCancel Name = "Allow to Cancel Amazon order without sending cancel request to Amazon"

	// Queue off: each refund and cancellation goes to Amazon at once, one by
	// one. On: they wait in the queue for a person, who sends the chosen ones
	// in one file.
	Queue Name = "Queue Amazon Order Refunds and Cancellations"

	// AutoSubmit counts only while Queue is on. Off: the queue waits for a
	// person. On: requests are shown in the queue and sent in batches about
	// every 30 minutes.
	AutoSubmit Name = "Queue Amazon Order Refunds and Cancellations – Auto submit to Amazon"
)

// Names lists the seven settings in the order in which merchants see them.
func Names() []Name {
	return []Name{
		DownloadReturns,
		AllowOverRefund,
		AllowZeroOutInventory,
		SkipReturnlessRMA,
		AllowLocalCancel,
		Queue,
		AutoSubmit,
	}
}

// ParseName finds the setting that s spells. Case, spaces, punctuation and
// dashes make no difference, and the shorter spellings of the queue settings
// that order-management systems have used over the years, such as "Queue Amazon
// Order Refunds", are understood. Any other text is an error that lists the
// seven names.
func ParseName(s string) (Name, error) {
	for _, n := range Names() {
		for _, spelling := range spellings(n) {
			if fold(s) == fold(spelling) {
				return n, nil
			}
		}
	}
	return "", fmt.Errorf("unknown setting %q: want one of %q", s, Names())
}

// ParseValues reads what a person has set under the names that people use, as
// [ParseName] knows them. It refuses names of no setting, and two spellings of one
// setting that contradict each other, and tells of all of them.
func ParseValues(set map[string]bool) (Values, error) {
	values, by := Values{}, map[Name]string{}
	var errs []error
	for _, s := range slices.Sorted(maps.Keys(set)) {
		n, err := ParseName(s)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if was, twice := values[n]; twice && was != set[s] {
			errs = append(errs, fmt.Errorf("setting %q is %t as %q and %t as %q: want one", n, was, by[n], set[s], s))
		}
		values[n], by[n] = set[s], s
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return values, nil
}

// spellings lists what a setting is called in the field: its name and, where
// folding does not cover them, older and American forms.
func spellings(n Name) []string {
	all := []string{string(n)}
	switch n {
	case AllowZeroOutInventory:
		return append(all, "Allow to zero out inventory when canceling Amazon order")
	case Queue:
		return append(all, "Queue Amazon Order Refunds")
	case AutoSubmit:
		return append(all, "Queue Amazon Order Refunds – Auto submit to Amazon", "Auto submit to Amazon")
	}
	return all
}

// fold keeps the letters and digits of s, in lower case, and spells & out.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, strings.ReplaceAll(s, "&", "and"))
}
