package reportparse_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

	"github.com/takebackhq/takeback/reportparse"
)

func TestReturnsCharset(t *testing.T) {
	utf8 := unicode.UTF8
	cp1252 := charmap.Windows1252
	sjis := japanese.ShiftJIS
	ascii := strings.Repeat("plain ", 20_000) // more than any guess looks ahead
	tests := []struct {
		name        string
		encoded     encoding.Encoding
		contentType string
		item        string
		want        string
		replaced    int
	}{
		{"UTF-8 without a name", utf8, "", "Öl 5 €", "Öl 5 €", 0},
		{"Windows-1252 without a name", cp1252, "", "Öl 5 €", "Öl 5 €", 0},
		{"name unknown here", cp1252, "text/plain;charset=EBCDIC", "Öl", "Öl", 0},
		{"content type without a name", cp1252, "text/plain", "Öl", "Öl", 0},
		{"content type malformed", utf8, "text/plain;charset", "Öl", "Öl", 0},
		{"UTF-8 late in the file", utf8, "", ascii + "Öl", ascii + "Öl", 0},
		{"Windows-1252 late in the file", cp1252, "", ascii + "Öl", ascii + "Öl", 0},
		{"UTF-8 with a broken letter", utf8, "", "Öl für \xC3", "Öl für \uFFFD", 1},
		{"UTF-8 in more than is looked at", utf8, "", strings.Repeat("日本", 20_000), strings.Repeat("日本", 20_000), 0},
		{"utf8", utf8, "text/plain; charset=utf8", "É®", "É®", 0},
		{"UTF-8 named, not kept", cp1252, "text/plain;charset=UTF-8", "Öl", "\uFFFDl", 1},
		{"Cp1252", cp1252, "text/plain;charset=Cp1252", "É®", "É®", 0},
		{"windows-1252", cp1252, `text/plain;charset="windows-1252"`, "5 €", "5 €", 0},
		{"ISO-8859-1", cp1252, "text/plain;charset=ISO-8859-1", "5 €", "5 €", 0},
		{"latin1", cp1252, "text/plain;charset=latin1", "É®", "É®", 0},
		{"Windows-1252, byte without a meaning", cp1252, "text/plain;charset=Cp1252", "Ol", "Ol", 0},
		{"Shift_JIS", sjis, "text/plain;charset=Shift_JIS", "机 ﾊﾝ", "机 ﾊﾝ", 0},
		{"sjis", sjis, "text/plain;charset=sjis", "表", "表", 0},
		{"CP932", sjis, "text/plain;charset=CP932", "①", "①", 0},
		{"MS932", sjis, "text/plain;charset=MS932", "①", "①", 0},
		{"Windows-31J", sjis, "text/plain;charset=Windows-31J", "①", "①", 0},
		{"mark of UTF-8 over a wrong name", unicode.UTF8BOM, "text/plain;charset=Cp1252", "Öl", "Öl", 0},
		{"mark of UTF-16LE", unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), "", "Öl €", "Öl €", 0},
		{"mark of UTF-16BE", unicode.UTF16(unicode.BigEndian, unicode.UseBOM), "text/plain;charset=UTF-8", "Öl €", "Öl €", 0},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			file := encode(t, tc.encoded, flat(map[string]string{"Item Name": tc.item}))
			for name, packed := range map[string][]byte{"plain": file, "gzip": gzipped(t, file)} {
				r, err := reportparse.Returns(bytes.NewReader(packed), reportparse.Options{ContentType: tc.contentType})
				require.NoError(t, err, name)
				var ret reportparse.Return
				require.NoError(t, r.Next(&ret), name)
				assert.Equal(t, tc.want, ret.ItemName, name)
				assert.Equal(t, tc.replaced, r.Replaced(), name)
			}
		})
	}
}

