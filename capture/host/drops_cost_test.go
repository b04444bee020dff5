//go:build linux

package host

import (
	"context"
	"encoding/binary"
	"net"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	bpf "github.com/cilium/ebpf/link"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// mostCost is what a drop of a flow that drops often may cost in the program, in
// the quietest batch of a storm, on a machine that does other things, too. The
// budget is a tenth of a core at a million a second, 100 ns; here it is some 40.
const mostCost = 300 * time.Nanosecond

// A storm of drops costs little: of one flow, of many, and of a new one each time;
// and every drop of it is counted. An empty program at the same tracepoint shows
// what the statistics themselves cost.
func TestDropsCost(t *testing.T) {
	const storm, batch = 60_000, 500
	for _, c := range []struct {
		name  string
		flows uint32
	}{{"one flow", 1}, {"1000 flows", 1000}, {"10000 flows", 10_000}, {"a new flow each time", storm}} {
		t.Run(c.name, func(t *testing.T) {
			inSpace(t, func(t *testing.T) {
				feed(t, "nft -f -", `table inet t { chain in { type filter hook prerouting priority -300; udp dport 9999 drop; }; }`)
				send := batches(t, batch)
				floor := emptyProgram(t)
				w, err := Open(context.Background(), Options{})
				sure(t, err)
				if w.drops.program == nil {
					_, _ = w.Close()
					t.Skip("no drop events here")
				}
				code := w.drops.program.code
				least, mean := time.Hour, time.Duration(0)
				leastFloor, meanFloor := time.Hour, time.Duration(0)
				for i := uint32(0); i < storm; i += batch {
					b, bf := spent(t, code), spent(t, floor)
					send(i, c.flows)
					took, tookFloor := (spent(t, code)-b)/batch, (spent(t, floor)-bf)/batch
					least, leastFloor = min(least, took), min(leastFloor, tookFloor)
					mean, meanFloor = mean+took, meanFloor+tookFloor
				}
				got, err := w.Close()
				sure(t, err)
				drops, events := dropsOf(got, "NETFILTER_DROP")
				least -= leastFloor
				t.Logf("%v in the quietest batch, %v in the mean with all samples; %d events in %d rows", least, (mean-meanFloor)/(storm/batch), events, len(drops))
				if events != storm || got.DropsLost != 0 {
					t.Errorf("%d events and %d lost of %d", events, got.DropsLost, storm)
				}
				if c.flows == 1 && least > mostCost {
					t.Errorf("a drop costs %v, want at most %v", least, mostCost)
				}
			})
		})
	}
}

// emptyProgram attaches a program that does nothing, and has the kernel take the time.
func emptyProgram(t *testing.T) *ebpf.Program {
	t.Helper()
	stats, err := ebpf.EnableStats(uint32(unix.BPF_STATS_RUN_TIME))
	if err != nil {
		t.Skipf("no statistics of BPF programs: %v", err)
	}
	t.Cleanup(func() { _ = stats.Close() })
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceRawTp, AttachTo: "kfree_skb",
		License: "GPL", Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}})
	if err != nil {
		t.Skipf("no program here: %v", err)
	}
	t.Cleanup(func() { _ = p.Close() })
	l, err := bpf.AttachTracing(bpf.TracingOptions{Program: p})
	sure(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return p
}

// spent is how long a program ran so far.
func spent(t *testing.T, p *ebpf.Program) time.Duration {
	t.Helper()
	s, err := p.Stats()
	if err != nil {
		t.Skipf("no statistics of this program: %v", err)
	}
	return s.Runtime
}

// batches returns what sends so many datagrams over the loopback in one system
// call, from a number on, each to the next of some addresses: as in a true storm,
// nothing else runs in between, which on a host without PCID would empty the TLB.
func batches(t *testing.T, packets int) func(from, flows uint32) {
	t.Helper()
	run(t, "ip link set lo up")
	c, err := net.ListenPacket("udp4", "0.0.0.0:0")
	sure(t, err)
	t.Cleanup(func() { _ = c.Close() })
	out, all := ipv4.NewPacketConn(c), make([]ipv4.Message, packets)
	return func(from, flows uint32) {
		for i := range all {
			v := (from + uint32(i)) * 7919 % flows
			all[i].Buffers = [][]byte{[]byte("payload")}
			all[i].Addr = &net.UDPAddr{IP: net.IPv4(127, byte(v>>16)+1, byte(v>>8), byte(v)), Port: 9999}
		}
		for at := 0; at < packets; {
			n, err := out.WriteBatch(all[at:], 0)
			sure(t, err)
			at += n
		}
	}
}

// storm puts datagrams on the wire, from a number on, each of the next of some sources.
func (w *wire) storm(t *testing.T, from, packets, flows uint32) {
	frame := w.datagram(t, 1, "payload", nil)
	for i := from; i < from+packets; i++ {
		const source, checksum = 12, 10
		ip := frame[etherHeader : etherHeader+ipv4Header]
		binary.BigEndian.PutUint32(ip[source:], 10<<24|77<<16|3<<8+i*7919%flows)
		ip[checksum], ip[checksum+1] = 0, 0
		sum := uint32(0)
		for at := 0; at < ipv4Header; at += 2 {
			sum += uint32(binary.BigEndian.Uint16(ip[at:]))
		}
		binary.BigEndian.PutUint16(ip[checksum:], ^uint16(sum+sum>>16)) // RFC 1071
		_, err := unix.Write(w.in, frame)
		sure(t, err)
	}
}
