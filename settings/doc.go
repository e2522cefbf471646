// Package settings holds what a merchant may decide about taking back Amazon
// orders: the seven client settings under the names merchants know ([Name]),
// the rules by which they combine ([Resolve]), the submission [Mode] they add
// up to, and the [Policy] beside them.
//
// A person sets [Values], for the whole client or for one company of it.
// Resolve turns both into [Settings], which services ask a [Source] for:
//
//	acme := settings.Resolve(client, company)
//	source := settings.ByCompany{"acme": acme}
//
// The zero Settings has everything off, and with the queue off requests go to
// Amazon at once: it means [Direct], not "nothing is sent". Whoever has no
// settings for a company therefore answers with an error, never with the zero
// value.
//
// Everything here is a value or a pure function of values: no storage, no clock.
package settings