func TestReturnsUndefinedByte(t *testing.T) {
	file := strings.Replace(flat(map[string]string{"Item Name": "O@l"}), "@", "\x81", 1)
	r, err := reportparse.Returns(strings.NewReader(file), reportparse.Options{ContentType: "text/plain;charset=Cp1252"})
	require.NoError(t, err)
	var ret reportparse.Return
	require.NoError(t, r.Next(&ret))
	assert.Equal(t, "O\uFFFDl", ret.ItemName)
	assert.Equal(t, 1, r.Replaced())
}

// The declaration names the character set of XML unless something above it does.
func TestReturnsCharsetOfXML(t *testing.T) {
	tests := []struct {
		name        string
		encoded     encoding.Encoding
		declared    string
		contentType string
	}{
		{"declared", charmap.Windows1252, "iso-8859-1", ""},
		{"declared UTF-8 and not kept", charmap.Windows1252, "UTF-8", "text/xml;charset=windows-1252"},
		{"declared Shift_JIS", unicode.UTF8, "Shift_JIS", "text/xml;charset=utf-8"},
		{"declared UTF-16", unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), "UTF-16", ""},
		{"declared, not known here", unicode.UTF8, "x-unheard-of", ""},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			file := `<?xml version="1.0" encoding="` + tc.declared + `"?>` + envelope(details("<item_name>É®</item_name>"))
			got, err := readAll(t, bytes.NewReader(encode(t, tc.encoded, file)), reportparse.Options{ContentType: tc.contentType})
			require.NoError(t, err)
			require.Len(t, got.Rows, 1)
			assert.Equal(t, "É®", got.Rows[0].ItemName)
		})
	}
}

func encode(t *testing.T, enc encoding.Encoding, text string) []byte {
	t.Helper()
	if enc == unicode.UTF8 {
		return []byte(text) // its encoder would mend what a case broke
	}
	b, err := enc.NewEncoder().Bytes([]byte(text))
	require.NoError(t, err)
	return b
}

func envelope(message string) string {
	return "<AmazonEnvelope><Header/><MessageType>Returns-Report</MessageType><Message>\n" + message + "\n</Message></AmazonEnvelope>"
}

// details is an RMA with one item, of which more may be said.
func details(more string) string {
	return "<return_details><item_details><asin>B0EXAMPLE1</asin><return_quantity>1</return_quantity>" + more + "</item_details>" +
		"<order_id>701-0000001-0000001</order_id><return_request_status>Approved</return_request_status></return_details>"
}

// What is known goes before what is said, and that before what is guessed.
func TestCharsetEvidence(t *testing.T) {
	utf8, cp1252, sjis := unicode.UTF8, charmap.Windows1252, japanese.ShiftJIS
	little := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	big := unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	tests := []struct {
		name    string
		encoded encoding.Encoding
		o       reportparse.Options
	}{
		{"charset over content type", cp1252, reportparse.Options{Charset: "Windows-1252", ContentType: "text/plain;charset=UTF-8"}},
		{"mark over charset", unicode.UTF8BOM, reportparse.Options{Charset: "windows-1252"}},
		{"content type over marketplace", cp1252, reportparse.Options{ContentType: "text/plain;charset=Cp1252", Marketplace: "JP"}},
		{"ASCII is no evidence, UTF-8", utf8, reportparse.Options{Charset: "US-ASCII"}},
		{"ASCII is no evidence, Windows-1252", cp1252, reportparse.Options{ContentType: "text/plain;charset=us-ascii"}},
		{"ASCII is no evidence, content type is", cp1252, reportparse.Options{Charset: "ascii", ContentType: "text/plain;charset=Cp1252"}},
		{"bytes over marketplace", utf8, reportparse.Options{Marketplace: "JP"}},
		{"marketplace of another charset", cp1252, reportparse.Options{Marketplace: "DE"}},
		{"UTF-16LE without a mark", little, reportparse.Options{}},
		{"UTF-16BE without a mark", big, reportparse.Options{}},
		{"UTF-16LE without a mark, misnamed", little, reportparse.Options{Charset: "utf-8"}},
		{"UTF-16LE without a mark, named", little, reportparse.Options{Charset: "UTF-16"}},
		{"UTF-16BE named", big, reportparse.Options{ContentType: "text/plain;charset=UTF-16BE"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			file := encode(t, tc.encoded, flat(map[string]string{"Item Name": "Größe É®"}))
			got, err := readAll(t, bytes.NewReader(file), tc.o)
			require.NoError(t, err)
			require.Len(t, got.Rows, 1)
			assert.Equal(t, "Größe É®", got.Rows[0].ItemName)
		})
	}
	for _, marketplace := range []string{"JP", "jp", "A1VC38T7YXB528", "Amazon.co.jp"} {
		t.Run("Japan as "+marketplace, func(t *testing.T) {
			file := encode(t, sjis, flat(map[string]string{"Item Name": "①机 ﾊﾝ"}))
			got, err := readAll(t, bytes.NewReader(file), reportparse.Options{Marketplace: marketplace})
			require.NoError(t, err)
			require.Len(t, got.Rows, 1)
			assert.Equal(t, "①机 ﾊﾝ", got.Rows[0].ItemName)
		})
	}
}

