package netsim

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
)

// faults are the troubles that every kind of connection must survive.
var faults = []struct {
	name string
	path func(p *Path)
}{
	{"none", func(*Path) {}},
	{"loss before the tap", func(p *Path) { p[0][0].Faults.Loss = .02 }},
	{"loss behind the tap", func(p *Path) { p[0][1].Faults.Loss = .02 }},
	{"bursts", func(p *Path) { p[0][1].Faults = Faults{Burst: .005, BurstLength: 6} }},
	{"reordering", func(p *Path) { p[0][0].Faults = Faults{Reorder: .05, Late: [2]int64{Millisecond, 30 * Millisecond}} }},
	{"duplicates", func(p *Path) { p[0][0].Faults.Duplicate = .05 }},
	{"damage", func(p *Path) { p[0][0].Faults.Corrupt, p[1][1].Faults.Corrupt = .02, .02 }},
	{"lost ACKs", func(p *Path) { p[1][0].Faults = Faults{Only: ACK, Loss: .3} }},
	{"lost tails", func(p *Path) { p[0][0].Faults.Tail, p[1][1].Faults.Tail = .5, .5 }},
	{"outage", func(p *Path) { p[0][1].Faults.Outages = []Span{{300 * Millisecond, 900 * Millisecond}} }},
	{"lost handshakes", func(p *Path) {
		p[0][1].Faults, p[1][0].Faults = Faults{Only: SYN, Loss: .5}, Faults{Only: SYN, Loss: .5}
	}},
	{"full queue", func(p *Path) { p[0][1].Elements = []Element{&Queue{Rate: 10e6, Octets: 30_000}} }},
	{"loss everywhere", func(p *Path) {
		for d := range p {
			p[d][0].Faults.Loss, p[d][1].Faults.Loss = .02, .02
		}
	}},
}

// hosts are the kinds of connection.
var hosts = []struct {
	name string
	flow Flow
}{
	{"plain", Flow{}},
	{"no SACK", Flow{NoSACK: true}},
	{"no timestamps", Flow{NoTimestamps: true}},
	{"neither", Flow{NoSACK: true, NoTimestamps: true}},
	{"IPv6", Flow{IPv6: true}},
	{"slow reader", Flow{Buffer: 64 << 10, B: App{Rate: 1e6}}},
	{"pausing reader", Flow{Buffer: 64 << 10, B: App{Pause: 2 * Second}}},
}

func experiment(fault, host int, seed uint64) Config {
	c := Config{Seed: seed, Path: Through(4*Millisecond, 16*Millisecond)}
	faults[fault].path(&c.Path)
	for i := range 3 {
		f := hosts[host].flow
		f.Start = int64(i) * 50 * Millisecond
		f.A.Sends = []Send{{Octets: 300_000}, {Got: 5000, After: 300 * Millisecond, Octets: 20_000}}
		f.B.Sends = []Send{{Got: 300_000, Octets: 5000}}
		f.B.Stays = true
		c.Flows = append(c.Flows, f)
	}
	return c
}

// TestEverythingArrives plays every fault with every kind of connection: TCP
// repairs all of them, and the truth must be consistent with itself.
func TestEverythingArrives(t *testing.T) {
	for fi, fault := range faults {
		for hi, host := range hosts {
			t.Run(fault.name+"/"+host.name, func(t *testing.T) {
				tr := Run(experiment(fi, hi, uint64(1+fi)))
				if len(tr.Unfinished) > 0 {
					t.Errorf("flows %v did not finish", tr.Unfinished)
				}
				checkTruth(t, tr)
			})
		}
	}
}

func checkTruth(t *testing.T, tr *Trace) {
	t.Helper()
	seen := map[uint64]bool{}
	for i := range tr.Packets {
		p := &tr.Packets[i]
		switch {
		case p.Needed && p.Why == Original:
			t.Errorf("packet %d was needed though it was no repetition: %+v", i, *p)
		case p.Fate == LostBefore && p.Passed && !p.Damaged:
			t.Errorf("packet %d was lost before the tap and passed it: %+v", i, *p)
		case p.Fate == LostAfter && !p.Passed:
			t.Errorf("packet %d was lost behind the tap and never passed it: %+v", i, *p)
		case p.Frame > 0 && seen[p.Frame]:
			t.Errorf("packet %d has a frame of another: %+v", i, *p)
		case p.acceptable && p.Fate != Delivered:
			t.Errorf("packet %d was lost and taken: %+v", i, *p)
		}
		if p.Frame > 0 {
			seen[p.Frame] = true
		}
	}
	if len(seen) != len(tr.Frames) {
		t.Errorf("%d frames, of which the truth knows %d", len(tr.Frames), len(seen))
	}
}

