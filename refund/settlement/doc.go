// Package settlement closes the books: it imports Amazon's settlement reports,
// matches what they show of refunds with what was asked for, and finds what is
// missing, different, doubled, or Amazon's own.
//
// # What a settlement says
//
// A settlement is a list of amounts that Amazon gave the merchant or took from him.
// Those of one refund of one order item are a [Booking]: what the buyer got, by
// component and less promotions, and beside it the merchant's side, which is the
// commission that came back, what Amazon kept of it, other fees, and tax that Amazon
// had withheld. [Reconcile] is the rule by which bookings are matched; it is a
// function of everything that is known of an Amazon order, so that settlements can
// be imported in any order, again, and in part.
//
// # What follows
//
//   - Settled: a refund of ours, to the cent. The ledger has it already.
//   - Mismatched: a refund of ours with another amount. The difference is posted to
//     the ledger, and an alert tells of it.
//   - Doubled: more than was asked for. It is posted beyond the refund, with an alert.
//   - AmazonInitiated: nobody here asked for it: a claim, a chargeback, a refund by
//     Amazon's staff or in Seller Central that was not recorded. It becomes a refund
//     of its own, which never travels; it is posted, and the payment status of the
//     host's order follows.
//   - Cancelled: units of ours that were split off their order and cancelled. Amazon is
//     told of them by an adjustment and pays for them as for a refund. The ledger has it
//     from the cancellation; a difference is posted, with an alert.
//   - Contradicted: such units, though their cancellation counts as without effect. It
//     is posted, with an alert, and corrected when the cancellation comes true.
//   - Reversed: money that came back from the buyer, or another tax; posted as it is.
//   - Unanswered: a refund of ours, of which the queue does not know yet what became.
//     It hears of the booking by [Service.Booked], and posts the money then.
//   - UnknownOrder, OtherCurrency: kept, and posted when the order is known.
//   - Incomplete: of a report that is not the sum of its rows, or has rows that could not
//     be read, and less than a refund of ours, or money that came back, or of the order
//     of such a row. The ledger stays as it is until a complete report is imported.
//
// The alerts mismatched, incomplete and difference are closed when a completed report
// says otherwise.
//
// A refund that no settlement shows counts as Missing after so many of them
// (settings.Policy.MissingAfter). That decides nothing about money: a later one may
// show it. What was taken for something else before is corrected, by new postings
// and rows in the journal of the order.
//
// # The books add up
//
// [Service.OpenEnds] reports where all of it stands, with everything one by one that
// is not settled to the cent; what was accepted is what is settled, mismatched and
// open. Every import checks that for the orders it was about.
//
// Alerts begin with what happened:
//
//	mismatched/<booking>               a refund was booked with another amount
//	doubled/<booking>                  it was booked more often than it was accepted
//	doubled/<refund>/<attempt>         likewise, and Amazon names the attempt
//	contradicted/<refund>/<attempt>    it, or a cancellation, was booked, and counted as unpaid
//	missing/<refund>/<item>            no settlement shows it
//	over/<booking>                     Amazon gave more by itself than was left of what the buyer paid
//	currency/<booking>                 it is in another currency than its order
//	incomplete/<booking>               rows of it may be missing from its report
//	difference/<account>/<settlement>  the report is not the sum of its rows
//	unbalanced/<account>/<time>        the books do not add up: an error of this library
package settlement
