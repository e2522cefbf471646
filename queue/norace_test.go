//go:build !race

package queue_test

const oneIn = 1
