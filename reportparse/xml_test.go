package reportparse_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/reportparse"
)

// The columns of a Prime report come in another order, and its MessageType is
// not documented: a Message of return_details is one of returns, whatever it is
// called.
func TestReturnsXMLType(t *testing.T) {
	prime := `<return_details><return_request_status>Approved</return_request_status>
<item_details><item_name>Tea</item_name><asin>B0EXAMPLE1</asin><return_quantity>2</return_quantity></item_details>
<order_id>701-0000001-0000001</order_id><label_details><tracking_id>PK1</tracking_id></label_details></return_details>`
	tests := []struct {
		name, before string
		want         reportparse.Type
	}{
		{"returns", "<MessageType>Returns-Report</MessageType><Message>", reportparse.TypeReturns},
		{"returns, spelled otherwise", "<MessageType> returns_report\n</MessageType><Message>", reportparse.TypeReturns},
		{"Prime", "<MessageType>PrimeReturns</MessageType><Message>", reportparse.TypePrimeReturns},
		{"Prime, with a number", "<MessageType>Mfn-Prime-Returns-Report</MessageType><Message><MessageID>1</MessageID>", reportparse.TypePrimeReturns},
		{"not known", "<MessageType>Something</MessageType><Message>", reportparse.TypeReturns},
		{"not said", "<Message>", reportparse.TypeReturns},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			r, err := reportparse.Returns(strings.NewReader("<AmazonEnvelope>"+tc.before+prime+prime+"</Message></AmazonEnvelope>"), reportparse.Options{})
			require.NoError(t, err)
			assert.Equal(t, tc.want, r.Type())
			var rows []reportparse.Return
			for row, err := range r.All() {
				require.NoError(t, err)
				row.Line = 0
				rows = append(rows, row)
			}
			want := reportparse.Return{OrderID: "701-0000001-0000001", Status: "Approved", ItemName: "Tea", ASIN: "B0EXAMPLE1", Quantity: 2, TrackingID: "PK1"}
			assert.Equal(t, []reportparse.Return{want, want}, rows)
		})
	}
}

func TestReturnsXMLOfAnotherType(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{"other children", "<AmazonEnvelope><MessageType>Other-Report</MessageType><Message><MessageID>1</MessageID><Product/><return_details/></Message></AmazonEnvelope>", `the file is XML with the MessageType "Other-Report"`},
		{"no children", "<AmazonEnvelope><MessageType>Other-Report</MessageType><Message></Message></AmazonEnvelope>", `the file is XML with the MessageType "Other-Report"`},
		{"no message", "<AmazonEnvelope/>", "the file is an AmazonEnvelope without a MessageType"},
		{"not in a message", "<AmazonEnvelope><Header><x><return_details/></x></Header></AmazonEnvelope>", "the file is an AmazonEnvelope without a MessageType"},
		{"root with a prefix", "<soap:Envelope/>", "the file is XML with the root element Envelope"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			_, err := reportparse.Returns(strings.NewReader(tc.file), reportparse.Options{Name: "r.txt"})
			require.ErrorIs(t, err, reportparse.ErrWrongReport)
			assert.Equal(t, "r.txt: "+tc.want+give, err.Error())
		})
	}
}

// Elements are named as columns are, whatever their case and separators.
func TestReturnsXMLNamesFold(t *testing.T) {
	got, err := readAll(t, strings.NewReader(envelope(`<r:ReturnDetails xmlns:r="urn:r" version="2">
<Item-Details><Asin>B0EXAMPLE1</Asin><ReturnQuantity>1</ReturnQuantity></Item-Details>
<OrderID>701-0000001-0000001</OrderID><RETURN_REQUEST_STATUS>Approved</RETURN_REQUEST_STATUS>
<LabelDetails carrier=" Correos "><LabelCost currency="EUR">4.95</LabelCost></LabelDetails></r:ReturnDetails>`)), reportparse.Options{})
	require.NoError(t, err)
	require.Empty(t, got.End)
	assert.Equal(t, []reportparse.Return{{
		Line: 3, OrderID: "701-0000001-0000001", Status: "Approved", ASIN: "B0EXAMPLE1", Quantity: 1, LabelCost: money("4.95"),
		Extra: map[string]string{"@version": "2", "LabelDetails@carrier": "Correos", "LabelDetails/LabelCost@currency": "EUR"},
	}}, got.Rows)
	assert.Equal(t, []string{"@version", "LabelDetails@carrier", "LabelDetails/LabelCost@currency"}, got.Unknown)
}

