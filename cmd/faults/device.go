//go:build linux

package main

// deviceFaults are those of devices.
var deviceFaults = []fault{}
