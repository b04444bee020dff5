// Package policy holds captures to rules: is a figure of the report what it ought to be,
// and is it worse than it was? It is what `whydrop check` runs on.
//
// A rule is an expression over the report, as --format json writes it:
//
//	or         = and { "or" and }
//	and        = not { "and" not }
//	not        = "not" not | comparison
//	comparison = sum [ ( "<" | "<=" | ">" | ">=" | "==" | "=" | "!=" ) sum ]
//	sum        = product { ( "+" | "-" ) product }
//	product    = operand { ( "*" | "/" ) operand }
//	operand    = "(" or ")" | number [ unit ] | "text" | figure
//	figure     = step { "." step }
//	step       = name [ "[" [ condition { "," condition } ] "]" ]
//	condition  = name { "." name } ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) value
//
// Units are % of shares; us, ms, s and min of times; k, M and G of counts. A name may
// hold hyphens, so a minus stands between blanks. Each figure has a dimension, and what
// cannot be compared is an error, as is every name that the report does not have: a rule
// that can never fail is worse than none.
package policy

import "strings"

// An Expr is a rule's expression, parsed and resolved.
type Expr struct {
	root    node
	figures []*figure // in the order in which they stand
}

// String is the expression, spelled one way.
func (e *Expr) String() string { return e.root.String() }

// A node is a part of an expression.
type node interface {
	String() string
	dimension() dimension
	eval(*sight) value
}

type (
	logic struct { // and, or
		or   bool
		list []node
	}
	negation   struct{ of node }
	comparison struct {
		op          string
		left, right node
	}
	arithmetic struct {
		op          byte
		left, right node
		dim         dimension
	}
	literal struct {
		text string // as written
		n    float64
		dim  dimension
		word string // of dimension text
	}
)

func (l *logic) dimension() dimension      { return truth }
func (n *negation) dimension() dimension   { return truth }
func (c *comparison) dimension() dimension { return truth }
func (a *arithmetic) dimension() dimension { return a.dim }
func (l *literal) dimension() dimension    { return l.dim }

func (l *logic) String() string {
	word, parts := " and ", make([]string, len(l.list))
	if l.or {
		word = " or "
	}
	for i, n := range l.list {
		parts[i] = n.String()
		if inner, ok := n.(*logic); ok && inner.or != l.or {
			parts[i] = "(" + parts[i] + ")"
		}
	}
	return strings.Join(parts, word)
}

func (n *negation) String() string {
	if _, ok := n.of.(*logic); ok {
		return "not (" + n.of.String() + ")"
	}
	return "not " + n.of.String()
}

func (c *comparison) String() string {
	return bracketed(c.left) + " " + c.op + " " + bracketed(c.right)
}

func (a *arithmetic) String() string {
	left, right := bracketed(a.left), bracketed(a.right)
	if product(a.op) && sumOf(a.left) {
		left = "(" + left + ")"
	}
	if r, ok := a.right.(*arithmetic); ok && (product(a.op) || !product(r.op)) {
		right = "(" + right + ")"
	}
	return left + " " + string(a.op) + " " + right
}

func (l *literal) String() string { return l.text }

// bracketed is n as an operand: what is true or false needs brackets there.
func bracketed(n node) string {
	switch n.(type) {
	case *logic, *negation, *comparison:
		return "(" + n.String() + ")"
	}
	return n.String()
}

func product(op byte) bool { return op == '*' || op == '/' }

func sumOf(n node) bool {
	a, ok := n.(*arithmetic)
	return ok && !product(a.op)
}
