package reportparse_test

import (
	"bytes"
	"compress/gzip"
	"strconv"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/reportparse"
)

// style is how one file writes what can be written in several ways.
type style struct {
	letters  string // that its character set has
	point    string // between whole and decimals
	group    string // between thousands
	pairs    bool   // thousands are divided as in India
	decimals []int  // how many an amount may have
	currency string
}

// values are those of a kind of column, and how they are written.
type values[V any] struct {
	draw  func(*rapid.T, *style) V
	write func(*rapid.T, *style, V) string
}

var (
	words         = values[string]{drawWords, asItIs}
	orderIDs      = texts(`[0-9]{3}-[0-9]{7}-[0-9]{7}`)
	itemIDs       = texts(`[0-9]{13,15}`)
	settlementIDs = texts(`[1-9][0-9]{9,10}`)
	currencies    = values[string]{func(_ *rapid.T, s *style) string { return s.currency }, asItIs}

	units   = whole(1, 1<<31-1)
	tallies = whole(0, 1<<31-1)
	wholes  = whole(-1<<31, 1<<31-1)
	prices  = values[reportparse.Amount]{drawAmount, writeAmount}
	flags   = values[reportparse.Flag]{
		func(t *rapid.T, _ *style) reportparse.Flag {
			return rapid.SampledFrom([]reportparse.Flag{reportparse.Yes, reportparse.No}).Draw(t, "flag")
		},
		func(t *rapid.T, _ *style, f reportparse.Flag) string {
			written := map[reportparse.Flag][]string{
				reportparse.Yes: {"Y", "y", "Yes", "true", "TRUE"},
				reportparse.No:  {"N", "n", "No", "false", "FALSE"},
			}
			return rapid.SampledFrom(written[f]).Draw(t, "written")
		},
	}

	dates = times(
		[]string{"02-Jan-2006", "2006-01-02"},
		[]string{"02-Jan-2006 15:04:05", "2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05-07:00"},
	)
	moments = times(
		[]string{"2006-01-02", "2006/01/02", "02.01.2006"},
		[]string{"2006-01-02 15:04:05 UTC", "2006/01/02 15:04:05 UTC", "02.01.2006 15:04:05 UTC", "2006-01-02T15:04:05-07:00"},
	)
	days = values[string]{
		func(t *rapid.T, _ *style) string {
			layout := rapid.SampledFrom(dayLayouts).Draw(t, "layout")
			return drawTime(t).Format(layout)
		},
		asItIs,
	}
	dayLayouts = []string{"2006-01-02", "2006/01/02", "02.01.2006"}
)

func drawStyle(t *rapid.T, set charset, divides bool) *style {
	s := &style{letters: asciiLetters + set.letters, decimals: []int{0, 1, 2}, currency: "EUR"}
	s.point = rapid.SampledFrom([]string{".", ","}).Draw(t, "decimal separator")
	if divides {
		groups := []string{"", ",", ".", " ", "'"}
		if strings.Contains(set.letters, "é") { // none of the Japanese sets
			groups = append(groups, "\u00a0")
		}
		s.group = rapid.SampledFrom(groups).Draw(t, "between thousands")
		s.pairs = rapid.Bool().Draw(t, "thousands as in India")
		switch {
		case rapid.Bool().Draw(t, "yen"):
			s.decimals, s.currency = []int{0}, "JPY"
		case s.group == s.point:
			s.group = ""
		}
	}
	return s
}

func asItIs(_ *rapid.T, _ *style, text string) string { return text }

func drawWords(t *rapid.T, s *style) string {
	letters := rapid.RuneFrom([]rune(s.letters))
	text := rapid.StringOfN(letters, 1, 10, -1).Draw(t, "text")
	if text = strings.TrimSpace(text); text == "" {
		return "-"
	}
	return text
}

func texts(pattern string) values[string] {
	matching := rapid.StringMatching(pattern)
	return values[string]{func(t *rapid.T, _ *style) string { return matching.Draw(t, "ID") }, asItIs}
}

func whole(from, to int) values[int] {
	return values[int]{
		func(t *rapid.T, _ *style) int { return rapid.IntRange(from, to).Draw(t, "number") },
		func(_ *rapid.T, _ *style, n int) string { return strconv.Itoa(n) },
	}
}

func drawAmount(t *rapid.T, s *style) reportparse.Amount {
	decimals := rapid.SampledFrom(s.decimals).Draw(t, "decimals")
	return reportparse.NewAmount(rapid.Int64Range(-1e12, 1e12).Draw(t, "amount"), uint8(decimals))
}

func writeAmount(_ *rapid.T, s *style, a reportparse.Amount) string {
	number := a.Decimal()
	text, decimals, _ := strings.Cut(number.Abs().StringFixed(-number.Exponent()), ".")
	if s.group != "" {
		text = divide(text, s.group, s.pairs)
	}
	if decimals != "" {
		text += s.point + decimals
	}
	if number.IsNegative() {
		return "-" + text
	}
	return text
}

