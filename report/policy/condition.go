package policy

import (
	"net/netip"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A condition selects elements of a list.
type condition struct {
	text  string
	steps []step
	op    string
	lit   literal  // what is compared with
	order []string // of words that have one: confidence
	about subject
	scale float64
	ends  string // "port" or "address": either end of a flow or charge
	net   netip.Prefix
}

// byConfidence is the order of confidences.
var byConfidence = []string{"possible", "likely", "certain"}

// condition reads one, about elements of typ.
func (p *parser) condition(typ reflect.Type) *condition {
	p.blanks()
	start := p.at
	c := &condition{}
	name := p.name()
	if (name == "port" || name == "address") && !hasField(typ, name) {
		if !hasField(typ, "src") && !hasField(typ, "originator") {
			p.unknownName(name, start, "what is selected from", fieldNames(typ))
		}
		c.ends, c.lit.dim = name, text
		if name == "port" {
			c.lit.dim = count
		}
		p.conditionValue(c, name, nil)
		return c
	}
	p.at = start
	sub := &resolver{parser: p, f: &figure{scale: 1}, typ: typ}
	for {
		at := p.at
		name = p.name()
		if sub.implied(name); sub.typ.Kind() == reflect.Struct && sub.typ != counterType && !hasField(sub.typ, name) {
			known := fieldNames(sub.typ)
			if len(sub.names) == 0 && hasField(typ, "src") || hasField(typ, "originator") {
				known = append(known, "port", "address")
			}
			p.unknownName(name, at, "what is selected from", known)
		}
		sub.step(name, at)
		if p.at >= len(p.text) || p.text[p.at] != '.' {
			break
		}
		p.at++
	}
	if k := plainType(sub.typ).Kind(); k == reflect.Slice { // of words: any of them
		sub.enter(nil)
	}
	dim, ok := leaf(plainType(sub.typ), name)
	if !ok {
		p.fail("%s is more than one figure", sub.f.text)
	}
	c.steps, c.scale, c.lit.dim = sub.f.steps, sub.f.scale, dim
	if about, ok := subjects[name]; ok {
		c.about = about
	}
	if slices.Equal(sorted(sub.f.words), sorted(byConfidence)) {
		c.order = byConfidence
	}
	p.conditionValue(c, sub.f.text, sub.f.words)
	return c
}

func sorted(words []string) []string { return slices.Sorted(slices.Values(words)) }

var bareWord = regexp.MustCompile(`^[A-Za-z0-9_.:/*%@+-]+$`)

// conditionValue reads operator and value, and checks that they fit the field.
func (p *parser) conditionValue(c *condition, name string, words []string) {
	if c.op = p.operator(); c.op == "" {
		p.fail("a comparison is missing after %s, as in %s=…", name, name)
	}
	p.blanks()
	start, bare := p.at, true
	value := ""
	if p.at < len(p.text) && (p.text[p.at] == '"' || p.text[p.at] == '\'') {
		value, bare = p.quoted(p.text[p.at]), false
	} else {
		for p.at < len(p.text) && p.text[p.at] != ',' && p.text[p.at] != ']' {
			p.at++
		}
		value = strings.TrimSpace(p.text[start:p.at])
	}
	shown := value
	switch {
	case bare && value == "":
		p.fail("a value is missing after %s%s", name, c.op)
	case c.lit.dim == text:
		if bare && !bareWord.MatchString(value) {
			p.fail("%q needs quotes", value)
		}
		if !bareWord.MatchString(value) || !bare && value == "" {
			shown = quotedWord(value)
		}
		p.conditionWord(c, name, value, start, words)
	case c.lit.dim == truth:
		if value != "true" && value != "false" || c.op != "==" && c.op != "!=" {
			p.fail("%s is true or false", name)
		}
		c.lit.word = value
	default:
		shown = p.conditionNumber(c, name, start, bare)
	}
	c.text = name + strings.TrimPrefix(c.op, "=") + shown
}

// conditionWord checks a word against those that are possible.
func (p *parser) conditionWord(c *condition, name, value string, start int, words []string) {
	c.lit.word = value
	if c.op != "==" && c.op != "!=" && c.order == nil {
		p.fail("%s is a word: only = and != go with it", name)
	}
	if c.ends == "address" {
		prefix, err := netip.ParsePrefix(value)
		if err != nil {
			address, wrong := netip.ParseAddr(value)
			if wrong != nil {
				p.fail("%q is no address, and no prefix such as 10.0.0.0/8", value)
			}
			prefix = netip.PrefixFrom(address, address.BitLen())
		}
		c.net = prefix
		return
	}
	if _, err := path.Match(value, ""); err != nil {
		p.fail("%q is no pattern", value)
	}
	if words == nil || numbered(value) {
		return
	}
	for _, w := range words {
		if ok, _ := path.Match(value, w); ok {
			return
		}
	}
	p.at = start
	p.unknownName(value, start, name, words)
}

// conditionNumber reads the value again as a number with its unit.
func (p *parser) conditionNumber(c *condition, name string, start int, bare bool) string {
	end := p.at
	p.at = start
	if !bare || p.text[start] < '0' || p.text[start] > '9' {
		p.fail("%s is %s, and no word", name, c.lit.dim)
	}
	n := p.number()
	if strings.TrimSpace(p.text[p.at:end]) != "" {
		p.fail("%q was not expected here", p.rest())
	}
	p.at = end
	field := &literal{text: name, dim: c.lit.dim}
	if err := comparableWith(field, n, c.op); err != nil {
		p.fail("%s", err)
	}
	c.lit.n = n.n
	return n.text
}

// ofEnds reports whether either end of an element is the one that c wants.
func (c *condition) ofEnds(v reflect.Value) bool {
	any := false
	for _, name := range [2][2]string{{"originator", "responder"}, {"src", "dst"}} {
		for _, end := range name {
			i := fieldNamed(v.Type(), end)
			if i < 0 {
				continue
			}
			any = any || c.ofEnd(v.Field(i).String())
		}
	}
	if c.op == "!=" {
		return !any
	}
	return any
}

// ofEnd compares one end, ADDRESS:PORT or an address alone.
func (c *condition) ofEnd(s string) bool {
	address, port := s, uint16(0)
	if both, err := netip.ParseAddrPort(s); err == nil {
		address, port = both.Addr().String(), both.Port()
	}
	if c.ends == "address" {
		a, err := netip.ParseAddr(strings.Trim(address, "[]"))
		return err == nil && c.net.Contains(a.WithZone(""))
	}
	op := c.op
	if op == "!=" {
		op = "=="
	}
	n, _ := strconv.ParseFloat(strconv.Itoa(int(port)), 64)
	return compareNumbers(op, value{lo: n, hi: n}, value{lo: c.lit.n, hi: c.lit.n}) == yes
}
