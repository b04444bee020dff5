//go:build linux

package host

import (
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Where an older kernel refuses the fastest program, the others count the same.
func TestDropsByOlderPrograms(t *testing.T) {
	for _, name := range []string{dropProgDropTyped, dropProgDropRaw} {
		t.Run(name, func(t *testing.T) {
			inSpace(t, func(t *testing.T) {
				r, _ := kernelReasons(t)
				on := newWire(t)
				feed(t, "nft -f -", `table inet t { chain in { type filter hook prerouting priority -300; udp dport 9999 drop; }; }`)
				var space unix.Stat_t
				sure(t, unix.Stat("/proc/thread-self/ns/net", &space))
				p, err := loadOne(r, dropOptions{netns: uint32(space.Ino)}, name)
				if err != nil {
					t.Skipf("not here: %v", err)
				}
				defer p.close()
				on.storm(t, 0, 100, 10)
				p.detach()
				if counted, lost := p.works(); counted != 100 || lost != 0 {
					t.Errorf("%d counted and %d lost, want 100 and 0", counted, lost)
				}
				var hash uint64
				var v dropValue
				named := 0
				for all := p.maps.Drops.Iterate(); all.Next(&hash, &v); named++ {
					key := v.Key
					if to := mapped(key.Dst, key.Dport).String(); to != "10.77.0.2:9999" {
						t.Errorf("a drop to %s", to)
					}
				}
				if named != 10 {
					t.Errorf("%d flows, want 10", named)
				}
			})
		})
	}
}

// Without BPF, tracefs counts by reason and function, and leaves nothing behind.
func TestDropsByTracefs(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		run(t, "ip link set lo up")
		d, err := traceDrops()
		if err != nil {
			t.Skip(err)
		}
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		sure(t, err)
		defer c.Close()
		for range 20 {
			_, _ = c.WriteTo([]byte("x"), &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9999})
		}
		time.Sleep(100 * time.Millisecond)
		seen := uint64(0)
		for _, row := range d.finish() {
			if row.Reason == "NO_SOCKET" && row.Function == "__udp4_lib_rcv" {
				seen = row.Events
			}
		}
		if seen < 20 { // other namespaces' are in it, too
			t.Errorf("%d events, want at least 20", seen)
		}
		if _, err := os.Stat(d.dir); err == nil {
			t.Errorf("%s was left behind", d.dir)
		}
	})
}

// The privileges are needed to start only: what was counted is read without.
func TestDropsAreReadWithoutPrivileges(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		r, _ := kernelReasons(t)
		on := newWire(t)
		feed(t, "nft -f -", `table inet t { chain in { type filter hook prerouting priority -300; udp dport 9999 drop; }; }`)
		var space unix.Stat_t
		sure(t, unix.Stat("/proc/thread-self/ns/net", &space))
		p, err := load(r, dropOptions{netns: uint32(space.Ino)})
		if err != nil {
			t.Skipf("no drop events here: %v", err)
		}
		on.storm(t, 0, 100, 10)
		counted := make(chan uint64)
		go func() {
			runtime.LockOSThread() // never unlocked: the thread ends with its privileges
			head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
			var none [2]unix.CapUserData
			if unix.Capset(&head, &none[0]) != nil {
				counted <- 100
				return
			}
			c := &collection{watch: &dropWatch{program: p, reasons: r, name: func(int) string { return "x" }, spilled: map[dropKey]*sums{}}}
			drops, _ := c.collect()
			n := uint64(0)
			for _, d := range drops {
				n += d.Events
			}
			counted <- n
		}()
		if n := <-counted; n != 100 {
			t.Errorf("%d of 100 drops were read", n)
		}
		p.close()
	})
}

// The kernel's table is emptied while drops go on, and none is counted twice or lost.
func TestDropsMakeRoom(t *testing.T) {
	inSpace(t, func(t *testing.T) {
		r, _ := kernelReasons(t)
		on := newWire(t)
		feed(t, "nft -f -", `table inet t { chain in { type filter hook prerouting priority -300; udp dport 9999 drop; }; }`)
		var space unix.Stat_t
		sure(t, unix.Stat("/proc/thread-self/ns/net", &space))
		p, err := load(r, dropOptions{netns: uint32(space.Ino)})
		if err != nil {
			t.Skipf("no drop events here: %v", err)
		}
		defer p.close()
		d := &dropWatch{program: p, reasons: r, name: func(int) string { return "vb" }, spilled: map[dropKey]*sums{}}
		on.storm(t, 0, 2000, 500)
		d.makeRoom(501)
		if len(d.spilled) != 0 {
			t.Error("emptied though it was not full")
		}
		d.makeRoom(500)
		if len(d.spilled) != 500 {
			t.Errorf("%d keys were taken out, want 500", len(d.spilled))
		}
		on.storm(t, 2000, 2000, 500)
		p.detach()
		drops, lost := (&collection{watch: d}).collect()
		events := uint64(0)
		for _, row := range drops {
			events += row.Events
		}
		if len(drops) != 500 || events != 4000 || lost != 0 {
			t.Errorf("%d rows with %d events and %d lost, want 500, 4000 and 0", len(drops), events, lost)
		}
	})
}
