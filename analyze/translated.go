package analyze

import (
	"slices"

	"whydrop/analyze/flow"
	"whydrop/decode"
)

// translatedWithin, ns, is how far apart the packets of one connection are at both
// sides of a translator: a router takes microseconds, a busy one milliseconds.
const translatedWithin = int64(100e6)

// translatedScan bounds how many losses one is compared with.
const translatedScan = 64

// A connection is what a translator of addresses leaves of one: it changes
// addresses and ports, and not the sequence numbers (RFC 3022 §4.1).
type connection struct{ isn [2]uint32 }

// translated finds connections that passed both sides of a translator of addresses,
// and counts what they lost once: the file holds each of their packets twice, and
// nothing but the sequence numbers, 64 bits of both handshakes, says so.
func translated(res *Result) {
	groups := map[connection][]uint32{}
	for i := range res.Ledger.Losses {
		l := &res.Ledger.Losses[i]
		f := res.Flows[l.Flow]
		if l.Place == flow.OnlyCapture || f.Protocol != decode.ProtoTCP || !f.Dir[0].Start || !f.Dir[1].Start {
			continue
		}
		k := connection{[2]uint32{f.Dir[0].ISN, f.Dir[1].ISN}}
		if list := groups[k]; !slices.Contains(list[:min(len(list), translatedScan)], l.Flow) {
			groups[k] = append(list, l.Flow)
		}
	}
	for i, f := range res.Flows {
		if f.Protocol != decode.ProtoTCP || f.SummedUp > 0 || !f.Dir[0].Start || !f.Dir[1].Start || !f.Resent() {
			continue
		}
		k := connection{[2]uint32{f.Dir[0].ISN, f.Dir[1].ISN}}
		if list := groups[k]; len(list) < translatedScan && !slices.Contains(list, uint32(i)) {
			groups[k] = append(list, uint32(i))
		}
	}
	var once *twofold
	for k, list := range groups {
		if list = res.sameConnection(list); len(list) < 2 {
			continue
		}
		once = once.begin(res)
		for _, number := range list {
			once.group[number] = k
		}
		res.Translated += uint64(len(list) - 1)
	}
	res.translatedTalks(func(near, far uint32) {
		once = once.begin(res)
		k := connection{[2]uint32{near, far}}
		if of, ok := once.group[near]; ok {
			k = of // there are more than two sides
		}
		if _, ok := once.group[far]; !ok {
			once.group[near], once.group[far] = k, k
			res.Translated++
		}
	})
	if once != nil {
		once.count()
		once.countResent()
	}
}

// sameConnection leaves of flows with the same sequence numbers those that began
// within moments of the first.
func (res *Result) sameConnection(list []uint32) []uint32 {
	slices.Sort(list)
	first := res.Flows[list[0]].First
	return slices.DeleteFunc(list, func(n uint32) bool { return res.Flows[n].First-first > translatedWithin })
}

// twofold matches the losses of connections that are in the file twice.
type twofold struct {
	res   *Result
	group map[uint32]connection
	seen  map[sideKey][]int // losses that are kept, by time
	from  map[int][]uint32  // of those, the flows that told of the same packet
	drop  map[int]bool
}

// begin makes s when the first connection is found.
func (s *twofold) begin(res *Result) *twofold {
	if s == nil {
		s = &twofold{res: res, group: map[uint32]connection{}, seen: map[sideKey][]int{}, from: map[int][]uint32{}, drop: map[int]bool{}}
	}
	return s
}

// A sideKey is what a loss is called at every side: octets count from the SYN.
type sideKey struct {
	of     connection
	lo, hi uint64
	dir    uint8
	what   flow.What
}

func (s *twofold) key(l *flow.Lost) sideKey {
	k := sideKey{of: s.group[l.Flow], dir: l.Dir & 1, what: l.What}
	if l.Rule == flow.RuleDatagramID {
		g := gapOf(l)
		k.lo, k.hi = g.before, g.behind
		return k
	}
	for i := range l.Witnesses {
		if w := &l.Witnesses[i]; w.Says == flow.SaysRepair || w.Says == flow.SaysPassed && k.hi == 0 {
			k.lo, k.hi = w.A, w.B
		}
	}
	return k
}

