//go:build linux

package host

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// mostCost is what a drop of a flow that drops often may cost in the program, in
// the quietest thousandth of a storm, on a machine that does other things, too.
// The statistics of BPF programs themselves are in it: some 80 ns here.
const mostCost = 600 * time.Nanosecond

// A storm of drops costs little: of one flow, of many, and of a new one each time;
// and every drop of it is counted.
func TestDropsCost(t *testing.T) {
	const storm, batch = 30_000, 1000
	for _, c := range []struct {
		name  string
		flows uint32
	}{{"one flow", 1}, {"1000 flows", 1000}, {"a new flow each time", storm}} {
		t.Run(c.name, func(t *testing.T) {
			inSpace(t, func(t *testing.T) {
				on := newWire(t)
				feed(t, "nft -f -", `table inet t { chain in { type filter hook prerouting priority -300; udp dport 9999 drop; }; }`)
				stats, err := ebpf.EnableStats(uint32(unix.BPF_STATS_RUN_TIME))
				if err != nil {
					t.Skipf("no statistics of BPF programs: %v", err)
				}
				defer stats.Close()
				w, err := Open(context.Background(), Options{})
				sure(t, err)
				if w.drops.program == nil {
					_, _ = w.Close()
					t.Skip("no drop events here")
				}
				least, all := time.Hour, &ebpf.ProgramStats{}
				for i := uint32(0); i < storm; i += batch {
					before := all
					on.storm(t, i, batch, c.flows)
					if all, err = w.drops.program.code.Stats(); err != nil || all.RunCount == before.RunCount {
						t.Skipf("no statistics of this program: %v", err)
					}
					least = min(least, (all.Runtime-before.Runtime)/time.Duration(all.RunCount-before.RunCount))
				}
				got, err := w.Close()
				sure(t, err)
				drops, events := dropsOf(got, "NETFILTER_DROP")
				t.Logf("%v in the quietest batch, %v in the mean; %d events in %d rows", least, all.Runtime/time.Duration(all.RunCount), events, len(drops))
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
