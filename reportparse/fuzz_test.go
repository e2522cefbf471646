package reportparse_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

	"github.com/takebackhq/takeback/reportparse"
)

func FuzzReturns(f *testing.F) {
	orderID := regexp.MustCompile(`^\d{3}-\d{7}-\d{7}$`)
	fuzz(f, opener(reportparse.Returns), func(t *testing.T, r reportparse.Return) {
		assert.Positive(t, r.Line)
		assert.Regexp(t, orderID, r.OrderID)
		assert.NotEmpty(t, r.Status)
		assert.Positive(t, r.Quantity)
		assert.NotEmpty(t, r.SKU+r.ASIN+r.OrderItemID)
		assert.NotContains(t, r.Extra, "")
	})
}

func FuzzOrders(f *testing.F) {
	fuzz(f, opener(reportparse.Orders), func(t *testing.T, o reportparse.OrderItem) {
		assert.Positive(t, o.Line)
		assert.NotEmpty(t, o.OrderID)
		assert.NotEmpty(t, o.OrderItemID)
		assert.GreaterOrEqual(t, min(o.Quantity, o.QuantityShipped, o.QuantityToShip), 0)
		assert.NotContains(t, o.Extra, "")
	})
}

func FuzzAllOrders(f *testing.F) {
	fuzz(f, opener(reportparse.AllOrders), func(t *testing.T, o reportparse.AllOrdersItem) {
		assert.Positive(t, o.Line)
		assert.NotEmpty(t, o.OrderID)
		assert.GreaterOrEqual(t, min(o.Quantity, o.NumberOfItems), 0)
		assert.NotContains(t, o.Extra, "")
	})
}

func FuzzFBAReturns(f *testing.F) {
	fuzz(f, opener(reportparse.FBAReturns), func(t *testing.T, r reportparse.FBAReturn) {
		assert.Positive(t, r.Line)
		assert.NotEmpty(t, r.OrderID)
		assert.Positive(t, r.Quantity)
		assert.NotEmpty(t, r.SKU+r.ASIN+r.FNSKU)
		assert.NotContains(t, r.Extra, "")
	})
}

func FuzzSettlement(f *testing.F) {
	fuzz(f, openSettlements, func(t *testing.T, r reportparse.SettlementRow) {
		assert.Positive(t, r.Line)
		assert.Positive(t, r.Row)
		assert.NotEmpty(t, r.SettlementID)
		assert.NotEmpty(t, r.TransactionType)
		assert.NotContains(t, r.Extra, "")
	})
}

// The books of any file say what its rows do.
func FuzzSettlements(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, file []byte, contentType string) {
		got, err := readSettlement(t, bytes.NewReader(file), reportparse.Options{ContentType: contentType})
		if err != nil {
			return
		}
		sums, last := map[string]decimal.Decimal{}, map[string]int{}
		for _, row := range got.Rows {
			assert.Greater(t, row.Row, last[row.SettlementID])
			last[row.SettlementID] = row.Row
			for a := range row.Amounts() {
				sums[row.SettlementID] = sums[row.SettlementID].Add(a.Amount.Decimal())
			}
		}
		rows, bad := 0, 0
		for _, total := range got.Totals {
			rows += total.Rows
			bad += total.Bad
			assert.True(t, sums[total.ID].Equal(total.Sum), "sum of %q", total.ID)
			assert.Equal(t, total.Total.Valid(), total.Difference.Valid)
		}
		assert.Equal(t, len(got.Rows), rows)
		assert.Equal(t, len(got.Bad), bad)
	})
}

func FuzzDetect(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, file []byte, contentType string) {
		o := reportparse.Options{ContentType: contentType}
		got, rest, err := reportparse.Detect(bytes.NewReader(file), o)
		if err != nil {
			return
		}
		assert.NotEmpty(t, got.Saw)
		assert.Equal(t, got.Type == "", got.Confidence == "")
		slow, _, err := reportparse.Detect(iotest.OneByteReader(bytes.NewReader(file)), o)
		require.NoError(t, err)
		assert.Equal(t, got, slow)
		whole, err := io.ReadAll(rest)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(file, whole), "the file is given whole")

		// A reader takes what Detect is sure of, and refuses what is another type.
		_, err = reportparse.FBAReturns(bytes.NewReader(file), o)
		if got.Type == reportparse.TypeFBAReturns && got.Confidence == reportparse.ConfidenceHigh {
			assert.NotErrorIs(t, err, reportparse.ErrWrongReport)
		} else {
			assert.Error(t, err)
		}
	})
}

