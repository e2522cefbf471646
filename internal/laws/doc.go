// Package laws plays days in the life of a merchant on which anything may happen in
// any order, and at once: staff refund, cancel, receive and decide, buyers change
// their minds, Amazon answers or does not, the database fails, processes step.
// Whatever comes of it is held against the laws that money, stock and parcels are
// under. It runs on any store.
package laws
