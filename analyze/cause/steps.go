package cause

import (
	"slices"
	"strings"
)

// programs are the commands that cards may tell the reader to type. Anything
// else in back quotes is a name: a counter, a drop reason, a setting.
var programs = []string{
	"arping", "perf", "bridge", "capinfos", "conntrack", "curl", "dig", "editcap", "ethtool", "ip",
	"iptables-save", "journalctl", "mergecap", "mtr", "nft", "nstat", "ping", "reordercap", "ss", "strace",
	"sudo", "sysctl", "systemctl", "tc", "tcpdump", "timedatectl", "tracepath", "traceroute",
	"tshark", "whydrop", "cat", "iperf3", "iw", "ps", "renice", "mpstat",
}

// ConfirmCommands returns the commands of the Confirm section, as typed.
func (c *Card) ConfirmCommands() []string { return commands(c.Confirm) }

// RemedySteps returns the steps of the Remedy section, one sentence or two
// each, on one line, still with their back quotes.
func (c *Card) RemedySteps() []string { return Steps(c.Remedy) }

// Steps splits a section into its items ("- …"), each joined to one line. A
// section without items is one step.
func Steps(section string) []string {
	var steps []string
	for line := range strings.Lines(section) {
		line = strings.TrimRight(line, "\n")
		item, isItem := strings.CutPrefix(line, "- ")
		switch {
		case isItem || len(steps) == 0:
			steps = append(steps, strings.TrimSpace(item))
		default:
			steps[len(steps)-1] += " " + strings.TrimSpace(line)
		}
	}
	return steps
}

// commands returns the back-quoted spans of s that start with a program.
func commands(s string) []string {
	var found []string
	for _, span := range quoted(s) {
		first, _, _ := strings.Cut(span, " ")
		if slices.Contains(programs, first) {
			found = append(found, span)
		}
	}
	return found
}

// quoted returns the back-quoted spans of s, with line breaks as spaces.
func quoted(s string) []string {
	parts := strings.Split(s, "`")
	var spans []string
	for i := 1; i < len(parts); i += 2 {
		spans = append(spans, strings.Join(strings.Fields(parts[i]), " "))
	}
	return spans
}
