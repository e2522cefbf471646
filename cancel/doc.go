// Package cancel keeps orders from being shipped and tells Amazon so: it checks a
// cancellation, closes the ship gate and puts the order on hold in the save that queues
// it, and asks Amazon through package queue.
//
// # The gate
//
// The gate is what a warehouse asks: [Service.MayShip] says no from the moment a
// cancellation is queued, and while a hold stands or a buyer's wish is undecided.
// Asking is not enough, because the answer ages: [Pass.HandOver] records that the
// parcel leaves, in a save that fails if anything about the order changed since the
// gate was asked. After that a cancellation is refused. Host orders that share an
// Amazon order have a gate each ([Pass.Of]).
//
// # All of an order, or a part
//
// What has shipped is refunded; an order of which nothing has shipped is cancelled as a
// whole, with all its host orders ([Request.Whole]). A part of it is a host order of
// its own first: [Request.Split] splits units off in the save that asks for their
// cancellation, the way [order.Split] does. Amazon would take the cancellation of some
// items for one of the whole order, so a part is never sent as that: its entry waits
// until the rest is shipped, then goes as an adjustment with the units that are
// cancelled, for one of the two reasons that Amazon takes for it. When nothing would be
// left to ship, the parts are the whole order. An order book that refuses the split
// ([order.ErrStale]) has nothing ship until the part's cancellation is withdrawn; then
// another split, into another number, may be asked for.
//
// # What becomes of it
//
// When Amazon accepts, the order is Cancelled, and [Service.Step] reads it at Amazon
// until it shows that too; one that is still open after a day is an alert. When Amazon
// refuses, the order is a ProblemOrder and the gate stays closed until a person opens
// it ([Service.Open]): the buyer wanted no parcel, and Amazon may know why. The same
// goes for one that a person gives up. In both cases the order is read at Amazon, and
// one that is cancelled there is Cancelled here; of one that has shipped, the host's
// shipping status follows ([order.EffectShipping]). A cancellation that was rejected or
// withdrawn before it was sent releases its hold, and the order's status comes back,
// unless somebody changed it or has begun to hold the order; a split stays. When it
// turns out later that Amazon carried one out all the same, the order is Cancelled
// after all, and the alert contradicted is raised. Where the processing report does not
// tell, [Service.Testify] looks at the order.
//
// An order that is found to be cancelled at Amazon, by whomever, is Cancelled here and
// what waits to cancel it is withdrawn; a person may say so too
// ([Service.MarkCancelled]). What was cancelled and has shipped all the same is an
// alert. With Do Not Send To Amazon ([Request.Local]) the host's order alone is
// cancelled: there is an alert a day while Amazon shows it as open.
//
// # Buyers' wishes
//
// A buyer who wants an item no more asks Amazon, and Amazon tells the seller: in order
// reports ([Service.ImportOrders]), in the order itself ([Service.ReadOrder]) and by
// notification ([Service.ImportNotification]). A [BuyerRequest] merges what they tell,
// for each item. Only an explicit yes is a wish. It cancels nothing: while the order is
// unshipped it is put on hold, with the buyer's reason in its notes, and does not ship
// until somebody decides; when it cannot be held any more there are a note and an
// alert. A wish about an order that the host does not know yet waits for it.
//
// [Service.Accept] cancels in the buyer's name, of a part after a split, and of the
// whole order once nothing else is left of it; [Service.Decline] releases the hold, and
// the wish is remembered: a flag that stays true holds nothing again, and neither does
// a later change of the order for whatever cause. A notification of a change after the
// decision, unless it is about another item, or a reason that was not given before, is
// another wish. A cancellation that ends before it was sent leaves the wish undecided.
// What the buyer asked for is never cancelled for another reason than the buyer's
// ([ErrBuyerAsked]): that would count against the seller.
//
// The deadline counts from the earliest evidence ([BuyerRequest.Evidence]), as
// [amazon.CancelDeadline] says, until Amazon shows the cancellation. Where it is over
// there is an alert, and nothing else happens.
//
// # Money
//
// Refunds and cancellations of an Amazon order draw on the same balance: a cancellation
// reserves what is left of its lines, a part no more than was paid for its units.
package cancel
