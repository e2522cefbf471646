// Package amazontest is a fake Amazon that keeps the books. It answers Login with
// Amazon and what a refund or a cancellation needs of the Selling Partner API:
// all of Feeds and Reports (models feeds_2021-06-30, reports_2021-06-30),
// createRestrictedDataToken (tokens_2021-03-01), getOrder and searchOrders
// (orders_2026-01-01) and listTransactions (finances_2024-06-19). It throttles,
// reads the documents it is sent as strictly as Amazon does, carries them out
// against its own order book, and writes down every payment. So a test can ask
// the only question that matters: who was paid, and how often?
//
// # Testing a host's own integration
//
// Give the server a seller and the orders the test is about, and send the real
// client to it:
//
//	amz, err := amazontest.New(amazontest.Config{Now: clock.Now})
//	err = amz.AddSeller(amazontest.Seller{Merchant: "A1EXAMPLESELLER", …})
//	err = amz.Seed(amazontest.Order{Seller: "A1EXAMPLESELLER", Number: "111-1234567-1234567", …})
//	base, stop, err := amz.Start()
//	defer stop()
//	client, err := spapi.New(spapi.Config{
//		Endpoint: func(amazon.Region) string { return base },
//		TokenURL: base + "/auth/o2/token",
//		Credentials: …, Now: clock.Now, Wait: clock.Wait,
//	})
//
// [Server.Client] needs no addresses and no socket: it carries calls to any host
// to the server in memory. Within a bubble of testing/synctest, and without
// Config.Now, a day of throttled work then takes milliseconds.
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
// [Server.FateOf] decides what becomes of each feed ([Fate]): stuck, slow,
// CANCELLED, FATAL after some of its messages, listed hours after its creation, with
// a report that is missing, wrong or no report. [ReportFile.Fate] decides it for
// reports. [Server.Refuse] and [Server.Warn] have Amazon refuse or warn about an
// order's messages. [Server.AddFeed], [Server.Refund] and [Server.RequestCancel] are
// what others do meanwhile: other applications, staff in Seller Central, Amazon
// itself, the buyer. [Server.Revoke] takes the seller's consent back. [Config.Skew]
// sets its clock wrong, [Throttle] has a refused call cost, and [Config.ReportPause]
// cancels reports that are asked for too often.
//
// What came of it is in [Server.Ledger], [Server.Feeds] and [Server.Calls], which
// says of each call what was answered and what effect it had. [Server.PaidFor]
// tells apart, for one order, what the host's feeds paid and what others did.
//
// A host that sends feeds by a client of its own has [TestFeeds] check it.
//
// # Reports
//
// Returns reports are files of the test's own ([Server.AddReport]), of which several
// may be given one after the other. Reports of orders are made of the order book,
// with the columns about buyers' wishes where the seller has switched them on
// ([Seller]). [Server.Settle] closes a settlement over everything that was paid, and
// can leave rows out, double them or change them. [Server.OrderChange] is the
// notification of a buyer's wish, for the test to hand over.
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
//   - Each operation has a bucket of tokens for each seller, of the size and rate
//     that its model states ([Throttle]). An answer of 429 says neither the rate
//     nor when to come back, and nothing was done. Buckets are kept in the books.
//   - The document of a restricted report is shown to a Restricted Data Token for
//     exactly its path, and to nothing else; that token opens nothing else.
//   - Units are cancelled by an adjustment (QuantityCancelled) for NoInventory or
//     CustomerCancel, once something of the order is shipped. Settlements and
//     transactions show what the buyer gets back for them as a refund like any other.
//   - Settlements cannot be asked for. One adds up to the total it states, in
//     the marketplace's dates and decimals.
//   - A report without data ends CANCELLED. Schedules make their reports at their
//     time; a second schedule for the same type and marketplaces replaces the
//     first.
//   - Orders show cancellations and quantities when includedData asks for them. An
//     order is listed when it is two minutes old.
//   - Refunds are booked 48 hours late ([Config.FinanceLag]), below zero, each
//     with its REFUND_ID. Pages can be empty before the last. Orders of the US
//     store are left out when a marketplace is named.
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
// text names the page of Amazon's help. Unknown query parameters are refused, and
// so is the token for a next page with other arguments than before.
//
// It has less than Amazon: no buyers, so that what includedData asks for beside
// CANCELLATION and FULFILLMENT is absent; no orders that Amazon fulfils; of
// transactions the refunds only, with the components as their breakdowns, since
// Amazon's own words for these are not public; and no operation that works with
// the token of no seller, which the grant client_credentials gives. Login with
// Amazon and the document storage throttle only where [Server.Fail] has them.
//
// Everything is deterministic: IDs count up, and time comes from [Config.Now].
// What the server refuses is said in the answers it gives; it logs nothing. Only
// where the environment variable TAKEBACK_EXCHANGES names a folder, it writes
// each exchange there, so that all of them can be held against Amazon's models,
// with the word REDACTED for tokens, secrets and signatures.
package amazontest
