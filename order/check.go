package order

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	amazonNumber = regexp.MustCompile(`^\d{3}-\d{7}-\d{7}$`)
	accountID    = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
)

// Check refuses an empty company or number.
func (id ID) Check() error {
	if id.Company == "" || id.Number == "" {
		return fmt.Errorf("order ID %q: want a company and the host's order number", id.String())
	}
	return nil
}

// Check refuses what [CheckAccount] and [CheckNumber] refuse.
func (id AmazonID) Check() error {
	if err := CheckAccount(id.Account); err != nil {
		return err
	}
	return CheckNumber(id.Number)
}

// CheckNumber refuses an Amazon order ID that is not 3-7-7 digits with hyphens.
func CheckNumber(number string) error {
	if !amazonNumber.MatchString(number) {
		return fmt.Errorf("Amazon order ID %q: want 3-7-7 digits with hyphens, such as 111-1234567-1234567", number)
	}
	return nil
}

// CheckAccount refuses an account ID that could not stand in a batch ID.
func CheckAccount(id AccountID) error {
	if !accountID.MatchString(string(id)) {
		return fmt.Errorf("account ID %q: want 1 to 64 letters, digits, dots, hyphens or underscores", string(id))
	}
	return nil
}

// CheckItem refuses what cannot be an Amazon order item ID: an ASIN, anything
// but digits, a length other than 13 to 15. Thirteen digits pass here, because
// orders with them exist in hosts' tables, but not into a document; see
// [Warnings].
func CheckItem(item string) error {
	digits := item != "" && strings.Trim(item, "0123456789") == ""
	switch {
	case !digits && len(item) == 10 && strings.HasPrefix(strings.ToUpper(item), "B"):
		return fmt.Errorf("order item ID %q is an ASIN: want the order item ID of 14 or 15 digits", item)
	case !digits:
		return fmt.Errorf("order item ID %q: want 14 or 15 digits", item)
	case len(item) < 13 || len(item) > 15:
		return fmt.Errorf("order item ID %q has %d digits: want 14 or 15", item, len(item))
	}
	return nil
}

const (
	maxName = 256     // bytes
	maxNote = 4 << 10 // bytes
)

// CheckName refuses a name that could not be told from another by people who read
// it: longer than 256 bytes, not UTF-8, of blanks only or around, or with
// characters that do not show. what says of what it is the name. An empty name is
// none, and passes.
func CheckName(what, name string) error {
	unseen := func(r rune) bool { return !unicode.IsPrint(r) }
	if len(name) > maxName || !utf8.ValidString(name) || strings.TrimSpace(name) != name || strings.ContainsFunc(name, unseen) {
		return fmt.Errorf("%s %.40q: want at most %d bytes of printable text without blanks around it", what, name, maxName)
	}
	return nil
}

// CheckActor refuses an actor who has no name, or one that [CheckName] refuses.
func CheckActor(by string) error {
	if by == "" {
		return errors.New("nobody does it: say by whom")
	}
	return CheckName("actor", by)
}

// CheckDecision refuses a decision without a reason, or by whom [CheckActor] refuses.
func CheckDecision(by, why string) error {
	if strings.TrimSpace(by) == "" || strings.TrimSpace(why) == "" {
		return fmt.Errorf("by %.40q, because %.40q: say by whom, and why", by, why)
	}
	return CheckActor(by)
}

// CheckNote refuses a text for people that they could not read as it was written:
// empty or blank, longer than 4 KiB, not UTF-8, or with characters that do not show
// besides line ends, TABs and what joins emoji.
func CheckNote(text string) error {
	unseen := func(r rune) bool { return !unicode.IsGraphic(r) && !strings.ContainsRune("\n\r\t\u200d", r) }
	if strings.TrimSpace(text) == "" || len(text) > maxNote || !utf8.ValidString(text) || strings.ContainsFunc(text, unseen) {
		return fmt.Errorf("note %.40q of %d bytes: want 1 to %d bytes of text in UTF-8 that shows", text, len(text), maxNote)
	}
	return nil
}

// Check tells everything that is wrong with an order: each finding names the
// order, the line, the value and what was expected. It returns nil for an
// order that every rule of this library can work with.
func Check(o Order) error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("order %s: "+format, append([]any{o.ID}, args...)...))
	}

	for _, err := range []error{o.ID.Check(), o.Amazon.Check(), o.Currency.Check()} {
		if err != nil {
			bad("%w", err)
		}
	}
	if o.Fulfilment != ByMerchant && o.Fulfilment != ByAmazon {
		bad("fulfilment %q: want %s or %s", string(o.Fulfilment), ByMerchant, ByAmazon)
	}
	if len(o.Lines) == 0 {
		bad("no lines")
	}
	seen := map[string]bool{}
	for i, l := range o.Lines {
		in := func(format string, args ...any) {
			bad("line %d (%s): "+format, append([]any{i + 1, l.Item}, args...)...)
		}
		if err := CheckItem(l.Item); err != nil {
			in("%w", err)
		}
		if seen[l.Item] {
			in("order item ID stands twice in the order")
		}
		seen[l.Item] = true
		if l.Ordered < 1 {
			in("ordered quantity %d: want at least 1", l.Ordered)
		}
		for _, q := range []struct {
			name string
			n    int
		}{{"shipped", l.Shipped}, {"cancelled", l.Cancelled}, {"returned", l.Returned}, {"refunded", l.Refunded}} {
			if q.n < 0 || q.n > l.Ordered {
				in("%s quantity %d: want 0 to the %d ordered", q.name, q.n, l.Ordered)
			}
		}
		if l.Shipped+l.Cancelled > l.Ordered {
			in("%d shipped and %d cancelled are more than the %d ordered", l.Shipped, l.Cancelled, l.Ordered)
		}
		paid := Amounts{}
		wrongCharges, wrongPromotions := CheckAmounts(l.Charges, o.Currency), CheckAmounts(l.Promotions, o.Currency)
		switch {
		case wrongCharges != nil:
			in("charges: %w", wrongCharges)
		case wrongPromotions != nil:
			in("promotions: %w", wrongPromotions)
		default: // only amounts of money can be added up
			paid = l.Paid()
		}
		for _, c := range paid.Components() {
			if !c.Charged() {
				in("%s cannot be charged; want Principal, Tax, Shipping, ShippingTax, GiftWrap or GiftWrapTax", c)
			}
			if paid[c].IsNegative() {
				in("promotion on %s is above its charge by %s", c, Format(paid[c].Neg(), o.Currency))
			}
		}
		if err := l.CheckKit(); err != nil {
			in("%w", err)
		}
	}
	return errors.Join(errs...)
}

// Warnings tells what is suspicious in an order though [Check] lets it pass.
func Warnings(o Order) []string {
	var ws []string
	for _, l := range o.Lines {
		if len(l.Item) == 13 {
			ws = append(ws, fmt.Sprintf("order %s: item %s has 13 digits; a leading zero may be lost, as spreadsheets do", o.ID, l.Item))
		}
	}
	return ws
}
