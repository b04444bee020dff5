package decode

import (
	"bytes"
	"math/rand"
	"net"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"whydrop/capture"
)

// TestAgreesWithGopacket builds packets with another implementation, damages
// some, and wants every field that both decode to be equal.
//
// Documented exceptions, where gopacket is not followed:
//   - fragments: it reads no transport of a first IPv4 fragment, and reads one
//     out of later IPv6 fragments;
//   - packets whose total or payload length is larger than the frame: it marks
//     them truncated, we say what was claimed;
//   - tunnels that damage made up: it reads inner headers of any length;
//   - headers of an impossible version or length: it fills in their fields;
//   - TCP options that are cut or malformed: it gives up the whole header;
//   - the reserved bits next to the TCP flags are not read by either.
func TestAgreesWithGopacket(t *testing.T) {
	r := rand.New(rand.NewSource(7))
	const rounds = 20000
	compared := map[Kind]int{}
	for i := range rounds {
		b := randomFrame(t, r)
		if i%2 == 1 {
			damage(r, b)
		}
		if i%11 == 10 {
			b = b[:r.Intn(len(b)+1)]
		}
		p, _, _ := read(capture.LinkEthernet, b)
		theirs := gopacket.NewPacket(b, layers.LayerTypeEthernet, gopacket.DecodeOptions{NoCopy: true})
		n := compare(t, b, &p, theirs)
		compared[p.Kind] += n
		if i%2 == 0 && i%11 != 10 && (n != 1 || p.TransportSum != ChecksumGood) {
			t.Errorf("an undamaged frame was not compared: %v, checksum %v", p.Malformed, p.TransportSum)
		}
		if t.Failed() {
			t.Fatalf("round %d: %x", i, b)
		}
	}
	for k, least := range map[Kind]int{KindTCP: rounds / 6, KindUDP: rounds / 8, KindICMP: rounds / 20} {
		if compared[k] < least {
			t.Errorf("only %d packets of kind %d were compared, want %d: %v", compared[k], k, least, compared)
		}
	}
}

// compare returns 1 if the transport of both was compared.
func compare(t *testing.T, b []byte, p *Packet, theirs gopacket.Packet) int {
	t.Helper()
	same := func(name string, ours, theirs any) {
		if ours != theirs {
			t.Errorf("%s: we read %v, gopacket %v", name, ours, theirs)
		}
	}
	switch {
	case p.IPFlags&Fragment != 0, p.Protocol == ProtoIPIP, p.Protocol == ProtoIPv6, p.NumOuter > 0,
		p.Malformed == IPv4BadHeaderLength, p.Malformed == IPv4BadVersion, p.Malformed == IPv6BadVersion:
		return 0
	}
	if h, ok := theirs.Layer(layers.LayerTypeIPv4).(*layers.IPv4); ok && len(h.Contents) > 0 {
		same("version", p.IPVersion, uint8(4))
		same("source", p.Src.String(), h.SrcIP.String())
		same("destination", p.Dst.String(), h.DstIP.String())
		same("ID", p.ID, uint32(h.Id))
		same("TTL", p.TTL, h.TTL)
		same("TOS", p.TOS, h.TOS)
		same("don't fragment", p.IPFlags&DontFragment != 0, h.Flags&layers.IPv4DontFragment != 0)
		right := slowSum(b[len(b)-len(h.Contents)-len(h.Payload)-trailing(theirs):][:len(h.Contents)]) == 0xffff
		same("header checksum good", p.IPChecksum == ChecksumGood, right)
	}
	if h, ok := theirs.Layer(layers.LayerTypeIPv6).(*layers.IPv6); ok && len(h.Contents) > 0 {
		same("version", p.IPVersion, uint8(6))
		same("source", p.Src.String(), h.SrcIP.String())
		same("destination", p.Dst.String(), h.DstIP.String())
		same("hop limit", p.TTL, h.HopLimit)
		same("flow label", p.FlowLabel, h.FlowLabel)
	}
	if theirs.ErrorLayer() != nil || theirs.Metadata().Truncated || p.Malformed != WellFormed {
		return 0
	}
	switch h := theirs.TransportLayer().(type) {
	case *layers.TCP:
		same("kind", p.Kind, KindTCP)
		sameTCP(same, p, h)
		return 1
	case *layers.UDP:
		same("kind", p.Kind, KindUDP)
		same("source port", p.SrcPort, uint16(h.SrcPort))
		same("destination port", p.DstPort, uint16(h.DstPort))
		same("checksum", p.HeaderSum, h.Checksum)
		same("payload", int(p.PayloadLen), len(h.Payload))
		same("head", string(p.Head[:min(16, len(h.Payload))]), string(h.Payload[:min(16, len(h.Payload))]))
		return 1
	}
	if h, ok := theirs.Layer(layers.LayerTypeICMPv4).(*layers.ICMPv4); ok && p.IPVersion == 4 {
		same("kind", p.Kind, KindICMP)
		same("type", p.ICMPType, h.TypeCode.Type())
		same("code", p.ICMPCode, h.TypeCode.Code())
		return 1
	}
	if h, ok := theirs.Layer(layers.LayerTypeICMPv6).(*layers.ICMPv6); ok && p.IPVersion == 6 {
		same("kind", p.Kind, KindICMP)
		same("type", p.ICMPType, h.TypeCode.Type())
		same("code", p.ICMPCode, h.TypeCode.Code())
		return 1
	}
	return 0
}