// divide puts a mark before each three digits from the end, or before the last
// three and each two before them.
func divide(digits, mark string, pairs bool) string {
	size := 3
	for at := len(digits) - size; at > 0; at -= size {
		digits = digits[:at] + mark + digits[at:]
		if pairs {
			size = 2
		}
	}
	return digits
}

func drawTime(t *rapid.T) time.Time {
	from, to := time.Date(1996, time.February, 28, 0, 0, 0, 0, time.UTC), time.Date(2100, time.March, 1, 0, 0, 0, 0, time.UTC)
	return time.Unix(rapid.Int64Range(from.Unix(), to.Unix()).Draw(t, "time"), 0).UTC()
}

// times are those that are written in one of the layouts of days if they are
// midnight, and else with a clock.
func times(day, clock []string) values[time.Time] {
	return values[time.Time]{
		func(t *rapid.T, _ *style) time.Time {
			at := drawTime(t)
			if rapid.Bool().Draw(t, "midnight") {
				at = at.Truncate(24 * time.Hour)
			}
			return at
		},
		func(t *rapid.T, _ *style, at time.Time) string {
			if at.Equal(at.Truncate(24*time.Hour)) && rapid.Bool().Draw(t, "day alone") {
				return at.Format(rapid.SampledFrom(day).Draw(t, "layout"))
			}
			layout := rapid.SampledFrom(clock).Draw(t, "layout")
			if strings.Contains(layout, "07:00") {
				at = at.In(time.FixedZone("", 60*rapid.SampledFrom([]int{0, 60, -420, 330}).Draw(t, "minutes east")))
			}
			return at.Format(layout)
		},
	}
}

// charset is a character set in one of the ways in which a reader finds it out.
type charset struct {
	names       []string // by which downloads and files call it; none: it is not named
	mark        string   // byte order mark
	encoding    encoding.Encoding
	letters     string // beyond ASCII
	marketplace string
}

// Letters that are not named are those whose bytes are no UTF-8 in any order.
var charsets = []charset{
	{[]string{"UTF-8", "utf8"}, "", unicode.UTF8, "éß€“™日本ソ表能ｱ\U0001F600e\u0301", ""},
	{nil, "", unicode.UTF8, "éß€“™日本ソ表能ｱ\U0001F600", "DE"},
	{nil, "", unicode.UTF8, "éß€“™日本ソ表能ｱ\U0001F600", "JP"},
	{[]string{"", "Cp1252", "Shift_JIS"}, "\uFEFF", unicode.UTF8, "éß日本", ""},
	{[]string{"Cp1252", "windows-1252", "ISO-8859-1", "latin1"}, "", charmap.Windows1252, "éßñÿ€“”™ŽŠ", ""},
	{nil, "", charmap.Windows1252, "éßñàÄÖÜ", "FR"},
	{[]string{"Shift_JIS", "sjis", "MS932", "Windows-31J", "cp932"}, "", japanese.ShiftJIS, "日本語ソ表能予メーｱﾊﾟ①～", ""},
	{nil, "", japanese.ShiftJIS, "日本ソ表能", "JP"},
	{nil, "", japanese.ShiftJIS, "日本ソ表能", "A1VC38T7YXB528"},
	{[]string{"", "UTF-16", "Cp1252"}, "\uFEFF", unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), "é€日\U0001F600", ""},
	{[]string{"", "UTF-16", "Shift_JIS"}, "\uFEFF", unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), "é€日\U0001F600", ""},
}

const asciiLetters = `abcXYZ0189 "'&;,<>()/\|.:-+#%` + "`"

// named draws the name of the character set and how a reader learns it.
func (c charset) named(t *rapid.T) (name string, o reportparse.Options) {
	o.Marketplace = c.marketplace
	if c.names != nil {
		name = rapid.SampledFrom(c.names).Draw(t, "name")
	}
	switch {
	case name == "":
		o.ContentType = rapid.SampledFrom([]string{"", "text/plain", "text/plain;charset=x-unknown", "text/plain; charset=us-ascii"}).Draw(t, "content type")
	case rapid.Bool().Draw(t, "by content type"):
		o.ContentType = "text/plain;charset=" + name
	default:
		o.Charset = name
	}
	return name, o
}

// encode gives the bytes of a file, packed or not.
func (c charset) encode(t *rapid.T, text string) []byte {
	b, err := c.encoding.NewEncoder().Bytes([]byte(c.mark + text))
	require.NoError(t, err)
	if rapid.Bool().Draw(t, "packed") {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, err := w.Write(b)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		b = packed.Bytes()
	}
	return b
}
