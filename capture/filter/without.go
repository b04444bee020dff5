//go:build !cgo

package filter

import "golang.org/x/net/bpf"

func compileLibpcap(string, int) ([]bpf.RawInstruction, error) { return nil, errNoLibpcap }

func compileLive(_, expression string, _ int) (*Live, error) {
	return nil, &Error{Expression: expression, Err: errNoLibpcap}
}
