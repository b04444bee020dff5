package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"whydrop/report"
	"whydrop/report/policy"
)

// checkFlags are the flags of check, as typed.
type checkFlags struct {
	policy, baseline string
	require, failIf  []string
	accept           []string
	tolerance        []string
	writeBaseline    string
	updateBaseline   bool
	at               string
	expression       string
	format           string
	json             bool
	output           string
	junit, summary   string
	quiet            bool
	jobs             int
	memory           memory
}

// A checking is what one run of check has to do.
type checking struct {
	checkFlags
	*policy.Policy
	paths []string
	was   *policy.Baseline // nil = no comparison
	keeps bool             // states for a baseline to write
}

var checkFormats = []string{"text", "json", "junit", "github", "markdown"}

const checkLong = `Hold captures to rules, or to what they were: regression tests of the network.

Each FILE is a capture of its own. A rule is an expression over the figures of
the report, by their paths in --json, with %, ms, s, k and M:

  ledger.lost_rate < 0.1%
  symptoms.retransmission.rto == 0
  flows[port=443].stall_ms.p99 < 200ms
  charges[cause=policer, confidence>=likely].packets == 0

--require says what must hold, --fail-if what must not; --policy FILE has more
of both, in TOML, for all captures, for some by their names, and for the whole
run: see whydrop-toml(5). --write-baseline FILE keeps what the captures are
like; --baseline FILE compares with it, cause by cause and flow by flow.

A rule that is violated is told from one that the capture cannot decide, and
from a capture that is itself too lossy, cut or empty: none of these passes.
--accept says that a condition of the capture is known and no obstacle.

The exit code is 0 if all rules hold; 1 if one is violated; 2 if a file, a rule
or the policy cannot be read; 3 if it cannot be told, or a capture is cut or
empty; 5 if a capture itself is too lossy to judge.`

func newCheck(p *program) *cobra.Command {
	var f checkFlags
	c := &cobra.Command{
		Use:   "check [flags] FILE... --policy P.toml | --baseline B.json | --require RULE",
		Short: "hold captures to rules, for CI",
		Long:  checkLong,
		RunE: func(c *cobra.Command, args []string) error {
			k, err := f.checking(args)
			if err != nil {
				return err
			}
			k.memory.hold()
			return p.check(c.Context(), k)
		},
	}
	set := c.Flags()
	set.SortFlags = false
	set.StringVar(&f.policy, "policy", "", "the rules in `FILE`, TOML")
	set.StringArrayVar(&f.require, "require", nil, "the `RULE` must hold; may be repeated")
	set.StringArrayVar(&f.failIf, "fail-if", nil, "the `RULE` must not hold; may be repeated")
	set.StringVar(&f.baseline, "baseline", "", "nothing may be worse than in `FILE`")
	set.StringVar(&f.writeBaseline, "write-baseline", "", "keep in `FILE` what the captures are like")
	set.BoolVar(&f.updateBaseline, "update-baseline", false, "compare, and take what there is now into the baseline: after review")
	set.StringArrayVar(&f.tolerance, "tolerance", nil, "how much worse is no worse: `FIGURE=SLACK`, as lost=5%+2 or all=0")
	set.StringArrayVar(&f.accept, "accept", nil, "take a capture of this `STATE` as it is: "+strings.Join(policy.Unfitness, ", "))
	set.Var(&choice{value: &f.at, what: "a place of the tap", of: tapPlaces}, "at", "the `PLACE` of the tap: sender, receiver or middle (default: inferred)")
	set.StringVarP(&f.expression, "filter", "f", "", "only packets that match `EXPRESSION`")
	set.Var(&choice{value: &f.format, what: "a format", of: checkFormats}, "format", "`FORMAT`: text, json, junit, github or markdown")
	set.BoolVar(&f.json, "json", false, "short for --format json")
	set.StringVarP(&f.output, "output", "o", "", "write to `FILE`, or every format into a folder: DIR/")
	set.StringVar(&f.junit, "junit", "", "write JUnit XML to `FILE`, too")
	set.StringVar(&f.summary, "summary", "", "append Markdown to `FILE`, too, as $GITHUB_STEP_SUMMARY")
	set.BoolVarP(&f.quiet, "quiet", "q", false, "only captures of which not all rules hold")
	set.IntVar(&f.jobs, "jobs", 0, "`N` captures at the same time (default: one per CPU); the result is the same as long as no limit is reached")
	set.Var(&f.memory, "max-memory", maxMemoryHelp)
	_ = c.RegisterFlagCompletionFunc("format", words(checkFormats))
	_ = c.RegisterFlagCompletionFunc("at", words(tapPlaces))
	_ = c.RegisterFlagCompletionFunc("accept", words(policy.Unfitness))
	_ = c.RegisterFlagCompletionFunc("policy", extension("toml"))
	_ = c.RegisterFlagCompletionFunc("baseline", extension("json"))
	return c
}

