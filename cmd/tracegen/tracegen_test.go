package main

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"strings"
	"testing"
)

func small(size, format string) options {
	return options{packets: 20_000, flows: 60, pairs: 30, loss: .02, size: size, format: format, seed: 1, seconds: 20, ipv6: .2}
}

// TestFramesAreRight: lengths agree, checksums hold, times never go back.
func TestFramesAreRight(t *testing.T) {
	for _, size := range []string{"96", "1500", "mixed"} {
		g := newTrace(small(size, "pcap"))
		var before int64
		for {
			frame, at, ok := g.next()
			if !ok {
				break
			}
			if at < before {
				t.Fatalf("%s: packet %d is %d ns older than the one in front of it", size, g.tally.packets, before-at)
			}
			before = at
			if !right(frame) {
				t.Fatalf("%s: packet %d is wrong: %x", size, g.tally.packets, frame)
			}
		}
		if n := g.tally.packets; n < 19_000 || n > 21_000 {
			t.Errorf("%s: %d packets, want about 20000", size, n)
		}
		if g.tally.before == 0 || g.tally.behind == 0 {
			t.Errorf("%s: lost %d before the tap and %d behind it; want some of each", size, g.tally.before, g.tally.behind)
		}
	}
}

// right reports whether the lengths and the checksums of a frame hold.
func right(frame []byte) bool {
	ip := frame[14:]
	var addrs, tcp []byte
	if ip[0]>>4 == 4 {
		if int(binary.BigEndian.Uint16(ip[2:])) != len(ip) || fold(sum(0, ip[:20])) != 0xffff {
			return false
		}
		addrs, tcp = ip[12:20], ip[20:]
	} else {
		if int(binary.BigEndian.Uint16(ip[4:]))+40 != len(ip) {
			return false
		}
		addrs, tcp = ip[8:40], ip[40:]
	}
	length := len(tcp)
	if length%2 == 1 {
		tcp = append(tcp[:length:length], 0)
	}
	return fold(sum(sum(uint64(6+length), addrs), tcp)) == 0xffff
}

// TestEverythingIsRepaired: at the end the receiver has acknowledged every octet.
func TestEverythingIsRepaired(t *testing.T) {
	g := newTrace(small("mixed", "pcap"))
	conns := append([]*conn(nil), g.open...)
	for {
		if _, _, ok := g.next(); !ok {
			break
		}
	}
	for _, c := range conns {
		want := c.next[c.data] + 1 // the FIN
		var got uint32
		for _, p := range c.planned {
			if p.dir != c.data {
				got = max(got, p.ack)
			}
		}
		if got != want {
			t.Errorf("a connection sent up to %d and was acknowledged up to %d", want, got)
		}
	}
}

// TestSameFlagsSameFile: the file is a function of the flags.
func TestSameFlagsSameFile(t *testing.T) {
	sum := func(o options) uint64 {
		h := fnv.New64a()
		if _, err := generate(h, o); err != nil {
			t.Fatal(err)
		}
		return h.Sum64()
	}
	first := sum(small("mixed", "pcapng"))
	if second := sum(small("mixed", "pcapng")); first != second {
		t.Error("two runs made two files")
	}
	other := small("mixed", "pcapng")
	other.seed = 2
	if sum(other) == first {
		t.Error("two seeds made one file")
	}
}

// TestRefuses: flags that make no sense are errors.
func TestRefuses(t *testing.T) {
	for _, args := range []string{"-size 7", "-format erf", "-packets 0", "-loss 0.9", "-pairs 99999999", "extra"} {
		var stderr bytes.Buffer
		if code := run(strings.Fields(args), &bytes.Buffer{}, &stderr); code != 2 {
			t.Errorf("tracegen %s: exit %d, want 2; %s", args, code, &stderr)
		}
	}
}

func BenchmarkGenerate(b *testing.B) {
	b.ReportAllocs()
	for range b.N {
		var n counter
		o := small("mixed", "pcap")
		if _, err := generate(&n, o); err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(n))
	}
}

// counter is a writer that only counts.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
