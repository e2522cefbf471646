package queue

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/order"
)

// group spreads a selection over documents: one per account and feed type, a
// further one only for a second entry of one Amazon order, or when there are
// more entries than a document may have messages.
func group(es []Entry, limit int) []Selected {
	type lane struct {
		account order.AccountID
		feed    amazon.FeedType
	}
	var documents []Selected
	orders := []map[order.AmazonID]bool{} // of each document
	room := map[lane][]int{}              // the documents that are not full
	for _, e := range es {
		l := lane{e.Order.Account, e.Feed}
		i := slices.IndexFunc(room[l], func(at int) bool { return !orders[at][e.Order] })
		if i < 0 {
			i = len(room[l])
			room[l] = append(room[l], len(documents))
			documents = append(documents, Selected{Account: l.account, Feed: l.feed})
			orders = append(orders, map[order.AmazonID]bool{})
		}
		at := room[l][i]
		documents[at].Entries = append(documents[at].Entries, e.ID)
		orders[at][e.Order] = true
		if len(documents[at].Entries) == limit {
			room[l] = slices.Delete(room[l], i, i+1)
		}
	}
	return documents
}

// Planned is what [Plan] decided about one document.
type Planned struct {
	Take []Prepared         // in the order of the entries
	Left map[EntryID]string // why an entry is not in this document
	Bad  map[EntryID]string // why an entry can never be in any document
}

// Plan chooses the entries of one document: in their order, one per Amazon
// order, none of an order that has another entry under way, within the limits
// of size. An entry that is too large for any document, or whose messages Amazon
// would refuse or take for another order, is bad and blocks nobody. busy names
// the orders that have an entry under way.
func Plan(prepared []Prepared, busy map[order.AmazonID]EntryID, b Batching) Planned {
	p := Planned{Left: map[EntryID]string{}, Bad: map[EntryID]string{}}
	messages, bytes := 0, amazon.EnvelopeSize
	taken := map[order.AmazonID]EntryID{}
	for _, c := range prepared {
		size := 0
		parts, items := map[string]bool{}, map[string]bool{}
		var wrong error
		for _, m := range c.Messages {
			size += amazon.EncodedSize(m.Message)
			if parts[m.Part] {
				wrong = cmp.Or(wrong, fmt.Errorf("its handler prepared part %q twice", m.Part))
			}
			parts[m.Part] = true
			wrong = cmp.Or(wrong, m.check(c.Order.Order.Number, items))
		}
		first, claimed := taken[c.Order.Order]
		other, underWay := busy[c.Order.Order]
		switch {
		case len(c.Messages) == 0:
			p.Bad[c.Entry] = "there is nothing to send"
		case len(c.Messages) > b.Messages || amazon.EnvelopeSize+size > b.Bytes:
			p.Bad[c.Entry] = "too large for one document"
		case wrong != nil:
			p.Bad[c.Entry] = wrong.Error()
		case underWay:
			p.Left[c.Entry] = "waits for " + string(other) + " of the same Amazon order"
		case claimed:
			p.Left[c.Entry] = "waits for " + string(first) + " of the same Amazon order"
		case messages+len(c.Messages) > b.Messages || bytes+size > b.Bytes:
			p.Left[c.Entry] = "waits for the next document: this one is full"
		default:
			p.Take = append(p.Take, c)
			taken[c.Order.Order] = c.Entry
			messages, bytes = messages+len(c.Messages), bytes+size
		}
	}
	return p
}

// check tells what is wrong with a message for an order, of which the items are
// held by messages before it. The entries of a document are of different orders:
// what is about its own order collides with no other entry's.
func (m PreparedMessage) check(number string, held map[string]bool) error {
	if m.Message == nil {
		return errors.New("its handler prepared an empty message")
	}
	if err := m.Message.Check(); err != nil {
		return err
	}
	target, items := m.Message.Target()
	if target != number {
		return fmt.Errorf("its handler prepared a message about order %s: want its own, %s", target, number)
	}
	for _, item := range items {
		if held[item] {
			return fmt.Errorf("its handler prepared two messages about item %s of order %s", item, number)
		}
		held[item] = true
	}
	return nil
}
