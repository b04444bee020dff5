package flow

// A Log takes what is found. Symptoms and losses beyond its limits are counted
// but not kept; the counts of flows stay exact.
type Log struct {
	Symptoms List[Symptom]
	Losses   []Lost
	Loners   []Loner
	Signs    []Sign
	Stalls   List[Stall]
	Waits    List[Waits]
	Trails   []Trail
	GaveUp   GaveUp

	MaxSymptoms int
	MaxLosses   int
	MaxStalls   int
	MaxTrails   int // transmissions in Trails; 0 = the default

	trailed int   // passages and holes in Trails
	lent    int   // chunks of trails of datagrams that are not over
	full    bool  // there is no room for fullAt, nor for what comes behind it
	fullAt  Trail // without what it holds
}

// Symptom keeps s.
func (l *Log) Symptom(s Symptom) {
	if l.Symptoms.Len() >= l.MaxSymptoms {
		l.GaveUp.Symptoms++
		return
	}
	l.Symptoms.Append(s)
}

// Stall keeps x.
func (l *Log) Stall(x Stall) {
	if l.Stalls.Len() >= l.MaxStalls {
		l.GaveUp.Stalls++
		return
	}
	l.Stalls.Append(x)
}

// lose writes l, of direction dir, into the books: the only place where missing
// packets are counted, so that Facts and losses cannot differ.
func (c *Conn) lose(dir uint8, l Lost) {
	if l.Packets == 0 {
		return
	}
	l.Flow, l.Dir, l.Protocol = c.number, dir, c.Facts.Protocol
	c.Facts.Dir[dir].Missing[l.Place] += l.Packets
	if len(c.log.Losses) < c.log.MaxLosses && !c.folded {
		c.log.Losses = append(c.log.Losses, l)
		return
	}
	c.log.GaveUp.Losses += uint64(l.Packets)
	if c.rest == nil {
		c.rest = new(Rest)
	}
	c.rest.add(&l)
}

// add sums up l.
func (r *Rest) add(l *Lost) {
	sum := &r[l.Dir&1][l.Place]
	if sum.Packets == 0 {
		*sum = Lost{
			Flow: l.Flow, Dir: l.Dir, Protocol: l.Protocol, Place: l.Place, What: l.What, Reason: l.Reason, Rule: l.Rule,
			Proof: l.Proof, First: l.First, Last: l.Last,
		}
	}
	// What differs between them is not told of their sum.
	if sum.What != l.What {
		sum.What = OtherPacket
	}
	if sum.Reason != l.Reason || l.Reason == ReasonICMP {
		sum.Reason = ReasonUnknown
	}
	if sum.Rule != l.Rule {
		sum.Rule = NoRule
	}
	sum.Proof = min(sum.Proof, l.Proof)
	sum.Packets += l.Packets
	sum.Octets += l.Octets
	sum.First, sum.Last = min(sum.First, l.First), max(sum.Last, l.Last)
}

// flushRest writes what lose summed up beyond the limit: at most one record
// per direction and place.
func (c *Conn) flushRest() {
	if c.rest == nil || c.folded {
		return
	}
	for d := range c.rest {
		for p := range c.rest[d] {
			if c.rest[d][p].Packets > 0 {
				c.log.Losses = append(c.log.Losses, c.rest[d][p])
			}
		}
	}
	c.rest = nil
}

// A Rest sums up losses beyond the limit of a Log, by direction and place.
type Rest [2][NumPlaces]Lost

// Fold makes c one of those that are only counted together: its losses go into
// sum, which its owner writes.
func (c *Conn) Fold(sum *Rest) { c.rest, c.folded = sum, true }

// Fold adds the counts of o, a conversation that is not kept, to f.
func (f *Facts) Fold(o *Facts) {
	if f.Protocol == 0 {
		f.Protocol, f.First, f.Last, f.FirstFrame = o.Protocol, o.First, o.Last, o.FirstFrame
	}
	f.SummedUp += o.Conversations()
	f.First, f.Last = min(f.First, o.First), max(f.Last, o.Last)
	for d := range f.Dir {
		f.Dir[d].add(&o.Dir[d])
	}
}

// add adds the counts of o to h. What is no count stays unknown.
func (h *Half) add(o *Half) {
	h.Packets += o.Packets
	h.WirePackets += o.WirePackets
	h.Octets += o.Octets
	h.Data += o.Data
	for _, x := range []struct{ sum, n *uint32 }{
		{&h.Unneeded, &o.Unneeded}, {&h.UndecidedNeed, &o.UndecidedNeed}, {&h.Reordered, &o.Reordered},
		{&h.Twins, &o.Twins}, {&h.LateTwins, &o.LateTwins}, {&h.OtherTwins, &o.OtherTwins},
		{&h.Copies[0], &o.Copies[0]}, {&h.Copies[1], &o.Copies[1]}, {&h.ChecksumBad, &o.ChecksumBad},
		{&h.ChecksumPending, &o.ChecksumPending}, {&h.Malformed, &o.Malformed}, {&h.Super, &o.Super},
		{&h.Untold, &o.Untold}, {&h.ZeroWindows, &o.ZeroWindows}, {&h.KeepAlives, &o.KeepAlives}, {&h.Probes, &o.Probes}, {&h.Resets, &o.Resets},
		{&h.Inbound, &o.Inbound}, {&h.Outbound, &o.Outbound}, {&h.PaddedShort, &o.PaddedShort}, {&h.UnpaddedShort, &o.UnpaddedShort},
	} {
		*x.sum += *x.n
	}
	for i := range h.Missing {
		h.Missing[i] += o.Missing[i]
	}
	for i := range h.Retransmissions {
		h.Retransmissions[i] += o.Retransmissions[i]
	}
	h.ZeroWindowNS += o.ZeroWindowNS
	h.MinDown, h.MinUp, h.RTTMin, h.RTTMed, h.RTTMax, h.WindowScale = -1, -1, -1, -1, -1, -1
}