// A file has one character set, which is found once.
func TestCharsetIsFoundOnce(t *testing.T) {
	file := flat(map[string]string{"Item Name": "Grün"}) + strings.Repeat("\n", 256<<10) +
		strings.TrimPrefix(flat(map[string]string{"Item Name": "Gr\xFCn"}), flat())
	r, err := reportparse.Returns(strings.NewReader(file), reportparse.Options{})
	require.NoError(t, err)
	var got []string
	for row, err := range r.All() {
		require.NoError(t, err)
		got = append(got, row.ItemName)
	}
	assert.Equal(t, []string{"Grün", "Gr\uFFFDn"}, got)
	assert.Equal(t, 1, r.Replaced())
}

func TestCharsetUnknown(t *testing.T) {
	_, err := reportparse.Returns(strings.NewReader(flat()), reportparse.Options{Name: "r.txt", Charset: "EBCDIC"})
	assert.EqualError(t, err, `r.txt: charset "EBCDIC": expected one of utf-8, utf-16, windows-1252, iso-8859-1, shift_jis, us-ascii, or none to go by the bytes`)
}

// A letter, and one that cannot be decoded, wherever the end of a block falls.
func TestCharsetAcrossBlocks(t *testing.T) {
	const block = 64 << 10
	tests := []struct {
		name    string
		charset string
		encoded encoding.Encoding
		letter  string
		broken  string
	}{
		{"UTF-8", "utf-8", unicode.UTF8, "😀", "\xE2\x82|"},
		{"UTF-8 by its bytes", "", unicode.UTF8, "€", "\xE2\x82|"},
		{"Windows-1252", "windows-1252", charmap.Windows1252, "€", "\x81|"},
		{"Windows-1252 by its bytes", "", charmap.Windows1252, "€", "\x81|"},
		{"Shift_JIS", "shift_jis", japanese.ShiftJIS, "机", "\x81\x20|"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			file := flat(map[string]string{"Item Name": "@"})
			letters := strings.Repeat(tc.letter, 3)
			for cut := range 16 {
				filler := strings.Repeat("x", block-strings.Index(file, "@")-cut)
				spoilt := strings.Replace(file, "@", filler+string(encode(t, tc.encoded, letters))+tc.broken, 1)
				r, err := reportparse.Returns(strings.NewReader(spoilt), reportparse.Options{Charset: tc.charset})
				require.NoError(t, err)
				var row reportparse.Return
				require.NoError(t, r.Next(&row))
				assert.Equal(t, 1, r.Replaced())
				broken, err := tc.encoded.NewDecoder().String(tc.broken)
				require.NoError(t, err)
				assert.Equal(t, letters+broken, strings.TrimPrefix(row.ItemName, filler))
			}
		})
	}
}
