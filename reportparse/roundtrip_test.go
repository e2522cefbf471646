package reportparse_test

import (
	"bytes"
	"io"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/reportparse"
)

// Every file is read as the rows that were written, in whatever way they were.
func TestRoundTrip(t *testing.T) {
	returns := author[reportparse.Return]{
		open:    opener(reportparse.Returns),
		columns: returnColumns,
		needs:   []string{"Order ID", "Return request status", "Merchant SKU", "Return quantity"},
		frame:   func(r *reportparse.Return) (*int, *map[string]string) { return &r.Line, &r.Extra },
		record:  "return_details",
		item:    "item_details",
		strange: []string{"gate", "item_details/gate", "label_details/gate", "order_id@mark", "item_details@mark", "vat/rate"},
	}
	orders := author[reportparse.OrderItem]{
		open:     opener(reportparse.Orders),
		columns:  orderColumns,
		needs:    []string{"order-id", "order-item-id", "purchase-date"},
		frame:    func(o *reportparse.OrderItem) (*int, *map[string]string) { return &o.Line, &o.Extra },
		record:   "OrderReport",
		item:     "Item",
		strange:  []string{"Gate", "Item/Gate", "Item/ItemTaxData/City", "Item/AmazonOrderItemCode@mark", "BillingData/Address/Gate"},
		currency: func(o *reportparse.OrderItem) *string { return &o.Currency },
	}
	allOrders := author[reportparse.AllOrdersItem]{
		open:     opener(reportparse.AllOrders),
		columns:  allOrdersColumns,
		needs:    []string{"amazon-order-id", "order-status", "sku"},
		frame:    func(o *reportparse.AllOrdersItem) (*int, *map[string]string) { return &o.Line, &o.Extra },
		record:   "Order",
		item:     "OrderItem",
		strange:  []string{"Gate", "OrderItem/Gate", "OrderItem/SKU@mark", "FulfillmentData/Address/Gate"},
		currency: func(o *reportparse.AllOrdersItem) *string { return &o.Currency },
	}
	fba := author[reportparse.FBAReturn]{
		open:    opener(reportparse.FBAReturns),
		columns: fbaColumns,
		needs:   []string{"order-id", "quantity", "sku", "detailed-disposition"},
		frame:   func(r *reportparse.FBAReturn) (*int, *map[string]string) { return &r.Line, &r.Extra },
	}

	v2 := author[reportparse.SettlementRow]{
		typ:       reportparse.TypeSettlement,
		open:      openSettlements,
		columns:   settlementColumns,
		needs:     []string{"settlement-id", "total-amount", "currency", "transaction-type", "amount"},
		frame:     func(r *reportparse.SettlementRow) (*int, *map[string]string) { return &r.Line, &r.Extra },
		divides:   true,
		summarize: summarize,
		settle:    settle,
		verify:    verifySettlement,
	}
	v1 := v2
	v1.typ = reportparse.TypeSettlementV1
	v1.needs = []string{"settlement-id", "total-amount", "currency", "transaction-type", "price-amount"}
	v1.blank = func() reportparse.SettlementRow {
		return reportparse.SettlementRow{V1: &reportparse.SettlementV1{}}
	}
	older := v2
	older.typ, older.needs, older.divides = reportparse.TypeSettlementXML, nil, false

	t.Run("returns", returns.of(reportparse.TypeReturns).tabs)
	t.Run("returns XML", returns.of(reportparse.TypeReturns).xml("Returns-Report"))
	t.Run("Prime returns", returns.of(reportparse.TypePrimeReturns).commas)
	t.Run("Prime returns XML", returns.of(reportparse.TypePrimeReturns).xml("Prime-Returns-Report"))
	t.Run("orders", orders.of(reportparse.TypeOrders).tabs)
	t.Run("orders XML", orders.of(reportparse.TypeOrders).xml("OrderReport"))
	t.Run("unshipped orders", orders.of(reportparse.TypeUnshippedOrders, "quantity-to-ship").tabs)
	t.Run("all orders", allOrders.of(reportparse.TypeAllOrders).tabs)
	t.Run("all orders XML", allOrders.of(reportparse.TypeAllOrders).xml("AllOrdersReport"))
	t.Run("FBA returns", fba.of(reportparse.TypeFBAReturns).tabs)
	t.Run("settlement V2", v2.tabs)
	t.Run("settlement V1", v1.tabs)
	t.Run("settlement XML", func(t *testing.T) { older.check(t, settlementXML(older)) })
}

