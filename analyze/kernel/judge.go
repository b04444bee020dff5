package kernel

import (
	"whydrop/analyze/cause"
	"whydrop/capture"
)

// IANA protocol numbers and EtherTypes that decide here.
const (
	protoIGMP = 2
	protoTCP  = 6
	protoUDP  = 17
	typeIPv4  = 0x0800
	typeIPv6  = 0x86dd
	typeARP   = 0x0806
)

// hooks are where on the way those of netfilter stand.
var hooks = map[string]Stage{
	"INGRESS": Arrived, "PREROUTING": Arrived, "INPUT": Arrived, "FORWARD": Arrived,
	"OUTPUT": Leaving, "POSTROUTING": Leaving, "EGRESS": Leaving,
}

// StageOf is where a hook of netfilter stands; of one that is not known, Arriving.
func StageOf(hook string) Stage { return hooks[hook] }

// A Meaning is what one drop says.
type Meaning struct {
	Class Class
	Stage Stage
	Cause cause.ID // of a Loss

	// Sent says that this host sent it; else it came in by an interface.
	Sent bool
}

// Judge says what d means. t is the testimony that it belongs to: counters
// tell where a reason alone does not.
func Judge(d *capture.Drop, t *capture.Testimony) Meaning {
	r, known := places[place{d.Reason, d.Function}]
	if !known {
		if r, known = reasons[d.Reason]; !known {
			r = reason{Loss, Arrived, cause.KernelOther}
		}
	}
	m := Meaning{r.class, r.stage, r.cause, d.Inbound == ""}
	switch {
	case m.Class == Noise || noise(d) || m.Cause == cause.IPNoRoute && toGroup(d):
		return Meaning{Class: Noise, Sent: m.Sent}
	case d.Reason == "NO_SOCKET" && d.Protocol == protoTCP && m.Cause == cause.NoSocket:
		m.Class = Symptom // a reset answers it, whatever the function is called
	case d.Reason == "SOCKET_RCVBUFF" && d.Protocol == protoTCP:
		m.Cause = cause.TCPReceiveBuffer
	case d.Reason == "NETFILTER_DROP":
		m.byHook(d, t)
	case d.Reason == unspecified && d.Protocol == protoUDP && MovedBy(t, "xfrm", "XfrmInPolBlock", "XfrmInNoPols", "XfrmInTmplMismatch") >= d.Events:
		m.Cause = cause.XfrmPolicy
	case m.Stage == Arrived && m.Sent:
		m.Stage = Leaving // what this host sends to itself comes in by the loopback interface
	}
	return m
}

// byHook says which of netfilter's ways to drop it was.
func (m *Meaning) byHook(d *capture.Drop, t *capture.Testimony) {
	if stage, ok := hooks[d.Hook]; ok {
		m.Stage = stage
	} else if m.Sent {
		m.Stage = Leaving
	}
	// Connection tracking itself drops in nf_hook_slow, without a rule, when its
	// table is full (nf_conntrack_core.c:nf_conntrack_in): its counter moves as well.
	if d.Via != "nft_do_chain" && d.Function != "nft_do_chain" && MovedBy(t, "conntrack", "drop") >= d.Events {
		m.Cause = cause.ConntrackFull
	}
}

// noise reports whether nobody misses what d counts, by more than its reason.
func noise(d *capture.Drop) bool {
	switch {
	case d.EtherType != 0 && d.EtherType != typeIPv4 && d.EtherType != typeIPv6 && d.EtherType != typeARP:
		return true
	case d.Reason == unspecified && d.Protocol == protoIGMP:
		return true
	case d.Reason == "QUEUE_PURGE" && d.Empty >= d.Events:
		return true
	}
	return false
}

// toGroup reports whether d is for many, or names no address: an interface that has
// no address yet has no route for what its neighbours say to all.
func toGroup(d *capture.Drop) bool { return !d.Dst.IsValid() || d.Dst.Addr().IsMulticast() }

// MovedBy is by how much counters of a group moved together, over all that have them.
func MovedBy(t *capture.Testimony, group string, names ...string) uint64 {
	n := uint64(0)
	for i := range t.Moved {
		m := &t.Moved[i]
		if m.Group != group {
			continue
		}
		for _, name := range names {
			if m.Name == name {
				n += m.By
			}
		}
	}
	return n
}