func TestReturnsXMLMarkup(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"reference to a control character", "T&#1;e&#x0;a", "Tea"},
		{"reference to a surrogate", "Tea&#xD800;", "Tea\uFFFD"},
		{"reference beyond the BMP", "&#x1F375;", "\U0001F375"},
		{"line ends", "Tea\r\npot\rlid", "Tea\npot\nlid"},
		{"CDATA in pieces", "a<![CDATA[<b>]]>c<![CDATA[\r\n]]>&lt;<!-- d --><?e f?>g", "a<b>c\n<g"},
		{"bracket", "]] > ]&gt;", "]] > ]>"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, err := readAll(t, strings.NewReader(envelope(details("<item_name>"+tc.text+"</item_name>"))), reportparse.Options{})
			require.NoError(t, err)
			require.Len(t, got.Rows, 1, "ended by %q", got.End)
			assert.Equal(t, tc.want, got.Rows[0].ItemName)
		})
	}
}

// What follows is not read, and costs little memory.
func TestReturnsHostileXML(t *testing.T) {
	const long = "an element is longer than 1048576 bytes; the file is damaged or no report"
	damaged := func(reason string) string { return "the XML is damaged (" + reason + "); download it again" }
	tests := []struct{ name, inside, want string }{
		{"million open tags", strings.Repeat("<a>", 1e6), "elements are nested deeper than 32; the file is damaged or no report"},
		{"comment without end", "<!--" + strings.Repeat("x", 10<<20), long},
		{"instruction without end", "<?x" + strings.Repeat("x", 10<<20), long},
		{"CDATA without end", "<a><![CDATA[" + strings.Repeat("x", 10<<20), long},
		{"text without end", strings.Repeat("x", 10<<20), long},
		{"attribute without end", "<a b='" + strings.Repeat("x", 10<<20), long},
		{"name without end", "<" + strings.Repeat("x", 10<<20), long},
		{"white space in a tag", "<a" + strings.Repeat(" ", 10<<20), long},
		{"many pieces of text", "<return_details><a>" + strings.Repeat("x<!---->", 1<<20), long},
		{"many attributes", "<return_details" + strings.Repeat(" a='1'", 1<<20) + ">", long},
		{"different attributes", "<return_details><a" + manyAttributes(1001) + ">", "more than 1000 different elements; the file is damaged or no report"},
		{"different attributes of a record", "<return_details" + manyAttributes(1001) + ">", "more than 1000 different elements; the file is damaged or no report"},
		{"DOCTYPE", `<!DOCTYPE x [<!ENTITY a "aaa"><!ENTITY b "&a;&a;">]>`, "the XML has a DOCTYPE or another declaration with <!, which no report has and which is not read here; remove it, or download the report again"},
		{"entity of its own", "<a>&lol9;</a>", damaged("& that begins no character entity known here")},
		{"lone ampersand", "<a>Tea & Co; more</a>", damaged("& that begins no character entity known here")},
		{"reference beyond Unicode", "<a>&#x110000;</a>", damaged("& that begins no character entity known here")},
		{"end of CDATA in text", "<a>]]></a>", damaged("]]> outside of CDATA")},
		{"attribute without quotes", "<a b=1>", damaged("attribute b without quotation marks")},
		{"attribute without value", "<a b>", damaged("attribute b without =")},
		{"tag in an attribute", "<a b='<a>'>", damaged("< in the attribute b")},
		{"no name", "< a>", damaged("a tag or attribute without a name")},
		{"slash in a tag", "<a /b>", damaged("/ within <a")},
		{"end with more", "<a></a b>", damaged("more than a name in </a>")},
		{"prefix of another", "<a:b></c:b>", damaged("element <a:b> closed by </c:b>")},
		{"two colons", "<a:b:c/>", damaged("a name with two colons: a:b:c")},
		{"no letter", "<×/>", damaged("invalid XML name: ×")},
		{"comment in a comment", "<!-- <!-- x --> -->", damaged("-- in a comment")},
		{"version", "<?xml version='1.1'?>", damaged(`xml: unsupported version "1.1"; only version 1.0 is supporte…`)},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			r, err := reportparse.Returns(strings.NewReader(envelope(details("")+tc.inside)), reportparse.Options{Name: "r.txt"})
			require.NoError(t, err)
			var ret reportparse.Return
			require.NoError(t, r.Next(&ret))
			assert.EqualError(t, r.Next(&ret), "r.txt: line 2: "+tc.want)
			assert.Less(t, r.Progress().Bytes, int64(3<<20), "how much was read for it")
		})
	}
}

