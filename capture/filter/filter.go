package filter

import (
	"errors"
	"fmt"
	"strings"

	"whydrop/capture"
)

// An Error is an expression that cannot be used.
type Error struct {
	Expression string
	Err        error
	Help       string // a line that helps, or ""
}

func (e *Error) Error() string { return fmt.Sprintf("filter %q: %v", e.Expression, e.Err) }

// Unwrap returns the error underneath.
func (e *Error) Unwrap() error { return e.Err }

// Hint is what the user can do about it.
func (e *Error) Hint() string { return e.Help }

// A Filter is a compiled expression. It is used from one goroutine.
type Filter struct {
	expression string
	programs   map[capture.LinkType]*program
	scratch    []byte
}

// snapLength is what a program accepts; only whether it accepts matters here.
const snapLength = 262144

// everyday are link types that an expression is tried on when it is not known what
// it will meet. Some expressions fit only some: "inbound" is not for Ethernet,
// "ether host" is not for raw IP.
var everyday = [...]capture.LinkType{
	capture.LinkEthernet, capture.LinkLinuxSLL, capture.LinkRaw, capture.LinkRadiotap,
}

// Compile compiles an expression for the given link types; others follow when they
// are met. Without any it only checks that the expression is a good one.
func Compile(expression string, links []capture.LinkType) (*Filter, error) {
	f := &Filter{expression: expression, programs: map[capture.LinkType]*program{}}
	trial := len(links) == 0
	if trial {
		links = everyday[:]
	}
	var first error
	useful := false
	for _, link := range links {
		p, err := f.program(link)
		if err != nil && !trial {
			return nil, err
		}
		if first == nil {
			first = err
		}
		useful = useful || err == nil && p != nothing
		if trial && err == nil {
			break // good for one everyday link type, or bad for it for a reason that will do
		}
	}
	switch {
	case useful:
		return f, nil
	case first != nil:
		return nil, first
	}
	return nil, f.wrong(links[0], errRejectsAll)
}

// program returns the program for link, compiling it the first time.
func (f *Filter) program(link capture.LinkType) (*program, error) {
	if p := f.programs[link]; p != nil {
		return p, nil
	}
	raw, err := compileLibpcap(f.expression, dlt(link))
	var p *program
	switch {
	case err != nil && strings.Contains(err.Error(), errRejectsAll.Error()):
		p = nothing
	case err != nil:
		return nil, f.wrong(link, err)
	default:
		if p, err = newProgram(raw); err != nil {
			return nil, f.wrong(link, err)
		}
	}
	f.programs[link] = p
	return p, nil
}

// wrong makes the error of an expression that cannot be used for link.
func (f *Filter) wrong(link capture.LinkType, err error) error {
	if errors.Is(err, errNoLibpcap) {
		return &Error{Expression: f.expression, Err: err}
	}
	return &Error{Expression: f.expression, Err: fmt.Errorf("on link type %d: %w", link, err), Help: "man 7 pcap-filter"}
}

// Match reports whether the expression matches a frame. The error is that the
// expression makes no sense for the link type of the frame.
func (f *Filter) Match(frame *capture.Frame) (bool, error) {
	p, err := f.program(frame.Link)
	if err != nil || p == nothing {
		return false, err
	}
	return p.match(frame, &f.scratch)
}

// errRejectsAll is what libpcap says of an expression that no packet of a link type
// can match, such as "ip6" on raw IPv4. Among several link types that is no mistake.
var errRejectsAll = errors.New("expression rejects all packets")

// errNoLibpcap is why a build without cgo has no filters.
var errNoLibpcap = errors.New("this build has no libpcap: filter expressions need it")

// dlt is the number that libpcap has for a LINKTYPE_ inside: they are the same but for
// those that differ by operating system (libpcap 1.10.3 pcap-common.c, struct
// linktype_map). These are Linux's, which is what a dead handle must be given there.
func dlt(link capture.LinkType) int {
	const dltRaw, linkATM, dltATM = 12, 100, 11
	switch link {
	case capture.LinkRaw, capture.LinkRawOpenBSD:
		return dltRaw
	case linkATM:
		return dltATM
	}
	return int(link)
}