// author writes files of one type.
type author[T any] struct {
	typ     reportparse.Type
	open    reportFunc[T]
	columns func(*T) []column // in the order in which they are documented
	needs   []string          // columns that every row fills
	frame   func(*T) (line *int, extra *map[string]string)
	blank   func() T // a row without values; nil: the zero value
	divides bool     // thousands, too

	// Of rows that belong together: summarize makes them so, and gives the row to
	// be written before them; settle is what reading adds to each; verify looks at
	// what was read besides rows.
	summarize func(*rapid.T, *style, []T) T
	settle    func(*style, []T)
	verify    func(*rapid.T, report[T], []T)

	// Of XML.
	record, item string
	strange      []string // paths of elements and attributes that are no columns
	currency     func(*T) *string
}

// report is what reads a file.
type report[T any] interface {
	All() iter.Seq2[T, error]
	Next(*T) error
	Type() reportparse.Type
	Columns() []string
	Missing() []reportparse.MissingColumn
	Unknown() []string
	Replaced() int
	Progress() reportparse.Progress
}

type reportFunc[T any] func(io.Reader, reportparse.Options) (report[T], error)

func opener[T any](open openFunc[T]) reportFunc[T] {
	return func(in io.Reader, o reportparse.Options) (report[T], error) { return open(in, o) }
}

func openSettlements(in io.Reader, o reportparse.Options) (report[reportparse.SettlementRow], error) {
	return reportparse.Settlement(in, o)
}

// of is an author for one of the types that are read alike.
func (a author[T]) of(typ reportparse.Type, needs ...string) author[T] {
	a.typ = typ
	a.needs = slices.Concat(a.needs, needs)
	return a
}

// written is a file, and what is to be read in it.
type written[T any] struct {
	text    string
	rows    []T
	columns []string
	unknown []string
}

func (a author[T]) tabs(t *testing.T) {
	a.check(t, func(t *rapid.T, s *style) written[T] { return a.table(t, s, "\t") })
}

func (a author[T]) commas(t *testing.T) {
	a.check(t, func(t *rapid.T, s *style) written[T] { return a.table(t, s, ",") })
}

func (a author[T]) xml(messageType string) func(*testing.T) {
	return func(t *testing.T) {
		a.check(t, func(t *rapid.T, s *style) written[T] {
			s.point = "."
			return a.envelope(t, s, messageType)
		})
	}
}

// check wants files to be read as they were written.
func (a author[T]) check(t *testing.T, write func(*rapid.T, *style) written[T]) {
	rapid.Check(t, func(t *rapid.T) {
		set := rapid.SampledFrom(charsets).Draw(t, "charset")
		name, o := set.named(t)
		s := drawStyle(t, set, a.divides)
		file := write(t, s)
		if name != "" && strings.HasPrefix(file.text, "<") && rapid.Bool().Draw(t, "declared") {
			o.ContentType, o.Charset = "", ""
			file.text = `<?xml version="1.0" encoding="` + name + `"?>` + file.text
		}
		if a.settle != nil {
			a.settle(s, file.rows)
		}
		a.reads(t, file, set.encode(t, file.text), o)
	})
}

// reads wants a file to be read as it was written.
func (a author[T]) reads(t *rapid.T, want written[T], file []byte, o reportparse.Options) {
	t.Logf("%+v: %q", o, want.text)
	found, rest, err := reportparse.Detect(bytes.NewReader(file), o)
	require.NoError(t, err)
	require.Equal(t, a.typ, found.Type, found.Saw)

	r, err := a.open(rest, o)
	require.NoError(t, err)
	var got []T
	for row, err := range r.All() {
		require.NoError(t, err)
		got = append(got, row)
	}
	require.Empty(t, cmp.Diff(want.rows, got, cmpopts.EquateEmpty()))

	slices.Sort(want.columns)
	var missing, wantMissing []string
	for _, c := range a.columns(new(T)) {
		if c.of(a.typ) && !c.seldom && !slices.Contains(want.columns, c.name) {
			wantMissing = append(wantMissing, c.name)
		}
	}
	for _, c := range r.Missing() {
		missing = append(missing, c.Name)
	}
	assert.Equal(t, a.typ, r.Type())
	assert.Equal(t, want.columns, slices.Sorted(slices.Values(r.Columns())))
	assert.Equal(t, wantMissing, missing)
	assert.ElementsMatch(t, want.unknown, r.Unknown())
	assert.Zero(t, r.Replaced())
	if a.verify != nil {
		a.verify(t, r, want.rows)
	}

	r, err = a.open(bytes.NewReader(file), o)
	require.NoError(t, err)
	var row T
	for _, want := range want.rows {
		require.NoError(t, r.Next(&row))
		require.Empty(t, cmp.Diff(want, row, cmpopts.EquateEmpty()), "used again")
	}
	require.Equal(t, io.EOF, r.Next(&row))
}

