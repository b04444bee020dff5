package policy

import (
	"iter"
	"math"
	"path"
	"reflect"
	"slices"
	"strings"

	"whydrop/capture"
	"whydrop/report"
)

// A verdict of one comparison: the evidence may not decide it.
type verdict uint8

const (
	unknown verdict = iota
	yes
	no
)

func verdictOf(b bool) verdict {
	if b {
		return yes
	}
	return no
}

func (v verdict) not() verdict {
	switch v {
	case yes:
		return no
	case no:
		return yes
	}
	return unknown
}

// A value is what a part of an expression is worth: a number between two bounds, since
// what the capture could not see may be more; a word; or a verdict.
type value struct {
	lo, hi float64
	word   string
	is     verdict
	none   string // why there is no value at all, or ""
}

func exactly(n float64) value { return value{lo: n, hi: n} }

// Evidence is what rules are held against: a report, and every flow of it.
type Evidence struct {
	Report *report.Report
	Flows  iter.Seq[*report.Flow]
	Accept []string // states of the capture that count as sound
}

// A sight is an Evidence while rules are evaluated.
type sight struct {
	root  reflect.Value
	fit   fitness
	cache map[*figure]value
}

// look collects what the figures of exprs need, each flow being made once.
func look(root reflect.Value, fit fitness, flows iter.Seq[*report.Flow], exprs []*Expr) *sight {
	s := &sight{root: root, fit: fit, cache: map[*figure]value{}}
	var ofFlows []*gathering
	for _, e := range exprs {
		for _, f := range e.figures {
			if unheard(root, f) {
				s.cache[f] = value{none: "the evidence of no host is in this capture"}
				continue
			}
			g := &gathering{figure: f, fit: fit}
			if i := slices.IndexFunc(f.steps, func(s step) bool { return s.kind == allFlows }); i >= 0 {
				g.from = i
				ofFlows = append(ofFlows, g)
				continue
			}
			g.walk(root, f.steps, yes, false)
			s.cache[f] = g.value()
		}
	}
	if len(ofFlows) > 0 {
		for flow := range flows {
			v := reflect.ValueOf(flow).Elem()
			for _, g := range ofFlows {
				st := g.figure.steps[g.from]
				g.element(v, st.conds, g.figure.steps[g.from+1:], yes, flow.CannotTell && !fit.believing)
			}
		}
	}
	for _, g := range ofFlows {
		s.cache[g.figure] = g.value()
	}
	return s
}

// unheard reports whether f is of what a host said, and none said anything: that is not zero.
func unheard(root reflect.Value, f *figure) bool {
	if !strings.HasPrefix(f.text, "host.") && !strings.HasPrefix(f.text, "host[") {
		return false
	}
	r, ok := root.Interface().(report.Report)
	return ok && len(r.Host) == 0
}

// A gathering is what was found of a figure.
type gathering struct {
	figure *figure
	fit    fitness
	from   int // the step into the flows
	found  []value
	sum    value
	n      int
	blind  int // elements of which the capture does not know what they lost
	null   bool
	doubts []value // that may belong
}

// walk follows steps from v. sure says whether v is selected; untold, that losses of it are not known.
func (g *gathering) walk(v reflect.Value, steps []step, sure verdict, untold bool) {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			g.null = true
			return
		}
		v = v.Elem()
	}
	if len(steps) == 0 {
		g.take(v, sure, untold)
		return
	}
	switch st := steps[0]; st.kind {
	case intoField:
		g.walk(v.Field(st.field), steps[1:], sure, untold)
	case intoKey:
		part := v.MapIndex(reflect.ValueOf(st.key).Convert(v.Type().Key()))
		if !part.IsValid() {
			part = reflect.Zero(v.Type().Elem())
		}
		g.walk(part, steps[1:], sure, untold)
	default:
		for i := range v.Len() {
			g.element(v.Index(i), st.conds, steps[1:], sure, untold)
		}
	}
}

// element follows steps from v, if it is selected.
func (g *gathering) element(v reflect.Value, conds []*condition, steps []step, sure verdict, untold bool) {
	for _, c := range conds {
		switch c.holds(v, untold) {
		case no:
			return
		case unknown:
			sure = unknown
		}
	}
	g.walk(v, steps, sure, untold)
}

// take counts one value.
func (g *gathering) take(v reflect.Value, sure verdict, untold bool) {
	var x value
	switch g.figure.dim {
	case text:
		x.word = v.String()
	case truth:
		x.is = verdictOf(v.Bool())
	default:
		if g.figure.agg == "count" {
			x = exactly(1)
			break
		}
		n, known := number(v)
		if !known {
			g.null = true
			return
		}
		x = exactly(n * g.figure.scale)
		if untold && g.figure.about == losses && g.figure.dim != elapsed {
			g.blind++
			x.hi = unbounded(g.figure.dim)
		}
	}
	if sure != yes {
		g.doubts = append(g.doubts, x)
		return
	}
	if g.figure.agg == "sum" || g.figure.agg == "count" { // no need to keep each
		g.sum.lo, g.sum.hi, g.n = g.sum.lo+x.lo, g.sum.hi+x.hi, g.n+1
		return
	}
	g.found = append(g.found, x)
}

