package host

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	bpf "github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// A program is the drop program, attached, and its tables.
type program struct {
	maps     dropMaps
	attached bpf.Link
	code     *ebpf.Program
	typed    bool // tp_btf, not raw_tp
}

// load loads and attaches the drop program. Whether this kernel and our
// privileges allow it is found out by doing it: probes for features answer
// wrongly on hardened kernels.
func load(reasons *reasonNames, o dropOptions) (*program, error) {
	var err error
	for _, name := range []string{dropProgDropCast, dropProgDropTyped, dropProgDropRaw} {
		var p *program
		var again error
		if p, again = loadOne(reasons, o, name); again == nil {
			return p, nil
		}
		err = errors.Join(err, fmt.Errorf("%s: %w", name, again))
	}
	return nil, err
}

func loadOne(reasons *reasonNames, o dropOptions, name string) (*program, error) {
	spec, err := loadDrop()
	if err != nil {
		return nil, err
	}
	for other := range spec.Programs {
		if other != name {
			delete(spec.Programs, other)
		}
	}
	if err := set(spec, reasons, o); err != nil {
		return nil, err
	}
	return loadSpec(spec, name)
}

// loadSpec loads and attaches one program of a spec that has no other.
func loadSpec(spec *ebpf.CollectionSpec, name string) (*program, error) {
	all, err := ebpf.NewCollection(spec)
	if err != nil {
		return nil, err
	}
	defer all.Close() // of what is assigned below, it closes nothing
	p := &program{typed: name != dropProgDropRaw}
	if err := all.Assign(&p.maps); err != nil {
		return nil, err
	}
	p.code = all.DetachProgram(name)
	if p.typed {
		p.attached, err = bpf.AttachTracing(bpf.TracingOptions{Program: p.code})
	} else {
		p.attached, err = bpf.AttachRawTracepoint(bpf.RawTracepointOptions{Name: "kfree_skb", Program: p.code})
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// set fills the constants of the program in.
func set(spec *ebpf.CollectionSpec, reasons *reasonNames, o dropOptions) error {
	values := map[string]any{
		dropVarOnlyNetns:         o.netns,
		dropVarNoise:             reasons.noise(),
		dropVarReasonNetfilter:   reasons.number("NETFILTER_DROP"),
		dropVarReasonUnspecified: reasons.number("NOT_SPECIFIED"),
		dropVarReasonPurge:       reasons.number("QUEUE_PURGE"),
		dropVarReasonOld:         reasons.number("TCP_OLD_SEQUENCE"),
		dropVarSeed:              seed(),
	}
	if o.every {
		values[dropVarSamplesPerKey], values[dropVarSamplesPerWindow] = ^uint32(0), uint32(0)
	}
	for name, v := range values {
		if err := spec.Variables[name].Set(v); err != nil {
			return fmt.Errorf("constant %s: %w", name, err)
		}
	}
	return nil
}

// seed makes the hash of the program one that nobody can foresee.
func seed() (words [14]uint32) {
	for i := range words {
		words[i] = rand.Uint32()
	}
	return words
}

// detach ends the events; what was counted stays readable.
func (p *program) detach() {
	if p.attached != nil {
		_ = p.attached.Close()
		p.attached = nil
	}
}

func (p *program) close() {
	p.detach()
	_ = p.code.Close()
	_ = p.maps.Close()
}

// missed is how many events came while the program ran on the same CPU.
func (p *program) missed() uint64 {
	info, err := p.code.Stats()
	if err != nil {
		return 0
	}
	return info.RecursionMisses
}

// whyNot says in a user's words why drop events cannot be had.
func whyNot(err error) string {
	var refused *ebpf.VerifierError
	switch {
	case errors.As(err, &refused):
		return "the kernel refused the program: " + refused.Error()
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return "needs CAP_BPF and CAP_PERFMON"
	case errors.Is(err, btf.ErrNotFound), errors.Is(err, os.ErrNotExist), errors.Is(err, btf.ErrNotSupported):
		return "the kernel has no type information (CONFIG_DEBUG_INFO_BTF), or is older than 5.17"
	}
	return err.Error()
}

// clockOffset returns what to add to CLOCK_MONOTONIC, the time of BPF events, to
// get CLOCK_REALTIME, the time of captured frames: the best of a few looks, each
// with the one clock read before and after the other.
func clockOffset() int64 {
	const looks = 5
	best, offset := int64(1)<<62, int64(0)
	for range looks {
		var before, real, after unix.Timespec
		if unix.ClockGettime(unix.CLOCK_MONOTONIC, &before) != nil || unix.ClockGettime(unix.CLOCK_REALTIME, &real) != nil ||
			unix.ClockGettime(unix.CLOCK_MONOTONIC, &after) != nil {
			return offset
		}
		if took := after.Nano() - before.Nano(); took < best {
			best, offset = took, real.Nano()-before.Nano()-took/2
		}
	}
	return offset
}
