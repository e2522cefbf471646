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
// and are limited by what is left of the whole Amazon order, and by Amazon's
// caps where they are known ([amazon.ConcessionCapsOf]). With the setting
// "Allow to Over Refund Amazon Order" and [Request.OverRefund], what goes
// beyond becomes Goodwill, or what [Request.SurplusAs] says, and is recorded.
// Orders fulfilled by Amazon are refunded by Amazon.
//
// Only units that are shipped and confirmed are refunded; the others are
// cancelled. With [settings.BeforeShipmentWait] such a refund is issued, and waits
// for the shipment with its money reserved. When its units are cancelled instead,
// a person decides.
//
// Deductions ([Ask.Fees]) lower the Principal, and stay with the seller when the
// line's other units are refunded. With [settings.FeeAsComponent] a restocking fee
// travels as a component of its own, below zero. The ledger has what the buyer gets
// either way, so that what is sent and what is reserved differ by that fee; since
// Amazon counts the whole Principal then, it cannot be refunded later.
//
// Tax follows the line's [order.TaxModel]. Tax that Amazon collected as marketplace
// facilitator is left out of shares, and refused where it is named; so is tax beside
// a price that includes it.
//
// # Warnings and cautions
//
// A draft shows warnings, which a person may pass over, and cautions, which
// [Draft.Save] wants acknowledged by their codes ([Request.Acknowledge]): that the
// buyer is to get a replacement, and that money of these lines went back already.
//
// That is looked for before paying: in what settlements showed ([Config.Books]), and
// on [Request.Look] in what Amazon has booked by now. What no refund of ours explains
// is ErrAlreadyRefunded, or a caution with [settings.AlreadyRefundedWarn]. What comes
// to light after the request keeps it from being sent, until a person has decided
// ([queue.Queue.Decide]). [Service.Record] enters a refund that was made in Seller
// Central.
//
// # Limits
//
// A refund above its requester's limit for one order ([settings.Policy]) is issued and
// reserved, and waits for the approval of somebody else ([Service.Approve]).
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
// [Service.Testify] looks in the settlements and in Amazon's books.
package refund
