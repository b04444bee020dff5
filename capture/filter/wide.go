//go:build cgo

package filter

/*
#cgo LDFLAGS: -lpcap
#include <stdlib.h>
#include <pcap.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/net/bpf"
)

// compileWide compiles for a link type above 255, such as Linux cooked v2, which the
// uint8 of gopacket 1.1.19 layers.LinkType cannot name.
func compileWide(expression string, dlt int) ([]bpf.RawInstruction, error) {
	handle := C.pcap_open_dead(C.int(dlt), snapLength)
	if handle == nil {
		return nil, fmt.Errorf("libpcap cannot prepare for link type %d", dlt)
	}
	defer C.pcap_close(handle)
	text := C.CString(expression)
	defer C.free(unsafe.Pointer(text))
	var code C.struct_bpf_program
	if C.pcap_compile(handle, &code, text, 1, C.PCAP_NETMASK_UNKNOWN) < 0 {
		return nil, errors.New(C.GoString(C.pcap_geterr(handle)))
	}
	defer C.pcap_freecode(&code)
	raw := make([]bpf.RawInstruction, 0, int(code.bf_len))
	for _, in := range unsafe.Slice(code.bf_insns, int(code.bf_len)) {
		raw = append(raw, bpf.RawInstruction{Op: uint16(in.code), Jt: uint8(in.jt), Jf: uint8(in.jf), K: uint32(in.k)})
	}
	return raw, nil
}
