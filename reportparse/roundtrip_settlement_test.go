package reportparse_test

import (
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/takebackhq/takeback/reportparse"
)

// summarize makes rows those of one settlement, some of which say again what its
// summary does.
func summarize(t *rapid.T, s *style, rows []reportparse.SettlementRow) reportparse.SettlementRow {
	first := reportparse.SettlementRow{
		SettlementID: settlementIDs.draw(t, s),
		StartDate:    moments.draw(t, s),
		EndDate:      moments.draw(t, s),
		Total:        sum(s, rows),
		Currency:     s.currency,
	}
	for i := range rows {
		row := &rows[i]
		row.SettlementID, row.Total = first.SettlementID, first.Total
		if rapid.Bool().Draw(t, "without total") {
			row.Total = reportparse.Amount{}
		}
		if rapid.Bool().Draw(t, "without currency") {
			row.Currency = ""
		}
	}
	return first
}

// sum is the total of rows, with as many decimals as any amount may have.
func sum(s *style, rows []reportparse.SettlementRow) reportparse.Amount {
	var total decimal.Decimal
	for _, row := range rows {
		total = total.Add(row.Amount.Decimal())
		if v := row.V1; v != nil {
			for _, a := range []reportparse.Amount{
				v.ShipmentFee, v.OrderFee, v.Price, v.ItemFee, v.MiscFee, v.OtherFee, v.Promotion, v.DirectPayment, v.Other,
			} {
				total = total.Add(a.Decimal())
			}
		}
	}
	decimals := s.decimals[len(s.decimals)-1]
	return reportparse.NewAmount(total.Shift(int32(decimals)).IntPart(), uint8(decimals))
}

// settle gives rows their numbers, the currency of the summary, and the day on
// which they were posted if no time is known.
func settle(s *style, rows []reportparse.SettlementRow) {
	for i := range rows {
		row := &rows[i]
		row.Row = i + 1
		if row.Currency == "" {
			row.Currency = s.currency
		}
		for _, layout := range dayLayouts {
			if day, err := time.Parse(layout, row.PostedDate); err == nil && row.PostedAt.IsZero() {
				row.PostedAt = day
			}
		}
	}
}

func verifySettlement(t *rapid.T, r report[reportparse.SettlementRow], rows []reportparse.SettlementRow) {
	all := r.(*reportparse.SettlementReader).Settlements()
	require.Len(t, all, 1)
	assert.Equal(t, len(rows), all[0].Rows)
	assert.Zero(t, all[0].Bad)
	assert.True(t, all[0].Sum.Equal(all[0].Total.Decimal()), "%s of %s", all[0].Sum, all[0].Total)
	assert.True(t, all[0].Difference.Valid && all[0].Difference.Decimal.IsZero())
}

// settlementXML writes the XML settlement, in which every amount is a row.
func settlementXML(a author[reportparse.SettlementRow]) func(*rapid.T, *style) written[reportparse.SettlementRow] {
	transactions := map[string]string{
		"Order": "Order", "Refund": "Refund", "Adjustment": "Refund", "Chargeback": "Chargeback", "OtherTransaction": "other-transaction",
	}
	types := map[string]string{
		"Fulfillment/Item/ItemPrice/Component": "ItemPrice", "Fulfillment/Item/ItemFeeAdjustments/Fee": "ItemFees", "Fulfillment/Item/Promotion": "Promotion",
	}
	return func(t *rapid.T, s *style) (file written[reportparse.SettlementRow]) {
		s.point = "."
		columns := a.choose(t, func(c column) bool { return c.path != "" })
		met := map[string]bool{}
		unknown := map[string]bool{}
		var rows []reportparse.SettlementRow
		add := func(e *element, row reportparse.SettlementRow, typ string) {
			row.AmountDescription, row.Amount = words.draw(t, s), prices.draw(t, s)
			e.add(typ, row.AmountDescription)
			amount := e.add("Amount", prices.write(t, s, row.Amount))
			if rapid.Bool().Draw(t, "currency") {
				row.Currency = s.currency
				amount.set("currency", s.currency)
			}
			i := len(rows)
			rows = append(rows, row)
			e.begin = func(line int) {
				rows[i].Line = line
				file.rows = append(file.rows, rows[i])
			}
			for _, name := range []string{"transaction-type", "amount-type", "amount-description", "amount"} {
				met[name] = true
			}
		}

		id := settlementIDs.draw(t, s)
		settlement := &element{name: "SettlementReport", ordered: true}
		data := settlement.add("SettlementData", "")
		for range rapid.IntRange(0, 3).Draw(t, "transactions") {
			name := rapid.SampledFrom(slices.Sorted(maps.Keys(transactions))).Draw(t, "transaction")
			transaction := settlement.add(name, "")
			row := reportparse.SettlementRow{SettlementID: id}
			if name == "OtherTransaction" {
				row.TransactionType, row.AmountType = transactions[name], transactions[name]
				add(transaction, row, "TransactionType")
				continue
			}
			a.elements(t, s, transaction, "", &row, columns, met)
			row.TransactionType = transactions[name]
			if rapid.Bool().Draw(t, "unknown element") {
				text := words.draw(t, s)
				transaction.add("Gate", text)
				row.Extra = map[string]string{name + "/Gate": text}
				unknown[name+"/Gate"] = true
			}
			for range rapid.IntRange(1, 3).Draw(t, "amounts") {
				path := rapid.SampledFrom(slices.Sorted(maps.Keys(types))).Draw(t, "path")
				row.AmountType = types[path]
				add(transaction.add(path, ""), row, "Type")
			}
		}

		total := sum(s, rows)
		data.add("AmazonSettlementID", id)
		data.add("TotalAmount", prices.write(t, s, total)).set("currency", s.currency)
		data.add("StartDate", moments.write(t, s, moments.draw(t, s)))
		for _, name := range []string{"settlement-id", "total-amount", "currency", "settlement-start-date"} {
			met[name] = true
		}
		file.columns, file.unknown = slices.Collect(maps.Keys(met)), slices.Collect(maps.Keys(unknown))
		message := &element{name: "Message", children: []*element{settlement}}
		file.text = document(t, "SettlementReport", message)
		return file
	}
}
