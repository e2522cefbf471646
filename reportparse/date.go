package reportparse

import (
	"strings"
	"time"
)

// calendar is a set of ways to write a date, in none of which day and month
// could change places.
type calendar uint8

const (
	monthNamed  calendar = 1 << iota // 02-Jan-2006
	yearDashed                       // 2006-01-02
	yearSlashed                      // 2006/01/02
	dayDotted                        // 02.01.2006
)

// parseDate reads what returns and order reports write.
func parseDate(_ *dialect, s string) (time.Time, bool) {
	return parseTime(s, monthNamed|yearDashed)
}

// parseMoment reads what settlements of all marketplaces write.
func parseMoment(_ *dialect, s string) (time.Time, bool) {
	return parseTime(s, monthNamed|yearDashed|yearSlashed|dayDotted)
}

// parseTime reads a date, which may be followed by a time of day. One that names
// no zone is UTC.
func parseTime(s string, ways calendar) (time.Time, bool) {
	const long = len("2006-01-02")
	var year, month, day, size int
	switch {
	case len(s) < long:
		return time.Time{}, false
	case s[4] == '-' && s[7] == '-' && ways&yearDashed != 0, s[4] == '/' && s[7] == '/' && ways&yearSlashed != 0:
		year, month, day, size = number(s[:4]), number(s[5:7]), number(s[8:long]), long
	case s[2] == '.' && s[5] == '.' && ways&dayDotted != 0:
		day, month, year, size = number(s[:2]), number(s[3:5]), number(s[6:long]), long
	case len(s) > long && s[2] == '-' && s[6] == '-' && ways&monthNamed != 0:
		day, month, year, size = number(s[:2]), monthNumber(s[3:6]), number(s[7:long+1]), long+1
	default:
		return time.Time{}, false
	}
	if !isDay(year, month, day) {
		return time.Time{}, false
	}
	if len(s) == size {
		return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC), true
	}
	c, ok := parseClock(s[size:])
	if !ok {
		return time.Time{}, false
	}
	return time.Date(year, time.Month(month), day, c.hour, c.minute-c.offset, c.second, c.nanosecond, time.UTC), true
}

// clock is a time of day.
type clock struct {
	hour, minute, second, nanosecond int
	offset                           int // minutes east of UTC
}

// parseClock reads a time of day, such as " 15:04:05 UTC" or "T15:04:05+00:00".
func parseClock(s string) (c clock, ok bool) {
	const size = len("T15:04:05")
	if len(s) < size || s[0] != ' ' && s[0] != 'T' || s[3] != ':' || s[6] != ':' {
		return c, false
	}
	c.hour, c.minute, c.second = number(s[1:3]), number(s[4:6]), number(s[7:size])
	if uint(c.hour) > 23 || uint(c.minute) > 59 || uint(c.second) > 59 {
		return c, false
	}
	zone := s[size:]
	if zone != "" && zone[0] == '.' {
		if zone = c.fraction(zone[1:]); zone == "." {
			return c, false
		}
	}
	switch zone = strings.TrimPrefix(zone, " "); zone {
	case "", "UTC", "Z", "GMT":
		return c, true
	}
	c.offset, ok = parseOffset(zone)
	return c, ok
}

// fraction takes up to nine digits of a second and returns what is behind them,
// or "." if there are none or more.
func (c *clock) fraction(s string) string {
	const most = 9
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	if n == 0 || n > most {
		return "."
	}
	c.nanosecond = number(s[:n])
	for range most - n {
		c.nanosecond *= 10
	}
	return s[n:]
}

// parseOffset reads minutes east of UTC, such as +01:00 or -0730.
func parseOffset(s string) (int, bool) {
	if len(s) == len("+01:00") && s[3] == ':' {
		s = s[:3] + s[4:]
	}
	if len(s) != len("+0100") || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	hours, minutes := number(s[1:3]), number(s[3:])
	if uint(hours) > 23 || uint(minutes) > 59 {
		return 0, false
	}
	if s[0] == '-' {
		return -hours*60 - minutes, true
	}
	return hours*60 + minutes, true
}

// parseSlashed reads dates such as 01/02/06. Which of the first two is the month
// must show in them, or be known.
func parseSlashed(s string, monthFirst bool) (time.Time, bool) {
	if len(s) < len("01/02/06") || s[2] != '/' || s[5] != '/' {
		return time.Time{}, false
	}
	year := s[6:]
	if len(year) == 2 {
		year = "20" + year
	}
	if len(year) != 4 {
		return time.Time{}, false
	}
	first, second := number(s[:2]), number(s[3:5])
	month, day := first, second
	switch {
	case first > 12 || first == second:
		month, day = second, first
	case second <= 12 && !monthFirst:
		return time.Time{}, false
	}
	if !isDay(number(year), month, day) {
		return time.Time{}, false
	}
	return time.Date(number(year), time.Month(month), day, 0, 0, 0, 0, time.UTC), true
}

// number reads digits; it is negative if there is anything else.
func number(s string) int {
	n := 0
	for i := range len(s) {
		digit := s[i] - '0'
		if digit > 9 {
			return -1
		}
		n = n*10 + int(digit)
	}
	return n
}

// monthNumber knows the English names that Amazon's files have everywhere, in
// any case; 0 is none of them.
func monthNumber(s string) int {
	const names = "janfebmaraprmayjunjulaugsepoctnovdec"
	const lower = 'a' - 'A'
	first, second, third := s[0]|lower, s[1]|lower, s[2]|lower
	for i := 0; i < len(names); i += 3 {
		if first == names[i] && second == names[i+1] && third == names[i+2] {
			return i/3 + 1
		}
	}
	return 0
}

// isDay tells whether a day is in the calendar. No report is of the year 0.
func isDay(year, month, day int) bool {
	if year < 1 || month < 1 || month > 12 || day < 1 {
		return false
	}
	days := 31
	switch month {
	case 2:
		days = 28
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			days = 29
		}
	case 4, 6, 9, 11:
		days = 30
	}
	return day <= days
}
