package flow

import "whydrop/decode"

// A sighting is a datagram that passed, as far as later packets need it: its
// copies, and ICMP errors that quote it.
type sighting struct {
	key    uint64 // everything that copies share
	t      int64
	ref    FrameRef
	id     uint16
	ttl    uint8
	lost   bool // charged already
	length uint32
	sum    uint32 // UDP: length and checksum; echo: its sequence number
	octets uint32
	mac    uint32
}

// sightings are the last datagrams of one direction: a ring that grows while
// it turns too fast.
type sightings struct {
	list  []sighting
	at    int      // where the oldest is, once the ring is full
	index []uint16 // by key: place of the newest in list, +1
}

const (
	fewSightings  = 4
	maxSightings  = 512
	sightingsLast = second / 2 // what an ICMP error needs to come back, generously
)

func (r *sightings) add(s sighting) {
	n := len(r.list)
	place := n
	if n < fewSightings || n < maxSightings && (n&(n-1) != 0 || s.t-r.list[r.at].t < sightingsLast) {
		if r.at != 0 { // oldest first before it grows
			rotateSightings(r.list, r.at)
			r.at = 0
			r.index = nil
		}
		r.list = append(r.list, s)
	} else {
		place = r.at
		r.list[place] = s
		if r.at++; r.at == n {
			r.at = 0
		}
	}
	if len(r.index) < 2*len(r.list) {
		r.reindex()
		return
	}
	r.index[s.key&uint64(len(r.index)-1)] = uint16(place) + 1
}

// reindex makes the index anew, twice as large as it must be.
func (r *sightings) reindex() {
	size := 4 * fewSightings
	for size < 4*len(r.list) {
		size *= 2
	}
	r.index = make([]uint16, size)
	for n := len(r.list) - 1; n >= 0; n-- {
		i := r.place(n)
		r.index[r.list[i].key&uint64(size-1)] = uint16(i) + 1
	}
}

func rotateSightings(l []sighting, at int) {
	head := append([]sighting(nil), l[:at]...)
	copy(l, l[at:])
	copy(l[len(l)-at:], head)
}

// place is where the n-th before the newest is.
func (r *sightings) place(n int) int {
	i := r.at - 1 - n
	if i < 0 {
		i += len(r.list)
	}
	return i
}

// back returns the sighting n before the newest, or nil.
func (r *sightings) back(n int) *sighting {
	if n >= len(r.list) {
		return nil
	}
	return &r.list[r.place(n)]
}

func sight(p *decode.Packet) sighting {
	s := sighting{
		t: p.Time, ref: FrameRef{Number: p.Number, File: p.File}, ttl: p.TTL, mac: p.MACHash,
		length: p.IPLength, octets: p.PayloadLen,
	}
	if p.IPVersion == 4 {
		s.id = uint16(p.ID)
	}
	switch p.Kind {
	case decode.KindUDP:
		s.sum = (p.PayloadLen+8)<<16 | uint32(p.HeaderSum)
	case decode.KindICMP:
		s.sum = uint32(p.EchoSeq)
	}
	k := mix(uint64(p.ID)<<32|uint64(p.PayloadHash), uint64(p.IPLength)<<32|uint64(p.FragOffset)<<16|uint64(p.HeaderSum))
	s.key = mix(k, uint64(p.ICMPType)<<24|uint64(p.ICMPCode)<<16|uint64(p.EchoSeq))
	return s
}

// copyOf reports whether s is a copy of a packet that passed, and how long ago:
// b-2. Its IP ID tells a copy from the same words said twice. Where there is
// none, a datagram has nothing like a sequence number, so that it takes more: a
// route or a tag that differs, or a sender that did not repeat itself before.
//
// Only the newest sighting of each slot of the index is looked at.
func (r *sightings) copyOf(s *sighting) (ago int64, yes bool) {
	if len(r.list) == 0 {
		return 0, false
	}
	i := int(r.index[s.key&uint64(len(r.index)-1)]) - 1
	if i < 0 || r.list[i].key != s.key {
		return 0, false
	}
	q := &r.list[i]
	ago = s.t - q.t
	switch {
	case ago > copyWithID || ago > copyBare && s.id == 0:
		return 0, false
	case s.id != 0 || q.ttl != s.ttl || q.mac != s.mac:
		return ago, true
	case ago >= CopyImmediate:
		return 0, false
	}
	// Did the sender repeat itself before?
	before := i - 1
	if before < 0 {
		before += len(r.list)
	}
	if i == r.place(len(r.list)-1) {
		return 0, false // nothing is known from before it
	}
	return ago, r.list[before].key != s.key
}
