// Package rma turns Amazon's returns reports into RMAs and RMAs into refund
// requests.
//
// # Reports
//
// [Service.Import] reads a returns report of a seller account, flat file or XML, or a
// file in a format of the host's, and may be given the same file, or overlapping
// files, as often as one likes and in any order: a returned item makes one line of
// one RMA, for ever. Amazon's RMA ID and the order item name it, or the SKU and which
// of its twins it is; without an RMA ID the order, the SKU or ASIN, and the day on
// which the buyer asked. Of each value the newest report's counts. A report of unknown
// age fills what is blank and takes no status back, and a column that a file does not
// have changes nothing.
//
// A row creates an RMA only when Amazon's status is Approved. A refund without a
// return is known by the column Resolution alone, which holds "Returnless", as in
// ReturnlessRefund. It counts as Approved when Amazon completed or closed it too, and
// makes an RMA then unless the merchant has set SkipReturnlessRMA. The RMA is Open, its resolution is Refund,
// Amazon's RMA ID becomes its OrderSourceRMANumber, and tracking number and carrier
// notes of it. What has no RMA is kept as a [Return] that says why. It is tried again
// at each import when the host did not know its order or its line, and whenever
// somebody says so, by [Service.Retry] or, where several lines of the order could be
// meant, [Service.Assign].
//
// An order line never has more units on RMAs than it has to return: what goes beyond
// is a warning of the import. A kit comes back as its components, by the recipe that
// the order has kept, and what was paid for it is divided among them to the cent.
//
// # Goods and money
//
// [Service.Receive] counts what came, good or damaged, and what will never come.
// [Service.Refund] makes the request that refunds what may be refunded now, by the
// policies RefundCeiling and KitRefund; [Service.Allow] goes beyond them, with a
// reason. Package refund asks what an RMA lets be refunded whoever made the request.
//
// An RMA is closed when neither goods nor money are awaited, by the policy CloseRMA,
// and follows Amazon's closing by the policy FollowAmazonClose. What Amazon denied or
// cancelled is Cancelled, unless goods were received or money moved: that is an
// alert. [Service.Close], [Service.Reopen] and [Service.Cancel] decide it by hand;
// a closed one opens again when more units are authorised.
//
// A report tells what the buyer asked and what Amazon decided. It does not prove
// that goods came back or money moved.
package rma
