package netsim

// super is the newest frame of the tap, which may grow.
type super struct {
	g     segment
	frame uint64
	since int64
	host  bool
}

// superMost is the longest IP packet that TSO and GRO make: 64 KiB less a header.
const superMost = 65000

// merge puts g into the newest frame of its flow if a NIC would have had them
// in one: both follow each other at once, in sequence, with the same header,
// and nothing but the last one has PSH or FIN. It returns that frame's number, or 0.
func (t *Trace) merge(s *sim, g *segment, onHost bool) uint64 {
	p := &t.Packets[g.truth]
	if t.tap.Merge == 0 || !p.AtSender && !p.AtReceiver {
		return 0
	}
	l := &t.tap.last
	before := l.g
	ok := l.frame == uint64(len(t.Frames)) && s.now-l.since <= t.tap.Merge &&
		before.flow == g.flow && before.dir == g.dir && before.octets > 0 && g.octets > 0 && before.hi() == g.lo &&
		before.ack == g.ack && before.window == g.window && before.tsval == g.tsval && before.tsecr == g.tsecr &&
		before.flags == flagACK && before.again == g.again && before.numSACKs+g.numSACKs == 0 && !before.damaged && !g.damaged && !g.udp &&
		before.ipLength()+g.octets <= superMost
	if !ok {
		*l = super{g: *g, frame: uint64(len(t.Frames) + 1), since: s.now, host: onHost}
		return 0
	}
	l.g.octets += g.octets
	l.g.flags |= g.flags
	// The frame is written anew, in place of the shorter one.
	newest := t.Frames[l.frame-1]
	t.Frames = t.Frames[:l.frame-1]
	t.record(s, &l.g, onHost, 0)
	t.Frames[l.frame-1].Time = newest.Time
	return l.frame
}
