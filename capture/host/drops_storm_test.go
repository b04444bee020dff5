//go:build linux

package host

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// In a storm of a million drops a second and more each is counted, of however many
// flows they are. What one costs is printed (the budget is a tenth of one core at a
// million a second, 100 ns). The kernel makes the storm: of frames that an XDP program
// lets pass.
func TestDropsStorm(t *testing.T) {
	const storm, parts = 2_000_000, 10
	for _, c := range []struct {
		name  string
		flows int32
	}{{"one flow", 1}, {"100 flows", 100}, {"1000 flows", 1000}, {"10000 flows", 10_000}, {"60000 flows", 60_000}} {
		t.Run(c.name, func(t *testing.T) {
			inSpace(t, func(t *testing.T) {
				run(t, "ip link set lo up")
				feed(t, "nft -f -", `table inet t { chain in { type filter hook prerouting priority -300; udp dport 9999 drop; }; }`)
				send := frames(t, c.flows)
				floor := emptyProgram(t)
				w, err := Open(context.Background(), Options{})
				sure(t, err)
				if w.drops.program == nil {
					_, _ = w.Close()
					t.Skip("no drop events here")
				}
				code, began := w.drops.program.code, time.Now()
				least, all := time.Hour, time.Duration(0)
				for range parts {
					b, bf := spent(t, code), spent(t, floor)
					send(storm / parts)
					cost := spent(t, code) - b - spent(t, floor) + bf
					least, all = min(least, cost/(storm/parts)), all+cost
				}
				rate := storm / time.Since(began).Seconds()
				nameless := w.drops.program.sum(func(w *dropWork) uint64 { return w.Nameless })
				got, err := w.Close()
				sure(t, err)
				drops, events := dropsOf(got, "NETFILTER_DROP")
				t.Logf("%v in the quietest tenth, %v in the mean, at %.2f million a second; %d rows, %d drops without addresses", least, all/storm, rate/1e6, len(drops), nameless)
				if events != storm || got.DropsLost != 0 {
					t.Errorf("%d events and %d lost of %d", events, got.DropsLost, storm)
				}
			})
		})
	}
}

// frames returns what has the kernel receive so many datagrams to port 9999 on the
// loopback, each from a random one of so many addresses. Linux 5.18 and later:
// Documentation/bpf/bpf_prog_run.rst, live frames.
func frames(t *testing.T, flows int32) func(n uint32) {
	t.Helper()
	const data, end, identification, source, octets = 0, 4, 18, 28, 42
	const pass, liveFrames = 2, 1 << 1 // XDP_PASS, BPF_F_TEST_XDP_LIVE_FRAMES
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.XDP, License: "GPL", Instructions: asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.FnGetPrandomU32.Call(),
		asm.LoadMem(asm.R2, asm.R6, data, asm.Word),
		asm.LoadMem(asm.R3, asm.R6, end, asm.Word),
		asm.Mov.Reg(asm.R4, asm.R2),
		asm.Add.Imm(asm.R4, octets),
		asm.JGT.Reg(asm.R4, asm.R3, "out"),
		asm.Mod.Imm32(asm.R0, flows),
		asm.StoreMem(asm.R2, source, asm.R0, asm.Half),
		asm.Mov.Imm(asm.R1, 0xffff),
		asm.Sub.Reg(asm.R1, asm.R0), // so the checksum stays right
		asm.StoreMem(asm.R2, identification, asm.R1, asm.Half),
		asm.Mov.Imm(asm.R0, pass).WithSymbol("out"),
		asm.Return(),
	}})
	if err != nil {
		t.Skipf("no XDP program here: %v", err)
	}
	t.Cleanup(func() { _ = p.Close() })
	frame := make([]byte, 64)
	frame[12] = 8 // IPv4; addresses of the loopback are zero
	ip := frame[etherHeader : etherHeader+ipv4Header]
	copy(ip, []byte{0x45, 0, 0, 50, 0xff, 0xff, 0, 0, 64, 17, 0, 0, 10, 9, 0, 0, 10, 0, 0, 1})
	sum := uint32(0)
	for i := 0; i < len(ip); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(ip[i:]))
	}
	binary.BigEndian.PutUint16(ip[10:], ^uint16(sum+sum>>16)) // RFC 1071
	copy(frame[etherHeader+ipv4Header:], []byte{0x30, 0x39, 0x27, 0x0f, 0, 30, 0, 0})
	return func(n uint32) {
		if _, err := p.Run(&ebpf.RunOptions{Data: frame, Repeat: n, Flags: liveFrames}); err != nil {
			t.Skipf("no live frames here: %v", err)
		}
	}
}
