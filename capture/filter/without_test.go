package filter

import (
	"errors"
	"strings"
	"testing"
)

// TestWithoutLibpcap checks that a build without cgo says why it has no filters, and
// that one with cgo does not.
func TestWithoutLibpcap(t *testing.T) {
	_, err := Compile("udp", nil)
	if err == nil {
		return // this build has libpcap
	}
	if !errors.Is(err, errNoLibpcap) || !strings.Contains(err.Error(), "this build has no libpcap") {
		t.Errorf("got %v, want the reason", err)
	}
}
