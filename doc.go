// Package takeback takes back Amazon orders: returns become RMAs, refunds and
// cancellations are checked against the merchant's rules, wait in a queue for a
// person or a schedule, travel to Amazon in one document, and are followed until
// Amazon's answer and the settlement. An order-management system ("the host") imports it.
//
// # What the host brings
//
//   - its orders: [order.Book], two methods over its own tables;
//   - its seller accounts ([amazon.Accounts]) and its merchants' settings
//     ([settings.Source]), one method each, or the fixed ones;
//   - a database: store/sqlite on its own *sql.DB, or its own [Store];
//   - a client of Amazon: amazon/spapi.
//
// [New] puts these together into a [Desk]. Its services import returns and count
// what arrives (Returns), draft and issue refunds (Refunds) and cancellations,
// answer buyers' wishes and keep the ship gate (Cancels), let people look, choose,
// reject and withdraw (Queue), match settlements (Settlements), and fetch reports
// (Reports). [Desk.Step] makes one pass over everything that is due, and [Desk.Run]
// does so until told to stop.
//
// # What it promises
//
// A feed, which is how a refund reaches Amazon, has no idempotency key. So the
// request, its key and its reservation are committed before any call, the HTTP
// request that creates the feed is never repeated when Amazon may have received
// it, and when its answer is lost the refund is UnknownSent: visible, still
// reserved, and looked for in what Amazon shows. It is sent again only when it is
// known not to have arrived, or a person has said so. Package queue tells how.
//
// # What it does not do
//
// It does not refund orders that Amazon fulfils. It moves money only through
// Amazon. It keeps no data of buyers.
package takeback
