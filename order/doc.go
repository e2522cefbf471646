// Package order holds the values that everybody in this library shares: a
// host's orders and what the buyer paid for them, the ledger of an Amazon
// order, and the effects by which a host order follows.
//
// A host order ([Order], named by [ID]) is what the host keeps: it has a status,
// holds and lines. An Amazon order (named by [AmazonID]) is what Amazon keeps;
// after a split several host orders carry the same one. Money belongs to the
// Amazon order: its [Ledger] says for each line and component what was charged,
// what is reserved for requests under way, and what was posted. A request first
// reserves, and posts only when Amazon has accepted it, so that no two requests
// ever promise the same cent.
//
// The host implements [Book], two methods over its own tables. Everything else
// here is a value or a pure function of values: no storage, no clock.
//
// Amounts are [decimal.Decimal] in units of the order's currency (12.34, not
// cents), with at most the decimals of the currency's minor unit. Times are UTC.
//
// [decimal.Decimal]: https://pkg.go.dev/github.com/shopspring/decimal#Decimal
package order
