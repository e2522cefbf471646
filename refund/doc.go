// Package refund gives buyers their money back: it decides what a request may
// cost, reserves that on the ledger of the Amazon order, and queues it.
//
// A refund has three steps. [Service.Draft] reads and decides, and shows what
// the buyer would get back, what is left and what to think about; it changes
// nothing. [Draft.Save] writes the refund, its reservation, its queue entry and
// what the host's order should show, in one save, also inside the host's own
// transaction. Package queue then sends it, and the answer posts the money or
// gives the reservation back. [Service.Issue] is Draft and Save in one, for
// hosts without a transaction of their own.
//
// # What may be refunded
//
// Each component of a line (Principal, Tax, Shipping …) is limited by its own
// charge, minus what was posted and what is reserved: Amazon refuses more, so
// no setting allows it. Concessions (Goodwill, ReturnShipping) have no charge
// and are limited by what is left of the whole Amazon order. With the setting
// "Allow to Over Refund Amazon Order" and [Request.OverRefund], what goes
// beyond becomes Goodwill and is recorded. Only units that are shipped and
// confirmed are refunded; the others are cancelled. Orders fulfilled by Amazon
// are refunded by Amazon.
//
// # Keys and tokens
//
// A refund's key is unique for ever within its company. The host may bring its
// own ([Request.Key]); otherwise the key follows from the token of the draft
// that a person confirmed ([Request.Token]). A token names the content of the
// draft, the balances it was decided on, and how many refunds the Amazon order
// has had, so that an equal refund later is another one. When these changed
// meanwhile, drafting with the token answers store.ErrConflict, and the draft
// must be shown anew. A repeat (a double click, a retried call) returns the
// first refund with [Draft.Existing] set and writes nothing.
//
// # What Amazon did
//
// [Service.Apply] follows what is known of every attempt of a refund. A line is
// posted once for each attempt in which Amazon paid it: from its reservation while
// there is one, and else beyond it, because it happened. A second payment raises the
// alert doubled, a payment of what was given up, refused, rejected, taken back or
// done another way the alert contradicted; and while more is gone than was charged,
// other refunds of the order wait. Where the processing report does not tell,
// [Service.Testify] looks in Amazon's books.
package refund
