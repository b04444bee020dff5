package netsim_test

import (
	"context"
	"testing"

	"whydrop/analyze"
	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/analyze/netsim"
	"whydrop/capture"
)

// fate is where a missing packet is, in the words of the matrix: the rows are
// injected, the columns concluded.
type fate uint8

const (
	upstream fate = iota
	downstream
	onlyCapture
	damaged // passed the tap with a bad checksum
	refused // by the receiver's TCP
	inHost  // behind a tap on the receiving host
	unexplained
	nothing // missed, or invented
	numFates
)

var fateNames = [numFates]string{"upstream", "downstream", "capture", "damaged", "refused", "in host", "unexplained", "nothing"}

// group is the kind of packet: what occupies sequence space is always
// repaired, so its loss can be told; a lost acknowledgement leaves fewer traces.
type group uint8

const (
	data group = iota
	handshake
	acks
	datagrams
	numGroups
)

var groupNames = [numGroups]string{"data, FIN", "SYN", "pure ACK", "datagram"}

// half names one direction of one flow of a trace.
type half struct {
	flow int
	dir  uint8
}

// tally counts missing packets of one half by group and fate.
type tally [numGroups][numFates]int

// truthOf counts what is missing according to the simulation. A packet of
// which a network copy arrived was not lost to anybody.
func truthOf(tr *netsim.Trace) map[half]*tally {
	copied := map[int]bool{}
	for i := range tr.Packets {
		if p := &tr.Packets[i]; p.CopyOf >= 0 && p.Fate == netsim.Delivered {
			copied[p.CopyOf] = true
		}
	}
	halves := map[half]*tally{}
	for i := range tr.Packets {
		p := &tr.Packets[i]
		if p.CopyOf >= 0 || copied[i] {
			continue
		}
		f := fateOf(p)
		if f == nothing {
			continue
		}
		at(halves, half{p.Flow, p.Dir})[groupOf(p)][f]++
	}
	return halves
}

func fateOf(p *netsim.Packet) fate {
	switch {
	case p.Fate == netsim.LostBefore && p.Damaged && p.Frame > 0:
		return damaged
	case p.Fate == netsim.LostBefore:
		return upstream
	case p.Fate == netsim.LostAfter && p.AtReceiver:
		return inHost
	case p.Fate == netsim.LostAfter:
		return downstream
	case p.Uncaptured():
		return onlyCapture
	case p.Fate == netsim.Refused:
		return refused
	}
	return nothing
}

func groupOf(p *netsim.Packet) group {
	switch p.Kind {
	case netsim.SYN:
		return handshake
	case netsim.ACK:
		return acks
	case netsim.Datagram:
		return datagrams
	}
	return data
}

func at(m map[half]*tally, h half) *tally {
	if m[h] == nil {
		m[h] = &tally{}
	}
	return m[h]
}

// ends finds the half of a trace by the source of its packets.
func ends(tr *netsim.Trace) map[[2]flow.Endpoint]half {
	m := map[[2]flow.Endpoint]half{}
	for i, e := range tr.Flows {
		a := flow.Endpoint{Addr: e[0].Addr().As16(), Port: e[0].Port()}
		b := flow.Endpoint{Addr: e[1].Addr().As16(), Port: e[1].Port()}
		m[[2]flow.Endpoint{a, b}] = half{i, 0}
		m[[2]flow.Endpoint{b, a}] = half{i, 1}
	}
	return m
}

// concludedOf counts what is missing according to whydrop.
func concludedOf(t *testing.T, tr *netsim.Trace, res *analyze.Result) map[half]*tally {
	t.Helper()
	byEnds := ends(tr)
	halves := map[half]*tally{}
	charged := uint64(0)
	for i := range res.Ledger.Charges {
		c := &res.Ledger.Charges[i]
		h, ok := byEnds[[2]flow.Endpoint{c.Src, c.Dst}]
		if !ok {
			t.Errorf("charge %d is of no flow of the trace: %v > %v", c.ID, c.Src, c.Dst)
			continue
		}
		at(halves, h)[groupOfWhat(c.What)][fateOfCharge(c)] += int(c.Packets)
		charged += c.Packets
	}
	for i := range res.Ledger.Losses {
		l := &res.Ledger.Losses[i]
		if l.Place != flow.Unaccounted && l.Place != flow.PlaceUnknown {
			continue
		}
		f := res.Flows[l.Flow]
		pair := [2]flow.Endpoint{f.Originator, f.Responder}
		if l.Dir == 1 {
			pair[0], pair[1] = pair[1], pair[0]
		}
		at(halves, byEnds[pair])[groupOfWhat(l.What)][unexplained] += int(l.Packets)
	}
	if got := charged + res.Ledger.Unexplained(); got != res.Ledger.Missing() {
		t.Errorf("the ledger does not balance: %d charged + %d unexplained, %d missing", charged, res.Ledger.Unexplained(), res.Ledger.Missing())
	}
	return halves
}

func fateOfCharge(c *analyze.Charge) fate {
	switch c.Cause {
	case cause.TCPChecksum, cause.IPChecksum:
		return damaged
	case cause.PAWSReject:
		return refused
	}
	switch c.Locus {
	case cause.SenderHost, cause.Upstream:
		return upstream
	case cause.InCapture:
		return onlyCapture
	case cause.Downstream:
		return downstream
	case cause.ReceiverHost:
		return inHost
	}
	return unexplained
}

func groupOfWhat(w flow.What) group {
	switch w {
	case flow.SYNPacket:
		return handshake
	case flow.DataPacket, flow.FINPacket:
		return data
	case flow.Datagram:
		return datagrams
	}
	return acks
}

// matrix is injected × concluded.
type matrix [numGroups][numFates][numFates]int

