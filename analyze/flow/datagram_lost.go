package flow

import "whydrop/decode"

// fillWithin, ns: a number that is missing for longer is not late but missing.
const fillWithin = second

// settle judges what waits in one direction by what is known at now: whether
// its IDs count its packets, and whether its checksums mean anything. Gaps that
// may yet be filled wait on, unless there are too many.
func (t *Talk) settle(h *stream, dir uint8, now int64) {
	if h.numbers == NotKnown && h.counts() {
		h.numbers = Yes
	}
	byID := h.numbers == Yes
	for i := range h.lates {
		l := &h.lates[i]
		if !l.rtp && !byID {
			continue
		}
		t.Facts.Dir[dir].Reordered++
		t.log.Symptom(Symptom{
			Time: l.t, Frame: l.ref, Flow: t.number, Octets: l.octets, Packets: 1, Kind: Reordered, Dir: dir, Protocol: t.Facts.Protocol,
		})
	}
	h.lates = h.lates[:0]
	for _, g := range h.ids.over(now) {
		if byID {
			t.missingIDs(&g, dir)
		}
	}
	for _, g := range h.rtp.over(now) {
		t.missingRTP(&g, dir, byID)
	}
	h.ids.forget(now)
	h.rtp.forget(now)
	t.settleDamage(h, dir)
}

// over returns the gaps that will not be filled any more.
func (s *serial) over(now int64) []serialGap { return s.gaps[:s.countOver(now)] }

// forget takes them out.
func (s *serial) forget(now int64) {
	s.gaps = s.gaps[:copy(s.gaps, s.gaps[s.countOver(now):])]
}

func (s *serial) countOver(now int64) int {
	if now == forever {
		return len(s.gaps)
	}
	n := max(0, len(s.gaps)-maxSerialGaps/2) // the oldest make room
	for n < len(s.gaps) && now-s.gaps[n].t1 > fillWithin {
		n++
	}
	return n
}

// missingIDs charges numbers that nothing had. A datagram of which a fragment
// passed is not missing as a whole: its fragments are counted.
func (t *Talk) missingIDs(g *serialGap, dir uint8) {
	n := g.missing()
	if t.half[dir].ids.skipped(g) {
		return // its sender, not the network, left them out: as likely as not
	}
	for id := g.from; id < g.to; id++ {
		if r := t.pair.rare; r != nil && r.fragments[t.side^dir].has(uint16(id), g.t0, g.t1) {
			n--
		}
	}
	if h := t.half[dir]; h.trail != nil && !h.trail.rtp {
		h.trail.missing(g, n)
	}
	t.lose(dir, Lost{
		Place: BeforeTap, What: Datagram, Proof: Single, Rule: RuleDatagramID, Packets: uint32(n), First: g.t0, Last: g.t1,
		Witnesses: [5]Witness{
			{g.before, g.t0, SaysIDBefore, uint64(uint16(g.from - 1)), 0},
			{g.next, g.t1, SaysIDAfter, uint64(uint16(g.to)), 0},
		},
	})
}

// missingRTP notes a gap in RTP numbers. Where the IP IDs count the packets as
// well, they have charged the same ones.
func (t *Talk) missingRTP(g *serialGap, dir uint8, counted bool) {
	n := uint32(g.missing())
	t.log.Symptom(Symptom{
		Time: g.t1, Frame: g.next, Flow: t.number, Packets: n, Seq: uint64(uint16(g.from)), Kind: RTPGap, Dir: dir,
		Protocol: t.Facts.Protocol,
	})
	h := t.half[dir]
	if h.trail != nil && h.trail.rtp {
		h.trail.missing(g, g.missing())
	}
	t.hole(&h.rtp, g, dir, counted)
}

// what is the kind of a lost packet of this conversation.
func (t *Talk) what() What {
	switch t.Facts.Protocol {
	case decode.ProtoUDP, decode.ProtoUDPLite:
		return Datagram
	case decode.ProtoICMP, decode.ProtoICMPv6:
		return ICMPPacket
	case decode.ProtoTCP:
		return DataPacket
	}
	return OtherPacket
}

// lose writes l, of direction dir, into the books. Beyond the limit of the log
// losses are summed up per direction and place, so that nothing goes astray.
func (t *Talk) lose(dir uint8, l Lost) {
	if l.Packets == 0 {
		return
	}
	l.Flow, l.Dir, l.Protocol = t.number, dir, t.Facts.Protocol
	t.Facts.Dir[dir].Missing[l.Place] += l.Packets
	if len(t.log.Losses) < t.log.MaxLosses && !t.folded {
		t.log.Losses = append(t.log.Losses, l)
		return
	}
	t.log.GaveUp.Losses += uint64(l.Packets)
	if t.rest == nil {
		t.rest = new(Rest)
	}
	t.rest.add(&l)
}

// Fold is Conn.Fold.
func (t *Talk) Fold(sum *Rest) { t.rest, t.folded = sum, true }

func (t *Talk) flushRest() {
	if t.rest == nil || t.folded {
		return
	}
	for d := range t.rest {
		for p := range t.rest[d] {
			if t.rest[d][p].Packets > 0 {
				t.log.Losses = append(t.log.Losses, t.rest[d][p])
			}
		}
	}
	t.rest = nil
}
