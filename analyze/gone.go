package analyze

import (
	"fmt"
	"math"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/decode"
)

// goneTries is how many copies of what was never acknowledged, sent over goneTime ns or
// more, say that their receiver is gone: the first, a probe of the tail and two timeouts.
const (
	goneTries = 3
	goneTime  = int64(500e6)
)

// vanished knows which receivers fell silent for good while others went on.
type vanished struct {
	since map[uint64]int64 // the first packet in vain, by flow and direction
	tries map[uint64]uint32
	last  map[uint64]int64
	heard map[decode.Addr]int64 // when hosts were last heard, by anybody
	hears map[decode.Addr]*hearing
}

func wayOf(l *flow.Lost) uint64 { return uint64(l.Flow)<<1 | uint64(l.Dir&1) }

// inVain reports whether l was never repaired, and nothing at all came back since.
func (res *Result) inVain(l *flow.Lost) bool {
	if l.Rule != flow.RuleNeverRepaired || l.Place != flow.AfterTap || l.What == flow.SYNPacket || l.Reason == flow.ReasonUnanswered {
		return false
	}
	f := res.Flows[l.Flow]
	back := &f.Dir[1-l.Dir&1]
	return f.Protocol == decode.ProtoTCP && f.SummedUp == 0 && back.Packets > 0 && back.LastTime < l.First
}

// vanished finds them.
func (res *Result) vanished() *vanished {
	v := &vanished{since: map[uint64]int64{}, tries: map[uint64]uint32{}, last: map[uint64]int64{}, heard: map[decode.Addr]int64{}, hears: map[decode.Addr]*hearing{}}
	for i := range res.Ledger.Losses {
		l := &res.Ledger.Losses[i]
		if !res.inVain(l) {
			continue
		}
		k := wayOf(l)
		if first, ok := v.since[k]; !ok || l.First < first {
			v.since[k] = l.First
		}
		v.tries[k] += l.Packets
		v.last[k] = max(v.last[k], l.Last)
	}
	if len(v.since) == 0 {
		return nil
	}
	for _, f := range res.Flows {
		for d, from := range [2]flow.Endpoint{f.Originator, f.Responder} {
			h, to := &f.Dir[d], f.Responder
			if d == 1 {
				to = f.Originator
			}
			if h.Packets == 0 || f.SummedUp > 0 {
				continue
			}
			v.heard[from.Addr] = max(v.heard[from.Addr], h.LastTime)
			x := v.hears[to.Addr]
			if x == nil {
				x = &hearing{last: math.MinInt64, next: math.MinInt64}
				v.hears[to.Addr] = x
			}
			x.hear(from.Addr, h.LastTime)
		}
	}
	return v
}

// A hearing is when a host last heard of the one it heard of last, and of any other.
type hearing struct {
	from       decode.Addr
	last, next int64
}

func (x *hearing) hear(from decode.Addr, at int64) {
	switch {
	case from == x.from:
		x.last = max(x.last, at)
	case at > x.last:
		x.from, x.last, x.next = from, at, x.last
	default:
		x.next = max(x.next, at)
	}
}

// of is when it heard of anybody but host.
func (x *hearing) of(host decode.Addr) int64 {
	if x.from == host {
		return x.next
	}
	return x.last
}

// explain says that the receiver of ch is gone, if it was never heard again by anybody,
// and others were: then it is not the path that all of them share.
func (v *vanished) explain(res *Result, ch *Charge, l *flow.Lost) {
	if v == nil || !res.inVain(l) {
		return
	}
	switch ch.Cause {
	case cause.Unknown, cause.TailLoss, cause.LostRetransmission:
	default:
		return
	}
	k := wayOf(l)
	since := v.since[k]
	if v.tries[k] < goneTries || v.last[k]-since < goneTime || v.heard[ch.Dst.Addr] >= since {
		return
	}
	if x := v.hears[ch.Src.Addr]; x == nil || x.of(ch.Dst.Addr) <= since {
		return
	}
	ch.Cause, ch.Confidence, ch.Told, ch.CauseRivals = cause.PeerGone, min(ch.Confidence, cause.Possible), nil, nil
	ch.Rivals = []Rival{
		{cause.LinkOutage, "its own link, or the last of the way to it, may have failed"},
		{cause.FirewallSilent, fmt.Sprintf("a filter may have forgotten the connection: nothing else of %s is here", ch.Dst.Addr)},
	}
}
