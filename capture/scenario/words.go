package scenario

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"

	"whydrop/capture"
)

// words is the rest of a line.
type words struct {
	p *parser
	w []string
}

func (w *words) more() bool { return len(w.w) > 0 }

func (w *words) peek() string {
	if len(w.w) == 0 {
		return ""
	}
	return w.w[0]
}

func (w *words) take() string {
	s := w.peek()
	if len(w.w) > 0 {
		w.w = w.w[1:]
	}
	return s
}

// take reads the next word, a number up to most, into v.
func take[T ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~int](w *words, v *T, most uint64) error {
	n, err := number(w.take(), most)
	*v = T(n)
	return err
}

func (w *words) endpoint() (int, error) {
	name := w.take()
	i, ok := w.p.names[name]
	if !ok {
		return 0, fmt.Errorf("no endpoint is called %q", name)
	}
	return i, nil
}

// frame reads "TIME SRC > DST what …" and "TIME = LABEL …".
func (p *parser) frame(w []string) error {
	t, err := parseWhen(w[0])
	if err != nil {
		return err
	}
	ws := &words{p, w[1:]}
	st := step{when: t, mods: mods{ttl: -1, id: -1, flip: -1, sum: -1, df: true, cut: p.snap}}
	if ws.peek() == "=" {
		ws.take()
		err = p.copyOf(&st, ws)
	} else {
		err = p.newPacket(&st, ws)
	}
	if err != nil {
		return err
	}
	ws.w = append(append([]string{}, p.with...), ws.w...)
	for ws.more() {
		word := ws.take()
		if read, ok := modWords[word]; ok {
			err = read(&st.mods, ws)
		} else if read, ok := packetWords[word]; ok && st.what == stepPacket {
			err = read(&st.pkt, ws)
		} else {
			err = fmt.Errorf("a frame has no %q", word)
		}
		if err != nil {
			return err
		}
	}
	if l := st.mods.label; l != "" {
		p.labels[l] = true
	}
	return p.add(st)
}

func (p *parser) copyOf(st *step, w *words) error {
	st.what, st.src = stepCopy, w.take()
	if !p.labels[st.src] {
		return fmt.Errorf("no packet above is called %q", st.src)
	}
	if w.peek() != "frag" {
		return nil
	}
	w.take()
	lo, hi, err := span(w.take())
	if err != nil || lo%8 != 0 || hi > maxSegment+40 || lo >= hi {
		return fmt.Errorf("want: frag FROM:TO, octets of the IP payload, FROM divisible by 8")
	}
	st.frag = [2]int{int(lo), int(hi)}
	return nil
}

func (p *parser) newPacket(st *step, w *words) error {
	k := &st.pkt
	k.scale, k.rtp = -1, rtpNone
	var err error
	if k.src, err = w.endpoint(); err != nil {
		return err
	}
	if w.take() != ">" {
		return fmt.Errorf("want: TIME SOURCE > DESTINATION …")
	}
	if k.dst, err = w.endpoint(); err != nil {
		return err
	}
	if p.s.endpoints[k.src].addr.Addr().Is4() != p.s.endpoints[k.dst].addr.Addr().Is4() {
		return fmt.Errorf("one address is IPv4, the other is IPv6")
	}
	switch what := w.take(); what {
	case "udp":
		k.proto = protoUDP
		return take(w, &k.octets, maxSegment)
	case "icmp":
		k.proto = protoICMP
		return k.readICMP(w)
	case "arp", "nd":
		k.proto = protoARP
		if what == "nd" {
			k.proto = protoICMP
		}
		if p.s.endpoints[k.src].addr.Addr().Is4() != (what == "arp") {
			return fmt.Errorf("ARP is of IPv4, neighbour discovery of IPv6")
		}
		return k.readOp(w)
	default:
		k.proto = protoTCP
		return k.readTCP(what, w)
	}
}

var flagLetters = map[rune]uint8{'F': 1, 'S': 2, 'R': 4, 'P': 8, '.': 16, 'U': 32, 'E': 64, 'W': 128}

