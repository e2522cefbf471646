package reportparse_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/takebackhq/takeback/reportparse"
)

// However the bytes of a report arrive, its rows are the same, and a report that
// breaks off says so.
func TestDelivery(t *testing.T) {
	delivered(t, opener(reportparse.Returns), "all_columns.txt", "newer_columns_bom_crlf.txt", "ragged.txt", "cp1252.txt",
		"items_first.xml", "order_first.xml", "kinds/returns.txt", "kinds/returns.xml", "kinds/prime-returns.csv", "kinds/prime-returns.xml")
	delivered(t, opener(reportparse.Orders), "orders_all_columns.txt", "orders_promotions.txt", "orders_unshipped_crlf.txt", "orders.xml",
		"kinds/orders.txt", "kinds/orders.xml", "kinds/unshipped-orders.txt")
	delivered(t, opener(reportparse.AllOrders), "all_orders_all_columns.txt", "all_orders_au.txt", "all_orders.xml", "kinds/all-orders.txt", "kinds/all-orders.xml")
	delivered(t, opener(reportparse.FBAReturns), "fba.txt", "fba_all_columns.txt", "kinds/fba-returns.txt")
	delivered(t, openSettlements, "settlement/us.txt", "settlement/de.txt", "settlement/au.txt", "settlement/jp.txt", "settlement/in.txt",
		"settlement/v1.txt", "settlement/v1_no_orders.txt", "settlement/2007.xml", "settlement/live.xml",
		"kinds/settlement.txt", "kinds/settlement-v1.txt", "kinds/settlement-xml.xml")
}

// delivery is what a file gives up to its end.
type delivery[T any] struct {
	Rows    []T
	Bad     []string
	Columns []string
	Unknown []string
	end     error // nil: it was read to the end
}

func take[T any](open reportFunc[T], in io.Reader) (got delivery[T], err error) {
	r, err := open(in, reportparse.Options{})
	if err != nil {
		return got, err
	}
	got.Rows, got.Bad, got.end = collect(r.All())

	got.Columns, got.Unknown = r.Columns(), r.Unknown()
	return got, nil
}

func delivered[T any](t *testing.T, open reportFunc[T], files ...string) {
	lost := errors.New("connection lost")
	whole := map[string]func([]byte) io.Reader{
		"one byte at a time":    func(b []byte) io.Reader { return iotest.OneByteReader(bytes.NewReader(b)) },
		"half of what is asked": func(b []byte) io.Reader { return iotest.HalfReader(bytes.NewReader(b)) },
		"data with the end":     func(b []byte) io.Reader { return iotest.DataErrReader(bytes.NewReader(b)) },
		"gzip":                  func(b []byte) io.Reader { return bytes.NewReader(gzipped(t, b)) },
		"gzip, one byte at a time": func(b []byte) io.Reader {
			return iotest.OneByteReader(iotest.DataErrReader(bytes.NewReader(gzipped(t, b))))
		},
		"without the last line end": func(b []byte) io.Reader { return bytes.NewReader(bytes.TrimRight(b, "\r\n")) },
		"CRLF": func(b []byte) io.Reader {
			return bytes.NewReader(bytes.ReplaceAll(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n")))
		},
		"NUL bytes": func(b []byte) io.Reader {
			return bytes.NewReader(bytes.ReplaceAll(b, []byte("0000"), []byte("00\x0000")))
		},
	}
	broken := map[string]struct {
		deliver func([]byte) io.Reader
		want    error
	}{
		"nothing":       {func([]byte) io.Reader { return iotest.ErrReader(lost) }, lost},
		"lost at once":  {func(b []byte) io.Reader { return iotest.TimeoutReader(iotest.OneByteReader(bytes.NewReader(b))) }, iotest.ErrTimeout},
		"lost in a row": {func(b []byte) io.Reader { return iotest.TimeoutReader(bytes.NewReader(b[:len(b)-20])) }, iotest.ErrTimeout},
		"lost in packed": {func(b []byte) io.Reader {
			return iotest.TimeoutReader(iotest.HalfReader(bytes.NewReader(gzipped(t, b))))
		}, iotest.ErrTimeout},
	}
	for _, name := range files {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(t, err)
		want, err := take(open, bytes.NewReader(b))
		require.NoError(t, err)
		require.NoError(t, want.end)
		require.NotEmpty(t, want.Rows)
		for how, deliver := range whole {
			t.Run(name+"/"+how, func(t *testing.T) {
				got, err := take(open, deliver(b))
				require.NoError(t, err)
				require.NoError(t, got.end)
				if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(delivery[T]{})); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
		for how, by := range broken {
			t.Run(name+"/"+how, func(t *testing.T) {
				got, err := take(open, by.deliver(b))
				require.ErrorIs(t, errors.Join(err, got.end), by.want)
				require.NotErrorIs(t, err, reportparse.ErrEmpty)
				assert.Less(t, len(got.Rows), len(want.Rows)+1)
			})
		}
		t.Run(name+"/lost at the end", func(t *testing.T) {
			got, err := take(open, io.MultiReader(bytes.NewReader(append(b, '\n')), iotest.ErrReader(lost)))
			require.NoError(t, err)
			require.ErrorIs(t, got.end, lost)
			assert.Equal(t, want.Rows, got.Rows, "what came before")
		})
	}
}
