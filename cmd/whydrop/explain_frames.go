package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"whydrop/analyze"
	"whydrop/capture/pcapfile"
	"whydrop/report"
)

// explainFlags are the flags of explain, as typed.
type explainFlags struct {
	charge, flow string
	json         bool
	at           string
	expression   string
}

// explainFrames shows one charge or one flow frame by frame.
func (p *program) explainFrames(c *cobra.Command, f *explainFlags, args []string) error {
	if c.Flags().Changed("charge") && c.Flags().Changed("flow") {
		return &usageError{"explain", "--charge and --flow are two questions", "ask for one of them"}
	}
	what, id := "--charge", f.charge
	if c.Flags().Changed("flow") {
		what, id = "--flow", f.flow
	}
	j, err := (&analyzeFlags{at: f.at, expression: f.expression}).job(args, c.ArgsLenAtDash())
	if err != nil {
		if len(args) == 0 {
			return &usageError{"explain " + what, "name the capture, too", fmt.Sprintf("`whydrop explain %s %s trace.pcapng`", what, pcapfile.Quote(id))}
		}
		return err
	}
	if err := canReadTwice(what, id, j.paths); err != nil {
		return err
	}
	e, code, err := p.explanation(c.Context(), j, what, id)
	if err != nil {
		return err
	}
	if f.json {
		err = report.ExplanationJSON(p.stdout, e)
	} else {
		err = report.ExplanationText(p.stdout, e, p.textOptions())
	}
	if err == nil && code != exitDone {
		return outcome(code)
	}
	return err
}

// canReadTwice refuses what gives its octets only once: the first reading
// concludes, the second one fetches the frames.
func canReadTwice(what, id string, paths []string) error {
	for _, path := range paths {
		info, err := os.Stat(path)
		if path != "-" && (err != nil || info.Mode().IsRegular() || info.IsDir()) {
			continue // what cannot be opened is told by who opens it
		}
		name := path
		if path == "-" {
			name = "standard input"
		}
		return &usageError{"explain " + what, name + " can be read only once, and is needed twice",
			fmt.Sprintf("keep it first:\n`cat > trace.pcapng`\n`whydrop explain %s %s trace.pcapng`", what, pcapfile.Quote(id))}
	}
	return nil
}

// explanation reads the capture, finds what is asked for, and reads the frames
// that decide. The code is that of an input which ends too early.
func (p *program) explanation(ctx context.Context, j *job, what, id string) (*report.Explanation, int, error) {
	j.memory.hold()
	p.shutIn(need{read: j.paths, names: j.filter != ""}, false)
	src, _, err := open(ctx, j, j.paths)
	if err != nil {
		return nil, 0, err
	}
	res, err := analyze.Run(ctx, src, analyze.Options{At: j.tap, Memory: j.memory.share(1)})
	_ = src.Close()
	if err != nil {
		return nil, 0, err
	}
	if ctx.Err() != nil {
		p.note("interrupted")
		return nil, 0, outcome(exitIncomplete)
	}
	r := report.Build(res, report.BuildOptions{Version: version(), Sandbox: p.sandbox})
	code := exitDone
	if p.tellDamage(res) {
		code = exitIncomplete
	}
	x, err := explainerOf(res, r, what, id, j.paths)
	if err != nil {
		return nil, 0, err
	}
	flow, named := x.Wants()
	if flow == nil {
		return x.Explain(), code, nil
	}
	if src, _, err = open(ctx, j, j.paths); err != nil {
		return nil, 0, err
	}
	defer func() { _ = src.Close() }()
	left := len(named)
	err = analyze.Look(ctx, src, flow, named, func(s *analyze.Sight) bool {
		if named[s.Ref()] {
			left--
		}
		return x.See(s)
	})
	switch {
	case ctx.Err() != nil:
		p.note("interrupted")
		return nil, 0, outcome(exitIncomplete)
	case err != nil:
		return nil, 0, err
	case left > 0:
		return nil, 0, &usageError{"explain", "the capture changed while it was read", "wait until it is written, and ask again"}
	}
	return x.Explain(), code, nil
}

// explainerOf finds the charge or flow that id means.
func explainerOf(res *analyze.Result, r *report.Report, what, id string, paths []string) (report.Explainer, error) {
	n, err := strconv.Atoi(strings.TrimPrefix(strings.TrimSpace(id), "#"))
	if what == "--charge" {
		if err == nil {
			if x := report.ExplainCharge(res, r, n); x != nil {
				return x, nil
			}
		}
		return nil, noSuch(what, "charge", id, len(res.Ledger.Charges), "`whydrop analyze -v "+quoted(paths)+"`")
	}
	if originator, responder, ok := strings.Cut(id, ">"); ok && err != nil {
		return flowCalled(res, r, id, strings.TrimSpace(originator), strings.TrimSpace(responder), paths)
	}
	if err == nil {
		if x := report.ExplainFlow(res, r, n); x != nil {
			return x, nil
		}
	}
	return nil, noSuch(what, "flow", id, len(res.Flows), "`whydrop analyze --flows "+quoted(paths)+"`")
}

// flowCalled finds a flow by its two ends. Connections that use the same ports
// again are several.
func flowCalled(res *analyze.Result, r *report.Report, id, originator, responder string, paths []string) (report.Explainer, error) {
	ids := report.FlowsCalled(res, originator, responder)
	if len(ids) == 0 {
		ids = report.FlowsCalled(res, responder, originator)
	}
	switch len(ids) {
	case 0:
		return nil, noSuch("--flow", "flow", id, len(res.Flows), "`whydrop analyze --flows "+quoted(paths)+"`")
	case 1:
		return report.ExplainFlow(res, r, ids[0]), nil
	}
	const shown = 8
	var names []string
	for _, n := range ids[:min(len(ids), shown)] {
		names = append(names, strconv.Itoa(n))
	}
	list := strings.Join(names, ", ")
	if len(ids) > shown {
		list += " and more"
	}
	return nil, &usageError{"--flow " + id, fmt.Sprintf("%d flows have these ends", len(ids)), "name one by its ID: " + list}
}

// noSuch says which IDs there are.
func noSuch(what, noun, id string, most int, list string) error {
	why := fmt.Sprintf("there is no %s in this capture", noun)
	if most == 1 {
		why = fmt.Sprintf("the only %s of this capture is 1", noun)
	} else if most > 1 {
		why = fmt.Sprintf("the %ss of this capture are 1 to %d", noun, most)
	}
	return &usageError{what + " " + id, why, "All of them: " + list}
}

// quoted are paths as a shell wants them.
func quoted(paths []string) string {
	q := slices.Clone(paths)
	for i := range q {
		q[i] = pcapfile.Quote(q[i])
	}
	return strings.Join(q, " ")
}
