package detect

import (
	"testing"

	"whydrop/decode"
)

// FuzzEngine plays packets that make no sense: nothing may panic, and the
// books must balance.
func FuzzEngine(f *testing.F) {
	for _, tale := range tales {
		f.Add(encode(tale.tell().packets))
	}
	f.Add([]byte("0000000000000000000000000000"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		packets := decoded(b)
		found := playAll(packets, 0)
		checkBalance(t, found)
		for _, y := range found.Symptoms {
			if int(y.Flow) >= len(found.Flows) {
				t.Fatalf("symptom of flow %d of %d", y.Flow, len(found.Flows))
			}
		}
		var packetsSeen uint64
		for i := range found.Flows {
			for d := range 2 {
				h := &found.Flows[i].Dir[d]
				packetsSeen += h.Packets + uint64(h.Copies[0]) + uint64(h.Copies[1])
			}
		}
		if packetsSeen != uint64(len(packets)) {
			t.Fatalf("%d packets in, %d counted", len(packets), packetsSeen)
		}
	})
}

// octetsPer is how many octets of fuzz make a packet.
const octetsPer = 14

// decoded makes packets of two hosts out of anything.
func decoded(b []byte) []decode.Packet {
	s := newStory()
	var out []decode.Packet
	for ; len(b) >= octetsPer; b = b[octetsPer:] {
		s.now += int64(b[0]) * int64(b[0]) * int64(b[0]) * 1000
		dir := int(b[1] & 1)
		s.ports[0] = 40000 + uint16(b[1]>>1&1)
		s.v6 = b[1]&4 != 0
		s.packets = s.packets[:0]
		s.packet(dir, uint16(b[2]), uint32(b[3])<<8|uint32(b[4]), uint32(b[5])*12, uint32(b[6])<<8|uint32(b[7]))
		p := s.packets[0]
		if b[1]&8 != 0 {
			p.TransportSum = decode.ChecksumBad
		}
		if b[1]&16 != 0 {
			p.IPFlags |= decode.BadIPHeader
		}
		if b[1]&32 != 0 {
			p.Options |= decode.OptSACK
			p.NumSACK = b[8]%4 + 1
			for i := range p.NumSACK {
				p.SACK[i] = [2]uint32{s.isn[1-dir] + uint32(b[9+i])*100, s.isn[1-dir] + uint32(b[10+i%3])*120}
			}
		}
		if b[1]&64 != 0 {
			p.Seq += uint32(b[8]) << 24
			p.Ack += uint32(b[9]) << 24
		}
		p.Window = uint16(b[10])
		p.ID += uint32(b[11] >> 6)
		p.TSEcr = uint32(b[12])
		p.TSVal += uint32(b[13])
		p.Number = uint64(len(out) + 1)
		out = append(out, p)
	}
	return out
}

// encode is a rough inverse of decoded, for seeds.
func encode(packets []decode.Packet) []byte {
	var b []byte
	for i := range packets {
		p := &packets[i]
		var x [octetsPer]byte
		x[0] = 20
		isn := [2]uint32{1000, 50000}
		if p.SrcPort == 443 {
			x[1] = 1
			isn[0], isn[1] = isn[1], isn[0]
		}
		x[2] = byte(p.Flags)
		x[3], x[4] = byte((p.Seq-isn[0])>>8), byte(p.Seq-isn[0])
		x[5] = byte(p.PayloadLen / 12)
		x[6], x[7] = byte((p.Ack-isn[1])>>8), byte(p.Ack-isn[1])
		if p.NumSACK > 0 {
			x[1] |= 32
		}
		x[10] = 200
		b = append(b, x[:]...)
	}
	return b
}
