//go:build linux

package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestFaults has every fault named by `whydrop live`, on the kernel that runs the test.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: no faults")
	}
	r := &runner{whydrop: filepath.Join(t.TempDir(), "whydrop")}
	if out, err := exec.Command("go", "build", "-o", r.whydrop, "whydrop/cmd/whydrop").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if why := r.lacks(); why != "" {
		t.Skip(why)
	}
	all := faults()
	for _, heavy := range []bool{false, true} {
		t.Run(word(heavy, "alone", "light"), func(t *testing.T) {
			for i := range all {
				f := &all[i]
				if f.heavy != heavy {
					continue
				}
				t.Run(f.name, func(t *testing.T) {
					if !heavy {
						t.Parallel()
					}
					o := r.try(f)
					if o.skipped != "" {
						t.Skip(o.skipped)
					}
					if len(o.wrong) > 0 {
						// Other tests load the machine, and time decides what a kernel drops:
						// once is told, twice is wrong. make truth-live forgives nothing.
						t.Logf("the first time: %s\n%s", strings.Join(o.wrong, "\n"), o.line())
						o = r.try(f)
					}
					if len(o.wrong) > 0 {
						t.Errorf("%s\n%s", strings.Join(o.wrong, "\n"), o.line())
					}
				})
			}
		})
	}
}

// TestNames has no fault twice.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range faults() {
		if seen[f.name] || f.name == "" || f.provoke == nil {
			t.Errorf("fault %q: a name twice, or nothing to provoke", f.name)
		}
		seen[f.name] = true
	}
}
