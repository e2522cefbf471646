package cancel

import (
	"cmp"
	"slices"
	"strings"
)

// Evidence is the sighting that the deadline counts from: the earliest of the wish.
// A request without sightings has the zero one.
func (r BuyerRequest) Evidence() Sighting {
	for _, g := range r.Seen {
		if !g.Past {
			return g
		}
	}
	return Sighting{}
}

// see adds a sighting to a wish. It tells whether anything changed by it, and
// whether it is of a new wish: the item's first, or another than the one that was
// decided. Stays says that a notification is about another item.
func (r *BuyerRequest) see(g Sighting, stays bool) (changed, anew bool) {
	r.Seen = slices.Clone(r.Seen)
	switch i := slices.IndexFunc(r.Seen, g.repeats); {
	case i >= 0 && !g.At.Before(r.Seen[i].At):
		return false, false
	case i >= 0:
		r.Seen[i].At = g.At
	default:
		if anew = len(r.Seen) == 0 || r.another(g, stays); anew {
			for i := range r.Seen {
				r.Seen[i].Past = true
			}
			r.Wish++
			r.Overdue = false
		}
		r.Seen = append(r.Seen, g)
	}
	slices.SortFunc(r.Seen, Sighting.compare)
	r.Reason = ""
	for _, g := range slices.Backward(r.Seen) {
		if !g.Past && g.Reason != "" {
			r.Reason = g.Reason // the earliest one stays
		}
	}
	return true, anew
}

// repeats tells that a sighting says what an earlier one has said. The flags of
// reports and of the API stay as long as the order does, and the time that comes
// with them is that of the look or of any change of the order: the earliest counts.
// Each notification tells of a change of its own.
func (g Sighting) repeats(of Sighting) bool {
	return g.Source == of.Source && g.Clock == of.Clock && fold(g.Reason) == fold(of.Reason) &&
		(g.Clock != ByNotification || g.At.Equal(of.At))
}

// another tells that the buyer asked again after the wish was decided: a
// notification of a later change, or a reason that was not given before. A first
// reason is only learnt late.
func (r *BuyerRequest) another(g Sighting, stays bool) bool {
	switch r.State {
	case RequestDeclined, RequestTooLate, RequestOver:
	default:
		return false
	}
	if !stays && g.Clock == ByNotification && g.At.After(r.Decided.At) {
		return true
	}
	given := false
	for _, old := range r.Seen {
		if given = given || old.Reason != ""; fold(old.Reason) == fold(g.Reason) {
			return false
		}
	}
	return given && g.Reason != ""
}

// compare puts the earliest first. Of one time, that which says most about when the
// buyer asked goes before.
func (g Sighting) compare(h Sighting) int {
	return cmp.Or(g.At.Compare(h.At), cmp.Compare(g.Clock.rank(), h.Clock.rank()), cmp.Compare(g.Source, h.Source), cmp.Compare(g.Reason, h.Reason))
}

func (c Clock) rank() int { return slices.Index([]Clock{ByNotification, ByLastUpdate, ByFirstSeen}, c) }

// fold makes texts alike that differ in case and blanks alone.
func fold(text string) string { return strings.Join(strings.Fields(strings.ToLower(text)), " ") }
