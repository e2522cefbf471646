package reportparse

import (
	"strconv"
	"strings"
	"time"
)

// Flag is an answer that a report may leave open. The zero value is unknown: a
// blank cell, or a column that is not there, is not a no.
type Flag string

// The answers. Reports write yes as Y, Yes or true, and no alike, in any case.
const (
	Unknown Flag = ""
	Yes     Flag = "Y"
	No      Flag = "N"
)

// dialect is how one file writes what can be written in several ways. The zero
// value is a file of which nothing is known.
type dialect struct {
	decimal byte // the decimal separator, '.' or ','; 0: not known
	whole   bool // the currency has no decimals, so that a separator divides thousands
}

// format is how a value is written in a cell that is not blank.
type format[V any] struct {
	expected string
	parse    func(*dialect, string) (V, bool)
}

// of is the column of the given name, whose cells have a format and go to a
// field of the row.
func of[T, V any](name string, f format[V], field func(*T) *V, also ...string) column[T] {
	c := column[T]{name: name, also: also}
	_, c.single = any(field).(func(*T) *Amount)
	if field, ok := any(field).(func(*T) *string); ok && f.parse == nil {
		c.text = field
		return c
	}
	c.set = func(row *T, d *dialect, text string) string {
		v, ok := f.parse(d, text)
		if !ok {
			return f.expected
		}
		*field(row) = v
		return ""
	}
	return c
}

var (
	text = format[string]{} // any is right

	orderID  = matching("an Amazon order ID of 3, 7 and 7 digits, such as 111-2222222-3333333", isOrderID)
	itemID   = matching("an order item ID of 13 to 15 digits; an ASIN belongs in its own column", isItemID)
	currency = matching("a currency code of three capital letters, such as USD", isCurrency)

	flag   = format[Flag]{"Y, N, true or false", parseFlag}
	units  = format[int]{"a whole number from 1 on", parseUnits}
	count  = format[int]{"a whole number", parseCount}
	date   = format[time.Time]{"a date such as 02-Jan-2006, 02-Jan-2006 15:04:05, 2006-01-02 or 2006-01-02T15:04:05Z", parseDate}
	moment = format[time.Time]{"a time such as 2006-01-02 15:04:05 UTC, 02.01.2006 15:04:05 UTC, 2006/01/02 15:04:05 UTC or 2006-01-02T15:04:05+00:00", parseMoment}
	amount = format[Amount]{"an amount that can be read in one way only, such as 1234.56, 1234,56 or 1,234.56", parseAmount}
)

func matching(expected string, matches func(string) bool) format[string] {
	return format[string]{expected, func(_ *dialect, s string) (string, bool) { return s, matches(s) }}
}

func isOrderID(s string) bool {
	return len(s) == 19 && s[3] == '-' && s[11] == '-' && isDigits(s[:3]) && isDigits(s[4:11]) && isDigits(s[12:])
}

func isItemID(s string) bool { return len(s) >= 13 && len(s) <= 15 && isDigits(s) }

func isDigits(s string) bool { return within(s, '0', '9') }

func isCurrency(s string) bool { return len(s) == 3 && within(s, 'A', 'Z') }

func within(s string, from, to byte) bool {
	for i := range len(s) {
		if s[i] < from || s[i] > to {
			return false
		}
	}
	return true
}

func parseFlag(_ *dialect, s string) (Flag, bool) {
	switch s {
	case "Y", "y":
		return Yes, true
	case "N", "n":
		return No, true
	}
	switch {
	case strings.EqualFold(s, "yes"), strings.EqualFold(s, "true"):
		return Yes, true
	case strings.EqualFold(s, "no"), strings.EqualFold(s, "false"):
		return No, true
	}
	return Unknown, false
}

func parseUnits(_ *dialect, s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err == nil && n > 0
}

func parseCount(_ *dialect, s string) (int, bool) {
	n, err := strconv.ParseInt(s, 10, 32)
	return int(n), err == nil
}
