//go:build cgo

package filter

/*
#cgo LDFLAGS: -lpcap
#include <stdlib.h>
#include <string.h>
#include <pcap.h>

// compile_live opens an interface for as long as it takes to compile text for it.
// It returns the status of pcap_activate, or 1000 if only the expression is wrong.
static int compile_live(_GoString_ name, int snap, _GoString_ text, struct bpf_program *program, int *link, char *why, size_t size) {
	int result = PCAP_ERROR;
	char *device = strndup(_GoStringPtr(name), _GoStringLen(name));
	char *copy = strndup(_GoStringPtr(text), _GoStringLen(text));
	pcap_t *handle = device == NULL || copy == NULL ? NULL : pcap_create(device, why);
	if (handle != NULL) {
		pcap_set_snaplen(handle, snap);
		pcap_set_buffer_size(handle, 1 << 16); // nothing is read from it
		pcap_set_timeout(handle, 100);
		result = pcap_activate(handle);
		if (result < 0) {
			const char *text = pcap_geterr(handle);
			strncpy(why, *text != 0 ? text : pcap_statustostr(result), size - 1);
		} else {
			result = 0;
			*link = pcap_datalink(handle);
			if (pcap_compile(handle, program, copy, 1, PCAP_NETMASK_UNKNOWN) < 0) {
				strncpy(why, pcap_geterr(handle), size - 1);
				result = 1000;
			}
		}
		pcap_close(handle);
	}
	free(device);
	free(copy);
	return result;
}

static struct bpf_insn live_instruction(struct bpf_program *program, unsigned i) { return program->bf_insns[i]; }
*/
import "C"

import (
	"errors"

	"golang.org/x/net/bpf"

	"whydrop/capture"
)

// badExpression is the result of compile_live for one.
const badExpression = 1000

func compileLive(name, expression string, snap int) (*Live, error) {
	var code C.struct_bpf_program
	var link C.int
	var why [C.PCAP_ERRBUF_SIZE]C.char
	result := C.compile_live(name, C.int(snap), expression, &code, &link, &why[0], C.PCAP_ERRBUF_SIZE)
	text := C.GoString(&why[0])
	switch {
	case result == badExpression:
		return nil, &Error{Expression: expression, Err: errors.New(text), Help: "man 7 pcap-filter"}
	case result < 0:
		return nil, &DeviceError{Name: name, Kind: deviceTrouble(int(result)), Text: text}
	}
	defer C.pcap_freecode(&code)
	live := &Live{Link: linkOf(int(link)), Program: make([]bpf.RawInstruction, int(code.bf_len))}
	for i := range live.Program {
		in := C.live_instruction(&code, C.uint(i))
		live.Program[i] = bpf.RawInstruction{Op: uint16(in.code), Jt: uint8(in.jt), Jf: uint8(in.jf), K: uint32(in.k)}
	}
	return live, nil
}

func deviceTrouble(status int) DeviceTrouble {
	switch status {
	case C.PCAP_ERROR_PERM_DENIED, C.PCAP_ERROR_PROMISC_PERM_DENIED:
		return NoPermission
	case C.PCAP_ERROR_NO_SUCH_DEVICE:
		return NoDevice
	case C.PCAP_ERROR_IFACE_NOT_UP:
		return DeviceDown
	}
	return OtherTrouble
}

// linkOf is the other half of dlt.
func linkOf(dlt int) capture.LinkType {
	if dlt == 12 {
		return capture.LinkRaw
	}
	return capture.LinkType(dlt)
}
