package policy

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"whydrop/report"
)

// Bounds of an expression: it may come from a file of somebody else.
const (
	maxText    = 4096 // octets
	maxNesting = 64   // brackets and not
)

// A SyntaxError is an expression that cannot be understood.
type SyntaxError struct {
	Text    string
	At      int      // octets before the place
	Why     string   // what is wrong there
	Unknown string   // the name that is not known, or ""
	Known   []string // those that are
	Remedy  string   // what to write instead, or ""
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("rule %q: %s", e.Text, e.Why) }

// Parse understands a rule about one capture.
func Parse(text string) (*Expr, error) { return parse(text, reflect.TypeFor[report.Report]()) }

// ParseTotal understands a rule about a run of check as a whole: its names are those of Totals.
func ParseTotal(text string) (*Expr, error) { return parse(text, reflect.TypeFor[Totals]()) }

func parse(text string, root reflect.Type) (e *Expr, err error) {
	if len(text) > maxText {
		return nil, &SyntaxError{Text: text[:40] + "…", Why: fmt.Sprintf("is longer than %d characters", maxText)}
	}
	p := &parser{text: text, root: root, expr: &Expr{}}
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *SyntaxError:
			e, err = nil, r
		default:
			panic(r)
		}
	}()
	n := p.or()
	p.blanks()
	if p.at < len(text) {
		p.fail("%q was not expected here", p.rest())
	}
	if n.dimension() != truth {
		p.fail("%s is %s, and no rule: compare it with something, as in %s < 10", n, n.dimension(), n)
	}
	p.expr.root = n
	return p.expr, nil
}

// A parser reads an expression from left to right. It fails by panicking with a *SyntaxError.
type parser struct {
	text  string
	at    int
	depth int
	root  reflect.Type
	expr  *Expr
}

func (p *parser) fail(format string, args ...any) {
	panic(&SyntaxError{Text: p.text, At: p.at, Why: fmt.Sprintf(format, args...)})
}

// rest is the beginning of what has not been read.
func (p *parser) rest() string {
	const shown = 24
	r := []rune(p.text[p.at:])
	return string(r[:min(len(r), shown)])
}

func (p *parser) blanks() {
	for p.at < len(p.text) && strings.IndexByte(" \t\n\r", p.text[p.at]) >= 0 {
		p.at++
	}
}

// sign takes s, if it stands here.
func (p *parser) sign(s string) bool {
	p.blanks()
	if !strings.HasPrefix(p.text[p.at:], s) {
		return false
	}
	p.at += len(s)
	return true
}

// keyword takes the word s, if it stands here and ends here.
func (p *parser) keyword(s string) bool {
	p.blanks()
	rest := p.text[p.at:]
	if !strings.HasPrefix(rest, s) || len(rest) > len(s) && nameByte(rest[len(s)]) {
		return false
	}
	p.at += len(s)
	return true
}

func (p *parser) deeper() func() {
	if p.depth++; p.depth > maxNesting {
		p.fail("brackets are nested too deep")
	}
	return func() { p.depth-- }
}

func (p *parser) or() node { return p.logic(true, "or", p.and) }

func (p *parser) and() node { return p.logic(false, "and", p.not) }

func (p *parser) logic(or bool, word string, part func() node) node {
	list := []node{part()}
	for p.keyword(word) {
		list = append(list, part())
	}
	if len(list) == 1 {
		return list[0]
	}
	for _, n := range list {
		if n.dimension() != truth {
			p.fail("%s is %s: %s joins rules", n, n.dimension(), word)
		}
	}
	return &logic{or, list}
}

func (p *parser) not() node {
	if !p.keyword("not") {
		return p.comparison()
	}
	defer p.deeper()()
	n := p.not()
	if n.dimension() != truth {
		p.fail("%s is %s: not goes with a rule", n, n.dimension())
	}
	return &negation{n}
}

func (p *parser) comparison() node {
	left := p.sum()
	op := p.operator()
	if op == "" {
		return left
	}
	right := p.rightOf(left)
	if next := p.operator(); next != "" {
		p.fail("two comparisons in one: join them with and")
	}
	p.wordsOf(left, right)
	p.wordsOf(right, left)
	if err := comparableWith(left, right, op); err != nil {
		p.fail("%s", err)
	}
	return &comparison{op, left, right}
}

