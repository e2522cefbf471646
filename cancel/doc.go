// Package cancel keeps orders from being shipped and tells Amazon so: it checks
// a cancellation, closes the ship gate and puts the order on hold in the save
// that queues it, and asks Amazon through package queue.
//
// Only a whole order that has not shipped can be cancelled; what has shipped is
// refunded. The gate is what a warehouse asks: [Service.MayShip] says no from
// the moment a cancellation is queued, and while a hold stands. Asking is not
// enough, because the answer ages: [Pass.HandOver] records that the parcel
// leaves, in a save that fails if anything about the order changed since the
// gate was asked. After that a cancellation is refused.
//
// When Amazon accepts, the order is Cancelled. When Amazon refuses, the order is
// a ProblemOrder and the gate stays closed until a person opens it
// ([Service.Open]): the buyer wanted no parcel, and Amazon may know why. The same
// goes for one that a person gives up. A cancellation that was rejected or
// withdrawn before it was sent releases its hold, and the order's status comes
// back. When it turns out later that Amazon carried one out all the same, the order
// is Cancelled after all, and the alert contradicted is raised. Where the processing
// report does not tell, [Service.Testify] looks at the order.
//
// Refunds and cancellations of an Amazon order draw on the same balance: a
// cancellation reserves what is left of its lines.
package cancel
