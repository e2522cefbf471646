// Package spapi is the client of Amazon's Selling Partner API: it implements
// [amazon.Feeds] and [amazon.Reports] over HTTP. One [Client] serves all
// accounts of a process.
//
// Everything here may be repeated after a lost answer, and is, except two
// calls. createReport is repeated only when Amazon throttled it. createFeed is
// never repeated: a feed has no idempotency key, and a second one pays twice.
// [amazon.Ticket.Create] therefore writes one request to the wire, whatever the
// host's HTTP client would do by itself, and says in [amazon.Error.Sent] what is
// known afterwards. Outside that promise are proxies that repeat a POST, and an
// http.RoundTripper that both repeats requests and drops their context.
//
// createFeed refills one token in 120 seconds for each account, shared by all
// feed types. [Client.Begin] counts in this process and never waits. The other
// operations are not counted: when Amazon throttles one, the call waits, each
// time at least until a token is refilled, and after five tries answers an error
// that [amazon.Throttled] recognises. Whoever cannot wait gives the call a
// deadline.
//
// Errors are [*amazon.Error]. No error and no log line holds a token, a secret,
// or the query of a presigned URL.
//
// Facts come from Amazon's public documentation: the models feeds_2021-06-30 and
// reports_2021-06-30, and the pages "Connect to the SP-API", "Usage plans and
// rate limits" and "Include a User-Agent header in all requests" at
// https://developer-docs.amazon.com/sp-api/.
package spapi
