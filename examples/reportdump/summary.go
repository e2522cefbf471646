package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/reportparse"
)

// summary is what there is to know about a file behind its rows.
type summary struct {
	File        string           `json:"file"`
	Type        reportparse.Type `json:"type"` // blank: could not be told
	Rows        int              `json:"rows"` // without the bad ones
	Bad         int              `json:"bad"`
	Replaced    int              `json:"replaced_bytes"`
	Missing     []string         `json:"columns_missing"`
	Unknown     []string         `json:"columns_unknown"`
	Settlement  *settlement      `json:"settlement,omitempty"`
	Settlements []settlement     `json:"settlements,omitempty"` // if there are several
	Error       string           `json:"error,omitempty"`

	advice []advice
}

// settlement is what one of the settlements in a file comes to, with its money
// as text.
type settlement struct {
	ID         string              `json:"id"`
	Currency   string              `json:"currency"`
	Total      reportparse.Amount  `json:"total"` // null: the file has no summary of it, as for the difference
	Sum        decimal.Decimal     `json:"sum"`
	Difference decimal.NullDecimal `json:"difference"`
}

// advice is how to get some missing columns.
type advice struct {
	columns []string
	text    string
}

// report is what a reader of any rows tells about its file.
type report interface {
	Type() reportparse.Type
	Missing() []reportparse.MissingColumn
	Unknown() []string
	Replaced() int
	Progress() reportparse.Progress
}

// describe takes over what a reader tells at the end.
func (s *summary) describe(r report) {
	s.Type = r.Type()
	s.Rows, s.Bad = r.Progress().Rows, r.Progress().Bad
	s.Replaced = r.Replaced()
	s.Unknown = r.Unknown()
	for _, c := range r.Missing() {
		s.Missing = append(s.Missing, c.Name)
		last := len(s.advice) - 1
		switch {
		case c.Advice == "":
		case last >= 0 && s.advice[last].text == c.Advice:
			s.advice[last].columns = append(s.advice[last].columns, c.Name)
		default:
			s.advice = append(s.advice, advice{[]string{c.Name}, c.Advice})
		}
	}
}

func (s *summary) settle(totals []reportparse.SettlementTotal) {
	for _, t := range totals {
		s.Settlements = append(s.Settlements, settlement{t.ID, t.Currency, t.Total, t.Sum, t.Difference})
	}
	if len(s.Settlements) == 1 {
		s.Settlement, s.Settlements = &s.Settlements[0], nil
	}
}

func (d *dump) printSummary() error {
	if !d.json {
		_, err := d.out.Write(d.describe())
		return err
	}
	s := d.summary
	s.Missing = append([]string{}, s.Missing...) // lists, even of nothing
	s.Unknown = append([]string{}, s.Unknown...)
	enc := json.NewEncoder(d.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(s)
}

// describe writes the summary for people. The standard error has told them what
// is wrong with a file.
func (d *dump) describe() []byte {
	s := d.summary
	if s.Type == "" {
		return nil
	}
	b := new(bytes.Buffer)
	fmt.Fprintf(b, "\n%s: %s", s.File, s.Type)
	if d.detected.Type != "" {
		fmt.Fprintf(b, " (confidence: %s; %s)", d.detected.Confidence, d.detected.Saw)
	}
	fmt.Fprintf(b, "\n  rows: %d, bad: %d, replaced bytes: %d\n", s.Rows, s.Bad, s.Replaced)
	list := func(what string, names []string) {
		if len(names) > 0 {
			fmt.Fprintf(b, "  %s: %s\n", what, strings.Join(names, ", "))
		}
	}
	list("columns missing", s.Missing)
	for _, a := range s.advice {
		list("to get "+strings.Join(a.columns, " and "), []string{a.text})
	}
	var unknown []string
	for _, name := range s.Unknown {
		unknown = append(unknown, shown(name))
	}
	list("columns unknown", unknown)
	all := s.Settlements
	if s.Settlement != nil {
		all = []settlement{*s.Settlement}
	}
	for _, t := range all {
		difference := "unknown"
		if t.Difference.Valid {
			difference = t.Difference.Decimal.String()
		}
		fmt.Fprintf(b, "  settlement %s: total %s, sum of the rows %s, difference %s, in %s\n",
			t.ID, or(t.Total.String(), "not stated"), t.Sum, difference, or(t.Currency, "an unknown currency"))
	}
	if s.Error != "" {
		b.WriteString("  not read to its end\n")
	}
	b.WriteByte('\n')
	return b.Bytes()
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
