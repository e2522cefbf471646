//go:build race

package takeback_test

// Looking for races takes long, and finds them anywhere.
const oneIn = 10
