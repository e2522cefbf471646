package reportparse_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/reportparse"
)

// drain reads to the end with Next, and counts.
func drain(t testing.TB, in io.Reader, o reportparse.Options) (rows, bad int, end error) {
	t.Helper()
	r, err := reportparse.Returns(in, o)
	require.NoError(t, err)
	var row reportparse.Return
	var wrong *reportparse.RowError
	for {
		switch err := r.Next(&row); {
		case errors.As(err, &wrong):
			bad++
		case err != nil:
			return rows, bad, err
		default:
			rows++
		}
	}
}

func TestProgress(t *testing.T) {
	file := returnRows(20_000) + "bad\n"
	for name, in := range map[string][]byte{"plain": []byte(file), "gzip": gzipped(t, []byte(file))} {
		t.Run(name, func(t *testing.T) {
			var got []reportparse.Progress
			_, bad, end := drain(t, bytes.NewReader(in), reportparse.Options{Progress: func(p reportparse.Progress) { got = append(got, p) }})
			require.Equal(t, io.EOF, end)
			assert.Equal(t, 1, bad)
			assert.InDelta(t, len(file)>>20+1, len(got), 1, "about once a MiB, and at the end")
			assert.IsNonDecreasing(t, bytesOf(got))
			assert.Equal(t, reportparse.Progress{Bytes: int64(len(in)), Rows: 20_000, Bad: 1}, got[len(got)-1])
		})
	}
}

func bytesOf(ps []reportparse.Progress) []int64 {
	var out []int64
	for _, p := range ps {
		out = append(out, p.Bytes)
	}
	return out
}

// The last report of progress comes once, however the reading ends.
func TestProgressAtTheEnd(t *testing.T) {
	lost := errors.New("connection lost")
	tests := []struct {
		name string
		in   io.Reader
		o    reportparse.Options
		want reportparse.Progress
		is   error
	}{
		{"whole", strings.NewReader(flat(nil, nil)), reportparse.Options{}, reportparse.Progress{Bytes: int64(len(flat(nil, nil))), Rows: 2}, io.EOF},
		{"lost", io.MultiReader(strings.NewReader(flat(nil)), iotest.ErrReader(lost)), reportparse.Options{}, reportparse.Progress{Bytes: int64(len(flat(nil))), Rows: 1}, lost},
		{"limit", strings.NewReader(flat(nil) + "bad\n"), reportparse.Options{MaxErrors: 1}, reportparse.Progress{Bytes: int64(len(flat(nil))) + 4, Rows: 1, Bad: 1}, reportparse.ErrTooManyErrors},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			var got []reportparse.Progress
			tc.o.Progress = func(p reportparse.Progress) { got = append(got, p) }
			r, err := reportparse.Returns(tc.in, tc.o)
			require.NoError(t, err)
			var row reportparse.Return
			for !errors.Is(err, tc.is) {
				err = r.Next(&row)
			}
			require.ErrorIs(t, r.Next(&row), tc.is)
			assert.Equal(t, []reportparse.Progress{tc.want}, got)
			assert.Equal(t, tc.want, r.Progress())
		})
	}
}

func TestMaxErrors(t *testing.T) {
	file := flat(nil) + "bad\n" + "worse\n" + "701-0000009-0000009\n"
	tests := []struct {
		most, bad int
		end       string
	}{
		{0, 3, ""},
		{4, 3, ""},
		{3, 3, "r.txt: line 5: too many bad rows: Options.MaxErrors is 3"},
		{1, 1, "r.txt: line 3: too many bad rows: Options.MaxErrors is 1"},
	}
	for _, tc := range tests {
		t.Run(fmt.Sprint(tc.most), func(t *testing.T) {
			got, err := readAll(t, strings.NewReader(file), reportparse.Options{Name: "r.txt", MaxErrors: tc.most})
			require.NoError(t, err)
			assert.Len(t, got.Rows, 1)
			assert.Len(t, got.Bad, tc.bad)
			assert.Equal(t, tc.end, got.End)
		})
	}
}

// What Next gives is over with the next call; what All gives is to keep.
func TestNextUsesExtraAgain(t *testing.T) {
	file := "Order ID\tReturn request status\tReturn quantity\tASIN\tVAT\tGate\n" +
		"701-0000001-0000001\tApproved\t1\tB0EXAMPLE1\t20%\tnorth\n" +
		"701-0000002-0000002\tApproved\t1\tB0EXAMPLE1\t\tsouth\n" +
		"701-0000003-0000003\tApproved\t1\tB0EXAMPLE1\n"
	want := []map[string]string{{"VAT": "20%", "Gate": "north"}, {"Gate": "south"}, {}}

	r, err := reportparse.Returns(strings.NewReader(file), reportparse.Options{})
	require.NoError(t, err)
	var row reportparse.Return
	for _, extra := range want {
		require.NoError(t, r.Next(&row))
		assert.Equal(t, extra, row.Extra)
	}
	require.Equal(t, io.EOF, r.Next(&row))
	assert.Equal(t, reportparse.Return{Extra: map[string]string{}}, row, "nothing is left of the row before")

	got, err := readAll(t, strings.NewReader(file), reportparse.Options{})
	require.NoError(t, err)
	require.Len(t, got.Rows, 3)
	for i, row := range got.Rows {
		assert.Len(t, row.Extra, len(want[i]))
		for name, text := range want[i] {
			assert.Equal(t, text, row.Extra[name])
		}
	}
}

