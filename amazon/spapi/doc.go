// Package spapi is the client of Amazon's Selling Partner API: it implements
// [amazon.Feeds] and [amazon.Reports] over HTTP. One [Client] serves all
// accounts of a process.
//
// Everything here may be repeated after a lost answer, and is, except
// createReport and createFeed. A feed has no idempotency key, and a second one
// pays twice.
// [amazon.Ticket.Create] therefore writes one request to the wire, whatever the
// host's HTTP client would do by itself, and says in [amazon.Error.Sent] what is
// known afterwards. Outside that promise are proxies that repeat a POST, and an
// http.RoundTripper that both repeats requests and drops their context.
//
// Amazon limits each operation by a bucket of tokens that belongs to the account
// and the application, whoever calls: createFeed has 15 and gets one back in 120
// seconds, getFeeds has 10 and gets one in 45. The client counts them, takes the
// rate that is in force from Amazon's answers, and after a 429 believes Amazon.
// Processes that share [Config.Buckets] share one count, which also survives a
// restart. A call waits for its token up to five seconds, or as long as
// [Client.Waiting] says; where it would take longer, or longer than the context
// lives, the call is not sent, and [amazon.Throttled] says when to come back.
// [Client.Begin] never waits.
//
// No server can hold a call for ever, whatever the host's HTTP client allows.
// Each attempt ends after a minute, with the answer read, and an upload after
// five. A download ends when nothing comes for a minute while somebody reads. An
// attempt that ends before its answer begins is a lost answer; one that ends
// within it is an error at once. These limits go by real time, not by
// Config.Now.
//
// Errors are [*amazon.Error]. No error and no log line holds a token, a secret,
// or the query of a presigned URL.
//
// Facts come from Amazon's public documentation: the models feeds_2021-06-30 and
// reports_2021-06-30, and the pages "Connect to the SP-API", "Usage plans and
// rate limits" and "Include a User-Agent header in all requests" at
// https://developer-docs.amazon.com/sp-api/.
package spapi