// TestSameSeedSameTrace: nothing but the seed decides.
func TestSameSeedSameTrace(t *testing.T) {
	last := len(faults) - 1
	a, b := Run(experiment(last, 0, 7)), Run(experiment(last, 0, 7))
	if len(a.Frames) != len(b.Frames) {
		t.Fatalf("%d frames, then %d", len(a.Frames), len(b.Frames))
	}
	for i := range a.Frames {
		if !bytes.Equal(a.Frames[i].Data, b.Frames[i].Data) || a.Frames[i].Time != b.Frames[i].Time {
			t.Fatalf("frame %d differs", i+1)
		}
	}
	if c := Run(experiment(last, 0, 8)); fmt.Sprint(c.Packets) == fmt.Sprint(a.Packets) {
		t.Error("another seed made the same experiment")
	}
}

// TestFramesAreRight: lengths agree and checksums hold, but for damaged packets.
func TestFramesAreRight(t *testing.T) {
	for fi, fault := range faults {
		for _, host := range []int{0, 3, 4} {
			tr := Run(experiment(fi, host, 3))
			damaged := map[uint64]bool{}
			for i := range tr.Packets {
				if p := &tr.Packets[i]; p.Damaged && p.Fate == LostBefore {
					damaged[p.Frame] = true
				}
			}
			for _, f := range tr.Frames {
				if good := checksumsHold(f.Data); good == damaged[f.Number] {
					t.Fatalf("%s/%s: frame %d: checksums hold: %v, damaged: %v\n%x",
						fault.name, hosts[host].name, f.Number, good, damaged[f.Number], f.Data)
				}
			}
		}
	}
}

func checksumsHold(frame []byte) bool {
	ip := frame[etherHeader:]
	var addrs, tcp []byte
	if ip[0]>>4 == 4 {
		ip = ip[:binary.BigEndian.Uint16(ip[2:])]
		if fold(sum(0, ip[:20])) != 0xffff {
			return false
		}
		addrs, tcp = ip[12:20], ip[20:]
	} else {
		ip = ip[:40+int(binary.BigEndian.Uint16(ip[4:]))]
		addrs, tcp = ip[8:40], ip[40:]
	}
	return fold(sum(sum(uint64(6+len(tcp)), addrs), tcp)) == 0xffff
}

// TestShiftRotateMirror: the laws' transformations change what they should and
// nothing else.
func TestShiftRotateMirror(t *testing.T) {
	c := experiment(len(faults)-1, 0, 5)
	plain := Run(c)
	c.Shift, c.Rotate, c.Mirror = 12345*Second+678, 0xffff_0000, true
	other := Run(c)
	if len(plain.Frames) != len(other.Frames) {
		t.Fatalf("%d frames, then %d", len(plain.Frames), len(other.Frames))
	}
	for i := range plain.Frames {
		if got := other.Frames[i].Time - plain.Frames[i].Time; got != c.Shift {
			t.Fatalf("frame %d moved by %d, want %d", i+1, got, c.Shift)
		}
	}
	if plain.Flows[0][0] != other.Flows[0][1] {
		t.Error("not mirrored")
	}
}

// TestSendersRepairAsLinuxDoes: every way to repair occurs where it should.
func TestSendersRepairAsLinuxDoes(t *testing.T) {
	count := func(fault, host int) (by [numWhys]int) {
		tr := Run(experiment(fault, host, 11))
		for i := range tr.Packets {
			by[tr.Packets[i].Why]++
		}
		return by
	}
	for fi, fault := range faults {
		by := count(fi, 0)
		without := count(fi, 1)
		t.Logf("%-20s %v, without SACK %v", fault.name, by, without)
		if fault.name == "none" && by[Original] != sumOf(by[:]) {
			t.Error("repairs on a path without faults")
		}
		if without[ByTLP] > 0 {
			t.Errorf("%s: a tail loss probe without SACK", fault.name)
		}
	}
	if by := count(2, 0); by[ByFast] == 0 {
		t.Error("loss made no fast retransmission")
	}
	if by := count(9, 0); by[ByRTO] == 0 || by[ByLoss] == 0 {
		t.Error("an outage made no timeout, or nothing behind it")
	}
	if by := count(10, 0); by[BySYN]+by[BySYNACK] == 0 {
		t.Error("lost handshakes were not repeated")
	}
	if by := count(8, 0); by[ByTLP] == 0 {
		t.Error("lost tails made no probe")
	}
}

func sumOf(n []int) (sum int) {
	for _, x := range n {
		sum += x
	}
	return sum
}

// TestClosedWindow: a reader that pauses makes a zero window and probes of it.
func TestClosedWindow(t *testing.T) {
	tr := Run(experiment(0, 6, 1))
	probes, closed := 0, 0
	for i := range tr.Packets {
		if tr.Packets[i].Probe {
			probes++
		}
	}
	for _, f := range tr.Frames {
		if binary.BigEndian.Uint16(f.Data[etherHeader+20+14:]) == 0 {
			closed++
		}
	}
	if probes == 0 || closed == 0 {
		t.Errorf("%d probes, %d zero windows; want some of each", probes, closed)
	}
}