// trailing is how many octets gopacket left behind the IP packet.
func trailing(p gopacket.Packet) int {
	if e, ok := p.LinkLayer().(*layers.Ethernet); ok {
		n := len(e.Payload)
		for _, l := range p.Layers()[1:] {
			switch l.LayerType() {
			case layers.LayerTypeDot1Q:
				n -= len(l.LayerContents())
			case layers.LayerTypeIPv4:
				return n - len(l.LayerContents()) - len(l.LayerPayload())
			}
		}
	}
	return 0
}

func sameTCP(same func(string, any, any), p *Packet, h *layers.TCP) {
	same("source port", p.SrcPort, uint16(h.SrcPort))
	same("destination port", p.DstPort, uint16(h.DstPort))
	same("sequence number", p.Seq, h.Seq)
	same("acknowledgement", p.Ack, h.Ack)
	same("window", p.Window, h.Window)
	same("checksum", p.HeaderSum, h.Checksum)
	same("payload", int(p.PayloadLen), len(h.Payload))
	var flags uint16
	for bit, set := range []bool{h.FIN, h.SYN, h.RST, h.PSH, h.ACK, h.URG, h.ECE, h.CWR, h.NS} {
		if set {
			flags |= 1 << bit
		}
	}
	same("flags", p.Flags, flags)
	if p.Options&OptMalformed != 0 {
		return
	}
	var sack []byte
	for _, o := range h.Options {
		switch {
		case o.OptionType == layers.TCPOptionKindMSS && len(o.OptionData) == 2:
			same("has MSS", p.Options&OptMSS != 0, true)
		case o.OptionType == layers.TCPOptionKindTimestamps && len(o.OptionData) == 8:
			same("has timestamps", p.Options&OptTimestamps != 0, true)
		case o.OptionType == layers.TCPOptionKindSACKPermitted:
			same("has SACK permitted", p.Options&OptSACKOK != 0, true)
		case o.OptionType == layers.TCPOptionKindSACK:
			sack = append(sack, o.OptionData...)
		}
	}
	for i := 0; i < int(p.NumSACK); i++ {
		same("SACK left edge", p.SACK[i][0], be32(sack[8*i:]))
		same("SACK right edge", p.SACK[i][1], be32(sack[8*i+4:]))
	}
}

func damage(r *rand.Rand, b []byte) {
	for range 1 + r.Intn(3) {
		b[12+r.Intn(len(b)-12)] ^= 1 << r.Intn(8)
	}
}

