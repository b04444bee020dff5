//go:build linux

package main

// socketFaults are those of sockets.
var socketFaults = []fault{}
