package flow

// A Log takes what is found. Symptoms and losses beyond its limits are counted
// but not kept; the counts of flows stay exact.
type Log struct {
	Symptoms []Symptom
	Losses   []Lost
	GaveUp   GaveUp

	MaxSymptoms int
	MaxLosses   int
}

// Symptom keeps s.
func (l *Log) Symptom(s Symptom) {
	if len(l.Symptoms) >= l.MaxSymptoms {
		l.GaveUp.Symptoms++
		return
	}
	l.Symptoms = append(l.Symptoms, s)
}

// lose writes l, of direction dir, into the books: the only place where missing
// packets are counted, so that Facts and losses cannot differ.
func (c *Conn) lose(dir uint8, l Lost) {
	if l.Packets == 0 {
		return
	}
	l.Flow, l.Dir, l.Protocol = c.number, dir, c.Facts.Protocol
	c.Facts.Dir[dir].Missing[l.Place] += uint64(l.Packets)
	if len(c.log.Losses) < c.log.MaxLosses {
		c.log.Losses = append(c.log.Losses, l)
		return
	}
	c.log.GaveUp.Losses += uint64(l.Packets)
	if c.rest == nil {
		c.rest = new([2][NumPlaces]Lost)
	}
	sum := &c.rest[dir][l.Place]
	if sum.Packets == 0 {
		*sum = Lost{Flow: l.Flow, Dir: dir, Protocol: l.Protocol, Place: l.Place, What: OtherPacket, First: l.First, Last: l.Last}
	}
	sum.Packets += l.Packets
	sum.Octets += l.Octets
	sum.First, sum.Last = min(sum.First, l.First), max(sum.Last, l.Last)
}

// flushRest writes what lose summed up beyond the limit: at most one record
// per direction and place.
func (c *Conn) flushRest() {
	if c.rest == nil {
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
