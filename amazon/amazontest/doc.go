// Package amazontest is a fake Amazon that keeps the books. It answers the
// operations of Login with Amazon, the Feeds API and the Reports API (models
// feeds_2021-06-30 and reports_2021-06-30) that a refund or a cancellation
// needs, reads the documents it is sent as strictly as Amazon does, carries
// them out against its own order book, and writes down every payment. So a test
// can ask the only question that matters: who was paid, and how often?
//
// # Testing a host's own integration
//
// Give the server a seller and the orders the test is about, and send the real
// client to it. [Server.Client] answers every host in memory, which suits
// testing/synctest; over sockets the server is an http.Handler:
//
//	amz, err := amazontest.New(amazontest.Config{Now: clock.Now})
//	err = amz.AddSeller(amazontest.Seller{Merchant: "A1EXAMPLESELLER", …})
//	err = amz.Seed(amazontest.Order{Seller: "A1EXAMPLESELLER", Number: "111-1234567-1234567", …})
//	web := httptest.NewServer(amz) // or amz.Client()
//
// Then let the host refund, move the clock past [Config.ProcessingTime], let the
// host read its results, and compare [Server.Ledger] with what was asked. With
// [Config.File] the books outlive the process, so that a test can kill the host
// and the server at any moment and start both again.
//
// # Letting it misbehave
//
// [Server.Fail] decides for each call what goes wrong with it ([Fault]): the
// connection breaks, an error or garbage is answered, before or after the call
// had its effect; the answer is slow or never comes; a list is incomplete; or
// the call is late, and has its effect when its caller has long given up:
//
//	amz.Fail(
//		amazontest.Nth("createFeed", 1, amazontest.Fault{Late: 10 * time.Minute}),
//		amazontest.Nth("getFeeds", 1, amazontest.Fault{Status: 503}, amazontest.Fault{Omit: 1}),
//	)
//
// [Server.Fate] decides what becomes of each feed ([Fate]): stuck, slow,
// CANCELLED, FATAL after some of its messages, not seen at once, with a report
// that is missing, wrong or no report. [Server.Refuse] and [Server.Warn] have
// Amazon refuse or warn about an order's messages. [Server.AddFeed] and
// [Server.Refund] are what others do meanwhile: other applications, staff in
// Seller Central, Amazon itself. [Config.Skew] sets its clock wrong.
//
// What came of it is in [Server.Ledger], [Server.Feeds] and [Server.Calls], which
// says of each call what was answered and what effect it had.
//
// # What it does as Amazon does
//
//   - A feed has no idempotency key. The same document in a second feed pays a
//     second time, as long as the balance lasts.
//   - Components are limited one by one: what was charged, minus what was
//     refunded before. Concessions (Goodwill, ReturnShipping, Other) are not.
//   - A refund of an order item that is not shipped is accepted, and paid when
//     the first of its units is shipped ([Server.Ship]). If the order is
//     cancelled before, it is never paid.
//   - A Failure for a partly shipped order refunds the whole order. A Failure
//     without items is processed and cancels nothing.
//   - The processing report has no entry for a message that succeeded. A message
//     with a warning succeeded.
//   - A FATAL feed may have paid.
//   - Feed and document IDs are unique only together with the seller: two
//     sellers get the same ones.
//   - A call that arrives after its access token has expired is refused, however
//     long it was under way.
//   - Access tokens live one hour, presigned addresses five minutes, uploaded
//     documents two days. A presigned upload wants exactly the Content-Type that
//     the document was announced with, a known length, and no token.
//
// # Where it differs
//
// It is stricter where Amazon's behaviour is not documented: message IDs may not
// repeat within a document, every Amount names its currency, a cancellation
// lists every item with its reason, a message of several items is carried out
// whole or not at all, and elements whose meaning is not public (Quantity,
// PromotionAdjustments, DirectPaymentAdjustments) are refused by name. So are
// refunds of an order whose payment is pending, of an item that is cancelled in
// full, and QuantityCancelled for an order of which nothing is shipped. A refund
// that waits for its shipment counts against what is left. Every refusal of a
// message has the code 18028, the only one publicly seen for such messages; the
// text names the page of Amazon's help. It does not throttle.
//
// Everything is deterministic: IDs count up, and time comes from [Config.Now].
// What the server refuses is said in the answers it gives; it logs nothing. Only
// where the environment variable TAKEBACK_EXCHANGES names a folder, it writes
// each exchange there, so that all of them can be held against Amazon's models.
package amazontest