func manyAttributes(n int) string {
	return strings.NewReplacer("<", " ", "/>", "=''").Replace(manyElements(n))
}

// A file that is cut off anywhere gives an error, or a part of its rows and then
// an error; so does one that is lost there.
func TestReturnsXMLCutOff(t *testing.T) {
	file, err := os.ReadFile("testdata/order_first.xml")
	require.NoError(t, err)
	whole, err := readAll(t, bytes.NewReader(file), reportparse.Options{})
	require.NoError(t, err)
	last := bytes.LastIndex(file, []byte(">"))
	lost := errors.New("connection lost")
	for size := 1; size <= last; size++ {
		for name, in := range map[string]io.Reader{
			"cut off": bytes.NewReader(file[:size]),
			"lost":    io.MultiReader(bytes.NewReader(file[:size]), iotest.ErrReader(lost)),
		} {
			got, err := readAll(t, in, reportparse.Options{})
			if err == nil {
				assert.NotEmpty(t, got.End, "%s behind %d bytes", name, size)
			}
			require.LessOrEqual(t, len(got.Rows), len(whole.Rows))
			if diff := cmp.Diff(whole.Rows[:len(got.Rows)], got.Rows, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("%s behind %d bytes (-whole +cut):\n%s", name, size, diff)
			}
		}
	}
}

// The bytes of a file may be what a declaration says, or not.
func TestReturnsXMLCharsets(t *testing.T) {
	name := "Tasse für 5 €"
	file := func(encoding, name string) []byte {
		return []byte(`<?xml version="1.0"` + encoding + "?>" + envelope(details("<item_name>"+name+"</item_name>")))
	}
	utf16le := []byte("\xFF\xFE")
	for _, unit := range utf16.Encode([]rune(string(file(` encoding="UTF-16"`, name)))) {
		utf16le = binary.LittleEndian.AppendUint16(utf16le, unit)
	}
	tests := []struct {
		name, want string
		file       []byte
	}{
		{"UTF-8", name, file("", name)},
		{"UTF-8 with a mark, said to be another", name, append([]byte("\xEF\xBB\xBF"), file(` encoding="windows-1252"`, name)...)},
		{"UTF-16", name, utf16le},
		{"Windows-1252", name, file(` encoding="windows-1252"`, "Tasse f\xFCr 5 \x80")},
		{"NUL in between", name, file("", strings.ReplaceAll(name, " ", "\x00 \x00"))},
		{"damaged UTF-8", "Tasse f\uFFFDr 5 €", file(` encoding="UTF-8"`, "Tasse f\xFCr 5 €")},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, err := readAll(t, bytes.NewReader(tc.file), reportparse.Options{})
			require.NoError(t, err)
			require.Len(t, got.Rows, 1, "ended by %q", got.End)
			assert.Equal(t, tc.want, got.Rows[0].ItemName)
		})
	}
}

