//go:build race

package main

// Looking for races takes long, and finds them anywhere.
const oneIn = 5