// choose gives the columns of a file, by where they stand among the documented
// ones.
func (a author[T]) choose(t *rapid.T, can func(column) bool) []int {
	var chosen, others []int
	for i, c := range a.columns(new(T)) {
		switch {
		case slices.Contains(a.needs, c.name):
			chosen = append(chosen, i)
		case c.of(a.typ) && can(c):
			others = append(others, i)
		}
	}
	n := rapid.IntRange(0, len(others)).Draw(t, "optional columns")
	return append(chosen, rapid.Permutation(others).Draw(t, "columns")[:n]...)
}

// fill draws values for columns of a row, of which some stay blank.
func (a author[T]) fill(t *rapid.T, s *style, row *T, columns []int) {
	all := a.columns(row)
	for _, i := range columns {
		if c := all[i]; slices.Contains(a.needs, c.name) || rapid.Bool().Draw(t, "filled") {
			c.draw(t, s)
		}
	}
}

func (a author[T]) addExtra(row *T, label, text string) {
	if _, extra := a.frame(row); text != "" {
		if *extra == nil {
			*extra = map[string]string{}
		}
		(*extra)[label] = text
	}
}

// heading is a column of a file: one that is documented, by where it stands
// there, or, at -1, another.
type heading struct {
	column int
	name   string // as the file spells it
	label  string // as it is known if it is not documented
}

// headings draws the columns of a file in any order and spelling.
func (a author[T]) headings(t *rapid.T) []heading {
	all := a.columns(new(T))
	var out []heading
	chosen := a.choose(t, func(column) bool { return true })
	for _, i := range chosen {
		out = append(out, heading{column: i, name: all[i].name})
	}
	for _, name := range []string{"VAT", "N/A", "N/A", "", "Gate"} {
		if rapid.Bool().Draw(t, "unknown column") {
			out = append(out, heading{column: -1, name: name})
		}
	}
	out = rapid.Permutation(out).Draw(t, "order of columns")
	for range rapid.IntRange(0, 2).Draw(t, "doubles") {
		if i := rapid.SampledFrom(chosen).Draw(t, "double"); !all[i].money {
			out = append(out, heading{column: -1, name: all[i].name})
		}
	}
	spellings := []func(string) string{
		strings.Clone, strings.ToUpper, strings.ToLower,
		strings.NewReplacer("-", "_", " ", "_").Replace,
		strings.NewReplacer("-", " ", "_", " ").Replace,
		strings.NewReplacer("-", "", " ", "").Replace,
	}
	plain := strings.NewReplacer("-", "", " ", "", "_", "", "/", "")
	times := map[string]int{}
	for i := range out {
		h := &out[i]
		h.name = rapid.SampledFrom(spellings).Draw(t, "spelling")(h.name)
		if h.label = h.name; h.name == "" {
			h.label = "column " + strconv.Itoa(i+1)
		}
		key := strings.ToLower(plain.Replace(h.label))
		if times[key]++; times[key] > 1 {
			h.label += " (" + strconv.Itoa(times[key]) + ")"
		}
	}
	return out
}

