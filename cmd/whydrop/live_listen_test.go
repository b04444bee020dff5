//go:build linux && cgo

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"whydrop/report"
)

// ask is HTTP by hand: a client of net/http would dial from a thread of another namespace.
func ask(t *testing.T, addr, path string) (status, body string) {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.0\r\n\r\n", path); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ := strings.Cut(string(answer), "\r\n\r\n")
	status, _, _ = strings.Cut(head, "\r\n")
	return status, body
}

// sample is a line of the text format of Prometheus.
var sample = regexp.MustCompile(`^[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+]+$`)

func TestLiveListens(t *testing.T) {
	space(t)
	const addr = "127.0.0.1:9177"
	r := live(t, "--listen", addr, "--interval", "500ms", "--no-host")
	if status, body := ask(t, addr, "/healthz"); !strings.Contains(status, "200") || body != "ok\n" {
		t.Errorf("/healthz: %s %q", status, body)
	}
	c := newCable(t)
	c.send(t, 20, 9001, 30) // the firewall answers nothing
	var body string
	for range 100 {
		time.Sleep(100 * time.Millisecond)
		var status string
		if status, body = ask(t, addr, "/report"); strings.Contains(status, "200") {
			break
		}
	}
	var got struct {
		SchemaVersion string `json:"schema_version"`
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || got.SchemaVersion != report.SchemaVersion {
		t.Errorf("/report: %v: %.200s", err, body)
	}
	if status, page := ask(t, addr, "/"); !strings.Contains(status, "200") || !strings.Contains(page, "</html>") || !strings.Contains(page, "whydrop live -w FILE") {
		t.Errorf("/: %s %.200s", status, page)
	}
	_, metrics := ask(t, addr, "/metrics")
	for line := range strings.Lines(metrics) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") && !sample.MatchString(line) {
			t.Errorf("/metrics has %q", line)
		}
	}
	if strings.Contains(metrics, "10.9.0.") {
		t.Errorf("a metric names an address:\n%s", metrics)
	}
	if want := `whydrop_capture_frames_total{interface="vb"} 20` + "\n"; !strings.Contains(metrics, want) {
		t.Errorf("%s is not in\n%s", want, metrics)
	}
	r.end(t, exitDone)
	r.says(t, " to ", "The whole capture")
}

// TestLiveIntervalHost holds that an interval's report, and the metrics, have the causes that
// the host's counters tell, by bounded labels.
func TestLiveIntervalHost(t *testing.T) {
	space(t)
	const addr = "127.0.0.1:9178"
	inSpace(t, "nft flush ruleset")
	r := live(t, "--listen", addr, "--interval", "700ms")
	c := newCable(t)
	var metrics string
	want := `whydrop_loss_packets_total{cause="no-socket",interface="vb",locus="receiver-host"}`
	for range 40 {
		c.send(t, 20, 9003, 30)
		time.Sleep(200 * time.Millisecond)
		if _, metrics = ask(t, addr, "/metrics"); strings.Contains(metrics, want) {
			break
		}
	}
	if !strings.Contains(metrics, want) {
		t.Errorf("%s is not in\n%s", want, metrics)
	}
	r.end(t, exitDone)
	r.says(t, "nobody listens", "The whole capture")
}

func TestLastInterval(t *testing.T) {
	r := &report.Report{}
	if got := lastInterval(r); got != "" {
		t.Errorf("of nothing: %q", got)
	}
	r.Verdict.Lost = 12
	r.Verdict.Groups = []report.Group{{Cause: "policer"}}
	r.Flows.Top = []report.Flow{{Originator: "10.0.0.1:1", Responder: "10.0.0.2:2", Lost: 9}}
	if got, want := lastInterval(r), "12 lost, most by policer, 9 of 10.0.0.1:1 > 10.0.0.2:2"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
