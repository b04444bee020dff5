package policy

import (
	"reflect"
	"slices"
	"strings"

	"whydrop/capture"
	"whydrop/report"
)

// A figure is a number, a word or a truth of the report, named by its path.
type figure struct {
	text  string // the path, spelled one way
	steps []step
	agg   string // how many values become one, or ""
	dim   dimension
	scale float64  // what it is multiplied with to be of its dimension
	words []string // of a word: those that are possible; nil = any
	about subject
	lists bool // there are many of it
}

// A step leads from a value to a part of it.
type step struct {
	kind  stepKind
	field int    // of a struct
	key   string // of a map
	conds []*condition
}

type stepKind uint8

const (
	intoField stepKind = iota
	intoKey
	each     // of a list
	allFlows // of the capture, not only the first of them
)

// A subject says what a figure tells of, and so how far it can be believed.
type subject uint8

const (
	theCapture subject = iota // the capture itself: known whatever the capture is worth
	seen                      // what passed at the tap
	losses                    // what did not: concluded
)

// subjects are those of the report's parts; what is not named is of the capture.
var subjects = map[string]subject{
	"checksums": seen, "symptoms": seen, "stalls": seen, "flows": seen, "host": seen,
	"ledger": losses, "events": losses, "causes": losses, "conclusions": losses,
	"packets": seen, "duration_s": seen, "innocent": seen, "unexplained": losses, "groups": losses,
	"lost": losses, "lost_rate": losses, "loss_rate": losses, "missing": losses, "by_cause": losses, "by_locus": losses,
	"files": theCapture, "unread": theCapture, "unsure": theCapture, "violated": theCapture, // of Totals
	"capture_only": theCapture, "longest_stalls": seen, "directions": seen,
}

var (
	flowsType   = reflect.TypeFor[report.Flows]()
	flowType    = reflect.TypeFor[report.Flow]()
	reportType  = reflect.TypeFor[report.Report]()
	counterType = reflect.TypeFor[capture.Counter]()
)

// A resolver follows the steps of a path through the types of the report.
type resolver struct {
	*parser
	f     *figure
	typ   reflect.Type
	names []string // of the path, without conditions
	done  bool     // the path has ended in an aggregate
}

// figure reads a path and finds what it names.
func (p *parser) figure() *figure {
	r := &resolver{parser: p, f: &figure{scale: 1}, typ: p.root}
	if p.root != reportType {
		r.f.about = losses
	}
	for {
		start := p.at
		name := p.name()
		r.step(name, start)
		if p.at < len(p.text) && p.text[p.at] == '[' {
			r.selection()
		}
		if p.at >= len(p.text) || p.text[p.at] != '.' {
			break
		}
		p.at++
	}
	r.finish()
	return r.f
}

func (p *parser) name() string {
	start := p.at
	for p.at < len(p.text) && nameByte(p.text[p.at]) {
		p.at++
	}
	if p.at == start {
		p.fail("a name is missing before %q", p.rest())
	}
	return p.text[start:p.at]
}

// unknownName fails with the names there are.
func (p *parser) unknownName(name string, start int, within string, known []string) {
	e := &SyntaxError{Text: p.text, At: start, Unknown: name, Known: known, Why: "no figure is called " + quotedWord(name)}
	if within != "" {
		e.Why = within + " has no " + quotedWord(name)
	}
	panic(e)
}

func (r *resolver) path() string { return strings.Join(r.names, ".") }

// step goes on by name.
func (r *resolver) step(name string, start int) {
	if r.done {
		r.fail("nothing can follow %s", r.path())
	}
	r.implied(name)
	if r.f.lists && !r.hasName(name) && r.aggregate(name) {
		return
	}
	switch r.typ.Kind() {
	case reflect.Struct:
		r.intoField(name, start)
	case reflect.Map:
		r.intoKey(name, start)
	default:
		r.unknownName(name, start, r.path(), r.endings())
	}
	r.names = append(r.names, name)
	r.f.text = joined(r.f.text, name)
}

// endings are what may follow a value.
func (r *resolver) endings() []string {
	if r.f.lists {
		return aggregates
	}
	return nil
}

