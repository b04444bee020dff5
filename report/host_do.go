package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"whydrop/analyze"
	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/capture"
	"whydrop/decode"
)

// A hostStep is what a remedy can speak of: the packets of a line of the verdict, and
// what the kernel of the capturing host said of them.
type hostStep struct {
	*analyze.HostWord
	c     *analyze.Charge // with most packets
	same  bool            // all charges are of one protocol and one port of the receiver
	iface string          // by which the packets came in, or were to leave
}

// hostDo are the next steps for what a host said, with its own names and values. A
// cause that is not here, or of which too little is known, has the steps of do.
var hostDo = map[cause.ID]func(*hostStep) []string{
	cause.FirewallDrop:        (*hostStep).firewall,
	cause.FirewallReject:      (*hostStep).firewall,
	cause.ConntrackFull:       (*hostStep).conntrack,
	cause.ConntrackInvalid:    (*hostStep).invalid,
	cause.RPFilter:            (*hostStep).rpFilter,
	cause.IPNoRoute:           (*hostStep).noRoute,
	cause.NeighbourUnresolved: (*hostStep).neighbour,
	cause.MTUExceeded:         (*hostStep).tooBig,
	cause.TTLExpired:          (*hostStep).expired,
	cause.UDPReceiveBuffer:    (*hostStep).udpBuffer,
	cause.TCPReceiveBuffer:    (*hostStep).tcpBuffer,
	cause.SlowApplication:     (*hostStep).slow,
	cause.ListenOverflow:      (*hostStep).listener,
	cause.NoSocket:            (*hostStep).nobody,
	cause.NICRing:             (*hostStep).ring,
	cause.NICErrors:           (*hostStep).damaged,
	cause.TCPChecksum:         (*hostStep).damaged,
	cause.UDPChecksum:         (*hostStep).damaged,
	cause.IPChecksum:          (*hostStep).damaged,
	cause.ICMPChecksum:        (*hostStep).damaged,
	cause.SoftnetBacklog:      (*hostStep).backlog,
	cause.QdiscDrop:           (*hostStep).queue,
	cause.TCPolicer:           (*hostStep).policer,
	cause.XDPDrop:             (*hostStep).xdp,
	cause.SocketFilter:        (*hostStep).filtered,
	cause.BridgeFilter:        (*hostStep).bridged,
	cause.MemoryPressure:      (*hostStep).memory,
}

// hostSteps are the next steps for charges that a host spoke of; nil: nothing more is
// known than what do says.
func hostSteps(id cause.ID, charges []*analyze.Charge) []string {
	steps := hostDo[id]
	if steps == nil {
		return nil
	}
	c := charges[0]
	for _, other := range charges {
		if other.Packets > c.Packets {
			c = other
		}
	}
	if c.Host == nil || c.Host.Of == nil {
		return nil
	}
	h := &hostStep{HostWord: c.Host, c: c, same: onePort(charges) != ""}
	for _, other := range charges {
		h.same = h.same && other.Protocol == c.Protocol
	}
	if d := h.Drop; d != nil {
		h.iface = cmp.Or(d.Inbound, d.Interface)
	}
	if h.iface == "" && len(h.Of.Captured) == 1 && h.Of.Captured[0] != "any" {
		h.iface = h.Of.Captured[0]
	}
	h.iface = typable(h.iface)
	return steps(h)
}

// typable is a name that may stand in a command line: those of a file may hold anything.
func typable(name string) string {
	for _, r := range name {
		if r != '_' && r != '-' && r != '.' && r != '@' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return ""
		}
	}
	return name
}

// setting is the value of a setting, "" if it is not known or not a plain number.
func (h *hostStep) setting(name string) string {
	for _, s := range h.Of.Settings {
		if s.Name == name && !strings.ContainsFunc(s.Value, func(r rune) bool { return r != ' ' && (r < '0' || r > '9') }) {
			return s.Value
		}
	}
	return ""
}

// number is the value of a setting, 0 if it is none.
func (h *hostStep) number(name string) uint64 {
	n, _ := strconv.ParseUint(h.setting(name), 10, 63)
	return n
}

// now says what a setting is.
func (h *hostStep) now(name string) string {
	if v := h.setting(name); v != "" {
		return "now " + v
	}
	return "its value is not known"
}

// asTyped marks what is to be typed.
func asTyped(format string, args ...any) string { return "`" + fmt.Sprintf(format, args...) + "`" }

// untyped is text of a file among words: what is between back quotes is to be typed.
func untyped(text string) string { return strings.ReplaceAll(text, "`", "'") }

// dst is the address of the receiver, "" if it is not known.
func (h *hostStep) dst() string { return h.address(false) }

// src is that of the sender.
func (h *hostStep) src() string { return h.address(true) }

func (h *hostStep) address(src bool) string {
	if d := h.Drop; d != nil {
		a := d.Dst
		if src {
			a = d.Src
		}
		if a.IsValid() {
			return a.Addr().Unmap().WithZone("").String()
		}
		return ""
	}
	if h.c.Flow == flow.NoFlow {
		return ""
	}
	if src {
		return h.c.Src.Addr.String()
	}
	return h.c.Dst.Addr.String()
}

// port is the port of the receiver that all packets go to, 0 if there is no single one.
func (h *hostStep) port() uint16 {
	if !h.same {
		return 0
	}
	return h.c.Dst.Port
}

// protocol is that of the packets, as firewalls spell it.
func (h *hostStep) protocol() string {
	switch h.c.Protocol {
	case decode.ProtoTCP:
		return "tcp"
	case decode.ProtoUDP:
		return "udp"
	}
	return ""
}

// link is an interface of the host, nil if it is not known.
func (h *hostStep) link(name string) *capture.Link {
	i := slices.IndexFunc(h.Of.Links, func(l capture.Link) bool { return l.Name == name && name != "" })
	if i < 0 {
		return nil
	}
	return &h.Of.Links[i]
}
