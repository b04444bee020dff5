package report_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"whydrop/capture/scenario"
	"whydrop/report"
)

// TestExplainFlowTellsRTP: the story of a flow with RTP has what its headers say,
// and how its losses come if there are enough of them.
func TestExplainFlowTellsRTP(t *testing.T) {
	for _, tt := range []struct {
		name  string
		model bool
	}{{"rtp-gap", false}, {"rtp-policed", true}} {
		file, err := os.ReadFile(filepath.Join("..", "testdata", "scenario", tt.name+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		s, err := scenario.Parse(tt.name, file)
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, e := range explained(t, s, "") {
			if e.Flow != nil {
				text += strings.Join(strings.Fields(explanationText(t, e, report.TextOptions{Width: 80})), " ")
			}
		}
		if !strings.Contains(text, "RTP of 10.0.0.1:40000") || !strings.Contains(text, "missing here in") {
			t.Errorf("%s: nothing is said of its RTP: %s", tt.name, text)
		}
		if got := strings.Contains(text, "model of Gilbert"); got != tt.model {
			t.Errorf("%s: a model of its losses: %v, want %v: %s", tt.name, got, tt.model, text)
		}
	}
}
