package reportparse

import (
	"fmt"
	"io"
	"strings"
)

// settlementXML is the XML settlement. It has no rows: every amount in it becomes
// one, with what the elements around it say.
type settlementXML struct {
	tags       *tagReader
	layout     *layout
	columns    map[int]*slot    // documented ones that were met, by position in the schema
	extras     map[string]*slot // by path
	met        bool             // a SettlementReport, or what is in it
	other      string           // the first element of a Message that is none
	settlement *scope           // what all rows say
	rows       []*scope         // of the transaction last read, the elements of its amounts
	cells      []cell
}

// scope is an element, with what those of its children say that have none.
type scope struct {
	parent   *scope
	name     string
	line     int
	currency string // attribute
	leaf     bool   // without a child so far
	amount   bool   // it has an amount
	cells    []cell
	times    map[string]int // uses of a path
}

// settlementColumn is the column of an element, which is mostly called like it.
func settlementColumn(element string) string {
	switch element {
	case "AmazonSettlementID":
		return "settlement-id"
	case "StartDate":
		return "settlement-start-date"
	case "EndDate":
		return "settlement-end-date"
	case "AmazonOrderID":
		return "order-id"
	case "AmazonOrderItemCode":
		return "order-item-code"
	case "MerchantFulfillmentID":
		return "fulfillment-id"
	case "MerchantPromotionID":
		return "promotion-id"
	case "Quantity":
		return "quantity-purchased"
	case "Type", "TransactionType":
		return "amount-description"
	case "TransactionAmount": // of advertising: it contains TaxAmount
		return "amount"
	}
	return element
}

// settlementCode is what V2 calls the transactions and amounts in an element,
// which is mostly called like it. The schema of 2007 has Adjustment for Refund.
func settlementCode(element string) string {
	switch element {
	case "Adjustment":
		return "Refund"
	case "OtherTransaction":
		return "other-transaction"
	case "ItemPriceAdjustments":
		return "ItemPrice"
	case "ItemFeeAdjustments":
		return "ItemFees"
	case "PromotionAdjustment":
		return "Promotion"
	}
	return strings.Clone(element)
}

// breakdown is an element whose amounts are parts of the one around it.
const breakdown = "OtherTransactionItem"

func newSettlementXML(tags *tagReader, l *layout) *settlementXML {
	return &settlementXML{tags: tags, layout: l, columns: map[int]*slot{}, extras: map[string]*slot{}}
}

func (x *settlementXML) next(keep bool) (record, error) {
	for len(x.rows) == 0 {
		if err := x.advance(); err != nil {
			return record{}, err
		}
	}
	row := x.rows[0]
	x.rows = x.rows[1:]
	x.cells = row.collect(x.cells[:0])
	if keep {
		for i := range x.cells {
			x.cells[i].text = strings.Clone(x.cells[i].text)
		}
	}
	return record{line: row.line, cells: x.cells}, nil
}

// collect appends what an element and those around it say, the outer ones first:
// what comes later goes before it.
func (s *scope) collect(cells []cell) []cell {
	if s == nil {
		return cells
	}
	return append(s.parent.collect(cells), s.cells...)
}

// size is how many cells collect appends.
func (s *scope) size() int {
	if s == nil {
		return 0
	}
	return s.parent.size() + len(s.cells)
}

// advance reads up to the end of the next transaction or summary, or of the file.
func (x *settlementXML) advance() error {
	const record = "SettlementReport"
	for {
		t, err := x.tags.next()
		if err == io.EOF && !x.met {
			return without(settlements.report, x.other)
		}
		if err != nil {
			return err
		}
		switch depth := x.tags.depth(); {
		case t.end && depth <= 3:
			x.tags.renew()
		case t.end:
		case depth == 3 && t.name == record:
			x.met = true
		case depth == 3 && x.other == "" && x.tags.open[1].name == "Message" && t.name != "MessageID":
			x.other = strings.Clone(t.name)
		case depth == 4 && x.tags.open[2].name == record:
			x.met = true
			return x.readTransaction(t.name)
		}
	}
}

