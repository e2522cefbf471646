// Package spapi is the client of Amazon's Selling Partner API: it implements
// [amazon.API] over HTTP. One [Client] serves all accounts of a process.
//
// It has all operations of the Feeds API and the Reports API,
// createRestrictedDataToken, which [Client.Open] uses by itself for reports that
// hold buyers' data, getOrder and searchOrders, without the data about buyers,
// and listTransactions. What Amazon adds to its answers is passed over, words it
// adds to its lists are kept, and money is decimal. For an operation that is not
// here, [Client.AccessToken] gives the token.
//
// Lists that Amazon answers page by page are sequences: [Client.AllFeeds],
// [Client.AllReports], [Client.SearchOrders], [Client.Transactions]. They ask for
// a page when the caller gets there. An error is the last that a sequence tells,
// so a sequence that ends without one was complete.
//
// Everything here may be repeated after a lost answer, and is, except
// createReport and createFeed. A feed has no idempotency key, and a second one
// pays twice.
// [amazon.Ticket.Create] therefore writes one request to the wire, whatever the
// host's HTTP client would do by itself, and says in [amazon.Error.Sent] what is
// known afterwards. Outside that promise are proxies that repeat a POST, and an
// http.RoundTripper that repeats requests where net/http cannot see it: one that
// drops their context, or that has no [http.Transport] below it.
//
// Amazon limits each operation by a bucket of tokens that belongs to the account
// and the application, whoever calls: createFeed has 15 and gets one back in 120
// seconds, getFeeds has 10 and gets one in 45. The client counts them, takes the
// rate that is in force from Amazon's answers, and after a 429 believes Amazon.
// Processes that share [Config.Buckets] share one count, which also survives a
// restart. A request waits for its token up to five seconds, or as long as
// [Client.Waiting] says: each try and each page of a list by itself. Where it
// would take longer, or longer than the context lives, it is not sent, and
// [amazon.Throttled] says when to come back. A list that is throttled midway
// begins again, so it says a time at which there are tokens for all the pages it
// has read. [Client.Begin] never waits.
//
// No server can hold a call for ever, whatever the host's HTTP client allows.
// Each attempt ends after a minute, with the answer read, and an upload after
// five. A download ends when nothing comes for a minute while somebody reads. An
// attempt that ends before its answer begins is a lost answer; one that ends
// within it is an error at once. These limits go by real time, not by
// Config.Now.
//
// Errors are [*amazon.Error]. No error and no log line holds a token, a secret,
// or the query of a presigned URL; what a request carried is struck out of the
// answer's words wherever it comes back.
//
// Of an answer, log lines hold the status and the request ID. Errors hold
// Amazon's code and message too, without e-mail addresses; a body that is no
// error in a form known of Amazon is not quoted, unless it is plain text. No
// request names a buyer, and only restricted data tokens open what does, so
// Amazon's messages have no cause to. Should one do so, a name or a postal
// address looks like any other words: a host that must rule this out keeps
// [amazon.Error.Code] and [amazon.Error.RequestID] and leaves the message.
//
// Facts come from Amazon's public documentation: the models feeds_2021-06-30,
// reports_2021-06-30, tokens_2021-03-01, orders_2026-01-01 and
// finances_2024-06-19, and the pages "Connect to the SP-API", "Grantless
// operations", "Get authorization to access restricted report types", "Get the
// latest transactions", "Usage plans and rate limits" and "Include a User-Agent
// header in all requests" at https://developer-docs.amazon.com/sp-api/.
package spapi