// unbounded is the most that a value can be.
func unbounded(d dimension) float64 {
	if d == share {
		return 1
	}
	return math.Inf(1)
}

func number(v reflect.Value) (float64, bool) {
	switch {
	case v.CanUint():
		return float64(v.Uint()), true
	case v.CanInt():
		return float64(v.Int()), true
	case v.CanFloat():
		return v.Float(), true
	}
	if c, ok := v.Interface().(capture.Counter); ok {
		n, known := c.Value()
		return float64(n), known
	}
	return 0, false
}

// value is what was found, as one.
func (g *gathering) value() value {
	f := g.figure
	var x value
	switch {
	case f.agg == "sum" || f.agg == "count":
		x = g.sum
		for _, d := range g.doubts {
			x.hi += d.hi
		}
	case len(g.found)+len(g.doubts) == 0 && g.null:
		return value{none: f.text + " is not known"}
	case len(g.found)+len(g.doubts) == 0:
		return value{none: "nothing in this capture fits " + f.selection()}
	case f.agg != "":
		x = g.ofMany()
	default:
		x = g.found[0]
	}
	if f.dim.numeric() {
		x = g.fit.bound(f, x)
	}
	return x
}

// selection is a figure up to its last condition, all of it if it has none.
func (f *figure) selection() string {
	if i := strings.LastIndexByte(f.text, ']'); i > 0 {
		return f.text[:i+1]
	}
	return f.text
}

// ofMany is min, max, mean or a percentile.
func (g *gathering) ofMany() value {
	var lows, highs []float64
	for _, x := range g.found {
		lows, highs = append(lows, x.lo), append(highs, x.hi)
	}
	x := value{lo: aggregate(g.figure.agg, lows), hi: aggregate(g.figure.agg, highs)}
	for _, d := range g.doubts { // each may be in it, or not
		with := value{
			lo: aggregate(g.figure.agg, append(slices.Clone(lows), d.lo)),
			hi: aggregate(g.figure.agg, append(slices.Clone(highs), d.hi)),
		}
		if len(g.found) == 0 {
			return value{lo: 0, hi: unbounded(g.figure.dim)}
		}
		x.lo, x.hi = min(x.lo, with.lo, d.lo), max(x.hi, with.hi, d.hi)
	}
	return x
}

func aggregate(how string, list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	switch how {
	case "min":
		return list[0]
	case "max":
		return list[len(list)-1]
	case "mean":
		sum := 0.0
		for _, x := range list {
			sum += x
		}
		return sum / float64(len(list))
	case "median":
		how = "p50"
	}
	p := 0.0
	for _, c := range strings.TrimPrefix(how, "p") {
		if c == '.' {
			return nearestRank(list, (p*10+9)/1000)
		}
		p = p*10 + float64(c-'0')
	}
	return nearestRank(list, p/100)
}

// nearestRank is the smallest value that a share p of list does not exceed.
func nearestRank(list []float64, p float64) float64 {
	i := int(math.Ceil(p*float64(len(list)))) - 1
	return list[min(max(i, 0), len(list)-1)]
}

// holds reports whether c holds of v.
func (c *condition) holds(v reflect.Value, untold bool) verdict {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return no
		}
		v = v.Elem()
	}
	if c.ends != "" {
		return verdictOf(c.ofEnds(v))
	}
	if c.op == "!=" { // of several, none is
		same := *c
		same.op = "=="
		return same.any(v, c.steps, untold).not()
	}
	return c.any(v, c.steps, untold)
}

// any reports whether c holds of one of the values that steps lead to.
func (c *condition) any(v reflect.Value, steps []step, untold bool) verdict {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return no
		}
		v = v.Elem()
	}
	if len(steps) == 0 {
		return c.one(v, untold)
	}
	switch st := steps[0]; st.kind {
	case intoField:
		return c.any(v.Field(st.field), steps[1:], untold)
	case intoKey:
		part := v.MapIndex(reflect.ValueOf(st.key).Convert(v.Type().Key()))
		if !part.IsValid() {
			part = reflect.Zero(v.Type().Elem())
		}
		return c.any(part, steps[1:], untold)
	}
	best := no
	for i := range v.Len() {
		switch c.any(v.Index(i), steps[1:], untold) {
		case yes:
			return yes
		case unknown:
			best = unknown
		}
	}
	return best
}

func (c *condition) one(v reflect.Value, untold bool) verdict {
	switch {
	case c.lit.dim == truth:
		return verdictOf((v.Bool() == (c.lit.word == "true")) == (c.op == "=="))
	case c.order != nil:
		at, wanted := slices.Index(c.order, v.String()), slices.Index(c.order, c.lit.word)
		if wanted >= 0 {
			return compareNumbers(c.op, exactly(float64(at)), exactly(float64(wanted)))
		}
	}
	if c.lit.dim == text {
		ok, _ := path.Match(c.lit.word, v.String())
		return verdictOf((ok || v.String() == c.lit.word) == (c.op == "=="))
	}
	n, known := number(v)
	if !known {
		return unknown
	}
	x := exactly(n * c.scale)
	if untold && c.about == losses {
		x.hi = unbounded(c.lit.dim)
	}
	return compareNumbers(c.op, x, exactly(c.lit.n))
}
