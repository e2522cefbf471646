package reportparse_test

import (
	"errors"
	"fmt"
	"iter"
	"reflect"

	"github.com/takebackhq/takeback/reportparse"
)

// collect reads to the end: the rows, the texts of their RowErrors, and what ended
// the file early. An end that is given twice is two errors, and a bad row without
// its line says so, so that neither passes a comparison.
func collect[T any](all iter.Seq2[T, error]) (rows []T, bad []string, end error) {
	for row, err := range all {
		var wrong *reportparse.RowError
		switch {
		case errors.As(err, &wrong):
			text := wrong.Error()
			if line := reflect.ValueOf(row).FieldByName("Line").Int(); line != int64(wrong.Line) {
				text = fmt.Sprintf("%s; its row is of line %d", text, line)
			}
			bad = append(bad, text)
		case err != nil:
			end = errors.Join(end, err)
		default:
			rows = append(rows, row)
		}
	}
	return rows, bad, end
}

// said is the text of an error, "" of none.
func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
