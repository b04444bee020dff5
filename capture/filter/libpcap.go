//go:build cgo

package filter

import (
	"errors"
	"math"

	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcap"
	"golang.org/x/net/bpf"
)

// compileLibpcap compiles an expression for one of libpcap's DLT_ numbers.
func compileLibpcap(expression string, dlt int) ([]bpf.RawInstruction, error) {
	if dlt > math.MaxUint8 {
		return compileWide(expression, dlt)
	}
	compiled, err := pcap.CompileBPFFilter(layers.LinkType(dlt), snapLength, expression)
	if err != nil {
		return nil, err
	}
	if len(compiled) == 0 {
		return nil, errors.New("libpcap compiled it to nothing")
	}
	raw := make([]bpf.RawInstruction, len(compiled))
	for i, c := range compiled {
		raw[i] = bpf.RawInstruction{Op: c.Code, Jt: c.Jt, Jf: c.Jf, K: c.K}
	}
	return raw, nil
}
