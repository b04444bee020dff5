package decode

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"whydrop/capture"
)

// octets reads hex; spaces and everything behind a # are for the reader.
func octets(t testing.TB, text string) []byte {
	t.Helper()
	var clean strings.Builder
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		clean.WriteString(strings.Join(strings.Fields(line), ""))
	}
	b, err := hex.DecodeString(clean.String())
	if err != nil {
		t.Fatalf("test octets %q: %v", text, err)
	}
	return b
}

// read decodes one whole frame.
func read(link capture.LinkType, b []byte) (Packet, *Decoded, *Decoder) {
	return readFrame(capture.Frame{Data: b, WireLength: uint32(len(b)), Link: link, Number: 1})
}

func readFrame(f capture.Frame) (Packet, *Decoded, *Decoder) {
	dec, d := NewDecoder(), &Decoded{}
	dec.Batch(capture.NewBatch([]capture.Frame{f}, nil), d)
	return d.Packets[0], d, dec
}

// slowSum is RFC 1071 §1 read aloud over several pieces, each of even length
// but the last: the witness against which verdicts are checked.
func slowSum(pieces ...[]byte) uint16 {
	var all []byte
	for _, p := range pieces {
		all = append(all, p...)
	}
	if len(all)%2 != 0 {
		all = append(all, 0)
	}
	var sum uint32
	for i := 0; i < len(all); i += 2 {
		sum += uint32(all[i])<<8 | uint32(all[i+1])
		sum = sum&0xffff + sum>>16
	}
	return uint16(sum)
}

// pseudo4 and pseudo6 are the pseudo-headers written out.
func pseudo4(src, dst [4]byte, protocol uint8, length int) []byte {
	b := append(append([]byte{}, src[:]...), dst[:]...)
	return binary.BigEndian.AppendUint32(append(b, 0, protocol), uint32(length)) // BIG TCP has more than 65535
}

func pseudo6(src, dst [16]byte, protocol uint8, length int) []byte {
	b := append(append([]byte{}, src[:]...), dst[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(length))
	return append(b, 0, 0, 0, protocol)
}

var (
	host4a = [4]byte{10, 0, 0, 1}
	host4b = [4]byte{10, 0, 0, 2}
	host6a = [16]byte{0x20, 0x01, 0x0d, 0xb8, 15: 1}
	host6b = [16]byte{0x20, 0x01, 0x0d, 0xb8, 15: 2}
)

// ip4 builds an IPv4 packet with a right header checksum.
func ip4(protocol uint8, payload []byte) []byte {
	return ip4Frag(protocol, 0x4000, payload)
}

func ip4Frag(protocol uint8, frag uint16, payload []byte) []byte {
	b := make([]byte, 20, 20+len(payload))
	b[0], b[8], b[9] = 0x45, 64, protocol
	binary.BigEndian.PutUint16(b[2:], uint16(20+len(payload)))
	binary.BigEndian.PutUint16(b[4:], 0x1234)
	binary.BigEndian.PutUint16(b[6:], frag)
	copy(b[12:], host4a[:])
	copy(b[16:], host4b[:])
	binary.BigEndian.PutUint16(b[10:], ^slowSum(b))
	return append(b, payload...)
}

// ip6 builds an IPv6 packet.
func ip6(next uint8, payload []byte) []byte {
	b := make([]byte, 40, 40+len(payload))
	b[0], b[6], b[7] = 0x60, next, 64
	binary.BigEndian.PutUint16(b[4:], uint16(len(payload)))
	copy(b[8:], host6a[:])
	copy(b[24:], host6b[:])
	return append(b, payload...)
}

// sealed fills in the checksum of a transport header at offset at. That of UDP
// is at 6, and there a computed zero is sent as all ones (RFC 768).
func sealed(segment []byte, at int, pseudo []byte) []byte {
	segment[at], segment[at+1] = 0, 0
	sum := ^slowSum(pseudo, segment)
	if sum == 0 && at == 6 {
		sum = 0xffff
	}
	binary.BigEndian.PutUint16(segment[at:], sum)
	return segment
}

func tcpSegment(payload []byte, options ...byte) []byte {
	b := make([]byte, 20, 20+len(options)+len(payload))
	binary.BigEndian.PutUint16(b[0:], 40000)
	binary.BigEndian.PutUint16(b[2:], 443)
	binary.BigEndian.PutUint32(b[4:], 0x01020304)
	binary.BigEndian.PutUint32(b[8:], 0x05060708)
	b[12], b[13] = byte(20+len(options))/4<<4, 0x18
	binary.BigEndian.PutUint16(b[14:], 502)
	b = append(b, options...)
	return append(b, payload...)
}

func udpDatagram(dst uint16, payload []byte) []byte {
	b := make([]byte, 8, 8+len(payload))
	binary.BigEndian.PutUint16(b[0:], 5353)
	binary.BigEndian.PutUint16(b[2:], dst)
	binary.BigEndian.PutUint16(b[4:], uint16(8+len(payload)))
	return append(b, payload...)
}

func tcp4(payload []byte, options ...byte) []byte {
	s := tcpSegment(payload, options...)
	return ip4(ProtoTCP, sealed(s, 16, pseudo4(host4a, host4b, ProtoTCP, len(s))))
}

func tcp6(payload []byte, options ...byte) []byte {
	s := tcpSegment(payload, options...)
	return ip6(ProtoTCP, sealed(s, 16, pseudo6(host6a, host6b, ProtoTCP, len(s))))
}

func udp4(dst uint16, payload []byte) []byte {
	s := udpDatagram(dst, payload)
	return ip4(ProtoUDP, sealed(s, 6, pseudo4(host4a, host4b, ProtoUDP, len(s))))
}

func udp6(dst uint16, payload []byte) []byte {
	s := udpDatagram(dst, payload)
	return ip6(ProtoUDP, sealed(s, 6, pseudo6(host6a, host6b, ProtoUDP, len(s))))
}

func ether(t uint16, payload []byte) []byte {
	b := []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, byte(t >> 8), byte(t)}
	return append(b, payload...)
}

// timestamps are the options of an everyday segment.
var timestamps = []byte{1, 1, 8, 10, 0, 0, 0, 7, 0, 0, 0, 9}

func filler(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + 3)
	}
	return b
}
