package flow

import "sort"

// An odd is a transmission that did not go beyond all before it, or one that
// such a one repeats. It is kept until the flow is judged.
type odd struct {
	sent
	tailCopies int32 // of a lost tail, by ID
	is2        oddMarks
	kind       Detail
	via        via
	covEcr     uint32 // TSecr of what covered it
	una        int64  // una just before it was covered
	unaTime    int64  // when una had come to be so
	covUna     int64  // una just after
	sentUna    int64  // una as it passed
	need       Need
	doubt      int32  // index+1 of a repair that leaves open whether x or its ACK was lost
	repair     int32  // index+1 of the first repair
	quote      int32  // index+1 of the ICMP error that quotes it
	echoed     uint32 // TSecr last sent by the receiver as it passed
	lost       ranges // segments of it that were lost, by number
	sentTop    int64  // top as it passed
	covFrame   uint32
	covFile    uint16
	blockTime  int64    // when they came
	blocks     FrameRef // of the last SACK before it passed
	notYet     int64    // how long before it at least its sender had what it knew: Conn.notYet
	ackTime    int64    // of the last acknowledgement before it passed
	ackRef     FrameRef
}

type oddMarks uint32

const (
	isResent     oddMarks = 1 << iota // its sender had sent these octets, or later ones, before
	isLate                            // sent before what passed before it
	isEarly                           // all of it was covered before it passed
	isRepeated                        // only here because others overlap it
	lateOriginal                      // passed after its own repair
	isJumped                          // covered by an ACK that jumped: b-8.4
	isDropped                         // the receiver shows that it dropped an earlier copy
	bySACK                            // covered by SACK rather than ACK
	echoKnown                         // covEcr is valid
	sackAbove                         // octets above it had been reported when it was sent
	unaKnown                          // una is valid
	isJudged                          //
	fillsGap                          // octets that had not passed here
	byDSACK                           // what covered it says that it came twice
	sawAcks                           // the reverse direction had spoken
	isDirect                          // nothing is missing between it and what covered it
	isTailRepair                      // by c-11
	headHad                           // the octet in front of it had been covered when it passed
	tailHad                           // that behind it
	isAskedFor                        // the receiver had asked for it again and again when it passed
	ackWithData                       // the acknowledgement ackRef carried data
	answerGone                        // data of the receiver was missing when it covered it: the first answer may be that
	answerSent                        // and all that it had sent since an earlier copy passed, by what it said with a bare ACK
	isVain                            // most of its kind were not needed, and it need not have been either
	isDeaf                            // it echoes what the packet before it did: its sender heard nothing new
	movedNothing                      // its timestamp was echoed when una stood where it had stood before it came
	mostHeld                          // of what lies above una its receiver held more than half as it passed, without SACK
	isTold                            // an ICMP error made its sender repeat it
	isHeld                            // and what covered it went on above it, too
)

// odds is the odd list of one half.
type odds struct {
	list   []odd
	order  []int32 // indices by (lo, time)
	open   []int32 // indices of what is not covered yet
	widest int64
}

func (o *odds) add(x odd) int32 {
	i := int32(len(o.list))
	o.list = append(o.list, x)
	at := sort.Search(len(o.order), func(k int) bool { return o.list[o.order[k]].lo > x.lo })
	o.order = append(o.order, 0)
	copy(o.order[at+1:], o.order[at:])
	o.order[at] = i
	if x.cov == 0 {
		o.open = append(o.open, i)
	}
	o.widest = max(o.widest, int64(x.n))
	return i
}

// overlapping calls f for everything odd that shares octets with [lo, hi).
func (o *odds) overlapping(lo, hi int64, f func(i int32, x *odd)) {
	if len(o.list) == 0 {
		return
	}
	from := lo - o.widest
	at := sort.Search(len(o.order), func(k int) bool { return o.list[o.order[k]].lo >= from })
	for ; at < len(o.order); at++ {
		x := &o.list[o.order[at]]
		if x.lo >= hi {
			return
		}
		if x.hi() > lo {
			f(o.order[at], x)
		}
	}
}

func (o *odds) reset() {
	clear(o.list)
	o.list, o.order, o.open, o.widest = o.list[:0], o.order[:0], o.open[:0], 0
}

// keep drops everything that keep does not want. The order of the rest stays.
func (o *odds) keep(want func(x *odd) bool) {
	old := o.list
	var next odds
	for i := range old {
		if want(&old[i]) {
			next.add(old[i])
		}
	}
	*o = next
}
