//go:build linux

package main

// routeFaults are those of routes, neighbours, sizes and hops.
var routeFaults = []fault{}