// extension completes a flag with files of one kind.
func extension(ext string) cobra.CompletionFunc {
	return cobra.FixedCompletions([]string{ext}, cobra.ShellCompDirectiveFilterFileExt)
}

// checking turns the command line into what is to be done.
func (f *checkFlags) checking(args []string) (*checking, error) {
	k := &checking{checkFlags: *f, paths: args, Policy: &policy.Policy{Tolerance: policy.DefaultTolerance()}}
	if len(args) == 0 {
		return nil, &usageError{"check", "name a capture", "`whydrop check traces/*.pcapng --policy policy.toml`"}
	}
	if n := slices.Index(args, "-"); n >= 0 && slices.Contains(args[n+1:], "-") {
		return nil, &usageError{"check", "standard input can be read only once", ""}
	}
	if f.json {
		if f.format != "" && f.format != "json" {
			return nil, &usageError{"--json", "contradicts --format " + f.format, ""}
		}
		k.format = "json"
	}
	if f.jobs < 0 {
		return nil, &usageError{"--jobs", "cannot be negative", ""}
	}
	for _, step := range []func() error{k.readPolicy, k.readRules, k.readTolerances, k.readBaseline} {
		if err := step(); err != nil {
			return nil, policyError(err)
		}
	}
	rules := len(k.Rules) + len(k.RunRules)
	for i := range k.Patterns {
		rules += len(k.Patterns[i].Rules)
	}
	if rules == 0 && k.was == nil && k.writeBaseline == "" {
		return nil, &usageError{"check", "there is no rule",
			"one on the command line, a policy, or a baseline:\n`whydrop check " + quoted(args) + " --require 'ledger.lost_rate < 0.1%'`"}
	}
	return k, nil
}

func (k *checking) readPolicy() error {
	if k.policy == "" {
		return nil
	}
	octets, err := os.ReadFile(k.policy)
	if err != nil {
		return &usageError{"--policy " + k.policy, reason(err), ""}
	}
	p, err := policy.Read(k.policy, octets)
	if err != nil {
		return err
	}
	k.Policy = p
	if k.baseline == "" {
		k.baseline = p.Baseline
	}
	return nil
}

// readRules takes those of the command line.
func (k *checking) readRules() error {
	for i, text := range slices.Concat(k.require, k.failIf) {
		e, err := policy.Parse(text)
		if err != nil {
			return err
		}
		r := policy.Rule{Expr: e, FailIf: i >= len(k.require), Source: "--require"}
		if r.FailIf {
			r.Source = "--fail-if"
		}
		k.Rules = append(k.Rules, r)
	}
	for _, state := range k.accept {
		if !slices.Contains(policy.Unfitness, state) {
			return unknownWord("--accept", "no condition of a capture", state, policy.Unfitness)
		}
	}
	k.Accept = append(k.Accept, k.accept...)
	return nil
}

func (k *checking) readTolerances() error {
	given := map[string]string{}
	for _, t := range k.tolerance {
		name, slack, ok := strings.Cut(t, "=")
		if !ok {
			return &usageError{"--tolerance " + t, "is no FIGURE=SLACK", "`--tolerance lost=5%+2`"}
		}
		given[strings.TrimSpace(name)] = slack
	}
	return k.Tolerance.SetAll(given)
}

