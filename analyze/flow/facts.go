package flow

import "whydrop/decode"

// Troubled reports whether packets of f are known to be lost, repeated or damaged.
func (f *Facts) Troubled() bool {
	for d := range f.Dir {
		h := &f.Dir[d]
		if h.Missing != [NumPlaces]uint32{} || h.Retransmissions != [NumDetails]uint32{} || h.ChecksumBad > 0 {
			return true
		}
	}
	return false
}

// OneWay reports whether f is a TCP flow of which the capture holds one direction
// only: it carried data of which the answers are not here, or acknowledged data
// that is not. SYNs alone are no conversation: they may have been unanswered. Nor
// is what goes on, after a rest, with a connection that both directions are here of.
func (f *Facts) OneWay() bool {
	if f.SummedUp > 0 && f.Unanswered() {
		return false
	}
	h, other := &f.Dir[0], &f.Dir[1]
	if h.Packets == 0 {
		h, other = other, h
	}
	syns := uint64(h.Retransmissions[SYN]) + uint64(h.Retransmissions[SYNACK]) + 1
	return f.Protocol == decode.ProtoTCP && other.Packets == 0 && f.Rested == 0 && (h.Data > 0 || h.Packets > syns)
}

// count counts s, which is no copy.
func (c *Conn) count(h *track, s *Segment) {
	f := &c.Facts.Dir[s.Dir]
	f.Packets++
	f.Octets += uint64(s.Len)
	n := uint64(1)
	if s.Len > 0 {
		h.full = c.segment(s.Dir)
		n = uint64(c.segments(s.Dir, int64(s.Len)))
		f.Data += n
		f.MaxSegment = max(f.MaxSegment, s.Len)
	}
	if n > 1 {
		f.Super++
	}
	f.WirePackets += n
	was := f.TTL
	if s.Flags&decode.RST == 0 || f.Packets == 1 {
		f.TTL = s.TTL
	}
	f.MaxFrame = max(f.MaxFrame, s.Wire)
	if s.Flags&(decode.SYN|decode.FIN|decode.RST) != 0 {
		f.Start = f.Start || s.Flags&decode.SYN != 0
		f.End = f.End || s.Flags&(decode.FIN|decode.RST) != 0
		c.otherTTL(f, s, was)
	}
	const rare = damagedFields | sumPending | inbound | outbound | padded | unpadded | malformed | tunnelled
	if s.is(rare) {
		c.countRare(f, s)
	}
}

func (c *Conn) countRare(f *Half, s *Segment) {
	add := func(n *uint32, m marks) {
		if s.is(m) {
			*n++
		}
	}
	add(&f.ChecksumBad, damagedFields)
	add(&f.ChecksumPending, sumPending)
	add(&f.Inbound, inbound)
	add(&f.Outbound, outbound)
	add(&f.PaddedShort, padded)
	add(&f.UnpaddedShort, unpadded)
	add(&f.Malformed, malformed)
	c.Facts.Tunnelled = c.Facts.Tunnelled || s.is(tunnelled)
}

// summarise writes what is known of one half at the end into its Facts.
func (c *Conn) summarise(dir uint8) {
	h, f := &c.half[dir], &c.Facts.Dir[dir]
	f.MinDown, f.MinUp = h.minDown, h.minUp
	f.RTTMin, f.RTTMed, f.RTTMax = -1, -1, -1
	if h.minDown >= 0 && h.minUp >= 0 {
		f.RTTMin = h.minDown + h.minUp
		f.RTTMed, f.RTTMax = f.RTTMin, f.RTTMin
		if d := h.delays; d != nil {
			down, up := h.minDown, h.minUp
			if d.down.n > 0 {
				down = max(down, d.down.median())
				f.RTTMax += d.down.max - min(h.minDown, d.down.max)
			}
			if d.up.n > 0 {
				up = max(up, d.up.median())
			}
			f.RTTMed = min(down+up, max(f.RTTMax, f.RTTMin))
			f.RTTSamples = uint32(min(d.down.n, 1<<32-1))
		}
	}
	f.Next, f.Heard = h.origin+uint32(h.top), h.lastAck
	f.InitialTTL = f.TTL == 64 || f.TTL == 128 || f.TTL == 255
	f.LastTime = h.lastT
	f.MSS = h.mss
	f.WindowScale = h.windowScale(&c.half[1-dir])
	f.SACK, f.Timestamps, f.IDClass = NotKnown, NotKnown, NotKnown
	if h.started {
		f.SACK = known(h.sackOK)
	} else if h.maxSACK > 0 {
		f.SACK = Yes
	}
	if f.Packets > 0 {
		f.Timestamps = known(h.hasTS)
	}
	if own := h.ids.own; own.near+own.far >= idPairs {
		f.IDClass = known(h.counted)
	}
}

func known(yes bool) Known {
	if yes {
		return Yes
	}
	return No
}

// windowScale is the shift of h: −1 where its SYN was not seen.
func (h *track) windowScale(r *track) int8 {
	switch {
	case !h.started:
		return -1
	case h.scaled && (r.scaled || !r.started):
		return int8(h.scale)
	}
	return 0
}

// Resent reports whether anything was sent again in f.
func (f *Facts) Resent() bool {
	for d := range f.Dir {
		if f.Dir[d].Retransmissions != [NumDetails]uint32{} {
			return true
		}
	}
	return false
}

// Unresend takes one retransmission out of the counts of h: it is counted elsewhere.
func (h *Half) Unresend(detail Detail, need Need) {
	h.Retransmissions[detail] -= min(h.Retransmissions[detail], 1)
	switch need {
	case Unneeded:
		h.Unneeded -= min(h.Unneeded, 1)
	case Undecided:
		h.UndecidedNeed -= min(h.UndecidedNeed, 1)
	}
}