// randomFrame is Ethernet with up to two tags, IPv4 or IPv6, and a transport.
func randomFrame(t *testing.T, r *rand.Rand) []byte {
	t.Helper()
	mac := net.HardwareAddr{2, 0, 0, 0, 0, byte(r.Intn(250))}
	payload := make([]byte, r.Intn(200))
	r.Read(payload)
	var stack []gopacket.SerializableLayer
	network := layers.EthernetTypeIPv4
	six := r.Intn(2) == 1
	if six {
		network = layers.EthernetTypeIPv6
	}
	types := []layers.EthernetType{network}
	for range r.Intn(3) {
		types = append([]layers.EthernetType{layers.EthernetTypeDot1Q}, types...)
	}
	stack = append(stack, &layers.Ethernet{SrcMAC: mac, DstMAC: mac, EthernetType: types[0]})
	for _, next := range types[1:] {
		stack = append(stack, &layers.Dot1Q{VLANIdentifier: uint16(r.Intn(4096)), Type: next})
	}
	protocol := []layers.IPProtocol{layers.IPProtocolTCP, layers.IPProtocolUDP, layers.IPProtocolICMPv4}[r.Intn(3)]
	if six && protocol == layers.IPProtocolICMPv4 {
		protocol = layers.IPProtocolICMPv6
	}
	var ip gopacket.NetworkLayer
	if six {
		h := &layers.IPv6{
			Version: 6, HopLimit: uint8(r.Intn(256)), NextHeader: protocol, FlowLabel: uint32(r.Intn(1 << 20)),
			SrcIP: net.IP(bytes.Repeat([]byte{0x20, byte(r.Intn(255))}, 8)), DstIP: net.ParseIP("2001:db8::1"),
		}
		ip = h
		stack = append(stack, h)
	} else {
		h := &layers.IPv4{
			Version: 4, TTL: uint8(r.Intn(256)), Protocol: protocol, Id: uint16(r.Intn(1 << 16)), TOS: uint8(r.Intn(256)),
			SrcIP: net.IP{10, 0, byte(r.Intn(255)), 1}, DstIP: net.IP{10, 9, 8, 7},
		}
		if r.Intn(2) == 1 {
			h.Flags = layers.IPv4DontFragment
		}
		ip = h
		stack = append(stack, h)
	}
	stack = append(stack, randomTransport(r, protocol, ip)...)
	stack = append(stack, gopacket.Payload(payload))
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, stack...); err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(buf.Bytes())
}

func randomTransport(r *rand.Rand, protocol layers.IPProtocol, ip gopacket.NetworkLayer) []gopacket.SerializableLayer {
	switch protocol {
	case layers.IPProtocolTCP:
		h := &layers.TCP{
			SrcPort: layers.TCPPort(r.Intn(1 << 16)), DstPort: layers.TCPPort(r.Intn(1 << 16)),
			Seq: r.Uint32(), Ack: r.Uint32(), Window: uint16(r.Intn(1 << 16)),
			SYN: r.Intn(4) == 0, ACK: r.Intn(4) != 0, PSH: r.Intn(2) == 0, FIN: r.Intn(9) == 0, NS: r.Intn(9) == 0,
		}
		for range r.Intn(4) {
			h.Options = append(h.Options, randomOption(r))
		}
		_ = h.SetNetworkLayerForChecksum(ip)
		return []gopacket.SerializableLayer{h}
	case layers.IPProtocolUDP:
		h := &layers.UDP{SrcPort: layers.UDPPort(40000 + r.Intn(20000)), DstPort: layers.UDPPort(9999)}
		_ = h.SetNetworkLayerForChecksum(ip)
		return []gopacket.SerializableLayer{h}
	case layers.IPProtocolICMPv6:
		h := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(layers.ICMPv6TypeEchoRequest, 0)}
		_ = h.SetNetworkLayerForChecksum(ip)
		return []gopacket.SerializableLayer{h, &layers.ICMPv6Echo{Identifier: uint16(r.Intn(1 << 16))}}
	}
	return []gopacket.SerializableLayer{&layers.ICMPv4{
		TypeCode: layers.CreateICMPv4TypeCode(layers.ICMPv4TypeEchoRequest, uint8(r.Intn(3))), Id: uint16(r.Intn(1 << 16)),
	}}
}

func randomOption(r *rand.Rand) layers.TCPOption {
	kinds := []struct {
		kind layers.TCPOptionKind
		size int
	}{
		{layers.TCPOptionKindNop, -1}, {layers.TCPOptionKindMSS, 2}, {layers.TCPOptionKindSACKPermitted, 0},
		{layers.TCPOptionKindTimestamps, 8}, {layers.TCPOptionKindSACK, 8}, {77, 3},
	}
	k := kinds[r.Intn(len(kinds))]
	if k.size < 0 {
		return layers.TCPOption{OptionType: k.kind, OptionLength: 1}
	}
	data := make([]byte, k.size)
	r.Read(data)
	return layers.TCPOption{OptionType: k.kind, OptionLength: uint8(2 + k.size), OptionData: data}
}
