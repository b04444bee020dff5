package netsim

import (
	"net/netip"

	"whydrop/capture"
)

// A Trace is what the tap saw, and the truth.
type Trace struct {
	Frames  []capture.Frame
	Packets []Packet // every packet that was sent, network copies included, in the order of sending
	Flows   []Endpoints

	// Unfinished are flows of which not everything was acknowledged at the end,
	// once for each direction.
	Unfinished []int

	tap  Tap
	isns []uint32 // of both ends of each flow
	mem  []byte   // where frames are cut from
}

// Endpoints are the two ends of a flow: A, who opened it, and B.
type Endpoints [2]netip.AddrPort

// Fate is where a packet ended.
type Fate uint8

// Fates.
const (
	Delivered  Fate = iota
	LostBefore      // the tap
	LostAfter       // the tap
	Refused         // by the receiving host: PAWS, or beyond its window
	numFates
)

var fateNames = [numFates]string{"delivered", "lost before the tap", "lost after the tap", "refused by the receiver"}

func (f Fate) String() string {
	if f >= numFates {
		return "invalid"
	}
	return fateNames[f]
}

// Why says why a sender sent octets again.
type Why uint8

// Reasons to send again.
const (
	Original Why = iota
	ByFast
	ByRTO
	ByTLP
	ByLoss // by the ACK clock after an RTO
	BySYN
	BySYNACK
	numWhys
)

var whyNames = [numWhys]string{"original", "fast", "rto", "tlp", "loss", "syn", "synack"}

func (w Why) String() string {
	if w >= numWhys {
		return "invalid"
	}
	return whyNames[w]
}

// A Packet is the truth about one packet.
type Packet struct {
	Flow      int
	Dir       uint8
	Kind      Kinds
	Lo, Hi    uint64 // sequence space it occupied, from the SYN at 0
	Octets    uint32
	Sent      int64
	Fate      Fate
	Cause     Cause // of any other Fate than Delivered
	Damaged   bool  // a bit was flipped; Fate says on which side of the tap
	CopyOf    int   // index of the packet of which the network made this copy, or -1
	Why       Why
	Needed    bool // of what was sent again: not all of it had arrived, or would have
	KeepAlive bool
	Probe     bool // of a closed window

	Passed     bool   // the tap
	PassedAt   int64  //
	Frame      uint64 // its number in the capture; 0 = the capture lacks it
	FrameCopy  uint64 // number of the capture's second copy of it, or 0
	Late       bool   // data, sent once, that passed the tap behind data sent later
	AtSender   bool   // the tap is on the host that sent it
	AtReceiver bool   // the tap is on the host that it was sent to
	Unseen     bool   // of a flow that the tap is not shown
	acceptable bool   // it reached the host and was taken
}

// Uncaptured reports whether p passed the tap without being captured.
func (p *Packet) Uncaptured() bool { return p.Passed && p.Frame == 0 }

func (t *Trace) copyOf(i int) int {
	c := t.Packets[i]
	c.CopyOf = i
	if c.Passed {
		// The tap saw the original only.
		c.Passed, c.Frame, c.FrameCopy = false, 0, 0
	}
	t.Packets = append(t.Packets, c)
	return len(t.Packets) - 1
}

// settle works out what can be known only when all is over: which
// retransmissions were needed, and what passed the tap late.
func (t *Trace) settle() {
	type half struct{ all []int }
	halves := map[[2]int]*half{}
	var order []*half
	for i := range t.Packets {
		p := &t.Packets[i]
		if p.Lo == p.Hi {
			continue
		}
		k := [2]int{p.Flow, int(p.Dir)}
		if halves[k] == nil {
			halves[k] = &half{}
			order = append(order, halves[k])
		}
		halves[k].all = append(halves[k].all, i)
	}
	for _, h := range order {
		t.settleNeed(h.all)
		t.settleLate(h.all)
	}
}

// settleNeed: a retransmission was needed unless every octet of it reached the
// receiver by an earlier transmission, however late that one came.
func (t *Trace) settleNeed(all []int) {
	arrived := map[int]bool{} // by the original's index, copies folded in
	for _, i := range all {
		p := &t.Packets[i]
		if p.acceptable {
			arrived[t.original(i)] = true
		}
	}
	var have ranges
	for _, i := range all {
		p := &t.Packets[i]
		if p.CopyOf >= 0 {
			continue
		}
		p.Needed = p.Why != Original && !have.contains(p.Lo, p.Hi)
		if arrived[i] {
			have.add(p.Lo, p.Hi)
		}
	}
}

// Original is the index of the packet that p, at index i, is a network copy of, or i.
func (t *Trace) original(i int) int {
	for t.Packets[i].CopyOf >= 0 {
		i = t.Packets[i].CopyOf
	}
	return i
}

// settleLate marks data that passed behind data which was sent later.
func (t *Trace) settleLate(all []int) {
	for n, i := range all {
		p := &t.Packets[i]
		if !p.Passed || p.Why != Original || p.CopyOf >= 0 || p.Octets == 0 {
			continue
		}
		for _, j := range all[n+1:] {
			q := &t.Packets[j]
			if q.Sent > p.PassedAt {
				break
			}
			if q.Passed && q.CopyOf < 0 && q.Frame > 0 && q.PassedAt < p.PassedAt && q.Hi > p.Hi {
				p.Late = true
				break
			}
		}
	}
}

// lose says where p went, and why; a packet is lost where it was first spoilt.
func (p *Packet) lose(where Fate, by Cause) {
	if p.Fate == Delivered {
		p.Fate, p.Cause = where, by
	}
}
