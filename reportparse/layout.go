package reportparse

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// slot is where the cells of a column of the file go: to a documented column by
// its position in the schema, or, at -1, among the extras.
type slot struct {
	column  int
	name    string
	repeats int // the documented column that is there once more, counted from 1; 0: none
}

// layout is what columns a file has.
type layout struct {
	names   []string       // documented
	index   map[string]int // by folded name and alias
	taken   []bool         // documented columns found
	header  []string       // of a flat file, as it spells them
	found   []string
	unknown []string
	count   map[string]int // uses of a folded label
}

// layout refuses an alias for a column that is not documented, and one that
// stands for two.
func (s *schema[T]) layout(aliases map[string]string) (*layout, error) {
	l := &layout{index: map[string]int{}, count: map[string]int{}, taken: make([]bool, len(s.columns))}
	for i, c := range s.columns {
		l.names = append(l.names, c.name)
		for _, name := range append(c.also, c.name) {
			l.index[fold(name)] = i
		}
	}
	known := map[string]string{} // aliases, by how they fold
	for _, alias := range slices.Sorted(maps.Keys(aliases)) {
		name := aliases[alias]
		i := slices.IndexFunc(l.names, func(n string) bool { return fold(n) == fold(name) })
		if i < 0 || fold(alias) == "" {
			return nil, fmt.Errorf("alias %q for %q: expected one of the columns %s", alias, name, strings.Join(l.names, ", "))
		}
		if other, ok := known[fold(alias)]; ok && l.index[fold(alias)] != i {
			return nil, fmt.Errorf("aliases %q and %q: expected one column for both, since case, accents and punctuation do not count, and not %s and %s", other, alias, aliases[other], name)
		}
		known[fold(alias)] = alias
		l.index[fold(alias)] = i
	}
	return l, nil
}

// addHeader takes up the columns of a flat file.
func (l *layout) addHeader(header []string) []slot {
	l.header = header
	slots := make([]slot, len(header))
	for i, name := range header {
		label := name
		if name == "" {
			label = fmt.Sprintf("column %d", i+1)
		}
		slots[i] = l.add(name, label)
	}
	return slots
}

// add takes up a column of the file. The first of several with the same meaning
// is the documented one; label is how the others are known, with a number if it
// is not the first of that name.
func (l *layout) add(name, label string) slot {
	key := fold(label)
	l.count[key]++
	i, ok := l.index[fold(name)]
	if ok && !l.taken[i] {
		l.taken[i] = true
		l.found = append(l.found, l.names[i])
		return slot{column: i, name: l.names[i]}
	}
	given := label
	for l.count[key] > 1 {
		label = fmt.Sprintf("%s (%d)", given, l.count[key])
		if l.count[fold(label)]++; l.count[fold(label)] == 1 {
			break
		}
		l.count[key]++
	}
	l.unknown = append(l.unknown, label)
	extra := slot{column: -1, name: label}
	if ok {
		extra.repeats = i + 1
	}
	return extra
}

func (l *layout) has(name string) bool {
	if i, ok := l.index[fold(name)]; ok {
		return l.taken[i]
	}
	return slices.ContainsFunc(l.unknown, func(u string) bool { return fold(u) == fold(name) })
}

// missing lists the groups of which the file has no column.
func (l *layout) missing(required [][]string) []string {
	var out []string
	for _, group := range required {
		if !slices.ContainsFunc(group, l.has) {
			out = append(out, strings.Join(group, " or "))
		}
	}
	return out
}

// translate gives the documented name that an alias stands for, or the name
// itself.
func translate(name string, aliases map[string]string) string {
	for alias, documented := range aliases {
		if fold(alias) == fold(name) {
			return documented
		}
	}
	return name
}

// fold reduces a name to its letters and digits, without case and accents.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, norm.NFD.String(name))
}
