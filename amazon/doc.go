// Package amazon is what this library says to Amazon and hears back, without
// the wire: accounts and marketplaces, the documents that ask for refunds and
// cancellations, the report that answers them, and the interfaces [Feeds] and
// [Reports], which package spapi implements over HTTP and package amazontest
// plays in tests.
//
// There is no refund call. A refund is a message of an OrderAdjustment document
// and a cancellation one of an OrderAcknowledgement document; both travel as
// feeds. A feed has no idempotency key: sending the same refund twice pays
// twice. So [Ticket.Create] sends exactly one request, and its error tells with
// [Error.Sent] whether the call happened.
//
// Facts come from Amazon's public documentation: the Feeds API and Reports API
// models of version 2021-06-30 and the order feed pages at
// https://developer-docs.amazon.com/sp-api/.
package amazon
