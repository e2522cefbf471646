// Package drill is a small piece of a host's work, done against a fake Amazon,
// that may be interrupted at each of its calls: the orders and requests of a few
// companies ([Plan]), the program that a host would run ([Office]), a gate at
// every call to the store and to Amazon ([Gate]), and what must hold in the end,
// whatever went wrong ([Plan.Audit]).
//
// Who interrupts, and where the worker lives, is the test's affair: goroutines
// on one memory store, or processes on a SQLite file.
package drill