// readTransaction reads an element whose start was just read, and makes a row of
// every amount in it; of an element without any, too, to be reported.
func (x *settlementXML) readTransaction(name string) error {
	top := &scope{parent: x.settlement, name: name, line: x.tags.line()}
	summary := name == "SettlementData"
	if summary {
		top.parent = nil
	} else {
		x.add(top, "transaction-type", settlementCode(name))
	}
	x.rows = nil
	for at := top; ; {
		t, err := x.tags.next()
		switch {
		case err != nil:
			return err
		case !t.end:
			at.leaf = false
			at = &scope{parent: at, name: t.name, line: x.tags.line(), currency: x.currency(), leaf: true}
		case at != top:
			if at.leaf {
				err = x.keep(at, strings.TrimSpace(t.text))
			} else if at.amount {
				x.row(at)
			}
			if err != nil {
				return err
			}
			at = at.parent
		default:
			x.tags.renew()
			if summary {
				x.begin(top)
			} else if top.amount || len(x.rows) == 0 {
				x.row(top)
			}
			cells := 0
			for _, row := range x.rows {
				cells += row.size()
			}
			if cells > maxCells {
				return tooManyCells(top.line)
			}
			return nil
		}
	}
}

func (x *settlementXML) currency() string {
	for _, a := range x.tags.attributes {
		if a.name == "currency" {
			return a.value
		}
	}
	return ""
}

// begin gives a summary as a row, and its number to all that follow.
func (x *settlementXML) begin(summary *scope) {
	x.rows = []*scope{summary}
	x.settlement = &scope{}
	for _, c := range summary.cells {
		if c.name == "settlement-id" {
			c.text = strings.Clone(c.text)
			x.settlement.cells = []cell{c}
		}
	}
}

// row makes one of an element that has an amount.
func (x *settlementXML) row(s *scope) {
	named := s
	if s.name == "Component" || s.name == "Fee" {
		named = s.parent
	}
	x.add(s, "amount-type", settlementCode(named.name))
	x.rows = append(x.rows, s)
}

// keep puts the text of an element without children among the cells of the one
// around it.
func (x *settlementXML) keep(s *scope, text string) error {
	column, into := settlementColumn(s.name), s.parent
	isAmount := strings.EqualFold(column, "amount")
	if into.name == breakdown {
		into = into.parent
		if isAmount {
			isAmount, column = false, ""
		}
	}
	path := s.path()
	if text != "" {
		if isAmount {
			into.amount = true
		}
		if s.currency != "" && column != "" {
			x.add(into, "currency", s.currency)
		}
		if into.times == nil {
			into.times = map[string]int{}
		}
		into.times[path]++
		if n := into.times[path]; n > 1 {
			into.cells = append(into.cells, cell{&slot{column: -1, name: fmt.Sprintf("%s (%d)", path, n)}, text})
			return nil
		}
	}
	if x.add(into, column, text) {
		return nil
	}
	to, ok := x.extras[path]
	if !ok {
		if len(x.extras) == maxElements {
			return fmt.Errorf("line %d: more than %d different elements; the file is damaged or no report", s.line, maxElements)
		}
		extra := x.layout.add("", path)
		to = &extra
		x.extras[path] = to
	}
	if text != "" {
		into.cells = append(into.cells, cell{to, text})
	}
	return nil
}

// add gives a scope the cell of a documented column, if it is one. A blank one
// only tells that the file has the column.
func (x *settlementXML) add(s *scope, column, text string) bool {
	i, ok := x.layout.index[fold(column)]
	if !ok {
		return false
	}
	to, met := x.columns[i]
	if !met {
		documented := x.layout.add(column, column)
		to = &documented
		x.columns[i] = to
	}
	if text != "" {
		s.cells = append(s.cells, cell{to, text})
	}
	return true
}

// path is where an element stands, from its transaction on.
func (s *scope) path() string {
	if s.parent == nil || s.parent.name == "" {
		return s.name
	}
	return s.parent.path() + "/" + s.name
}
