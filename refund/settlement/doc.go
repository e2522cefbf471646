// Package settlement matches what Amazon's settlement reports show with the
// refunds that were accepted, and finds what is missing, different, doubled, or
// Amazon's own.
package settlement