func TestRawIsBounded(t *testing.T) {
	row := "\tspare" + strings.Repeat("é", 10_000)
	r, err := reportparse.Returns(strings.NewReader(strings.TrimSuffix(flat(nil), "\n")+row+"\n"), reportparse.Options{})
	require.NoError(t, err)
	var bad *reportparse.RowError
	require.ErrorAs(t, r.Next(new(reportparse.Return)), &bad)
	assert.True(t, strings.HasPrefix(bad.Raw, "701-0000001-0000001\t"))
	assert.InDelta(t, 4<<10, len(bad.Raw), 1)
	assert.NotContains(t, bad.Raw, "\uFFFD")
	assert.True(t, strings.HasSuffix(bad.Raw, "é"), "no character is cut in two")
}

// Lines are counted whatever they are, and however they end.
func TestLineNumbers(t *testing.T) {
	for name, end := range map[string]string{"LF": "\n", "CRLF": "\r\n", "CR": "\r"} {
		t.Run(name, func(t *testing.T) {
			header, row, _ := strings.Cut(strings.TrimSuffix(flat(nil), "\n"), "\n")
			lines := []string{"", header, "", row, " \t ", header, row, strings.Repeat("x", 2<<20), "bad", row}
			got, err := readAll(t, strings.NewReader(strings.Join(lines, end)), reportparse.Options{})
			require.NoError(t, err)
			assert.Equal(t, []int{4, 7, 10}, linesOf(got.Rows))
			require.Len(t, got.Bad, 2)
			assert.Contains(t, got.Bad[0], "line 8: ")
			assert.Contains(t, got.Bad[1], "line 9: ")
		})
	}
}

func linesOf(rows []reportparse.Return) []int {
	var out []int
	for _, row := range rows {
		out = append(out, row.Line)
	}
	return out
}

// A file larger than any buffer reads as its rows do, however the bytes arrive.
func TestLargeFile(t *testing.T) {
	const n = 40_000
	file := returnRows(n)
	require.Greater(t, len(file), 8<<20)
	for name, in := range map[string]io.Reader{
		"whole":              strings.NewReader(file),
		"halves":             iotest.HalfReader(strings.NewReader(file)),
		"data with the end":  iotest.DataErrReader(strings.NewReader(file)),
		"one byte at a time": io.MultiReader(iotest.OneByteReader(strings.NewReader(file[:1<<20])), strings.NewReader(file[1<<20:])),
		"gzip":               bytes.NewReader(gzipped(t, []byte(file))),
	} {
		t.Run(name, func(t *testing.T) {
			rows, bad, end := drain(t, in, reportparse.Options{})
			assert.Equal(t, io.EOF, end)
			assert.Equal(t, n, rows)
			assert.Zero(t, bad)
		})
	}
}

// Files that were packed one by one and joined are one file.
func TestGzipMembers(t *testing.T) {
	file := flat(nil, nil)
	half := len(file) / 2
	in := io.MultiReader(bytes.NewReader(gzipped(t, []byte(file[:half]))), bytes.NewReader(gzipped(t, []byte(file[half:]))))
	rows, _, end := drain(t, in, reportparse.Options{})
	assert.Equal(t, io.EOF, end)
	assert.Equal(t, 2, rows)
}

// The error of the reader that is given stays what it is, wherever it comes.
func TestErrorsKeepTheirIdentity(t *testing.T) {
	lost := errors.New("connection lost")
	file := gzipped(t, []byte(returnRows(1000)))
	for name, in := range map[string]io.Reader{
		"at once":   iotest.ErrReader(lost),
		"in gzip":   io.MultiReader(bytes.NewReader(file[:len(file)/2]), iotest.ErrReader(lost)),
		"its head":  io.MultiReader(bytes.NewReader(file[:5]), iotest.ErrReader(lost)),
		"with data": io.MultiReader(strings.NewReader(flat(nil)[:100]), iotest.ErrReader(lost)),
	} {
		t.Run(name, func(t *testing.T) {
			r, err := reportparse.Returns(in, reportparse.Options{})
			var row reportparse.Return
			for err == nil {
				err = r.Next(&row)
			}
			assert.ErrorIs(t, err, lost)
			assert.NotContains(t, err.Error(), "damaged")
		})
	}
}

