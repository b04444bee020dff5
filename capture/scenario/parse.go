package scenario

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"

	"whydrop/capture"
)

// Parse reads a scenario. name is for messages only.
func Parse(name string, text []byte) (*Scenario, error) {
	p := parser{s: &Scenario{Name: name, link: capture.LinkEthernet}, names: map[string]int{}, labels: map[string]bool{}}
	if len(text) > maxText {
		return nil, &SyntaxError{name, 1, fmt.Sprintf("longer than %d octets", maxText)}
	}
	story, frames, want, line := sections(string(text))
	p.s.Story, p.s.Want = story, want
	frames, host, at := cutHost(frames)
	var err error
	if p.s.host, err = parseHost(host); err != nil {
		return nil, &SyntaxError{name, line + at + 1, err.Error()}
	}
	for i, l := range strings.Split(frames, "\n") {
		p.line = line + i + 1
		if err := p.statement(l); err != nil {
			return nil, &SyntaxError{name, p.line, err.Error()}
		}
	}
	if p.loop != nil {
		return nil, &SyntaxError{name, p.loop.line, "repeat without end"}
	}
	if _, err := build(p.s); err != nil { // so that Frames cannot fail
		return nil, err
	}
	return p.s, nil
}

// A parser reads lines.
type parser struct {
	s      *Scenario
	names  map[string]int  // of endpoints
	labels map[string]bool // of packets
	line   int
	with   []string // words added to every packet
	snap   int
	loop   *loop
}

// A loop is a repeat that has not met its end.
type loop struct {
	line, times, from int
}

// statement reads one line.
func (p *parser) statement(l string) error {
	l, _, _ = strings.Cut(l, "#")
	w := strings.Fields(l)
	if len(w) == 0 {
		return nil
	}
	switch w[0] {
	case "link":
		return p.linkType(w[1:])
	case "snap":
		return p.snapLength(w[1:])
	case "with":
		p.with = w[1:]
		return nil
	case "repeat":
		return p.repeat(w[1:])
	case "end":
		return p.endRepeat()
	case "drops":
		return p.drops(w[1:])
	case "clock":
		return p.clock(w[1:])
	}
	if len(w) >= 3 && w[1] == "=" && !isTime(w[0]) {
		return p.endpoint(w[0], w[2], w[3:])
	}
	return p.frame(w)
}

func (p *parser) add(st step) error {
	if len(p.s.steps) >= maxSteps {
		return fmt.Errorf("more than %d frames", maxSteps)
	}
	st.line = p.line
	p.s.steps = append(p.s.steps, st)
	return nil
}

func (p *parser) linkType(w []string) error {
	links := map[string]capture.LinkType{"ethernet": capture.LinkEthernet, "raw": capture.LinkRaw, "sll": capture.LinkLinuxSLL}
	if len(w) != 1 || links[w[0]] == 0 {
		return fmt.Errorf("want: link ethernet, raw or sll")
	}
	p.s.link = links[w[0]]
	return nil
}

func (p *parser) snapLength(w []string) error {
	if len(w) != 1 {
		return fmt.Errorf("want: snap OCTETS")
	}
	n, err := number(w[0], maxSegment)
	p.snap = int(n)
	return err
}

func (p *parser) repeat(w []string) error {
	if len(w) != 1 || p.loop != nil {
		return fmt.Errorf("want: repeat TIMES, not inside another")
	}
	n, err := number(w[0], maxSteps)
	if err != nil {
		return err
	}
	p.loop = &loop{line: p.line, times: int(n), from: len(p.s.steps)}
	return nil
}

// endRepeat unrolls the loop: what is written once happens again, later.
func (p *parser) endRepeat() error {
	l := p.loop
	if l == nil {
		return fmt.Errorf("end without repeat")
	}
	p.loop = nil
	body := p.s.steps[l.from:]
	if len(body)*l.times+l.from > maxSteps {
		return fmt.Errorf("more than %d frames", maxSteps)
	}
	if l.times == 0 {
		p.s.steps = p.s.steps[:l.from]
	}
	body = body[:len(body):len(body)]
	for i := 1; i < l.times; i++ {
		p.s.steps = append(p.s.steps, body...)
	}
	return nil
}

