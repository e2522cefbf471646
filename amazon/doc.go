// Package amazon is what this library says to Amazon and hears back, without
// the wire: accounts and marketplaces, the documents that ask for refunds and
// cancellations, the report that answers them, the evidence of what became of
// them, and the interfaces [Feeds], [Reports], [Orders] and [Finances], which
// package spapi implements over HTTP and package amazontest plays in tests.
//
// There is no refund call. A refund is a message of an OrderAdjustment document
// and a cancellation one of an OrderAcknowledgement document; both travel as
// feeds. A feed has no idempotency key: sending the same refund twice pays
// twice. So [Ticket.Create] sends exactly one request, and its error tells with
// [Error.Sent] whether the call happened.
//
// Facts come from Amazon's public documentation: the models feeds_2021-06-30,
// reports_2021-06-30, orders_2026-01-01 and finances_2024-06-19, and the order
// feed pages at https://developer-docs.amazon.com/sp-api/.
package amazon
