//go:build !linux

package main

// useHugePages does nothing: it is a matter of Linux.
func useHugePages() {}
