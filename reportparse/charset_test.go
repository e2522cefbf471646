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