// count goes through the losses in their order and takes out what is there before.
func (s *twofold) count() {
	losses := s.res.Ledger.Losses
	for i := range losses {
		l := &losses[i]
		if _, ok := s.group[l.Flow]; !ok || l.Place == flow.OnlyCapture {
			continue
		}
		k := s.key(l)
		list := s.seen[k]
		at := slices.IndexFunc(list[max(0, len(list)-translatedScan):], func(j int) bool { return s.same(&losses[j], l) && !slices.Contains(s.from[j], l.Flow) })
		if at < 0 {
			s.seen[k] = append(list, i)
			s.from[i] = []uint32{l.Flow}
			continue
		}
		at += max(0, len(list)-translatedScan)
		told := append(s.from[list[at]], l.Flow)
		if s.keeps(&losses[list[at]], l) {
			s.drop[i] = true
		} else {
			s.drop[list[at]] = true
			list[at] = i
		}
		s.from[list[at]] = told
	}
	var kept []flow.Lost
	for i := range losses {
		if l := &losses[i]; s.drop[i] {
			m := &s.res.Flows[l.Flow].Dir[l.Dir&1].Missing[l.Place]
			*m -= min(l.Packets, *m)
			s.res.TranslatedLosses += uint64(l.Packets)
		} else {
			kept = append(kept, *l)
		}
	}
	s.res.Ledger.Losses = kept
}

// A resentKey is what a retransmission is called at every side.
type resentKey struct {
	of     connection
	seq    uint64
	octets uint32
	dir    uint8
}

// countResent leaves of each retransmission the one that passed first: it is one packet.
func (s *twofold) countResent() {
	seen := map[resentKey]flow.Symptom{}
	s.res.Symptoms = slices.DeleteFunc(s.res.Symptoms, func(x flow.Symptom) bool {
		of, ok := s.group[x.Flow]
		if !ok || x.Kind != flow.Retransmission {
			return false
		}
		k := resentKey{of, x.Seq, x.Octets, x.Dir & 1}
		if first, ok := seen[k]; !ok || first.Flow == x.Flow || x.Time-first.Time > translatedWithin {
			seen[k] = x
			return false
		}
		s.res.Flows[x.Flow].Dir[x.Dir&1].Unresend(x.Detail, x.Need)
		s.res.TranslatedResent++
		return true
	})
}

// same reports whether a and b, of the same octets, are one packet seen at two sides.
func (s *twofold) same(a, b *flow.Lost) bool {
	if a.Flow == b.Flow || a.Packets != b.Packets {
		return false
	}
	at, bt := a.First, b.First
	if a.RepairTime != 0 && b.RepairTime != 0 {
		at, bt = a.RepairTime, b.RepairTime
	}
	return max(at-bt, bt-at) <= translatedWithin
}

// keeps reports whether a says more of the packet than b does, and gives it what
// both say together: a packet that passed one side and is missing at the other was
// lost in the translator, and two points saw it.
func (s *twofold) keeps(a, b *flow.Lost) bool {
	after := func(l *flow.Lost) bool { return l.Place == flow.AfterTap || l.Place == flow.InReceiver }
	switch {
	case after(a) && b.Place == flow.BeforeTap:
		inTranslator(a)
		return true
	case a.Place == flow.BeforeTap && after(b):
		inTranslator(b)
		return false
	case after(a) && after(b):
		if a.Proof != b.Proof {
			return a.Proof > b.Proof
		}
		return a.First > b.First // it passed there last
	case a.Place == flow.BeforeTap && b.Place == flow.BeforeTap && a.RepairTime != b.RepairTime:
		return a.RepairTime < b.RepairTime // it was missing there first
	}
	return a.Place <= b.Place
}

// inTranslator notes that l was lost between the sides of a translator.
func inTranslator(l *flow.Lost) {
	l.Between = flow.BetweenPoints
	if l.Rule != flow.RuleBadChecksum && l.Rule != flow.RuleICMPQuote {
		l.Rule, l.Proof = flow.RuleTwoPoints, flow.Second
	}
}
