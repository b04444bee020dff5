package decode

import (
	"fmt"
	"reflect"
	"testing"

	"whydrop/capture"
)

func TestHashes(t *testing.T) {
	a, b := Addr{10: 0xff, 11: 0xff, 12: 10, 15: 1}, Addr{10: 0xff, 11: 0xff, 12: 10, 15: 2}
	if PairHash(a, b) != PairHash(b, a) {
		t.Error("a pair of addresses hashes differently in the other order")
	}
	// A /24 talking to a server must spread over few shards evenly.
	const shards, hosts = 4, 256
	var load [shards]int
	seen := map[uint32]bool{}
	for i := range hosts {
		b[15] = byte(i)
		h := PairHash(a, b)
		load[h%shards]++
		seen[h] = true
	}
	if len(seen) != hosts {
		t.Errorf("%d hashes of %d pairs", len(seen), hosts)
	}
	for i, n := range load {
		if n < hosts/shards/2 || n > hosts/shards*2 {
			t.Errorf("shard %d has %d of %d pairs", i, n, hosts)
		}
	}
	p, _, _ := read(capture.LinkRaw, tcp4(filler(100)))
	q, _, _ := read(capture.LinkEthernet, ether(etherIPv4, tcp4(filler(100), timestamps...)))
	if p.PayloadHash != q.PayloadHash || p.PayloadHash == 0 || p.PairHash != q.PairHash {
		t.Errorf("equal payloads behind other headers: %#x, %#x", p.PayloadHash, q.PayloadHash)
	}
	other := filler(100)
	other[50] ^= 1
	if q, _, _ := read(capture.LinkRaw, tcp4(other)); q.PayloadHash == p.PayloadHash {
		t.Error("one bit of payload changes no hash")
	}
	zeros, _, _ := read(capture.LinkRaw, udp4(7, make([]byte, 10)))
	more, _, _ := read(capture.LinkRaw, udp4(7, make([]byte, 12)))
	if zeros.PayloadHash == more.PayloadHash {
		t.Error("ten and twelve zeros hash the same")
	}
	absent := udpDatagram(7, filler(100))
	if q, _, _ := read(capture.LinkRaw, ip4(ProtoUDP, absent)); q.TransportSum != ChecksumAbsent || q.PayloadHash != p.PayloadHash {
		t.Errorf("a datagram without checksum: %v, hash %#x, want %#x", q.TransportSum, q.PayloadHash, p.PayloadHash)
	}
}

func TestHead(t *testing.T) {
	p, _, _ := read(capture.LinkRaw, udp4(7, filler(100)))
	if string(p.Head[:]) != string(filler(100)[:16]) {
		t.Errorf("head %x", p.Head)
	}
	p, _, _ = read(capture.LinkRaw, udp4(7, filler(3)))
	if p.Head != [16]byte(append(filler(3), make([]byte, 13)...)) || p.PayloadCap != 3 {
		t.Errorf("head of three octets %x, captured %d", p.Head, p.PayloadCap)
	}
}

func TestSeq(t *testing.T) {
	for _, isn := range []uint32{0, 1, 0x7fffffff, 0x80000000, 0xffffff00, 0xffffffff} {
		s := SeqOf(isn)
		later := s.Add(1000)
		if !s.Before(later) || later.Before(s) || s.Before(s) || s.Distance(later) != 1000 || later.Distance(s) != -1000 {
			t.Errorf("at %#x: before %v, distance %d", isn, s.Before(later), s.Distance(later))
		}
		if later.Value() != isn+1000 {
			t.Errorf("at %#x: value %#x", isn, later.Value())
		}
	}
}

// TestCountsAdd decodes frames with one decoder and with two, and wants the same.
func TestCountsAdd(t *testing.T) {
	var frames []capture.Frame
	for _, b := range everyday() {
		frames = append(frames, capture.Frame{Data: b, WireLength: uint32(len(b)), Link: capture.LinkEthernet})
	}
	frames = append(frames, capture.Frame{Data: filler(9), WireLength: 12, Link: 147})
	frames = append(frames, capture.Frame{Data: ether(0x88cc, filler(9)), WireLength: 90, Link: capture.LinkEthernet})
	one, two, sum := NewDecoder(), NewDecoder(), Counts{}
	for i, f := range frames {
		b := capture.NewBatch([]capture.Frame{f}, nil)
		one.Batch(b, &Decoded{})
		if i%2 == 0 {
			two.Batch(b, &Decoded{})
			continue
		}
		three := NewDecoder()
		three.Batch(b, &Decoded{})
		sum.Add(&three.Counts)
	}
	sum.Add(&two.Counts)
	if !reflect.DeepEqual(sum, one.Counts) {
		t.Errorf("added up\n%+v, at once\n%+v", sum, one.Counts)
	}
	if one.Counts.Frames != uint64(len(frames)) || one.Counts.Truncated != 2 || one.Counts.UnknownLink[147] != 1 {
		t.Errorf("%+v", one.Counts)
	}
}

func TestEtherTypesAreBounded(t *testing.T) {
	dec := NewDecoder()
	for i := range 1000 {
		b := ether(uint16(0x9400+i), filler(50))
		dec.Batch(capture.NewBatch([]capture.Frame{{Data: b, WireLength: uint32(len(b)), Link: capture.LinkEthernet}}, nil), &Decoded{})
	}
	total := uint64(0)
	for _, n := range dec.Counts.EtherTypes {
		total += n
	}
	if len(dec.Counts.EtherTypes) > maxEtherTypes+1 || total != 1000 {
		t.Errorf("%d EtherTypes kept, %d frames counted", len(dec.Counts.EtherTypes), total)
	}
}

func TestNames(t *testing.T) {
	for _, tt := range []struct {
		n    int
		name func(int) fmt.Stringer
	}{
		{int(NumChecksums), func(i int) fmt.Stringer { return Checksum(i) }},
		{int(numTunnels), func(i int) fmt.Stringer { return Tunnel(i) }},
		{int(NumLayers), func(i int) fmt.Stringer { return Layer(i) }},
		{int(NumMalformed), func(i int) fmt.Stringer { return Malformed(i) }},
	} {
		seen := map[string]bool{}
		for i := range tt.n {
			name := tt.name(i).String()
			if name == "" || name == "invalid" || seen[name] {
				t.Errorf("%T %d is named %q", tt.name(i), i, name)
			}
			seen[name] = true
		}
		if got := tt.name(tt.n).String(); got != "invalid" {
			t.Errorf("%T %d is named %q, want invalid", tt.name(0), tt.n, got)
		}
	}
}
