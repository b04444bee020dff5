package host

import (
	"encoding/binary"

	"whydrop/capture"
)

// A sampled is one drop whose headers were handed out.
type sampled struct {
	waiter
	drop capture.DropSample
}

// Sizes and places of struct sample in bpf/drop.bpf.c.
const (
	keyOctets     = 64
	sampleHeader  = keyOctets + 16
	sampleOctets  = sampleHeader + headerOctets
	etherAtInKey  = 56
	protoAtInKey  = 58
	addressesAt   = 24
	addressOctets = 16
)

// readSample reads what passed the ring; offset turns its clock into that of frames.
func readSample(b []byte, offset int64) (dropKey, *sampled, bool) {
	var key dropKey
	if len(b) < sampleOctets {
		return key, nil, false
	}
	le := binary.LittleEndian
	key.Function, key.Reason, key.Ifindex = le.Uint64(b), le.Uint32(b[8:]), le.Uint32(b[12:])
	key.Iif, key.Sport, key.Dport = le.Uint32(b[16:]), le.Uint16(b[20:]), le.Uint16(b[22:])
	copy(key.Src[:], b[addressesAt:])
	copy(key.Dst[:], b[addressesAt+addressOctets:])
	key.Ether, key.Proto = le.Uint16(b[etherAtInKey:]), b[protoAtInKey]
	b = b[keyOctets:]
	s := &sampled{}
	s.time = int64(le.Uint64(b)) + offset
	s.drop = capture.DropSample{Time: s.time, Octet: le.Uint32(b[8:]), Segs: le.Uint16(b[12:])}
	header := b[16:min(16+int(le.Uint16(b[14:])), 16+headerOctets)]
	if key.Ether != etherARP {
		s.identity, s.known = identify(header)
		s.numbers(header)
	}
	return key, s, true
}

// numbers reads what names the packet to a human: IP-ID, sequence number, flags.
func (s *sampled) numbers(b []byte) {
	if len(b) < ipv4Header {
		return
	}
	at, protocol := ipv6Header, b[6]
	if b[0]>>4 == 4 {
		at, protocol = int(b[0]&0xf)*4, b[9]
		s.drop.ID = binary.BigEndian.Uint16(b[4:])
		if binary.BigEndian.Uint16(b[6:])&0x1fff != 0 {
			return // a later fragment
		}
	}
	if protocol == protocolTCP && len(b) >= at+tcpHeader {
		s.drop.Seq = binary.BigEndian.Uint32(b[at+4:])
		s.drop.Flags = b[at+13]
	}
}

// told returns the sample with the frame that was found for it.
func (s *sampled) told() capture.DropSample {
	s.drop.Frame, s.drop.After = s.frame, s.after
	return s.drop
}
