package reportparse

import (
	"regexp"
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
	decimal byte // the decimal separator, '.' or ','; 0: each cell shows its own
}

// format is how a value is written in a cell that is not blank.
type format[V any] struct {
	expected string
	parse    func(*dialect, string) (V, bool)
}

// of is the column of the given name, whose cells have a format and go to a
// field of the row.
func of[T, V any](name string, f format[V], field func(*T) *V, also ...string) column[T] {
	return column[T]{name: name, also: also, set: func(row *T, d *dialect, text string) string {
		v, ok := f.parse(d, text)
		if !ok {
			return f.expected
		}
		*field(row) = v
		return ""
	}}
}

var (
	text = format[string]{"text", func(_ *dialect, s string) (string, bool) { return s, true }}

	orderID  = matching("an Amazon order ID of 3, 7 and 7 digits, such as 111-2222222-3333333", `^\d{3}-\d{7}-\d{7}$`)
	itemID   = matching("an order item ID of 13 to 15 digits; an ASIN belongs in its own column", `^\d{13,15}$`)
	currency = matching("a currency code of three capital letters, such as USD", `^[A-Z]{3}$`)

	flag   = format[Flag]{"Y, N, true or false", parseFlag}
	units  = format[int]{"a whole number from 1 on", parseUnits}
	date   = format[time.Time]{"a date such as 02-Jan-2006, 02-Jan-2006 15:04:05, 2006-01-02 or 2006-01-02T15:04:05Z", parseDate}
	amount = format[Amount]{"an amount with no separator but one before the last one or two digits, such as 1234.56 or 1234,56", parseAmount}
)

func matching(expected, pattern string) format[string] {
	re := regexp.MustCompile(pattern)
	return format[string]{expected, func(_ *dialect, s string) (string, bool) { return s, re.MatchString(s) }}
}

func parseFlag(_ *dialect, s string) (Flag, bool) {
	switch strings.ToLower(s) {
	case "y", "yes", "true":
		return Yes, true
	case "n", "no", "false":
		return No, true
	}
	return Unknown, false
}

func parseUnits(_ *dialect, s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err == nil && n > 0
}

// parseDate tries no layout in which day and month could change places.
func parseDate(_ *dialect, s string) (time.Time, bool) {
	for _, layout := range []string{"02-Jan-2006", "02-Jan-2006 15:04:05", time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// parseAmount refuses what could be read in two ways.
func parseAmount(d *dialect, s string) (Amount, bool) {
	digits, negative := strings.CutPrefix(s, "-")
	a := Amount{valid: true}
	separator := strings.LastIndexAny(digits, ".,")
	if separator >= 0 {
		behind := len(digits) - separator - 1
		if behind < 1 || behind > 2 || d.decimal != 0 && digits[separator] != d.decimal {
			return Amount{}, false
		}
		a.decimals = uint8(behind)
		digits = digits[:separator] + digits[separator+1:]
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || separator == 0 {
		return Amount{}, false
	}
	a.units = int64(n)
	if negative {
		a.units = -a.units
	}
	return a, true
}
