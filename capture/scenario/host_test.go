package scenario

import (
	"strings"
	"testing"
	"time"
)

func TestWhatTheHostSaidMovesWithTheCapture(t *testing.T) {
	const text = `story
-- capture --
a = 10.0.0.1:1
b = 10.0.0.2:2
0.000  a > b  udp 10
-- host --
{"captured": ["eth0"], "drops": [{"reason": "NO_SOCKET", "first": 5, "last": 6, "src": "10.0.0.1:1", "dst": "10.0.0.2:2", "samples": [{"time": 7}]}]}
-- want --
anything
`
	s, err := Parse("x", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if s.Want != "anything\n" {
		t.Errorf("want section %q", s.Want)
	}
	for shift, want := range map[time.Duration]int64{0: epoch, time.Hour: epoch + int64(time.Hour)} {
		got := s.Shifted(shift).Source(0).Inputs()[0].Testimony
		if got == nil || got.Drops[0].First != want+5 || got.Drops[0].Last != want+6 || got.Drops[0].Samples[0].Time != want+7 {
			t.Errorf("shifted by %v: %+v", shift, got)
		}
	}
	for wrong, line := range map[string]string{
		`{"captured": ["eth0"]`: "x:6: what the host said", `{"gremlins": 1}`: "x:6: what the host said",
	} {
		i, j := strings.Index(text, "{"), strings.Index(text, "-- want")
		_, err := Parse("x", []byte(text[:i]+wrong+"\n"+text[j:]))
		if err == nil || !strings.HasPrefix(err.Error(), line) {
			t.Errorf("%s: %v, want an error that begins %q", wrong, err, line)
		}
	}
}
