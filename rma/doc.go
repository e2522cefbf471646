// Package rma turns Amazon's returns reports into RMAs and RMAs into refund
// requests.
//
// [Service.Import] reads a returns report of a seller account, flat file or XML,
// and may be given the same file, or overlapping files, as often as one likes:
// a returned item makes one line of one RMA, for ever. A row creates an RMA only
// when Amazon's status is Approved; the RMA is Open, its resolution is Refund,
// Amazon's RMA ID becomes its OrderSourceRMANumber and the tracking number one
// of its notes. Rows of later reports update it. An RMA carries the time that the
// newest report which spoke of it was made, and an older report changes nothing
// of it. A column that a file does not have changes nothing either.
//
// A report tells what the buyer asked and what Amazon decided. It does not prove
// that goods came back or money moved.
package rma
