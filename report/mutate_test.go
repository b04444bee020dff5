package report_test

import (
	"encoding/binary"
	"slices"

	"whydrop/capture"
)

// octetsPerStep is how many octets of fuzz make a change: what, of which frame, and two words.
const octetsPerStep = 8

// A change does something to frames of Ethernet that a peer, a middlebox, an attacker or a
// broken disk could have done. at is a frame; a and b are any words.
type change func(frames []capture.Frame, at int, a, b uint16) []capture.Frame

// mostFrames keeps a round of the fuzzer short.
const mostFrames = 600

// mutated makes changes to a copy of frames.
func mutated(frames []capture.Frame, steps []byte) []capture.Frame {
	out := make([]capture.Frame, len(frames))
	for i, f := range frames {
		f.Data = slices.Clone(f.Data)
		out[i] = f
	}
	for ; len(steps) >= octetsPerStep && len(out) > 0; steps = steps[octetsPerStep:] {
		at := int(binary.BigEndian.Uint16(steps[2:])) % len(out)
		do := changes[int(steps[0])%len(changes)]
		out = do(out, at, binary.BigEndian.Uint16(steps[4:]), binary.BigEndian.Uint16(steps[6:]))
		out = out[:min(len(out), mostFrames)]
	}
	for i := range out {
		out[i].Number = uint64(i + 1)
		out[i].WireLength = max(out[i].WireLength, uint32(len(out[i].Data)))
	}
	return out
}

// Where things stand in Ethernet, IPv4 without options, and TCP.
const (
	atIP, atTotal, atFragment, atProtocol, atSource, atTCP = 14, 16, 20, 23, 26, 34
	atSeq, atAck, atOffset, atWindow, atOptions            = atTCP + 4, atTCP + 8, atTCP + 12, atTCP + 14, atTCP + 20
)

var changes = []change{setOctet, setWord, delete1, copy1, swap, leap, cut, wrap, options, fragments, tunnel, flood, half, untimed, lengths}

func setOctet(fs []capture.Frame, at int, a, b uint16) []capture.Frame {
	if d := fs[at].Data; len(d) > 0 {
		d[int(a)%min(len(d), 80)] = byte(b)
	}
	return fs
}

func setWord(fs []capture.Frame, at int, a, b uint16) []capture.Frame {
	if d := fs[at].Data; len(d) > 1 {
		binary.BigEndian.PutUint16(d[int(a)%min(len(d)-1, 80):], b)
	}
	return fs
}

func delete1(fs []capture.Frame, at int, _, _ uint16) []capture.Frame {
	return slices.Delete(fs, at, at+1)
}

func copy1(fs []capture.Frame, at int, a, _ uint16) []capture.Frame {
	f := fs[at]
	f.Data = slices.Clone(f.Data)
	return slices.Insert(fs, int(a)%(len(fs)+1), f)
}

func swap(fs []capture.Frame, at int, a, _ uint16) []capture.Frame {
	other := int(a) % len(fs)
	fs[at], fs[other] = fs[other], fs[at]
	return fs
}

// leap sets the clock for all frames from here on, by anything from ns to centuries.
func leap(fs []capture.Frame, at int, a, b uint16) []capture.Frame {
	by := int64(int16(a)) << (b % 48)
	for i := at; i < len(fs); i++ {
		fs[i].Time += by
	}
	return fs
}

func cut(fs []capture.Frame, at int, a, _ uint16) []capture.Frame {
	f := &fs[at]
	f.Data = f.Data[:min(int(a)%120, len(f.Data))]
	return fs
}

// wrap moves sequence space, so that it runs over 2^32 somewhere.
func wrap(fs []capture.Frame, at int, a, b uint16) []capture.Frame {
	by := uint32(a)<<16 | uint32(b)
	for i := range fs {
		if d := fs[i].Data; len(d) >= atOptions && d[atProtocol] == 6 {
			back := int(d[atTCP]^d[atTCP+1])&1 ^ at&1
			word := d[atSeq+4*back:]
			binary.BigEndian.PutUint32(word, binary.BigEndian.Uint32(word)+by)
		}
	}
	return fs
}

