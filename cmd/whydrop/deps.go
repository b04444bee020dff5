//go:build never

package main

// Pinned for what comes next, and not imported yet.
import (
	_ "github.com/BurntSushi/toml"
	_ "github.com/google/go-cmp/cmp"
)
