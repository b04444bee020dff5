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
	refused    map[capture.LinkType]error // why there is no program for a link type
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
// are met. Without any it only checks that the expression is a good one. It is an
// error if the expression fits none of them; one that fits some is used for those,
// and frames of the others do not match.
func Compile(expression string, links []capture.LinkType) (*Filter, error) {
	f := &Filter{
		expression: expression,
		programs:   map[capture.LinkType]*program{},
		refused:    map[capture.LinkType]error{},
	}
	trial := len(links) == 0
	if trial {
		links = everyday[:]
	}
	useful := false
	for _, link := range links {
		p := f.program(link)
		useful = useful || p != nothing
		if trial && f.refused[link] == nil {
			break // good for one everyday link type, or bad for it for a reason that will do
		}
	}
	if useful {
		return f, nil
	}
	for _, link := range links {
		if err := f.refused[link]; err != nil {
			return nil, f.wrong(link, err)
		}
	}
	return nil, f.wrong(links[0], errRejectsAll)
}

// program returns the program for link, compiling it the first time.
func (f *Filter) program(link capture.LinkType) *program {
	if p := f.programs[link]; p != nil {
		return p
	}
	raw, err := compileLibpcap(f.expression, dlt(link))
	p := nothing
	if err == nil {
		p, err = newProgram(raw)
	}
	if err != nil {
		p = nothing
		if !strings.Contains(err.Error(), errRejectsAll.Error()) {
			f.refused[link] = err
		}
	}
	f.programs[link] = p
	return p
}

// wrong makes the error of an expression that cannot be used for link.
func (f *Filter) wrong(link capture.LinkType, err error) error {
	if errors.Is(err, errNoLibpcap) {
		return &Error{Expression: f.expression, Err: err}
	}
	return &Error{Expression: f.expression, Err: fmt.Errorf("on link type %d: %w", link, err), Help: "man 7 pcap-filter"}
}

// Match reports whether the expression matches a frame. Frames of a link type that
// the expression does not fit do not match; Refused says so.
func (f *Filter) Match(frame *capture.Frame) bool {
	p := f.program(frame.Link)
	return p != nothing && p.match(frame, &f.scratch)
}

// Refused says why the expression was of no use for a link type, or nil.
func (f *Filter) Refused(link capture.LinkType) error { return f.refused[link] }

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