// options writes options that overlap, repeat, or have length 0, 1 or too much.
func options(fs []capture.Frame, at int, a, b uint16) []capture.Frame {
	d := fs[at].Data
	if len(d) < atOptions+40 {
		return fs
	}
	d[atOffset] = d[atOffset]&15 | byte(5+a%11)<<4
	for i := range 40 {
		d[atOptions+i] = []byte{byte(a), byte(b), byte(b >> 8), 5, 8, 0, 1, 34}[(i*int(1+a>>13)+int(b))%8]
	}
	return fs
}

// fragments replaces a packet by pieces of it, which overlap or leave holes.
func fragments(fs []capture.Frame, at int, a, b uint16) []capture.Frame {
	d := fs[at].Data
	if len(d) < atTCP+24 {
		return fs
	}
	for i := range 1 + a%7 {
		f := fs[at]
		piece := 8 * (1 + int(b>>(i%8)&3))
		f.Data = append(slices.Clone(d[:atTCP]), d[atTCP:min(len(d), atTCP+piece)]...)
		binary.BigEndian.PutUint16(f.Data[atTotal:], uint16(len(f.Data)-atIP))
		more := uint16(0x2000)
		if b>>(i+8)&1 != 0 {
			more = 0
		}
		binary.BigEndian.PutUint16(f.Data[atFragment:], more|(b*i)&0x1fff%(a|1))
		f.WireLength = uint32(len(f.Data))
		fs = slices.Insert(fs, at, f)
	}
	return fs
}

// tunnel puts the packet into IPv4 in IPv4, or GRE, again and again.
func tunnel(fs []capture.Frame, at int, a, b uint16) []capture.Frame {
	f := &fs[at]
	if len(f.Data) < atTCP {
		return fs
	}
	for range 1 + a%12 {
		outer := slices.Clone(f.Data[:atTCP])
		if b&1 != 0 {
			outer[atProtocol] = 47
			outer = append(outer, byte(b>>8)&0xb0, 0, 8, 0)
		} else {
			outer[atProtocol] = 4
		}
		f.Data = append(outer, f.Data[atIP:]...)
		binary.BigEndian.PutUint16(f.Data[atTotal:], uint16(len(f.Data)-atIP))
	}
	f.WireLength = uint32(len(f.Data))
	return fs
}

// flood sends the packet again from many ports or addresses: connections of one packet.
func flood(fs []capture.Frame, at int, a, b uint16) []capture.Frame {
	if len(fs[at].Data) < atTCP+4 {
		return fs
	}
	for i := range 1 + a%90 {
		f := fs[at]
		f.Data = slices.Clone(f.Data)
		binary.BigEndian.PutUint16(f.Data[atTCP:], b+i)
		if b&1 != 0 {
			binary.BigEndian.PutUint16(f.Data[atSource+2:], b*(i+1))
		}
		fs = append(fs, f)
	}
	return fs
}

// half leaves one direction out from here on, by the parity of the source.
func half(fs []capture.Frame, at int, a, _ uint16) []capture.Frame {
	n := 0
	return slices.DeleteFunc(fs, func(f capture.Frame) bool {
		n++
		return n > at && len(f.Data) > atSource+4 && f.Data[atSource+3]&1 == byte(a&1)
	})
}

func untimed(fs []capture.Frame, at int, _, _ uint16) []capture.Frame {
	fs[at].HasTime, fs[at].Time = false, 0
	return fs
}

// lengths has headers claim other lengths than there are.
func lengths(fs []capture.Frame, at int, a, b uint16) []capture.Frame {
	if d := fs[at].Data; len(d) > atTotal+1 {
		binary.BigEndian.PutUint16(d[atTotal:], a)
	}
	fs[at].WireLength = uint32(b)
	return fs
}