func (k *checking) readBaseline() error {
	k.keeps = k.writeBaseline != "" || k.updateBaseline || k.baseline != ""
	if k.baseline == "" {
		if k.updateBaseline {
			return &usageError{"--update-baseline", "needs --baseline FILE", ""}
		}
		return nil
	}
	if k.writeBaseline != "" {
		return &usageError{"check", "--baseline compares and --write-baseline begins anew", "to compare and keep what there is now: `--update-baseline`"}
	}
	octets, err := os.ReadFile(k.baseline)
	if err != nil {
		return &usageError{"--baseline " + k.baseline, reason(err), "make one first:\n`whydrop check " + quoted(k.paths) + " --write-baseline " + quoted([]string{k.baseline}) + "`"}
	}
	k.was, err = policy.ReadBaseline(k.baseline, octets)
	return err
}

// policyError turns an error of the policy into one of ours.
func policyError(err error) error {
	var file *policy.FileError
	var rule *policy.SyntaxError
	var tolerance *policy.ToleranceError
	switch {
	case errors.As(err, &file):
		return &usageError{file.Path, file.Why, policyHint(file.Unknown, file.Known, file.Rule)}
	case errors.As(err, &rule):
		return &usageError{"", rule.Error(), policyHint(rule.Unknown, rule.Known, rule)}
	case errors.As(err, &tolerance):
		return &usageError{"--tolerance", tolerance.Why, policyHint(tolerance.Unknown, tolerance.Known, nil)}
	}
	return err
}

// policyHint says what was probably meant, or what there is.
func policyHint(unknown string, known []string, rule *policy.SyntaxError) string {
	if rule != nil && rule.Remedy != "" {
		return "did you mean `" + rule.Remedy + "`?"
	}
	if unknown == "" || len(known) == 0 {
		return ""
	}
	if near, ok := nearest(unknown, known); ok {
		return "did you mean `" + near + "`?"
	}
	const shown = 16
	list := strings.Join(known[:min(len(known), shown)], ", ")
	if len(known) > shown {
		list += ", …"
	}
	return "there are " + list
}

// unknownWord refuses a word, and says which one was probably meant.
func unknownWord(flag, what, word string, known []string) error {
	return &usageError{flag, fmt.Sprintf("%s is called %q", what, word), policyHint(word, known, nil)}
}

// check does k, and says it.
func (p *program) check(ctx context.Context, k *checking) error {
	out, err := k.outputs(ctx, p)
	if err != nil {
		return err
	}
	defer out.abandon()
	p.interrupts.during(func() { p.note("stopping; once more to stop at once") }, out.abandon)
	put := folders(k.output, k.junit, k.summary, k.writeBaseline)
	if k.updateBaseline {
		put = append(put, folders(k.baseline)...)
	}
	p.shutIn(need{read: k.paths, folders: put, names: k.expression != ""}, false)
	files, states := p.checkFiles(ctx, k)
	run := policy.NewRun(files, k.RunRules, report.Tool{Name: "whydrop", Version: version(), Sandbox: p.sandbox})
	run.Exit = exitOf(run)
	if err := out.write(run); err != nil {
		return err
	}
	if err := p.keepBaseline(ctx, k, run, states); err != nil {
		return err
	}
	p.tellIdle(k)
	if run.Exit != exitDone {
		return outcome(run.Exit)
	}
	return nil
}

// tellIdle says which patterns of the policy matched no capture: their rules were not held.
func (p *program) tellIdle(k *checking) {
	for i := range k.Patterns {
		if !slices.ContainsFunc(k.paths, k.Patterns[i].Matches) {
			p.note("%s: no capture matches %q", k.policy, k.Patterns[i].Match)
		}
	}
}

// exitOf is the exit code of a run. What is violated is so for certain, so it counts before
// what cannot be told; of what could not be read nothing is known at all.
func exitOf(r *policy.Run) int {
	switch r.Outcome {
	case policy.Holds:
		return exitDone
	case policy.Violated:
		return exitViolated
	case policy.Unread:
		return exitUsage
	}
	for i := range r.Files {
		if f := &r.Files[i]; f.State == report.StateTooLossy && f.Unfit != "" && !f.Accepted {
			return exitTooLossy
		}
	}
	return exitIncomplete
}
