package filter

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/net/bpf"

	"whydrop/capture"
)

// A program is an expression compiled for one link type.
//
// The virtual machine knows only one length, that of what it is given, where libpcap
// means the length on the wire ("greater 1000" must match a packet cut at 96). For
// frames that were cut, a second program therefore finds the wire length in four
// octets put before the frame.
type program struct {
	vm         *bpf.VM
	cutVM      *bpf.VM // nil unless usesLength
	usesLength bool
}

// nothing is the program of an expression that no packet of a link type can match.
var nothing = &program{}

// prefix is the room for the wire length.
const prefix = 4

func newProgram(raw []bpf.RawInstruction) (*program, error) {
	instructions, ok := bpf.Disassemble(raw)
	if !ok {
		return nil, fmt.Errorf("libpcap compiled it to instructions that are not run here")
	}
	p := &program{}
	var err error
	if p.vm, err = bpf.NewVM(instructions); err != nil {
		return nil, fmt.Errorf("libpcap compiled it to a program that cannot be run: %w", err)
	}
	moved, uses := behindLength(instructions)
	if p.usesLength = uses; uses {
		if p.cutVM, err = bpf.NewVM(moved); err != nil {
			return nil, fmt.Errorf("libpcap compiled it to a program that cannot be run: %w", err)
		}
	}
	return p, nil
}

// behindLength rewrites a program for a frame that begins after its wire length, and
// reports whether it asks for the length at all.
func behindLength(program []bpf.Instruction) (moved []bpf.Instruction, uses bool) {
	moved = make([]bpf.Instruction, len(program))
	for i, ins := range program {
		switch in := ins.(type) {
		case bpf.LoadAbsolute:
			in.Off += prefix
			moved[i] = in
		case bpf.LoadIndirect:
			in.Off += prefix
			moved[i] = in
		case bpf.LoadMemShift:
			in.Off += prefix
			moved[i] = in
		case bpf.LoadExtension:
			uses = uses || in.Num == bpf.ExtLen
			moved[i] = bpf.LoadAbsolute{Off: 0, Size: prefix}
		default:
			moved[i] = ins
		}
	}
	return moved, uses
}

// match runs the program. NewVM has checked that it can be run; what the machine
// refuses nevertheless does not match.
func (p *program) match(frame *capture.Frame, scratch *[]byte) bool {
	vm, data := p.vm, frame.Data
	if p.usesLength && int(frame.WireLength) != len(data) {
		*scratch = binary.BigEndian.AppendUint32((*scratch)[:0], frame.WireLength)
		*scratch = append(*scratch, data...)
		vm, data = p.cutVM, *scratch
	}
	n, err := vm.Run(data)
	return err == nil && n > 0
}
