//go:build linux && cgo

package afpacket

import (
	"encoding/binary"
	"errors"
	"reflect"
	"strings"

	"github.com/google/gopacket"
	"github.com/google/gopacket/afpacket"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"whydrop/capture"
)

const (
	// batchFrames and batchOctets are the most that one batch holds.
	batchFrames = 512
	batchOctets = 256 << 10

	// batchAge, ns, is the most time between the first and the last frame of one.
	batchAge = int64(40e6)

	etherAddresses = 12 // what stands in front of a VLAN tag
	tagOctets      = 4
)

// A ring is one socket and the memory that it shares with the kernel.
type ring struct {
	socket *afpacket.TPacket
	tags   tags
	known  bool  // the direction of a frame means something
	from   int64 // ns: what is older came before there was a filter

	held   []byte // a frame that did not fit into the batch before
	heldAt gopacket.CaptureInfo

	count Counters // as the watch read them
	was   [3]uint32
}

// openRing opens a ring that hands out nothing yet.
func openRing(o *Options) (*ring, error) {
	var socket *afpacket.TPacket
	var err error
	for octets := o.Buffer; ; octets /= 2 {
		socket, err = afpacket.NewTPacket(
			afpacket.OptInterface(o.Interface), afpacket.SocketRaw, afpacket.TPacketVersion3,
			afpacket.OptBlockSize(blockOctets), afpacket.OptFrameSize(frameOctets),
			afpacket.OptNumBlocks(max(octets/blockOctets, 2)),
			afpacket.OptBlockTimeout(blockTimeout), afpacket.OptPollTimeout(pollTimeout))
		if err == nil || octets <= 2*blockOctets || !memory(err) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	return &ring{socket: socket}, nil
}

// memory reports whether err is one of too little memory. The library keeps only the
// text of what the kernel said.
func memory(err error) bool { return strings.Contains(err.Error(), unix.ENOMEM.Error()) }

// filter attaches the filter. An empty one would make the library panic.
func (r *ring) filter(program []bpf.RawInstruction) error { return r.socket.SetBPF(program) }

// calm forgets the error of the socket, which is kept until somebody asks for it: until
// then every poll fails. The library does not show the descriptor.
func (r *ring) calm() {
	fd := int(reflect.ValueOf(r.socket).Elem().FieldByName("fd").Int())
	_, _ = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
}

// counted is what the kernel counted so far. Reading it sets it to zero there; the
// library adds up in 32 bits, which run over.
func (r *ring) counted() (Counters, error) {
	_, s, err := r.socket.SocketStats()
	if err != nil {
		return r.count, err
	}
	now := [3]uint32{uint32(s.Packets()), uint32(s.Drops()), uint32(s.QueueFreezes())}
	r.count.Matched += uint64(now[0] - r.was[0])
	r.count.Dropped += uint64(now[1] - r.was[1])
	r.count.Freezes += uint64(now[2] - r.was[2])
	r.was = now
	return r.count, nil
}

func (r *ring) close() { r.socket.Close() }

// fill reads frames into b until it is full or the ring is empty: then the error is
// errQuiet, or errTrouble if the link is the reason.
func (r *ring) fill(b *slab) error {
	switch err := r.read(b); {
	case errors.Is(err, afpacket.ErrTimeout):
		return errQuiet
	case errors.Is(err, afpacket.ErrPoll):
		return errTrouble
	default:
		return err
	}
}

func (r *ring) read(b *slab) error {
	for len(b.frames) < batchFrames {
		data, info := r.held, r.heldAt
		r.held = nil
		if data == nil {
			var err error
			data, info, err = r.socket.ZeroCopyReadPacketData()
			if err != nil {
				return err
			}
		}
		at := info.Timestamp.UnixNano()
		if at < r.from {
			continue // of before the filter was there
		}
		if len(b.octets)+len(data)+tagOctets > cap(b.octets) && len(b.frames) > 0 {
			r.held, r.heldAt = data, info // it stays valid: the next read has not begun
			return nil
		}
		r.add(b, data, info, at)
		if at-b.frames[0].Time > batchAge {
			return nil
		}
	}
	return nil
}

// add copies a frame into b, with what the ring had left out.
func (r *ring) add(b *slab, data []byte, info gopacket.CaptureInfo, at int64) {
	frame := capture.Frame{Time: at, HasTime: true, WireLength: uint32(info.Length), Link: capture.LinkEthernet}
	start := len(b.octets)
	tag, ok := r.tags.next(data, uint32(at/1e9), uint32(at%1e9))
	tpid, tci, tagged := vlanOf(info)
	if ok {
		frame.Offload = offload(tag)
		if r.known {
			frame.Direction = direction(tag)
		}
		tpid, tci, tagged = vlan(tag)
	}
	if tagged && len(data) >= etherAddresses {
		b.octets = append(b.octets, data[:etherAddresses]...)
		b.octets = binary.BigEndian.AppendUint16(b.octets, tpid)
		b.octets = binary.BigEndian.AppendUint16(b.octets, tci)
		b.octets = append(b.octets, data[etherAddresses:]...)
		frame.WireLength += tagOctets
	} else {
		b.octets = append(b.octets, data...)
	}
	frame.Data = b.octets[start:len(b.octets):len(b.octets)]
	b.frames = append(b.frames, frame)
}

// vlanOf is the VLAN as the library knows it: without priority and kind of tag.
func vlanOf(info gopacket.CaptureInfo) (tpid, tci uint16, ok bool) {
	for _, a := range info.AncillaryData {
		if v, is := a.(afpacket.AncillaryVLAN); is {
			return unix.ETH_P_8021Q, uint16(v.VLAN), true
		}
	}
	return 0, 0, false
}
