package reportparse

import (
	"strings"
	"unicode/utf8"
)

// maxDigits of an amount fit into an int64 in any case.
const maxDigits = 18

// parseAmount reads an amount that shows by itself what it means, whatever those
// around it look like.
func parseAmount(_ *dialect, s string) (Amount, bool) {
	for _, point := range []byte{'.', ','} {
		if a, ok := plainAmount(s, point); ok {
			return a, true
		}
	}
	a, expected := parseMoney(&dialect{}, s)
	return a, expected == ""
}

// plainAmount reads digits that may have a minus sign before them and a decimal
// separator before the last one or two. It is how nearly all amounts are written.
func plainAmount(s string, point byte) (Amount, bool) {
	digits := strings.TrimPrefix(s, "-")
	a := Amount{valid: true}
	if len(digits) == 0 || len(digits) > maxDigits+1 || digits[0] == point {
		return Amount{}, false
	}
	for i := range len(digits) {
		digit := digits[i] - '0'
		behind := len(digits) - i - 1
		switch {
		case digit <= 9:
			a.units = a.units*10 + int64(digit)
		case digits[i] == point && a.decimals == 0 && (behind == 1 || behind == 2):
			a.decimals = uint8(behind)
		default:
			return Amount{}, false
		}
	}
	if a.decimals == 0 && len(digits) > maxDigits {
		return Amount{}, false
	}
	if len(digits) < len(s) {
		a.units = -a.units
	}
	return a, true
}

// moneyColumn is a column whose amounts are written in the way of the file.
func moneyColumn[T any](name string, field func(*T) *Amount) column[T] {
	return column[T]{name: name, single: true, set: func(row *T, d *dialect, text string) string {
		a, expected := parseMoney(d, text)
		*field(row) = a
		return expected
	}}
}

const anyMoney = "an amount of at most 18 digits and two decimals, such as -1234.56, -1.234,56 or 1 234,56"

// parseMoney reads an amount in the way of the file: with the decimal separator
// that was found there. While none was, an amount that shows it by itself decides
// for all that follow. Thousands may be divided by the other of point and comma,
// by a space or an apostrophe, also in the Indian way; what may mean decimals as
// well as thousands is refused. A sign stands before the number.
func parseMoney(d *dialect, s string) (a Amount, expected string) {
	if a, ok := plainAmount(s, d.decimal); ok {
		return a, ""
	}
	body, negative := cutSign(s)
	point, shown := d.decimal, decimalShown(body)
	switch at := strings.IndexAny(body, ".,"); {
	case shown != 0 && point == 0:
		point = shown
	case shown == 0 && at >= 0 && d.whole:
		point = opposite(body[at])
	case shown == 0 && at >= 0 && point == 0:
		if _, ok := grouped(body, opposite(body[at])); ok {
			return Amount{}, "an amount that shows its decimals: nothing in the file up to here tells whether this one has decimals or thousands"
		}
	}
	a, ok := grouped(body, point)
	if !ok {
		if _, ok := grouped(body, shown); ok && point == '.' {
			return Amount{}, "an amount with one or two decimals behind a point, as in the rest of the file"
		} else if ok {
			return Amount{}, "an amount with one or two decimals behind a comma, as in the rest of the file"
		}
		return Amount{}, anyMoney
	}
	if d.decimal == 0 {
		d.decimal = shown
	}
	if negative {
		a.units = -a.units
	}
	return a, ""
}

func cutSign(s string) (body string, negative bool) {
	for _, minus := range []string{"-", "\u2212"} {
		if body, ok := strings.CutPrefix(s, minus); ok {
			return body, true
		}
	}
	return strings.TrimPrefix(s, "+"), false
}

// decimalShown is the decimal separator that an amount shows by itself: the last
// one if there is the other before it, or one or two digits behind it; the other
// if it comes twice. 0: it shows none.
func decimalShown(s string) byte {
	last := strings.LastIndexAny(s, ".,")
	switch {
	case last < 0:
		return 0
	case strings.IndexByte(s[:last], s[last]) >= 0:
		return opposite(s[last])
	case strings.IndexByte(s[:last], opposite(s[last])) >= 0, len(s)-last-1 <= 2:
		return s[last]
	}
	return 0
}

// opposite is the comma of the point, and the point of the comma.
func opposite(separator byte) byte { return '.' + ',' - separator }

// grouped reads an amount without sign, with thousands divided or not.
func grouped(s string, point byte) (Amount, bool) {
	whole, decimals := s, ""
	if at := strings.IndexByte(s, point); at >= 0 {
		whole, decimals = s[:at], s[at:]
	}
	digits, ok := ungroup(make([]byte, 0, 32), whole)
	if !ok {
		return Amount{}, false
	}
	return plainAmount(string(append(digits, decimals...)), point)
}

// ungroup appends digits without what divides them: 1,234,567, or 12,34,567 as
// in India.
func ungroup(b []byte, s string) ([]byte, bool) {
	head := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if head < 0 {
		return append(b, s...), true
	}
	r, size := utf8.DecodeRuneInString(s[head:])
	if head == 0 || head > 3 || !strings.ContainsRune(".,'\u2019 \u00a0\u202f", r) {
		return nil, false
	}
	mark, rest := s[head:head+size], s[head+size:]
	middle := 3
	if head <= 2 && strings.Index(rest, mark) == 2 {
		middle = 2
	}
	b = append(b, s[:head]...)
	for more := true; more; {
		var group string
		group, rest, more = strings.Cut(rest, mark)
		size := 3
		if more {
			size = middle
		}
		if len(group) != size || !isDigits(group) {
			return nil, false
		}
		b = append(b, group...)
	}
	return b, true
}