// add pairs what was injected with what was concluded, half by half: equal
// fates first, the rest in the order of the columns, and what then remains is
// missed or invented.
func (m *matrix) add(truth, concluded map[half]*tally) {
	all := map[half]bool{}
	for h := range truth {
		all[h] = true
	}
	for h := range concluded {
		all[h] = true
	}
	for h := range all {
		injected, found := *at(truth, h), *at(concluded, h)
		for g := range numGroups {
			pair(&m[g], injected[g], found[g])
		}
	}
}

func pair(m *[numFates][numFates]int, injected, found [numFates]int) {
	take := func(i, c fate) {
		n := min(injected[i], found[c])
		m[i][c] += n
		injected[i] -= n
		found[c] -= n
	}
	for f := range numFates {
		take(f, f)
	}
	take(refused, inHost)    // the right place, a coarser cause
	take(inHost, downstream) // the tap is at the receiver and does not know it
	for i := range numFates {
		for c := range numFates {
			take(i, c)
		}
	}
	for f := range numFates {
		m[f][nothing] += injected[f]
		m[nothing][f] += found[f]
	}
}

// score counts hits for precision and recall.
type score struct{ right, invented, missed int }

func (s *score) add(truth, found map[uint64]bool) {
	for n := range found {
		if truth[n] {
			s.right++
		} else {
			s.invented++
		}
	}
	for n := range truth {
		if !found[n] {
			s.missed++
		}
	}
}

// frames is every set of frames that truth and conclusion are compared on.
type frames struct {
	retransmitted, unneeded, late, networkCopies, captureCopies, probes, bad map[uint64]bool
	why                                                                      map[uint64]flow.Detail
	undecided                                                                int
}

func newFrames() frames {
	return frames{
		map[uint64]bool{}, map[uint64]bool{}, map[uint64]bool{}, map[uint64]bool{}, map[uint64]bool{}, map[uint64]bool{},
		map[uint64]bool{}, map[uint64]flow.Detail{}, 0,
	}
}

var details = map[netsim.Why]flow.Detail{
	netsim.ByFast: flow.Fast, netsim.ByRTO: flow.RTO, netsim.ByTLP: flow.TLP, netsim.ByLoss: flow.Loss,
	netsim.BySYN: flow.SYN, netsim.BySYNACK: flow.SYNACK,
}

// framesOf is what the simulation says of the frames. Of damaged ones it says
// only that: their headers may be what was damaged.
func framesOf(tr *netsim.Trace) frames {
	f := newFrames()
	for i := range tr.Packets {
		p := &tr.Packets[i]
		if p.FrameCopy > 0 {
			f.captureCopies[p.FrameCopy] = true
		}
		switch {
		case p.Frame == 0:
		case p.Damaged && p.Fate == netsim.LostBefore:
			f.bad[p.Frame] = true
		case p.CopyOf >= 0:
			if tr.Packets[p.CopyOf].Frame > 0 {
				f.networkCopies[p.Frame] = true
			}
		case p.Probe || p.KeepAlive:
			f.probes[p.Frame] = true
		case p.Why != netsim.Original:
			f.retransmitted[p.Frame] = true
			f.why[p.Frame] = details[p.Why]
			if !p.Needed {
				f.unneeded[p.Frame] = true
			}
		case p.Late:
			f.late[p.Frame] = true
		}
	}
	return f
}

// framesSaid is what whydrop says of the frames, damaged ones left out.
func framesSaid(res *analyze.Result, bad map[uint64]bool) frames {
	f := newFrames()
	for _, s := range res.Symptoms {
		n := s.Frame.Number
		if bad[n] && s.Kind != flow.ChecksumBad {
			continue
		}
		switch s.Kind {
		case flow.Retransmission:
			f.retransmitted[n] = true
			f.why[n] = s.Detail
			switch s.Need {
			case flow.Unneeded:
				f.unneeded[n] = true
			case flow.Undecided:
				f.undecided++
			}
		case flow.Reordered:
			f.late[n] = true
		case flow.Duplicate:
			if s.Detail == flow.CaptureCopy {
				f.captureCopies[n] = true
			} else {
				f.networkCopies[n] = true
			}
		case flow.KeepAlive, flow.WindowProbe:
			f.probes[n] = true
		case flow.ChecksumBad:
			f.bad[n] = true
		}
	}
	return f
}

// scores are those of one or many runs.
type scores struct {
	frames                                                                   int
	retransmitted, unneeded, late, networkCopies, captureCopies, probes, bad score
	kindsRight, kindsWrong, undecided                                        int
}

func (s *scores) add(tr *netsim.Trace, res *analyze.Result) {
	truth := framesOf(tr)
	said := framesSaid(res, truth.bad)
	s.frames += len(tr.Frames)
	s.retransmitted.add(truth.retransmitted, said.retransmitted)
	s.late.add(truth.late, said.late)
	s.networkCopies.add(truth.networkCopies, said.networkCopies)
	s.captureCopies.add(truth.captureCopies, said.captureCopies)
	s.probes.add(truth.probes, said.probes)
	s.bad.add(truth.bad, said.bad)
	s.undecided += said.undecided
	for n := range said.retransmitted {
		if !truth.retransmitted[n] {
			continue
		}
		if said.why[n] == truth.why[n] {
			s.kindsRight++
		} else {
			s.kindsWrong++
		}
		switch {
		case said.unneeded[n] && truth.unneeded[n]:
			s.unneeded.right++
		case said.unneeded[n]:
			s.unneeded.invented++
		case truth.unneeded[n]:
			s.unneeded.missed++
		}
	}
}

// conclude runs whydrop over a source.
func conclude(t *testing.T, src capture.Source, workers int) *analyze.Result {
	t.Helper()
	res, err := analyze.Run(context.Background(), src, analyze.Options{Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	return res
}