// readTCP reads "P. 1461:2921 a1" and "S 0:0".
func (k *packet) readTCP(flags string, w *words) error {
	for _, r := range flags {
		bit, ok := flagLetters[r]
		if !ok {
			return fmt.Errorf("%q: want udp, icmp or TCP flags out of SFRP.UEW", flags)
		}
		k.flags |= bit
	}
	k.window = 502
	seq := w.take()
	if n, ok := strings.CutPrefix(seq, "+"); ok {
		octets, err := number(n, maxSegment)
		k.next, k.octets = true, int(octets)
		if err != nil {
			return err
		}
	} else {
		lo, hi, err := span(seq)
		if err != nil {
			return err
		}
		if hi-lo > maxSegment {
			return fmt.Errorf("%s: more than %d octets", seq, maxSegment)
		}
		k.lo, k.octets = lo, int(hi-lo)
	}
	if k.flags&flagACK == 0 {
		return nil
	}
	ack, ok := strings.CutPrefix(w.take(), "a")
	if !ok {
		return fmt.Errorf("a segment with the ACK flag needs aN or a*")
	}
	if ack == "*" {
		k.ackAll = true
		return nil
	}
	var err error
	k.ack, err = number(ack, math.MaxInt64)
	return err
}

// readICMP reads "3/4".
func (k *packet) readICMP(w *words) error {
	t, c, ok := strings.Cut(w.take(), "/")
	if !ok {
		return fmt.Errorf("want: icmp TYPE/CODE")
	}
	typ, err := number(t, math.MaxUint8)
	if err != nil {
		return err
	}
	code, err := number(c, math.MaxUint8)
	k.icmpType, k.icmpCode = uint8(typ), uint8(code)
	return err
}

// readOp reads "ask", "tell" or "probe".
func (k *packet) readOp(w *words) error {
	switch op := w.take(); op {
	case "ask":
		k.op = opAsk
	case "tell":
		k.op = opTell
	case "probe":
		k.op = opProbe
	default:
		return fmt.Errorf("%q: want ask, tell or probe", op)
	}
	return nil
}

// span reads "1461:2921".
func span(s string) (lo, hi uint64, err error) {
	l, h, ok := strings.Cut(s, ":")
	if !ok {
		return 0, 0, fmt.Errorf("%q: want FROM:TO or +OCTETS", s)
	}
	if lo, err = number(l, math.MaxInt64); err != nil {
		return 0, 0, err
	}
	if hi, err = number(h, math.MaxInt64); err != nil {
		return 0, 0, err
	}
	if hi < lo {
		return 0, 0, fmt.Errorf("%s goes backwards", s)
	}
	return lo, hi, nil
}

// packetWords are what may be said of a packet that its sender made.
var packetWords = map[string]func(*packet, *words) error{
	"win":    func(k *packet, w *words) error { return take(w, &k.window, math.MaxUint16) },
	"mss":    func(k *packet, w *words) error { return take(w, &k.mss, math.MaxUint16) },
	"ws":     func(k *packet, w *words) error { return take(w, &k.scale, 14) },
	"sackok": func(k *packet, w *words) error { k.sackOK = true; return nil },
	"isn":    func(k *packet, w *words) error { k.newISN = true; return take(w, &k.isn, math.MaxUint32) },
	"rtp": func(k *packet, w *words) error {
		if w.peek() == "next" {
			w.take()
			k.rtp = rtpNext
			return nil
		}
		return take(w, &k.rtp, math.MaxUint16)
	},
	"rr": func(k *packet, w *words) error {
		h, l, ok := strings.Cut(w.take(), ":")
		if !ok {
			return fmt.Errorf("want: rr HIGHEST:LOST")
		}
		var err, err2 error
		k.report = true
		k.highest, err = number(h, math.MaxUint32)
		k.lostSoFar, err2 = number(l, 1<<23-1)
		return errors.Join(err, err2)
	},
	"mtu":    func(k *packet, w *words) error { return take(w, &k.mtu, math.MaxUint16) },
	"octets": func(k *packet, w *words) error { return take(w, &k.quoted, maxSegment) },
	"sack":   readSACK,
	"head": func(k *packet, w *words) error {
		var err error
		if k.head, err = hex.DecodeString(w.take()); err != nil || len(k.head) > k.octets {
			return fmt.Errorf("want: head HEX, no longer than the datagram")
		}
		return nil
	},
	"ts": readTS,
	"quotes": func(k *packet, w *words) error {
		if k.quotes = w.take(); !w.p.labels[k.quotes] {
			return fmt.Errorf("no packet above is called %q", k.quotes)
		}
		return nil
	},
}