func joined(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// implied enters a list whose elements are meant without a condition.
func (r *resolver) implied(name string) {
	r.typ = plainType(r.typ)
	if k := r.typ.Kind(); k != reflect.Slice && k != reflect.Array {
		return
	}
	r.f.lists = true
	if !isAggregate(name) || hasField(r.typ.Elem(), name) {
		r.enter(nil)
	}
}

// enter goes into the elements of a list.
func (r *resolver) enter(conds []*condition) {
	kind := each
	if r.typ == flowsType {
		kind, r.typ = allFlows, flowType
	} else {
		r.typ = plainType(r.typ.Elem())
	}
	r.f.lists = true
	r.f.steps = append(r.f.steps, step{kind: kind, conds: conds})
}

// plainType is typ without pointers.
func plainType(typ reflect.Type) reflect.Type {
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	return typ
}

func (r *resolver) hasName(name string) bool {
	return r.typ.Kind() == reflect.Map || hasField(r.typ, name)
}

func (r *resolver) intoField(name string, start int) {
	if r.typ == counterType {
		r.unknownName(name, start, r.path(), r.endings())
	}
	if r.typ == reportType && name == "charges" { // short for ledger.charges
		r.descend("ledger", start)
	}
	r.descend(name, start)
	r.typ = plainType(r.typ)
}

func (r *resolver) descend(name string, start int) {
	i := fieldNamed(r.typ, name)
	if i < 0 {
		if r.typ == flowsType && hasField(flowType, name) {
			panic(&SyntaxError{Text: r.text, At: start, Why: "flows." + name + " is of each flow", Remedy: "flows[]." + name})
		}
		r.unknownName(name, start, r.path(), fieldNames(r.typ))
	}
	if about, ok := subjects[name]; ok {
		r.f.about = about
	}
	r.f.steps = append(r.f.steps, step{kind: intoField, field: i})
	field := r.typ.Field(i)
	r.typ = field.Type
	r.f.words = wordsOfField(r.path(), name, field)
	r.f.scale = scaleOf(name)
}

func (r *resolver) intoKey(name string, start int) {
	if known := keysOf(r.names); known != nil && !slices.Contains(known, name) && !numbered(name) {
		r.unknownName(name, start, r.path(), known)
	}
	r.f.steps = append(r.f.steps, step{kind: intoKey, key: name})
	r.typ = plainType(r.typ.Elem())
}

// selection reads the conditions on a list.
func (r *resolver) selection() {
	r.at++
	if k := r.typ.Kind(); r.typ != flowsType && (k != reflect.Slice && k != reflect.Array || plainType(r.typ.Elem()).Kind() != reflect.Struct) {
		r.fail("%s is no list to select from", r.path())
	}
	conds, elem := []*condition{}, flowType
	if r.typ != flowsType {
		elem = plainType(r.typ.Elem())
	}
	for first := true; !r.sign("]"); first = false {
		if !first && !r.sign(",") {
			r.fail("a , or ] is missing before %q", r.rest())
		}
		conds = append(conds, r.condition(elem))
	}
	parts := make([]string, len(conds))
	for i, c := range conds {
		parts[i] = c.text
	}
	r.enter(conds)
	r.f.text += "[" + strings.Join(parts, ", ") + "]"
}

// finish decides what the figure is.
func (r *resolver) finish() {
	f := r.f
	if r.done {
		return
	}
	r.typ = plainType(r.typ)
	if dim, ok := leaf(r.typ, r.names[len(r.names)-1]); ok {
		f.dim = dim
	} else {
		r.fail("%s is more than one figure: go on, as in %s.%s", f.text, f.text, r.example())
	}
	switch {
	case !f.lists:
	case f.dim == count:
		f.agg = "sum"
	case f.dim.numeric():
		r.fail("%s is there once for each: say which, as in %s.max or %s.p99", f.text, f.text, f.text)
	default:
		r.fail("%s is there once for each: select by it, and count", f.text)
	}
}

// example is a name that may follow.
func (r *resolver) example() string {
	switch r.typ.Kind() {
	case reflect.Map:
		if known := keysOf(r.names); len(known) > 0 {
			return known[0]
		}
	case reflect.Slice, reflect.Array:
		return "count"
	default:
		if names := fieldNames(r.typ); len(names) > 0 {
			if slices.Contains(names, "lost") {
				return "lost"
			}
			if r.f.lists && slices.Contains(names, "packets") {
				return "packets"
			}
			return names[0]
		}
	}
	return "total"
}

// leaf is the dimension of a value of typ that is called name.
func leaf(typ reflect.Type, name string) (dimension, bool) {
	switch k := typ.Kind(); {
	case typ == counterType:
		return count, true
	case k == reflect.Bool:
		return truth, true
	case k == reflect.String:
		return text, true
	case k < reflect.Int || k > reflect.Float64:
		return 0, false
	}
	switch {
	case strings.HasSuffix(name, "_rate"), name == "share":
		return share, true
	case strings.HasSuffix(name, "_ms"), strings.HasSuffix(name, "_s"), slices.Contains([]string{"ms", "min", "median", "max"}, name):
		return elapsed, true
	}
	return count, true
}

// scaleOf is what turns a field into its dimension: times are in ms.
func scaleOf(name string) float64 {
	if strings.HasSuffix(name, "_s") {
		return 1000
	}
	return 1
}
