//go:build !linux

package main

// captive has nothing to try.
func captive() {}
