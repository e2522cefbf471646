package reportparse

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
)

// row is a line as it is cut up.
type row struct {
	Line  int
	Count int            // of cells
	Cells map[int]string // those that are not blank
}

const rowCells = 8 // more of them are only counted

// cutUp reads a file as the flat reader does.
func cutUp(in io.Reader, o Options) (rows []row, replaced int, err error) {
	text, _, err := open(in, o)
	if err != nil || text == nil {
		return nil, 0, err
	}
	f := flatFile{lines: lineReader{text: text}}
	for i := range rowCells {
		f.slots = append(f.slots, slot{column: i})
	}
	for {
		line, _, err := f.lines.next()
		if err != nil {
			return rows, text.replaced, err
		}
		r := row{Line: f.lines.number, Count: f.split(line), Cells: map[int]string{}}
		for _, c := range f.row {
			r.Cells[c.column] = c.text
		}
		rows = append(rows, r)
	}
}

// cutUpPlainly does the same without haste.
func cutUpPlainly(text string) (rows []row, replaced int) {
	text = strings.Map(func(r rune) rune {
		if control(r) {
			return -1
		}
		return r
	}, text)
	ending := "\n"
	if i := strings.IndexAny(text, "\r\n"); i >= 0 && text[i] == '\r' && i+1 < len(text) && text[i+1] != '\n' {
		ending = "\r"
	}
	lines := strings.Split(text, ending)
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	for i, line := range lines {
		cells := strings.Split(line, "\t")
		r := row{Line: i + 1, Count: len(cells), Cells: map[int]string{}}
		for i, c := range cells[:min(len(cells), rowCells)] {
			if c = strings.TrimSpace(c); c != "" {
				r.Cells[i] = c
			}
		}
		rows = append(rows, r)
	}
	return rows, strings.Count(text, "\uFFFD")
}

// FuzzCutUp holds decoding and splitting against the plain way to do it,
// wherever the end of a block falls.
func FuzzCutUp(f *testing.F) {
	for _, file := range []string{
		"a\tb\n1\t2\n", "a\tb\r\n\r\n 1 \t\u00a02\u3000\r\n", "a\rb\t\r", "a\n\rb\r\n", "\r\n\r", "\t\t\n\t", "a\x00\x01\x7Fb\x0B\n",
		"Öl 5 €\t日本\U0001F600\n", "\xC3\x28\xE2\x82\t\xE6\x97\n", "\x81\x8D\x8F\x90\x9D\x80", "\x93\xFA\x96{\t\xB1\xB2\x81", "\uFFFD\uFEFF\uFFFE\uFFFF",
		"1234567\t12345678\t123456789\t\n", strings.Repeat("x\t", 20), strings.Repeat("é", 40) + "\n",
	} {
		for set := range uint8(3) {
			f.Add([]byte(file), set, uint8(0))
			f.Add([]byte(file), set, uint8(3))
		}
	}
	sets := []charset{{Encoding: unicode.UTF8}, {Encoding: charmap.Windows1252}, {Encoding: japanese.ShiftJIS}}
	names := []string{"utf-8", "windows-1252", "shift_jis"}
	f.Fuzz(func(t *testing.T, file []byte, set, cut uint8) {
		set %= uint8(len(sets))
		// The end of the first block falls into the file.
		file = append(bytes.Repeat([]byte("-"), blockSize-int(cut)), file...)
		o := Options{Charset: names[set]}

		text, err := sets[set].NewDecoder().Bytes(file)
		require.NoError(t, err)
		want, wantReplaced := cutUpPlainly(string(text))

		for name, in := range map[string]io.Reader{
			"whole": bytes.NewReader(file), "data with the end": iotest.DataErrReader(bytes.NewReader(file)), "halves": iotest.HalfReader(bytes.NewReader(file)),
		} {
			got, replaced, err := cutUp(in, o)
			require.Equal(t, io.EOF, err, name)
			if diff := cmp.Diff(want, got); diff != "" || replaced != wantReplaced {
				t.Errorf("%s: replaced %d, want %d (-want +got):\n%s", name, replaced, wantReplaced, diff)
			}
		}
	})
}
