//go:build !race

package takeback_test

const oneIn = 1
