package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// handshake opens a connection, and nothing is lost.
const handshake = `a = 10.0.0.1:40000
b = 10.0.0.2:443
0.000  a > b  S   0:0            win 64240  mss 1460 ws 7 sackok
+.020  b > a  S.  0:0      a1    win 65160  mss 1460 ws 7 sackok
+.000  a > b  .   1:1      a1
`

// lossyStory has a gap, SACK, a retransmission, and both link directions.
const lossyStory = `a = 10.0.0.1:40000
b = 10.0.0.2:443
0.000  a > b  S   0:0        win 64240  mss 1460 ws 7 sackok
+.020  b > a  S.  0:0        a1     win 65160  mss 1460 ws 7 sackok
+.000  a > b  .   1:1        a1     win 502
+.001  a > b  P.  1:41       a1     win 502
+.000  a > b  P.  41:81      a1     win 502
+.000  a > b  P.  81:121     a1     win 502
+.020  b > a  .   1:1        a41    win 501
+.000  b > a  .   1:1        a41    win 501  sack 81:121
+.200  a > b  P.  41:81      a1     win 502
+.020  b > a  .   1:1        a121   win 501
`

// pcapHeader is the length of a pcap file header.
const pcapHeader = 24

// recordedAs is a capture of story in a format, as octets.
func recordedAs(t *testing.T, story, format string) []byte {
	t.Helper()
	text, out := filepath.Join(t.TempDir(), "story"), filepath.Join(t.TempDir(), "a."+format)
	if err := os.WriteFile(text, []byte(story), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := recordTo([]string{text, out, format}); err != nil {
		t.Fatal(err)
	}
	octets, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return octets
}

// A capture that is cut anywhere, or has any octet changed, yields a report
// that balances, or an error that says why. It never panics.
func TestDamageAnywhere(t *testing.T) {
	step := 1
	if testing.Short() {
		step = 37 // a prime, so that every field of a record is met
	}
	path := filepath.Join(t.TempDir(), "x")
	for _, format := range []string{"pcap", "pcapng"} {
		whole := recordedAs(t, lossyStory, format)
		t.Run(format+"/cut", func(t *testing.T) {
			for n := 0; n < len(whole); n += step {
				mustAnswer(t, path, fmt.Sprintf("cut to %d octets", n), whole[:n])
			}
		})
		t.Run(format+"/flip", func(t *testing.T) {
			for n := 0; n < len(whole); n += step {
				flipped := slices.Clone(whole)
				flipped[n] ^= 1 << (n % 8)
				mustAnswer(t, path, fmt.Sprintf("bit %d of octet %d flipped", n%8, n), flipped)
			}
		})
	}
}

// mustAnswer runs whydrop on octets, written to path.
func mustAnswer(t *testing.T, path, what string, octets []byte) {
	t.Helper()
	if err := os.WriteFile(path, octets, 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"analyze", "--json", path}, &stdout, &stderr)
	switch code {
	case exitUsage:
		if stdout.Len() > 0 || !strings.HasPrefix(stderr.String(), "whydrop: ") {
			t.Errorf("%s: exit 2, stdout %q, stderr %q; want an error alone", what, &stdout, &stderr)
		}
		return
	case exitDone, exitIncomplete, exitTooLossy:
	default:
		t.Errorf("%s: exit %d, stderr %q", what, code, &stderr)
		return
	}
	var r struct {
		Ledger struct {
			Missing, Lost, Unexplained uint64
			CaptureOnly                uint64 `json:"capture_only"`
		}
	}
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		t.Errorf("%s: the report is no JSON: %v", what, err)
	}
	if l := r.Ledger; l.Missing != l.Lost+l.CaptureOnly+l.Unexplained {
		t.Errorf("%s: missing %d ≠ %d + %d + %d", what, l.Missing, l.Lost, l.CaptureOnly, l.Unexplained)
	}
}
