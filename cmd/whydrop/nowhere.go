//go:build !unix

package main

import "os"

// leadsNowhere cannot be told here.
func leadsNowhere(*os.File) bool { return false }
