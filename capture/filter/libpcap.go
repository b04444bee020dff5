//go:build cgo

package filter

/*
#cgo LDFLAGS: -lpcap
#include <stdlib.h>
#include <string.h>
#include <pcap.h>

// compile compiles text into program, or says in why what is wrong with it.
// It frees what it allocates, so that Go needs no pointer of C's.
static int compile(int dlt, int snap, _GoString_ text, struct bpf_program *program, char *why, size_t size) {
	int result = -1;
	pcap_t *handle = pcap_open_dead(dlt, snap);
	char *copy = strndup(_GoStringPtr(text), _GoStringLen(text));
	if (handle != NULL && copy != NULL) {
		result = pcap_compile(handle, program, copy, 1, PCAP_NETMASK_UNKNOWN);
		if (result < 0)
			strncpy(why, pcap_geterr(handle), size - 1);
	}
	free(copy);
	if (handle != NULL)
		pcap_close(handle);
	return result;
}

static struct bpf_insn instruction(struct bpf_program *program, unsigned i) { return program->bf_insns[i]; }
*/
import "C"

import (
	"errors"
	"fmt"

	"golang.org/x/net/bpf"
)

// compileLibpcap compiles an expression for one of libpcap's DLT_ numbers. It is
// libpcap itself and not gopacket/pcap: that cannot name link types above 255, such
// as Linux cooked v2, and its tables of protocols double the time that whydrop
// needs to start.
func compileLibpcap(expression string, dlt int) ([]bpf.RawInstruction, error) {
	var code C.struct_bpf_program
	var why [C.PCAP_ERRBUF_SIZE]C.char
	if C.compile(C.int(dlt), snapLength, expression, &code, &why[0], C.PCAP_ERRBUF_SIZE) < 0 {
		if text := C.GoString(&why[0]); text != "" {
			return nil, errors.New(text)
		}
		return nil, fmt.Errorf("libpcap cannot prepare for link type %d", dlt)
	}
	defer C.pcap_freecode(&code)
	if code.bf_len == 0 {
		return nil, errors.New("libpcap compiled it to nothing")
	}
	raw := make([]bpf.RawInstruction, int(code.bf_len))
	for i := range raw {
		in := C.instruction(&code, C.uint(i))
		raw[i] = bpf.RawInstruction{Op: uint16(in.code), Jt: uint8(in.jt), Jf: uint8(in.jf), K: uint32(in.k)}
	}
	return raw, nil
}