// Next gives the rows that All gives, item by item, in either way by turns.
func TestReturnsXMLKeptAndReused(t *testing.T) {
	one := "<item_details><asin>A1</asin><return_quantity>1</return_quantity></item_details>"
	two := "<item_details><asin>A2</asin><return_quantity>2</return_quantity><color>red &amp; blue</color></item_details>"
	rma := func(items string) string {
		return "<return_details>" + items + "<order_id>701-0000001-0000001</order_id><return_request_status>Approved</return_request_status></return_details>"
	}
	file := envelope(rma(one+two) + rma(two+one+one))
	whole, err := readAll(t, strings.NewReader(file), reportparse.Options{})
	require.NoError(t, err)
	require.Len(t, whole.Rows, 5)

	r, err := reportparse.Returns(strings.NewReader(file), reportparse.Options{})
	require.NoError(t, err)
	var row reportparse.Return
	for i := 0; i < len(whole.Rows); i += 2 {
		require.NoError(t, r.Next(&row))
		assert.Equal(t, whole.Rows[i].ASIN, row.ASIN)
		assert.Equal(t, whole.Rows[i].Extra["item_details/color"], row.Extra["item_details/color"])
		for kept, err := range r.All() {
			require.NoError(t, err)
			assert.Equal(t, whole.Rows[i+1], kept)
			break
		}
	}
	assert.Equal(t, io.EOF, r.Next(&row))
}

// What an amount is, its element says beside it.
func TestXMLPairs(t *testing.T) {
	order := func(prices string) string {
		return `<AmazonEnvelope><MessageType>OrderReport</MessageType><Message><OrderReport><AmazonOrderID>701-0000001-0000001</AmazonOrderID>
<Item><AmazonOrderItemCode>12345678901234</AmazonOrderItemCode><SKU>TEA</SKU><Quantity>1</Quantity><ItemPrice>` + prices + `</ItemPrice></Item></OrderReport></Message></AmazonEnvelope>`
	}
	tests := []struct {
		name, prices    string
		price, currency string
		extra           map[string]string
	}{
		{"type first", `<Component><Type>Principal</Type><Amount currency="EUR">5.00</Amount></Component>`, "5", "EUR", nil},
		{"amount first", `<Component><Amount currency="EUR">5.00</Amount><Type> Principal </Type></Component>`, "5", "EUR", nil},
		{"no price", `<Component><Type>Tax</Type><Amount currency="EUR">1.00</Amount></Component>`, "null", "EUR", nil},
		{"type not known", `<Component><Type>Levy</Type><Amount currency="EUR">5.00</Amount></Component>`, "null", "", map[string]string{
			"Item/ItemPrice/Levy": "5.00", "Item/ItemPrice/Levy@currency": "EUR",
		}},
		{"no type", `<Component><Type/><Amount currency="EUR">5.00</Amount></Component>`, "null", "", map[string]string{
			"Item/ItemPrice/Component/Amount": "5.00", "Item/ItemPrice/Component/Amount@currency": "EUR",
		}},
		{"twice alike", `<Component><Type>Principal</Type><Amount>5.00</Amount></Component><Component><Type>Principal</Type><Amount>5.00</Amount></Component>`, "5", "", map[string]string{
			"Item/ItemPrice/Principal (2)": "5.00",
		}},
		{"more than a pair", `<Component unit="x"><Type y="z">Principal</Type><Amount>5.00</Amount><Rate>20</Rate><Type>Again</Type></Component>`, "5", "", map[string]string{
			"Item/ItemPrice/Component@unit": "x", "Item/ItemPrice/Component/Type@y": "z", "Item/ItemPrice/Component/Rate": "20", "Item/ItemPrice/Component/Type": "Again",
		}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			r, err := reportparse.Orders(strings.NewReader(order(tc.prices)), reportparse.Options{})
			require.NoError(t, err)
			var item reportparse.OrderItem
			require.NoError(t, r.Next(&item))
			assert.True(t, item.ItemPrice.Equal(money(tc.price)), "price %s", item.ItemPrice)
			assert.Equal(t, tc.currency, item.Currency)
			assert.Equal(t, tc.extra, item.Extra)
		})
	}
}

