package report_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"whydrop/analyze"
	"whydrop/capture/scenario"
	"whydrop/report"
)

// TestOneEvent holds how one event that hit many flows looks: on the first
// screen, in the verbose text, in JSON, and where one of its charges is explained.
func TestOneEvent(t *testing.T) {
	const name = "one-event-six-flows"
	text, err := os.ReadFile(filepath.Join(scenarioDir, name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := scenario.Parse(name, text)
	if err != nil {
		t.Fatal(err)
	}
	res, err := analyze.Run(context.Background(), s.Source(0), analyze.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := report.Build(res, report.BuildOptions{})
	var first, verbose, doc strings.Builder
	for _, err := range []error{
		report.Text(&first, r, report.TextOptions{Width: 80}), report.Text(&verbose, r, report.TextOptions{Width: 80, Verbose: 1}), report.JSON(&doc, r),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	const event = "one event at 1.70 s, 10.0 ms long, hit 6 flows"
	if screen := strings.Join(strings.Fields(first.String()), " "); !strings.Contains(screen, "downstream of this capture: cause unknown, "+event) {
		t.Errorf("the first screen does not tell the event:\n%s", first.String())
	}
	said := strings.Join(strings.Fields(verbose.String()), " ")
	if !strings.Contains(said, "Events 6 downstream: "+event+" from 10.0.0.0/29 to 10.1.0.9. By chance: below 1e-") {
		t.Errorf("the verbose text does not list the event:\n%s", verbose.String())
	}
	var back struct {
		Events []struct {
			Kind    string
			Flows   int
			Charges []int
		}
	}
	if err := json.Unmarshal([]byte(doc.String()), &back); err != nil {
		t.Fatal(err)
	}
	if len(back.Events) != 1 || back.Events[0].Kind != "at-once" || back.Events[0].Flows != 6 || len(back.Events[0].Charges) != 6 {
		t.Errorf("JSON has %+v", back.Events)
	}
	all := explained(t, s, "")
	if story := strings.Join(all[0].Story, " "); !strings.Contains(story, "an event of 6 packets: "+event) {
		t.Errorf("explain does not tell the event: %q", story)
	}
}
