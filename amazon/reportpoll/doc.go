// Package reportpoll asks Amazon for reports on a schedule, waits for them,
// downloads them and hands them to whoever wants them. It knows no business: a
// [Job] says which report is wanted how often, its [Sink] reads it.
//
// A [Poller] keeps what it knows in one cell for each account and job. Every step
// is a compare-and-set on that cell, so any number of processes may poll: who
// meets another one's work leaves it alone. What is about to be asked of Amazon is
// saved before it is asked, and what was asked before it is waited for. Whoever
// goes on after a crash first looks at what Amazon lists.
//
// # Reports that are asked for
//
// Each report is asked for over a window of time. It begins [Job.Overlap] before
// the cursor, which is the end of the newest window that was handed over, and ends
// now. So windows overlap, and a [Sink] meets rows again that it knows. A window
// that would be longer than [Job.Span] is cut: the newest part is asked for first,
// and the older ones, which [Status] shows as Missing, after it.
//
// A cursor never moves past a window of which nothing was handed over. Amazon ends
// a report CANCELLED when there is nothing to report, and just so when it was asked
// for too soon after another one. That is no error; the next window begins where
// this one did. A report that ends FATAL, that hangs for [Patience], or that the
// Sink cannot take is an error: it is tried again after a minute, then two, and so
// on up to a day.
//
// Reports belong to the seller, and anybody may have asked for one, here, in Seller
// Central, or in another application: Amazon's page "Reports API v2021-06-30 use
// case guide" has getReports list them all. One that covers the window and is fresh
// is taken instead of asking for another: fresh is what reaches to half of
// [Job.Every] ago.
//
// # Reports that Amazon makes by itself
//
// Those are listed ([Job.ListOnly]), for 90 days, as far as getReports of the model
// reports_2021-06-30 goes back. Each is handed over once, the best type first. One
// that the Sink cannot take keeps no other waiting, and is tried again later until
// Amazon keeps it no longer.
//
// # Limits
//
// createReport has 15 tokens for each account and gets one back in a minute,
// getReportDocument too, and getReports has 10 and gets one back in 45 seconds. Who
// is throttled comes back at the time that the error names, and nothing is counted
// as failed.
package reportpoll