// A reader that never gives anything is not waited for without end.
func TestIdleReader(t *testing.T) {
	rows, _, end := drain(t, io.MultiReader(strings.NewReader(flat(nil)), idle{}), reportparse.Options{})
	assert.Equal(t, 1, rows)
	assert.ErrorIs(t, end, io.ErrNoProgress)
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

// Blocks of text are all that Next takes up.
func TestNextMakesNoGarbage(t *testing.T) {
	const n = 5000
	file := "Order ID\tReturn request status\tReturn quantity\tASIN\tVAT\n" +
		strings.Repeat("701-0000001-0000001\tApproved\t1\tB0EXAMPLE1\t20%\n", n)
	allocs := testing.AllocsPerRun(3, func() {
		rows, _, _ := drain(t, strings.NewReader(file), reportparse.Options{})
		assert.Equal(t, n, rows)
	})
	// Opening takes some hundreds.
	assert.Less(t, allocs, n/4.0)
}

// A row to keep is one piece of text.
func TestAllKeepsOnePieceARow(t *testing.T) {
	const n = 5000
	file := "Order ID\tReturn request status\tReturn quantity\tASIN\n" +
		strings.Repeat("701-0000001-0000001\tApproved\t1\tB0EXAMPLE1\n", n)
	allocs := testing.AllocsPerRun(3, func() {
		r, err := reportparse.Returns(strings.NewReader(file), reportparse.Options{})
		require.NoError(t, err)
		for _, err := range r.All() {
			require.NoError(t, err)
		}
	})
	assert.Less(t, allocs, 1.25*n)
}

// Memory stays flat, whatever the size of the file and of what it unpacks to.
func TestMemory(t *testing.T) {
	const most = 16 << 20
	header, row, _ := strings.Cut(flat(nil), "\n")
	tests := map[string]io.Reader{
		"rows":          io.MultiReader(strings.NewReader(header+"\n"), &again{text: row, left: 24 << 20}),
		"one line":      io.MultiReader(strings.NewReader(header+"\n"), &again{text: "x", left: 24 << 20}),
		"TABs":          io.MultiReader(strings.NewReader(header+"\n"), &again{text: "\t", left: 8 << 20}),
		"blank lines":   io.MultiReader(strings.NewReader(header+"\n"), &again{text: "\n", left: 16 << 20}),
		"packed zeros":  packed(t, io.MultiReader(strings.NewReader(header+"\n"), &again{text: "\x00", left: 24 << 20})),
		"broken UTF-8":  io.MultiReader(strings.NewReader(header+"\n"), &again{text: "\xC3", left: 5 << 20}),
		"errors":        io.MultiReader(strings.NewReader(header+"\n"), &again{text: "bad\tü\n", left: 4 << 20}),
		"long bad rows": io.MultiReader(strings.NewReader(header+"\n"), &again{text: strings.Repeat("x\t", 50_000) + "\n", left: 10 << 20}),
	}
	for name, in := range tests {
		t.Run(name, func(t *testing.T) {
			var before, now runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			reports := 0
			_, _, end := drain(t, in, reportparse.Options{Progress: func(reportparse.Progress) {
				runtime.GC()
				runtime.ReadMemStats(&now)
				assert.Less(t, now.HeapAlloc, before.HeapAlloc+most)
				reports++
			}})
			assert.Equal(t, io.EOF, end)
			assert.Greater(t, reports, 2)
		})
	}
}

// again reads as a text, over and over.
type again struct {
	text string
	at   int
	left int
}

func (a *again) Read(p []byte) (int, error) {
	if a.left <= 0 {
		return 0, io.EOF
	}
	n := 0
	for n < len(p) {
		size := copy(p[n:], a.text[a.at:])
		n, a.at = n+size, (a.at+size)%len(a.text)
	}
	a.left -= n
	return n, nil
}

// packed is what in is in gzip, on a disk.
func packed(t *testing.T, in io.Reader) io.Reader {
	t.Helper()
	f, err := os.Create(t.TempDir() + "/packed")
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	w, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	require.NoError(t, err)
	_, err = io.Copy(w, in)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	_, err = f.Seek(0, io.SeekStart)
	require.NoError(t, err)
	return f
}

func TestNothingGiven(t *testing.T) {
	_, err := reportparse.Returns(nil, reportparse.Options{Name: "r.txt"})
	require.EqualError(t, err, "r.txt: no file given")
	_, _, err = reportparse.Detect(nil, reportparse.Options{})
	require.EqualError(t, err, "report: no file given")
	r, err := reportparse.Returns(strings.NewReader(flat(nil)), reportparse.Options{Name: "r.txt"})
	require.NoError(t, err)
	require.EqualError(t, r.Next(nil), "r.txt: Next: no row given to fill")
}

// Files that were joined, each with its mark, read as one.
func TestMarkWithinFile(t *testing.T) {
	file := "\ufeff" + flat(map[string]string{"Merchant SKU": "A"}) + "\ufeff" + flat(map[string]string{"Merchant SKU": "B"})
	got, err := readAll(t, strings.NewReader(file), reportparse.Options{})
	require.NoError(t, err)
	assert.Empty(t, got.Bad)
	require.Len(t, got.Rows, 2)
	assert.Equal(t, "B", got.Rows[1].SKU)
}
