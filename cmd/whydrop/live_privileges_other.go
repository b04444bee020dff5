//go:build !linux

package main

// dropPrivileges has none to give up: nothing is captured here.
func dropPrivileges(string, []string) error { return nil }
