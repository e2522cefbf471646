//go:build race

package queue_test

// Looking for races takes long, and finds them at any position.
const oneIn = 10
