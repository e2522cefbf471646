package storetest

import (
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/takebackhq/takeback/amazon"
	"github.com/takebackhq/takeback/cancel"
	"github.com/takebackhq/takeback/order"
	"github.com/takebackhq/takeback/queue"
	"github.com/takebackhq/takeback/refund"
	"github.com/takebackhq/takeback/rma"
	"github.com/takebackhq/takeback/store"
)

var (
	tokyo = time.FixedZone("JST", 9*60*60)
	noon  = time.Date(2026, 3, 8, 12, 0, 0, 987654321, time.UTC)
)

// at is so many nanoseconds after noon, told in Tokyo.
func at(n int) time.Time { return noon.Add(time.Duration(n)).In(tokyo) }

func stamp(n int) order.Stamp {
	return order.Stamp{By: "Zoë <zoe@example.com>", At: at(n), Why: "line one\nline \"two\" & 返品"}
}

func amazonOrder(n int) order.AmazonID {
	return order.AmazonID{Account: "SELLER-US", Number: fmt.Sprintf("111-%07d-0000000", n)}
}

func hostOrder(n int) order.ID {
	return order.ID{Company: "company", Number: fmt.Sprintf("SO-%d", n)}
}

func digits(text string) decimal.Decimal { return decimal.RequireFromString(text) }

func refundRow(n int) refund.Refund {
	return refund.Refund{
		ID: queue.EntryID(fmt.Sprintf("RF%03d", n)), HostOrder: hostOrder(n), Order: amazonOrder(n),
		Origin: "AnOriginOfTheFuture", RMA: "RM1", Ordinal: 3, Key: "key'; --", Token: "token", Currency: "USD",
		Lines: []refund.Line{
			{Item: "12345678901234", SKU: "SKU-1", Units: 2, Outcome: "AnOutcomeOfTheFuture", Code: 8066, Text: "no",
				Amounts: order.Amounts{order.Principal: digits("12345678901234567890.123456789"), "Future": digits("-0.01")}},
			{Item: "123456789012345"},
		},
		Reason: "CustomerReturn", Comment: "% _ \\ ?", Surplus: digits("0.10"), Issued: stamp(n),
	}
}

func cancellationRow(n int) cancel.Cancellation {
	return cancel.Cancellation{
		ID: queue.EntryID(fmt.Sprintf("CN%03d", n)), HostOrder: hostOrder(n), Order: amazonOrder(n), Key: "key",
		Items: []string{"12345678901234", "123456789012345"}, Reason: "NoInventory", Comment: "comment",
		Before: "AStatusOfTheFuture", Outcome: "AnOutcomeOfTheFuture", Code: 1, Text: "no", Requested: stamp(n),
	}
}

func gateRow(n int) cancel.Gate {
	return cancel.Gate{HostOrder: hostOrder(n), Order: amazonOrder(n), HandedOver: stamp(n)}
}

func rmaRow(n int) rma.RMA {
	return rma.RMA{
		ID: rma.ID(fmt.Sprintf("RM%03d", n)), HostOrder: hostOrder(n), Order: amazonOrder(n), OrderSourceRMANumber: "D1a2b3RRMA",
		Status: "AStatusOfTheFuture", AmazonStatus: "Approved", Approval: "Future", Receipt: "Future", Resolution: "Future",
		Lines:       []rma.Line{{Row: "1", Item: "12345678901234", SKU: "SKU-1", ASIN: "B000000001", Units: 1, Reason: "CR-DEFECTIVE"}},
		Notes:       []rma.Note{{Text: "tracking 1Z", At: at(n)}},
		RequestedAt: at(n - 1), AsOf: at(n + 1), Created: stamp(n),
	}
}

func entryRow(n int) queue.Entry {
	return queue.Entry{
		ID: queue.EntryID(fmt.Sprintf("RF%03d", n)), Kind: "AKindOfTheFuture", Feed: "A_FEED_OF_THE_FUTURE",
		HostOrder: hostOrder(n), Order: amazonOrder(n), Label: "SKU-1 100%_ÄRMEL",
		Amount: order.Money{Amount: digits("86.40"), Currency: "USD"},
		State:  "AStateOfTheFuture", Why: "why", NotBefore: at(n + 5), QueuedAt: at(n),
		Selection: &queue.Selection{Batch: "SELLER-US-2", By: "Zoë", At: at(n)},
		Attempts: []queue.Attempt{
			{Batch: "SELLER-US-1", At: at(n), Messages: []queue.Part{{Message: 2147483647, Part: "12345678901234"}},
				Results:  []queue.Result{{Part: "12345678901234", Verdict: "AVerdictOfTheFuture", Code: 8066, Text: "no"}},
				Evidence: []queue.Evidence{evidence(n)}},
			{Batch: "SELLER-US-1", At: at(n)},
		},
		Head: 3, Mode: "AModeOfTheFuture", Requested: stamp(n), Changed: stamp(n + 1),
	}
}

func evidence(n int) queue.Evidence {
	return queue.Evidence{Kind: "AKindOfTheFuture", Document: "50001", Text: "返品", Override: true, Stamp: stamp(n)}
}

func batchRow(n int) queue.Batch {
	return queue.Batch{
		ID: queue.BatchID(fmt.Sprintf("SELLER-US-%03d", n)), Company: "company", Account: "SELLER-US",
		Feed: "A_FEED_OF_THE_FUTURE", State: "AStateOfTheFuture", Why: "why",
		Messages: []queue.BatchMessage{{ID: 7, Entry: "RF001", Part: "12345678901234"}},
		Entries:  1, Hash: "e3b0c442", AttemptedAt: at(n), Fence: at(n + 1), Sends: 2, Unanswered: true,
		DocumentNumber: amazon.FeedID(fmt.Sprint(50000 + n)), Adopted: true, Due: at(n + 2),
		Look:     queue.Look{At: at(n + 3), Count: 4, Candidates: []amazon.FeedID{"50002", "50003"}},
		Evidence: []queue.Evidence{evidence(n)},
		Accepted: 1, Refused: 2, Open: 3, Created: stamp(n),
	}
}

func cellRow(n int) store.Cell {
	return store.Cell{Name: fmt.Sprintf("cell/%d", n), Data: []byte{0, 1, 0xff, byte(n)}}
}

func posting(id order.AmazonID, seq int, amount string) order.Posting {
	return order.Posting{
		Order: id, Seq: seq, Item: "12345678901234", Component: "AComponentOfTheFuture", Balance: "Future",
		Amount: digits(amount), Currency: "KWD", Cause: order.Cause{Kind: "future", ID: "RF001"}, Stamp: stamp(seq),
	}
}

// effect is the n-th effect of a host order, numbered as order.Writes does.
func effect(host, n int) order.Effect {
	return order.Effect{
		Key: fmt.Sprintf("%s#%d", amazonOrder(host), n), Order: hostOrder(host), Amazon: amazonOrder(host), Seq: int64(n),
		Kind: order.EffectHold, Hold: &order.Hold{Owner: order.HeldByBuyer, Why: "why", Since: at(n)}, Stamp: stamp(n),
	}
}

func event(id order.AmazonID, seq int64) order.Event {
	return order.Event{Order: id, Seq: seq, Kind: "AKindOfTheFuture", Subject: "refund RF001", Text: "返品", Before: "Open", After: "geschlossen'; --", Stamp: stamp(int(seq))}
}
