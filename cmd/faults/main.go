//go:build linux

// Command faults proves `whydrop live` on the running kernel: it makes worlds of
// network namespaces, loses packets in them in every way that it knows, and compares
// what whydrop says with what was done. It needs root, and leaves nothing behind.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

func main() {
	whydrop := flag.String("whydrop", "bin/whydrop", "the `program` to prove")
	only := flag.String("run", "", "only faults whose name matches `REGEXP`")
	keep := flag.String("keep", "", "keep reports and captures in `FOLDER`")
	beside := flag.Int("parallel", 2, "run `N` faults side by side")
	less := flag.String("tier", "", "run those that have a full `TIER` with that one: no BTF, no CAP_BPF, CAP_NET_RAW only")
	marked := flag.Bool("markdown", false, "print the table as README.md has it")
	flag.Parse()
	pattern, err := regexp.Compile(*only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults: -run:", err)
		os.Exit(2)
	}
	r := &runner{whydrop: *whydrop, keep: *keep}
	if why := r.lacks(); why != "" {
		fmt.Fprintln(os.Stderr, "faults:", why)
		os.Exit(2)
	}
	began := time.Now()
	outcomes := r.all(pattern, tierOf(*less), max(*beside, 1))
	print := table
	if *marked {
		print = markdown
	}
	wrong := print(outcomes)
	fmt.Printf("%d faults in %.0f s, %d wrong\n", len(outcomes), time.Since(began).Seconds(), wrong)
	if wrong > 0 {
		os.Exit(1)
	}
}

// tierOf is the tier of a name, or nil.
func tierOf(name string) *tier {
	for _, t := range tiers() {
		if t.name == name {
			return t
		}
	}
	return nil
}

// all runs the faults, so many side by side, the heavy ones alone, at a tier that is not
// their own if one is given.
func (r *runner) all(pattern *regexp.Regexp, less *tier, beside int) []*outcome {
	var chosen []fault
	for _, f := range faults() {
		if pattern.MatchString(f.name) && (less == nil || f.tier == nil) {
			f.tier = cmp.Or(less, f.tier)
			chosen = append(chosen, f)
		}
	}
	outcomes := make([]*outcome, len(chosen))
	room := make(chan struct{}, beside)
	var running sync.WaitGroup
	for i := range chosen {
		if !chosen[i].heavy {
			room <- struct{}{}
			running.Go(func() {
				defer func() { <-room }()
				outcomes[i] = r.try(&chosen[i])
			})
		}
	}
	running.Wait()
	for i := range chosen {
		if chosen[i].heavy {
			outcomes[i] = r.try(&chosen[i])
		}
	}
	return outcomes
}

// table prints what came of all, and returns how many are wrong.
func table(outcomes []*outcome) (wrong int) {
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "fault\texpected\tsaid\tlost\tsaid\tnamed\toffline\tok\ttime")
	for _, o := range outcomes {
		fmt.Fprintln(t, o.line())
		if len(o.wrong) > 0 {
			wrong++
		}
	}
	if err := t.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(2)
	}
	for _, o := range outcomes {
		for _, why := range o.wrong {
			fmt.Printf("%s: %s\n", o.fault.name, why)
		}
	}
	return wrong
}

// markdown prints the table of README.md, and returns how many are wrong.
func markdown(outcomes []*outcome) (wrong int) {
	fmt.Println("| fault | said | lost, said | named | file |\n|---|---|---|---|---|")
	for _, o := range outcomes {
		if len(o.wrong) > 0 {
			wrong++
		}
		if o.said == nil {
			fmt.Printf("| %s | %s | | | |\n", o.fault.name, cmp.Or(o.skipped, "wrong"))
			continue
		}
		fmt.Printf("| %s | %s | %d, %d | %s | %s |\n", o.fault.name, o.said.short(), o.lost, o.counted(), o.named(), word(o.offline, "equal", "differs"))
	}
	return wrong
}

// counted is how many packets the report counts: what is lost, or what only the capture lacks.
func (o *outcome) counted() (n uint64) {
	for _, g := range o.said.Verdict.Groups {
		if g.Cause == o.fault.want.cause {
			n += g.Packets
		}
	}
	return n
}

// named is how many of the names that must be told are.
func (o *outcome) named() string {
	n := len(o.fault.want.named)
	if n == 0 {
		return "-"
	}
	return fmt.Sprintf("%d of %d", n-len(o.fault.want.missing(o.said)), n)
}

// line is one of the table.
func (o *outcome) line() string {
	v := &o.fault.want
	expected := "nothing lost"
	if v.cause != "" {
		expected = v.cause + " @ " + v.locus
	}
	if len(v.tells) > 0 {
		expected = strings.TrimPrefix(expected+", "+strings.Join(v.tells, ", "), "nothing lost, ")
	}
	if o.skipped != "" {
		return fmt.Sprintf("%s\t%s\tskipped: %s\t\t\t\t\t\t", o.fault.name, expected, o.skipped)
	}
	if o.said == nil {
		return fmt.Sprintf("%s\t%s\t\t\t\t\t\twrong\t%.1fs", o.fault.name, expected, o.took.Seconds())
	}
	return fmt.Sprintf("%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s\t%.1fs", o.fault.name, expected, o.said.short(), o.lost, o.counted(),
		o.named(), word(o.offline, "equal", "differs"), word(len(o.wrong) == 0, "ok", "wrong"), o.took.Seconds())
}

func word(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}
