package reportparse_test

import (
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/reportparse"
)

// A row to keep holds on to nothing else of the file, however far apart the rows
// are in it.
func TestAllKeepsOnlyRows(t *testing.T) {
	kept(t, "flat", reportparse.Returns, flat(), strings.TrimPrefix(flat(nil), flat()), "\n", "")
	kept(t, "CSV over several lines", reportparse.Returns, commaHeader, commaRow("\"Lamp\nred\""), "\n", "")
	before, after, _ := strings.Cut(envelope("|"), "|")
	kept(t, "XML", reportparse.Returns, before, details(""), " ", after)
	before, after, _ = strings.Cut(settlementEnvelope("<SettlementData><AmazonSettlementID>7</AmazonSettlementID><TotalAmount>50</TotalAmount></SettlementData>|"), "|")
	kept(t, "settlement in XML", func(in io.Reader, o reportparse.Options) (*reportparse.Reader[reportparse.SettlementRow], error) {
		r, err := reportparse.Settlement(in, o)
		if err != nil {
			return nil, err
		}
		return r.Reader, nil
	}, before, "<Order><Fee><Type>A</Type><Amount>1</Amount></Fee></Order>", " ", after)
}

func kept[T any](t *testing.T, name string, open openFunc[T], before, row, pad, after string) {
	const n, apart = 50, 128 << 10
	t.Run(name, func(t *testing.T) {
		file := before + strings.Repeat(row+strings.Repeat(pad, apart), n) + after
		r, err := open(strings.NewReader(file), reportparse.Options{})
		require.NoError(t, err)
		rows := make([]T, 0, n)
		free := heap()
		for row, err := range r.All() {
			require.NoError(t, err)
			rows = append(rows, row)
		}
		held := int64(heap()) - int64(free)
		runtime.KeepAlive(r)
		runtime.KeepAlive(file)
		require.Len(t, rows, n)
		assert.Less(t, held, int64(n*apart/8))
	})
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