// readSACK reads up to four blocks: "sack 2921:4381 5841:7301".
func readSACK(k *packet, w *words) error {
	for strings.Contains(w.peek(), ":") {
		lo, hi, err := span(w.take())
		if err != nil {
			return err
		}
		k.sack = append(k.sack, [2]uint64{lo, hi})
	}
	if n := len(k.sack); n == 0 || n > 4 {
		return fmt.Errorf("want: sack FROM:TO, one to four of them")
	}
	return nil
}

// readTS reads "ts none", "ts 1020" and "ts 1020:2000"; what is not said
// follows from the clock of the host and from what it received.
func readTS(k *packet, w *words) error {
	s := w.take()
	if s == "none" {
		k.ts.none = true
		return nil
	}
	v, e, both := strings.Cut(s, ":")
	if v != "" {
		n, err := number(v, math.MaxUint32)
		if err != nil {
			return err
		}
		k.ts.val, k.ts.hasVal = uint32(n), true
	}
	if both {
		n, err := number(e, math.MaxUint32)
		if err != nil {
			return err
		}
		k.ts.echo, k.ts.hasEcho = uint32(n), true
	}
	return nil
}

// modWords are what may be said of the passing of a packet.
var modWords = map[string]func(*mods, *words) error{
	"as":       func(m *mods, w *words) error { m.label = w.take(); return nil },
	"unseen":   func(m *mods, w *words) error { m.unseen = true; return nil },
	"ttl":      func(m *mods, w *words) error { return take(w, &m.ttl, math.MaxUint8) },
	"id":       func(m *mods, w *words) error { return take(w, &m.id, math.MaxUint16) },
	"nodf":     func(m *mods, w *words) error { m.df = false; return nil },
	"cut":      func(m *mods, w *words) error { return take(w, &m.cut, maxSegment) },
	"flip":     func(m *mods, w *words) error { return take(w, &m.flip, maxSegment) },
	"sum":      func(m *mods, w *words) error { return take(w, &m.sum, math.MaxUint16) },
	"blank":    func(m *mods, w *words) error { m.blank = true; return nil },
	"pending":  func(m *mods, w *words) error { m.pending = true; return nil },
	"offload":  func(m *mods, w *words) error { m.offload = true; return nil },
	"in":       func(m *mods, w *words) error { m.dir = capture.Inbound; return nil },
	"out":      func(m *mods, w *words) error { m.dir = capture.Outbound; return nil },
	"unpadded": func(m *mods, w *words) error { m.unpadded = true; return nil },
	"bad": func(m *mods, w *words) error {
		switch layer := w.take(); layer {
		case "ip":
			m.badIP = true
		case "tcp", "udp", "icmp":
			m.badSum = true
		default:
			return fmt.Errorf("bad %q? want ip, tcp, udp or icmp", layer)
		}
		return nil
	},
	"vlan": func(m *mods, w *words) error {
		var v uint16
		if len(m.vlans) == 4 {
			return fmt.Errorf("more than 4 VLAN tags")
		}
		err := take(w, &v, 4094)
		m.vlans = append(m.vlans, v)
		return err
	},
	"mac": func(m *mods, w *words) error {
		a, err := hex.DecodeString(strings.ReplaceAll(w.take(), ":", ""))
		if err != nil || len(a) != 6 {
			return fmt.Errorf("want: mac XX:XX:XX:XX:XX:XX")
		}
		m.mac = a
		return nil
	},
	"vxlan": func(m *mods, w *words) error { return m.tunnel.read("vxlan", w) },
	"gre":   func(m *mods, w *words) error { return m.tunnel.read("gre", w) },
}

// read reads "vxlan r1 r2 7": the ends of the tunnel and its key.
func (t *tunnelSpec) read(kind string, w *words) error {
	t.kind = kind
	var err error
	if t.src, err = w.endpoint(); err != nil {
		return err
	}
	if t.dst, err = w.endpoint(); err != nil {
		return err
	}
	if !w.p.s.endpoints[t.src].addr.Addr().Is4() || !w.p.s.endpoints[t.dst].addr.Addr().Is4() {
		return fmt.Errorf("tunnels here run over IPv4")
	}
	return take(w, &t.key, 1<<24-1)
}
