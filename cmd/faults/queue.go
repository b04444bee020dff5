//go:build linux

package main

// queueFaults are those of queues.
var queueFaults = []fault{}