func TestXMLManyPairs(t *testing.T) {
	var b strings.Builder
	for i := range 1001 {
		fmt.Fprintf(&b, "<Component><Type>T%d</Type><Amount a='1'>5.00</Amount></Component>", i)
	}
	file := "<AmazonEnvelope><MessageType>OrderReport</MessageType><Message><OrderReport><Item><ItemPrice>" + b.String() + "</ItemPrice></Item></OrderReport></Message></AmazonEnvelope>"
	r, err := reportparse.Orders(strings.NewReader(file), reportparse.Options{Name: "o.xml"})
	require.NoError(t, err)
	var item reportparse.OrderItem
	assert.EqualError(t, r.Next(&item), "o.xml: line 1: more than 1000 different elements; the file is damaged or no report")
}

// What a record says about its items comes with each of them: many of both would
// take minutes for a megabyte.
func TestXMLManyCells(t *testing.T) {
	const n = 2000
	texts := strings.Repeat("<a>1</a>", n)
	t.Run("returns", func(t *testing.T) {
		file := envelope("<return_details>" + texts + strings.Repeat("<item_details/>", n) + "</return_details>")
		got, err := readAll(t, strings.NewReader(file), reportparse.Options{Name: "r.xml"})
		require.NoError(t, err)
		assert.Empty(t, got.Rows)
		assert.Empty(t, got.Bad)
		assert.Equal(t, "r.xml: line 2: the rows of one element have more than 1048576 cells; the file is damaged or no report", got.End)
	})
	t.Run("settlement", func(t *testing.T) {
		file := settlementEnvelope("\n<Order>" + texts + strings.Repeat("<Fee><Amount>1</Amount></Fee>", n) + "</Order>")
		got, err := readSettlement(t, strings.NewReader(file), reportparse.Options{Name: "s.xml"})
		require.NoError(t, err)
		assert.Empty(t, got.Rows)
		assert.Empty(t, got.Bad)
		assert.Equal(t, "s.xml: line 2: the rows of one element have more than 1048576 cells; the file is damaged or no report", got.End)
	})
}

func FuzzReturnsXML(f *testing.F) {
	for _, name := range []string{"testdata/items_first.xml", "testdata/order_first.xml"} {
		b, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(b)
	}
	for _, file := range []string{
		envelope(""),
		envelope(details("") + details("<item_name>a<![CDATA[b]]>&eacute;<!-- c -->&#0;</item_name>")),
		envelope(details("")) + envelope(details("")),
		envelope("<return_details a='1' xmlns:b='c'><b:item_details d='2'><asin e='3'/><asin>x</asin></b:item_details></return_details>"),
		"<?xml version='1.0' encoding='windows-1252'?>" + envelope(details("<item_name>\xE9</item_name>")),
		"<AmazonEnvelope><MessageType>Prime</MessageType><Message>" + details("") + "</Message></AmazonEnvelope>",
		"<!DOCTYPE AmazonEnvelope>" + envelope(details("")),
	} {
		f.Add([]byte(file))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		if !bytes.HasPrefix(file, []byte("<")) {
			return // no XML
		}
		kept, err := readAll(t, iotest.OneByteReader(bytes.NewReader(file)), reportparse.Options{})
		r, reusedErr := reportparse.Returns(bytes.NewReader(file), reportparse.Options{})
		require.Equal(t, err, reusedErr)
		if err != nil {
			return
		}
		var row reportparse.Return
		var bad *reportparse.RowError
		rows, badRows := 0, 0
		for err = r.Next(&row); err == nil || errors.As(err, &bad); err = r.Next(&row) {
			if err != nil {
				badRows++
				continue
			}
			require.Less(t, rows, len(kept.Rows))
			if diff := cmp.Diff(kept.Rows[rows], row, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("row %d (-kept +reused):\n%s", rows, diff)
			}
			rows++
		}
		assert.Len(t, kept.Rows, rows)
		assert.Len(t, kept.Bad, badRows)
		assert.Equal(t, kept.Columns, r.Columns())
	})
}