// fuzz reads any file, as a whole to keep its rows and byte by byte into one row
// that is used again, which must give the same.
func fuzz[T any](f *testing.F, open reportFunc[T], check func(*testing.T, T)) {
	seed(f)
	f.Fuzz(func(t *testing.T, file []byte, contentType string) {
		o := reportparse.Options{Name: "r", ContentType: contentType}
		whole, err := open(bytes.NewReader(file), o)
		slow, slowErr := open(iotest.OneByteReader(bytes.NewReader(file)), o)
		require.Equal(t, err, slowErr)
		if err != nil {
			return
		}
		found, _, err := reportparse.Detect(bytes.NewReader(file), o)
		require.NoError(t, err)
		assert.Equal(t, found.Type, whole.Type(), found.Saw)

		var again T
		rows, bads, last := 0, 0, 0
		for row, err := range whole.All() {
			require.Equal(t, err, slow.Next(&again))
			var bad *reportparse.RowError
			switch {
			case errors.As(err, &bad):
				bads++
				assertBounded(t, bad)
				if found.Format != reportparse.FormatXML {
					assert.GreaterOrEqual(t, bad.Line, last)
					last = bad.Line
				}
			case err == nil:
				rows++
				require.Empty(t, cmp.Diff(row, again, cmpopts.EquateEmpty()))
				check(t, row)
			}
		}
		err = slow.Next(&again)
		assert.Error(t, err)
		assert.Equal(t, err, slow.Next(&again), "the end stays")
		assert.Equal(t, whole.Columns(), slow.Columns())
		assert.Equal(t, whole.Unknown(), slow.Unknown())
		assert.Equal(t, whole.Missing(), slow.Missing())
		assert.Equal(t, whole.Replaced(), slow.Replaced())
		progress := whole.Progress()
		assert.Equal(t, reportparse.Progress{Bytes: progress.Bytes, Rows: rows, Bad: bads}, progress)
		assert.LessOrEqual(t, progress.Bytes, int64(len(file)))
	})
}

// assertBounded wants an error to quote no more than a cell, and no more of that
// than shows what it is.
func assertBounded(t *testing.T, bad *reportparse.RowError) {
	t.Helper()
	assert.Positive(t, bad.Line)
	assert.LessOrEqual(t, utf8.RuneCountInString(bad.Value), 61)
	assert.LessOrEqual(t, len(bad.Raw), 4<<10)
	assert.NotEmpty(t, bad.Expected)
	assert.Less(t, len(strings.Replace(bad.Error(), bad.Value, "", 1)), 1000)
}

// seed adds files of every type and format, in every packing and character set,
// and damaged ones.
func seed(f *testing.F) {
	f.Helper()
	ways := map[string]encoding.Encoding{
		"text/plain;charset=Cp1252":    charmap.Windows1252,
		"text/plain;charset=Shift_JIS": japanese.ShiftJIS,
		"text/plain":                   unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
		"":                             unicode.UTF8,
	}
	add := func(file []byte) {
		for contentType, set := range ways {
			b, err := encoding.ReplaceUnsupported(set.NewEncoder()).Bytes(file)
			require.NoError(f, err)
			f.Add(b, contentType)
		}
		f.Add(gzipped(f, file), "")
	}
	files := 0
	require.NoError(f, fs.WalkDir(os.DirFS("testdata"), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && (d.Name() == "fuzz" || d.Name() == "rapid") {
				return fs.SkipDir
			}
			return err
		}
		b, err := os.ReadFile(filepath.Join("testdata", name))
		add(b)
		files++
		return err
	}))
	require.Positive(f, files)

	row := map[string]string{}
	for _, file := range []string{
		"", "\uFEFF", flat(), flat(row) + flat(row), flat(row) + "\n\x00\x01\n \t\t\n" + flat(map[string]string{"Item Name": `"`, "Return carrier": "FedEx\t"}),
		strings.ReplaceAll(flat(row, row), "\n", "\r"),
		v2(summary("7", "1.234,50", "EUR"), of("7", "1.234,50"), of("7", "1.234"), of("8", "1")),
		commaHeader + commaRow(`"Lamp`) + commaRow(`"Tea, ""hot"""`) + commaRow("\"two\r\nlines\"") + "\n\n,,,,,,,,\n",
		strings.ReplaceAll(commaHeader, ",", `","`),
		envelope(""),
		envelope(details("") + details("<item_name>a<![CDATA[b]]>&eacute;<!-- c -->&#0;</item_name>")),
		envelope(details("")) + envelope(details("")),
		envelope("<return_details a='1' xmlns:b='c'><b:item_details d='2'><asin e='3'/><asin>x</asin></b:item_details></return_details>"),
		"<?xml version='1.0' encoding='windows-1252'?>" + envelope(details("<item_name>é</item_name>")),
		"<AmazonEnvelope><MessageType>Prime</MessageType><Message>" + details("") + "</Message></AmazonEnvelope>",
		"<!DOCTYPE AmazonEnvelope>" + envelope(details("")),
	} {
		add([]byte(file))
	}
	f.Add(gzipped(f, gzipped(f, []byte(flat(row)))), "")
}