// rightOf reads what left is compared with: a word needs no quotes there.
func (p *parser) rightOf(left node) node {
	p.blanks()
	if left.dimension() != text || p.at >= len(p.text) || !nameStart(p.text[p.at]) {
		return p.sum()
	}
	word := p.name()
	return &literal{text: quotedWord(word), dim: text, word: word}
}

// wordsOf refuses a word that the figure beside it can never be.
func (p *parser) wordsOf(n, beside node) {
	f, ok := n.(*figure)
	word, isWord := beside.(*literal)
	if ok && isWord && f.words != nil && word.dim == text && !slices.Contains(f.words, word.word) {
		p.unknownName(word.word, p.at, f.text, f.words)
	}
}

// operator takes a comparison, spelled one way.
func (p *parser) operator() string {
	for _, op := range []string{"<=", ">=", "==", "!=", "<", ">", "="} {
		if p.sign(op) {
			if op == "=" {
				return "=="
			}
			return op
		}
	}
	return ""
}

func (p *parser) sum() node {
	return p.chain("+-", func() node { return p.chain("*/", p.operand) })
}

func (p *parser) chain(ops string, part func() node) node {
	n := part()
	for p.blanks(); p.at < len(p.text) && strings.IndexByte(ops, p.text[p.at]) >= 0; p.blanks() {
		op := p.text[p.at]
		p.at++
		right := part()
		dim, err := combined(op, n, right)
		if err != nil {
			p.fail("%s", err)
		}
		n = &arithmetic{op, n, right, dim}
	}
	return n
}

func (p *parser) operand() node {
	p.blanks()
	if p.at == len(p.text) {
		p.fail("it ends where something is to follow")
	}
	switch c := p.text[p.at]; {
	case c == '(':
		defer p.deeper()()
		p.at++
		n := p.or()
		if !p.sign(")") {
			p.fail("a ) is missing")
		}
		return n
	case c == '"' || c == '\'':
		word := p.quoted(c)
		return &literal{text: quotedWord(word), dim: text, word: word}
	case c >= '0' && c <= '9' || c == '.':
		return p.number()
	case nameStart(c):
		f := p.figure()
		p.expr.figures = append(p.expr.figures, f)
		return f
	}
	p.fail("%q was not expected here", p.rest())
	return nil
}

// quoted reads a word between two marks.
func (p *parser) quoted(mark byte) string {
	var b strings.Builder
	for p.at++; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; {
		case c == mark:
			p.at++
			return b.String()
		case c == '\\' && p.at+1 < len(p.text):
			p.at++
			b.WriteByte(p.text[p.at])
		default:
			b.WriteByte(c)
		}
	}
	p.fail("a closing %c is missing", mark)
	return ""
}

// number reads a number and its unit.
func (p *parser) number() *literal {
	start := p.at
	for p.at < len(p.text) && (p.text[p.at] >= '0' && p.text[p.at] <= '9' || p.text[p.at] == '.' || p.text[p.at] == '_') {
		p.at++
	}
	digits := p.text[start:p.at]
	n, err := strconv.ParseFloat(strings.ReplaceAll(digits, "_", ""), 64)
	if err != nil || math.IsInf(n, 0) {
		p.fail("%q is no number", digits)
	}
	l := &literal{n: n, dim: pure, text: strconv.FormatFloat(n, 'f', -1, 64)}
	unit := p.unit()
	if unit == "" {
		return l
	}
	u, ok := units[unit]
	if !ok {
		p.fail("%q is no unit: there are %s", unit, unitList)
	}
	l.n, l.dim = n*u.factor, u.dim
	l.text += unit
	return l
}

// unit takes what stands behind a number: letters at once, % also behind blanks.
func (p *parser) unit() string {
	start := p.at
	if p.sign("%") {
		return "%"
	}
	p.at = start
	for p.at < len(p.text) && nameStart(p.text[p.at]) {
		p.at++
	}
	if p.at > start {
		return p.text[start:p.at]
	}
	p.blanks() // "200 ms", unless it is a word of the language
	word := p.at
	for p.at < len(p.text) && nameStart(p.text[p.at]) {
		p.at++
	}
	if _, ok := units[p.text[word:p.at]]; ok {
		return p.text[word:p.at]
	}
	p.at = start
	return ""
}

func nameStart(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }

func nameByte(c byte) bool { return nameStart(c) || c >= '0' && c <= '9' || c == '-' }
