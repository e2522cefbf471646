package reportparse

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// event is what a tag says, as text.
type event struct {
	Tag, Text  string
	Attributes []string // names without prefix, and values
}

// events are those of a file in UTF-8.
func events(in io.Reader) ([]event, error) {
	text, _, err := open(in, Options{Charset: "utf-8"})
	if err != nil {
		return nil, err
	}
	if text == nil {
		return nil, ErrWrongReport
	}
	r := newTagReader(text)
	var out []event
	for {
		t, err := r.next()
		if err != nil {
			return out, err
		}
		e := event{Tag: "<" + t.name + ">", Text: t.text}
		if t.end {
			e.Tag = "</" + t.name + ">"
		} else {
			for _, a := range r.attributes {
				e.Attributes = append(e.Attributes, a.name+"="+a.value)
			}
		}
		out = append(out, e)
		r.renew()
	}
}

// peerEvents are those of encoding/xml.
func peerEvents(file string) ([]event, error) {
	d := xml.NewDecoder(strings.NewReader(file))
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	d.Entity = xml.HTMLEntity
	var out []event
	var text strings.Builder
	for {
		t, err := d.Token()
		if err != nil {
			return out, err
		}
		e := event{Text: text.String()}
		switch t := t.(type) {
		case xml.CharData:
			text.Write(t)
			continue
		case xml.StartElement:
			e.Tag = "<" + t.Name.Local + ">"
			for _, a := range t.Attr {
				e.Attributes = append(e.Attributes, a.Name.Local+"="+a.Value)
			}
		case xml.EndElement:
			e.Tag = "</" + t.Name.Local + ">"
		default:
			continue
		}
		text.Reset()
		out = append(out, e)
	}
}

// FuzzTags holds the tags against encoding/xml: the same ones, and the same
// files refused, but for what is refused here by intention, and for references
// to control characters, which are dropped.
func FuzzTags(f *testing.F) {
	for _, file := range []string{
		"", " ", "x", "<", "<a", "<a>", "<a/>", "<a></a>", "<a></b>", "</a>", "<a>x</a>y", "<a/><b/>",
		"<a b='1' c=\"2\"/>", "<a b = '1'\n c='2'/>", "<a b='1'c='2'/>", "<a b/>", "<a b=1/>", "<a b='<'/>", "<a b='&lt;>'/>", "<a b='1", "<a / >", "<a b='",
		"<a>1 &amp; 2 &lt; 3 &gt; 2 &quot;&apos;&#65;&#x42;&eacute;</a>", "<a>&</a>", "<a>&;</a>", "<a>&amp</a>", "<a>&nope;</a>", "<a>&#;</a>", "<a>&#x;</a>", "<a>&#X41;</a>",
		"<a>&#0;</a>", "<a>&#x1F;b</a>", "<a>&#xD800;</a>", "<a>&#x110000;</a>", "<a>&#99999999999999999999;</a>", "<a>&#65 ;</a>",
		"<a><![CDATA[<b>&amp;]]></a>", "<a>x<![CDATA[y]]>z<![CDATA[]]></a>", "<a><![CDATA[]]]]></a>", "<a><![CDATA[x]]", "<a><![CDAT[x]]></a>", "<a>]]></a>", "<a>]]&gt;</a>", "<a b=']]>'/>",
		"<a>x<!-- y -->z</a>", "<!---->", "<!--->-->", "<!-- -- -->", "<!-- --->", "<!--", "<!-x-->",
		"<?xml version='1.0' encoding='Windows-1252'?><a/>", "<?xml version='1.1'?><a/>", "<?xml?><a/>", "<?x y?z?><a/>", "<??>", "<?x", "<a><?x?>y</a>", "<?1?>",
		"<n:a xmlns:n='u' n:b='1'><n:c/></n:a>", "<n:a></a>", "<a></n:a>", "<n:a></m:a>", "<n:m:a/>", "<:a/>", "<a:/>", "<a:></a:>",
		"<1/>", "<-a/>", "<a.b-c_1/>", "<é/>", "<aé></aé>", "<×/>", "<a ×='1'/>", "< a/>", "</ a>", "<a></a >", "<a></a b>", "<a></>",
		"<a>\r\n\r\n</a>", "<a>\r</a>", "<a>x\r\ny\rz\n</a>", "<a b='\r\n'/>", "<a><![CDATA[\r\n\r]]></a>", "<a>\r&amp;\n</a>",
		"<!DOCTYPE a><a/>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "<a><!></a>", "<![CDATA[x]]>",
		strings.Repeat("<a>", maxDepth+1) + strings.Repeat("</a>", maxDepth+1),
	} {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file string) {
		file = strings.Map(func(r rune) rune {
			if control(r) {
				return -1 // as in every file
			}
			return r
		}, strings.ToValidUTF8(file, "\uFFFD"))

		got, err := events(strings.NewReader(file))
		slow, slowErr := events(iotest.OneByteReader(strings.NewReader(file)))
		if diff := cmp.Diff(got, slow); diff != "" || err.Error() != slowErr.Error() {
			t.Fatalf("one byte at a time: %v, as a whole: %v (-whole +slow):\n%s", slowErr, err, diff)
		}

		if errors.Is(err, ErrEmpty) || errors.Is(err, ErrWrongReport) {
			return // not taken for XML
		}

		want, wantErr := peerEvents(file)
		if ours := strings.Contains(err.Error(), "DOCTYPE") || strings.Contains(err.Error(), "nested deeper"); ours || strings.Contains(wantErr.Error(), "illegal character code") {
			both := min(len(got), len(want))
			got, want = got[:both], want[:both]
		} else if (err == io.EOF) != (wantErr == io.EOF) {
			t.Fatalf("ended by %v, encoding/xml by %v", err, wantErr)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("tags (-encoding/xml +ours):\n%s", diff)
		}
	})
}
