package analyze

import (
	"cmp"
	"net/netip"
	"slices"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/analyze/kernel"
	"whydrop/capture"
)

// byHost turns ch, the charge of a loss, into what k says of it.
func (k *hostCase) byHost(ch *Charge) {
	d, sure := k.word.Drop, k.sure
	if d == nil && ch.Cause == k.cause {
		sure = max(sure, ch.Confidence) // wire and counter agree
	}
	ch.Host, ch.Cause, ch.Confidence, ch.Rule = k.word, k.cause, sure, flow.RuleKernelDrop
	ch.Told, ch.CauseRivals, ch.Rivals = nil, nil, k.rivals
	ch.LocusConfidence, ch.CauseConfidence = cause.Certain, cause.Certain
	if d == nil {
		ch.CauseConfidence = sure
	}
	ch.Locus = k.locus()
	if d == nil {
		ch.Rule = flow.RuleHostCounter
		if k.word.Path != nil {
			ch.Rule = flow.RuleHostPath
		}
		return
	}
	if k.cause == cause.FirewallDrop && k.word.Rule == nil && d.Hook == "" && d.Via == "" {
		ch.Confidence = cause.Likely // connection tracking drops in the same function
		ch.Rivals = []Rival{{cause.ConntrackFull, "its counter of drops did not move"}}
	}
	own := len(ch.Frames) == 1 && k.given[ch.Frames[0]]
	k.testify(ch, own)
	if own || k.mean.Stage == kernel.Leaving || k.mean.Stage == kernel.Arriving {
		return
	}
	ch.Frames = ch.Frames[:0]
	for _, s := range d.Samples {
		if s.Frame != 0 && !k.given[frameOf(&s)] {
			ch.Frames = append(ch.Frames, frameOf(&s))
		}
	}
	slices.SortFunc(ch.Frames, func(a, b flow.FrameRef) int { return cmp.Compare(a.Number, b.Number) })
	if uint64(len(ch.Frames)) > ch.Packets {
		ch.Frames = ch.Frames[:ch.Packets]
	}
}

// testify adds the kernel's word on frames of ch to its evidence: of the frame that
// it is about, if the wire showed it, else of the first that are about no other loss.
func (k *hostCase) testify(ch *Charge, own bool) {
	const most = 5
	say := func(s *capture.DropSample) {
		ch.Evidence = append(ch.Evidence, flow.Witness{Frame: frameOf(s), Time: s.Time, Says: flow.SaysKernelDrop, A: uint64(max(s.After, 0))})
	}
	if own {
		if s := k.sampleOf(ch.Frames[0]); s != nil {
			say(s)
		}
		return
	}
	n := 0
	for i := range k.word.Drop.Samples {
		s := &k.word.Drop.Samples[i]
		if n == most {
			break
		}
		if s.Frame != 0 && !k.given[frameOf(s)] {
			n++
			say(s)
		}
	}
}

// stray is the charge of packets of no flow of the capture.
func (k *hostCase) stray() Charge {
	ch := Charge{What: flow.OtherPacket, Packets: k.left, Octets: k.octets, Flow: flow.NoFlow, First: k.first, Last: k.last}
	if d := k.word.Drop; d != nil {
		t := tupleOf(d)
		ch.Src, ch.Dst, ch.Protocol, ch.What = t.src, t.dst, d.Protocol, whatOf(d)
	}
	k.byHost(&ch)
	return ch
}

// locus is where k happened, with respect to the whole way of the packet.
func (k *hostCase) locus() cause.Locus {
	d := k.word.Drop
	if d == nil {
		return k.at
	}
	switch own := func(a netip.AddrPort) bool { return owns(k.word.Of, a.Addr()) }; {
	case k.mean.Sent || own(d.Src) && !own(d.Dst):
		return cause.SenderHost
	case d.Hook == "INPUT" || own(d.Dst) || d.Dst.Addr().IsMulticast() || !d.Dst.IsValid():
		return cause.ReceiverHost
	case k.mean.Stage == kernel.Arriving || k.mean.Stage == kernel.Leaving:
		return cause.Upstream // of a capture on the way out of a router
	}
	return cause.Downstream
}

// owns reports whether a is an address of the host of t.
func owns(t *capture.Testimony, a netip.Addr) bool { return linkOf(t, a) != "" }

// ownView is where the capture was taken with respect to f, as the capturing
// host itself says, and why; "" if it says nothing.
func (res *Result) ownView(f *flow.Facts) (vantage, string) {
	for i := range res.Inputs {
		t := res.Inputs[i].Testimony
		if t == nil || len(t.Links) == 0 {
			continue
		}
		o, r := owns(t, f.Originator.Addr.Netip()), owns(t, f.Responder.Addr.Netip())
		switch {
		case o && !r:
			return vantage{atOriginator, true}, end(f, 0) + " is an address of the host that captured"
		case r && !o:
			return vantage{atResponder, true}, end(f, 1) + " is an address of the host that captured"
		case !o && !f.Responder.Addr.Netip().IsMulticast():
			return vantage{between, false}, "neither address is one of the host that captured"
		}
	}
	return vantage{}, ""
}
