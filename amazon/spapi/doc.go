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
// createFeed refills one token in 120 seconds for each account, shared by all
// feed types. [Client.Begin] counts in this process and never waits. The other
// operations are not counted. When Amazon throttles one that refills a token
// within seconds, the call waits for it, five seconds at most each time, and
// gives up after five tries. Of the others, which list feeds and reports, look
// up documents and ask for reports, tokens come once in 45 or 60 seconds: they
// answer at once. Either way [amazon.Throttled] recognises the error and says
// when to come back.
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