// table writes a flat file, or one with commas.
func (a author[T]) table(t *rapid.T, s *style, separator string) written[T] {
	headings := a.headings(t)
	var file written[T]
	var header []string
	for _, h := range headings {
		header = append(header, h.name)
		if h.column < 0 {
			file.unknown = append(file.unknown, h.label)
			continue
		}
		file.columns = append(file.columns, a.columns(new(T))[h.column].name)
	}

	pad := rapid.SampledFrom([]string{"", " "}).Draw(t, "padding")
	line := func(cells []string) string {
		var out []string
		for _, cell := range cells {
			if separator == "," && (strings.ContainsAny(cell, `,"`) || rapid.Bool().Draw(t, "quoted")) {
				cell = `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
			}
			out = append(out, pad+cell+pad)
		}
		return strings.Join(out, separator)
	}
	end := rapid.SampledFrom([]string{"\n", "\r\n", "\r"}).Draw(t, "line end")
	over := rapid.SampledFrom([]string{"", end, end + end}).Draw(t, "end")
	first := line(header)
	nothing := []string{"", "   ", first, strings.Repeat(separator, len(headings)-1)}
	lines := slices.Repeat([]string{""}, rapid.IntRange(0, 2).Draw(t, "blank lines before the header"))
	lines = append(lines, first)
	for i, row := range a.rows(t, s, headings) {
		all := a.columns(&row)
		at, extra := a.frame(&row)
		var cells []string
		for _, h := range headings {
			if h.column >= 0 {
				cells = append(cells, all[h.column].write(t, s))
			} else {
				cells = append(cells, (*extra)[h.label])
			}
		}
		for rapid.IntRange(0, 4).Draw(t, "line without a row") == 0 {
			lines = append(lines, rapid.SampledFrom(nothing).Draw(t, "line"))
		}
		last := line(cells)
		if over != "" && rapid.Bool().Draw(t, "blank tail cut off") {
			last = strings.TrimRight(last, separator)
		}
		lines = append(lines, last)
		if *at = len(lines); i > 0 || a.summarize == nil {
			file.rows = append(file.rows, row)
		}
	}
	file.text = strings.Join(lines, end) + over
	return file
}

// rows draws rows, and the summary that stands before them.
func (a author[T]) rows(t *rapid.T, s *style, headings []heading) []T {
	var columns []int
	for _, h := range headings {
		if h.column >= 0 {
			columns = append(columns, h.column)
		}
	}
	var rows []T
	for range rapid.IntRange(0, 4).Draw(t, "rows") {
		var row T
		if a.blank != nil {
			row = a.blank()
		}
		a.fill(t, s, &row, columns)
		for _, h := range headings {
			if h.column < 0 && rapid.Bool().Draw(t, "filled") {
				// Some are longer than what is read at once.
				times := rapid.SampledFrom([]int{1, 1, 1, 1, 1, 1, 1, 7000}).Draw(t, "times")
				a.addExtra(&row, h.label, strings.Repeat(words.draw(t, s), times))
			}
		}
		rows = append(rows, row)
	}
	if a.summarize != nil {
		rows = slices.Insert(rows, 0, a.summarize(t, s, rows))
	}
	return rows
}

// envelope writes XML.
func (a author[T]) envelope(t *rapid.T, s *style, messageType string) written[T] {
	var shared, items []int
	all := a.columns(new(T))
	for _, i := range a.choose(t, func(c column) bool { return c.path != "" }) {
		if strings.HasPrefix(all[i].path, a.item+"/") {
			items = append(items, i)
		} else {
			shared = append(shared, i)
		}
	}
	var file written[T]
	met := map[string]bool{}
	message := &element{name: "Message"}
	for range rapid.IntRange(0, 3).Draw(t, "records") {
		record := message.add(a.record, "")
		var common T
		a.elements(t, s, record, "", &common, shared, met)
		for range rapid.IntRange(1, 2).Draw(t, "items") {
			row := common
			at, extra := a.frame(&row)
			*extra = maps.Clone(*extra)
			item := &element{name: a.item, begin: func(line int) {
				*at = line
				file.rows = append(file.rows, row)
			}}
			a.elements(t, s, item, a.item, &row, items, met)
			record.children = append(record.children, item)
		}
	}
	for name := range met {
		if slices.Contains(a.strange, name) {
			file.unknown = append(file.unknown, name)
		} else {
			file.columns = append(file.columns, name)
		}
	}
	file.text = document(t, messageType, message)
	return file
}

// elements draws a row, or what all rows of a record have, and writes it into
// the element that is at the path. met gets the names.
func (a author[T]) elements(t *rapid.T, s *style, e *element, path string, row *T, columns []int, met map[string]bool) {
	a.fill(t, s, row, columns)
	all := a.columns(row)
	below := strings.TrimPrefix(path+"/", "/")
	var priced []*element
	for _, i := range columns {
		text := all[i].write(t, s)
		at := strings.TrimPrefix(all[i].path, below)
		if at == "@currency" || text == "" && rapid.Bool().Draw(t, "left out") {
			continue
		}
		met[all[i].name] = true
		if added := e.add(at, text); strings.Contains(at, "=") {
			priced = append(priced, added)
		}
	}
	if a.currency != nil {
		named := a.currency(row)
		if len(priced) == 0 {
			*named = ""
		}
		for _, price := range priced {
			if *named != "" {
				met["currency"] = true
				price.set("currency", *named)
			}
		}
	}
	for _, strange := range a.strange {
		in, attribute, _ := strings.Cut(strange, "@")
		if (in == a.item || strings.HasPrefix(in, a.item+"/")) != (path != "") || rapid.Bool().Draw(t, "without") {
			continue
		}
		text := words.draw(t, s)
		met[strange] = true
		a.addExtra(row, strange, text)
		if attribute == "" {
			e.add(strings.TrimPrefix(in, below), text)
		} else {
			e.find(strings.TrimPrefix(strings.TrimPrefix(in, path), "/")).set(attribute, text)
		}
	}
}
