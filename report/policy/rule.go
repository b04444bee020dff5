package policy

import (
	"math"
	"reflect"
	"slices"

	"whydrop/report"
)

// Outcomes of a rule, of a capture, and of a run.
const (
	Holds     = "holds"
	Violated  = "violated"
	Undecided = "cannot-tell" // the evidence does not decide it
	Unfit     = "unfit"       // the capture is too lossy, cut or empty
	Unread    = "unread"      // the file could not be read
)

// A Rule is a requirement, or what must not be.
type Rule struct {
	Expr   *Expr
	FailIf bool   // violated if the expression holds, not if it fails
	Source string // where it was written
}

// Text is the rule as it is shown.
func (r *Rule) Text() string {
	if r.FailIf {
		return "fail-if " + r.Expr.String()
	}
	return r.Expr.String()
}

// A Finding is what became of one rule, or of one comparison with the baseline.
type Finding struct {
	Rule    string   `json:"rule"`
	Kind    string   `json:"kind" jsonschema:"enum=require,enum=fail-if,enum=baseline"`
	Outcome string   `json:"outcome" jsonschema:"enum=holds,enum=violated,enum=cannot-tell,enum=unfit"`
	Actual  []Actual `json:"actual"`
	Why     string   `json:"why"` // what it cannot be told for, or what else there is to say
	Source  string   `json:"source"`
}

// Actual is what a figure of a rule is. Low and High are the bounds between which it lies as
// far as the capture tells, null where there is none; times are in ms, shares of 1.
type Actual struct {
	Figure string   `json:"figure"`
	Value  string   `json:"value"`
	Low    *float64 `json:"low" jsonschema:"nullable"`
	High   *float64 `json:"high" jsonschema:"nullable"`
}

// Judge holds rules against the evidence of one capture, in order.
func Judge(rules []Rule, e Evidence) []Finding {
	return judge(rules, reflect.ValueOf(e.Report).Elem(), fitnessOf(e.Report, e.Accept), e)
}

// JudgeTotals holds rules against a whole run. Files that were not fit leave open what they lost.
func JudgeTotals(rules []Rule, t *Totals) []Finding {
	fit := fitness{packets: t.Packets}
	if t.Unsure > 0 {
		fit.blind, fit.why = true, counted(t.Unsure, "file")+" cannot be judged"
	}
	return judge(rules, reflect.ValueOf(t).Elem(), fit, Evidence{})
}

func judge(rules []Rule, root reflect.Value, fit fitness, e Evidence) []Finding {
	exprs := make([]*Expr, len(rules))
	for i := range rules {
		exprs[i] = rules[i].Expr
	}
	s := look(root, fit, e.Flows, exprs)
	findings := make([]Finding, 0, len(rules))
	for i := range rules {
		findings = append(findings, s.judge(&rules[i]))
	}
	return findings
}

func (s *sight) judge(r *Rule) Finding {
	f := Finding{Rule: r.Text(), Kind: "require", Source: r.Source, Actual: []Actual{}}
	v := r.Expr.root.eval(s)
	is := v.is
	if r.FailIf {
		f.Kind, is = "fail-if", is.not()
	}
	for i, fig := range r.Expr.figures {
		if !slices.ContainsFunc(r.Expr.figures[:i], func(g *figure) bool { return g.text == fig.text }) {
			f.Actual = append(f.Actual, actual(fig, s.cache[fig]))
		}
	}
	switch is {
	case yes:
		f.Outcome = Holds
	case no:
		f.Outcome = Violated
	default:
		f.Outcome, f.Why = Undecided, s.why(r.Expr, v)
		if s.fit.code == TooLossy || s.fit.code == Truncated || s.fit.code == Empty {
			f.Outcome = Unfit
		}
	}
	return f
}

// why says what leaves an expression open.
func (s *sight) why(e *Expr, v value) string {
	switch {
	case v.none != "":
		return v.none
	case s.fit.why != "":
		return s.fit.why
	case s.fit.unexplained > 0:
		return counted(s.fit.unexplained, "packet") + " may be lost, too: the evidence fits two stories"
	}
	for _, f := range e.figures {
		if s.cache[f].lo != s.cache[f].hi {
			return "what flows of " + f.text + " lost is not known"
		}
	}
	return "the evidence does not decide it"
}

func actual(f *figure, v value) Actual {
	a := Actual{Figure: f.text, Value: shown(f, v)}
	if v.none == "" && f.dim.numeric() {
		lo, hi := tidy(v.lo), tidy(v.hi)
		a.Low = &lo
		if !math.IsInf(hi, 1) {
			a.High = &hi
		}
	}
	return a
}

// tidy rounds away what binary fractions add.
func tidy(x float64) float64 {
	if math.IsInf(x, 0) {
		return x
	}
	return math.Round(x*1e9) / 1e9
}

// stateOutcome is what the state of a capture alone makes of it.
func stateOutcome(r *report.Report, accept []string) (outcome, why string) {
	switch f := fitnessOf(r, accept); f.code {
	case "":
		return Holds, ""
	case CannotTell:
		return Undecided, f.why
	default:
		return Unfit, f.why
	}
}