// drops reads "drops ring 48 0.100 0.200": losses that the capture admits.
func (p *parser) drops(w []string) error {
	if len(w) != 2 && len(w) != 4 {
		return fmt.Errorf("want: drops ring|interface|os PACKETS [FROM TO]")
	}
	d := dropSpec{kind: w[0], spanned: len(w) == 4}
	if d.kind != "ring" && d.kind != "interface" && d.kind != "os" {
		return fmt.Errorf("drops by %q? want ring, interface or os", d.kind)
	}
	var err error
	if d.n, err = number(w[1], math.MaxUint32); err != nil {
		return err
	}
	if d.spanned {
		from, err := parseWhen(w[2])
		if err != nil {
			return err
		}
		to, err := parseWhen(w[3])
		if err != nil {
			return err
		}
		d.from, d.to = from.ns, to.ns
	}
	return p.add(step{what: stepDrops, drop: d})
}

// clock reads "clock -0.5": from here the clock of the tap is half a second slow.
func (p *parser) clock(w []string) error {
	if len(w) != 1 {
		return fmt.Errorf("want: clock SECONDS")
	}
	t, err := parseWhen(strings.TrimPrefix(w[0], "+"))
	if err != nil {
		return err
	}
	return p.add(step{what: stepClock, wait: t.ns})
}

// endpoint reads "a = 10.0.0.1:40000 ttl 57 ts 1000".
func (p *parser) endpoint(name, addr string, w []string) error {
	e := endpoint{name: name, ttl: 64}
	if ap, err := netip.ParseAddrPort(addr); err == nil {
		e.addr = ap
	} else if a, err := netip.ParseAddr(addr); err == nil {
		e.addr = netip.AddrPortFrom(a, 0)
	} else {
		return fmt.Errorf("%q is not an address, nor address:port", addr)
	}
	e.addr = netip.AddrPortFrom(e.addr.Addr().WithZone("").Unmap(), e.addr.Port())
	if _, ok := p.names[name]; ok || len(p.s.endpoints) >= maxEndpoints {
		return fmt.Errorf("endpoint %q is there already, or there are too many", name)
	}
	ws := words{p: p, w: w}
	for ws.more() {
		word := ws.take()
		read, ok := endpointWords[word]
		if !ok {
			return fmt.Errorf("an endpoint has no %q", word)
		}
		if err := read(&e, &ws); err != nil {
			return err
		}
	}
	p.names[name] = len(p.s.endpoints)
	p.s.endpoints = append(p.s.endpoints, e)
	return nil
}

var endpointWords = map[string]func(*endpoint, *words) error{
	"ttl":  func(e *endpoint, w *words) error { return take(w, &e.ttl, math.MaxUint8) },
	"isn":  func(e *endpoint, w *words) error { e.has.isn = true; return take(w, &e.isn, math.MaxUint32) },
	"ts":   func(e *endpoint, w *words) error { e.ts = true; return take(w, &e.base, math.MaxUint32) },
	"here": func(e *endpoint, w *words) error { e.here = true; return nil },
	"id": func(e *endpoint, w *words) error {
		switch w.peek() {
		case "none":
			e.ids = idNone
		case "random":
			e.ids = idRandom
		default:
			e.has.id = true
			return take(w, &e.id, math.MaxUint16)
		}
		w.take()
		return nil
	},
}

func isTime(s string) bool {
	return s != "" && (s[0] == '+' || s[0] == '-' || s[0] >= '0' && s[0] <= '9')
}

// parseWhen reads "1.25", "+.020" or "-.003": seconds.
func parseWhen(s string) (when, error) {
	t := when{relative: s != "" && (s[0] == '+' || s[0] == '-')}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) > 1e6 {
		return t, fmt.Errorf("%q is not a time in seconds", s)
	}
	t.ns = int64(math.Round(f * 1e9))
	return t, nil
}

func number(s string, most uint64) (uint64, error) {
	n, err := strconv.ParseUint(s, 0, 64)
	if err != nil || n > most {
		return 0, fmt.Errorf("%q is not a number from 0 to %d", s, most)
	}
	return n, nil
}
