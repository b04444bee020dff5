package decode

import "whydrop/capture"

// Counts are totals over all packets that a Decoder saw. They add up in any order.
type Counts struct {
	Frames, Octets uint64 // octets on the link
	Checksums      [NumLayers][NumChecksums]uint64
	Malformed      [NumMalformed]uint64
	ByProtocol     [256]uint64 // innermost IP protocol
	ByKind         [numKinds]uint64
	LinkTypes      map[capture.LinkType]uint64 // frames by link type
	UnknownLink    map[capture.LinkType]uint64 // frames of link types that are not decoded
	EtherTypes     map[uint16]uint64           // of frames that are not IP or ARP; bounded
	Truncated      uint64                      // frames shorter than on the link
	HeadersCut     uint64                      // frames too short for their transport header: not analysable
	TooDeep        uint64                      // more encapsulations than maxTunnels
	Fragments      uint64
}

// Layer names a checksum's layer.
type Layer uint8

// Layers with checksums, in the order of the report.
const (
	LayerIPv4 Layer = iota
	LayerTCP
	LayerUDP
	LayerICMP
	LayerICMPv6
	NumLayers
)

var layerNames = [NumLayers]string{"ipv4", "tcp", "udp", "icmp", "icmpv6"}

func (l Layer) String() string {
	if l >= NumLayers {
		return "invalid"
	}
	return layerNames[l]
}

// maxEtherTypes bounds Counts.EtherTypes; frames of further ones count under 0.
const maxEtherTypes = 64

// Add adds o to c.
func (c *Counts) Add(o *Counts) {
	c.Frames += o.Frames
	c.Octets += o.Octets
	for l := range c.Checksums {
		for v := range c.Checksums[l] {
			c.Checksums[l][v] += o.Checksums[l][v]
		}
	}
	addAll(c.Malformed[:], o.Malformed[:])
	addAll(c.ByProtocol[:], o.ByProtocol[:])
	addAll(c.ByKind[:], o.ByKind[:])
	c.Truncated += o.Truncated
	c.HeadersCut += o.HeadersCut
	c.TooDeep += o.TooDeep
	c.Fragments += o.Fragments
	if c.LinkTypes == nil {
		c.LinkTypes = map[capture.LinkType]uint64{}
	}
	if c.UnknownLink == nil {
		c.UnknownLink = map[capture.LinkType]uint64{}
	}
	if c.EtherTypes == nil {
		c.EtherTypes = map[uint16]uint64{}
	}
	for k, n := range o.LinkTypes {
		c.LinkTypes[k] += n
	}
	for k, n := range o.UnknownLink {
		c.UnknownLink[k] += n
	}
	for k, n := range o.EtherTypes {
		c.EtherTypes[k] += n
	}
}

func addAll(to, from []uint64) {
	for i, n := range from {
		to[i] += n
	}
}

// count adds a frame that was read to the totals.
func (dec *Decoder) count(w *walk, known bool) {
	c, p := &dec.Counts, w.p
	c.Frames++
	c.Octets += uint64(p.WireLength)
	c.ByKind[p.Kind]++
	c.Malformed[p.Malformed]++
	if p.CapLength < p.WireLength {
		c.Truncated++
	}
	if w.cut {
		c.HeadersCut++
	}
	if w.tooDeep {
		c.TooDeep++
	}
	if p.IPVersion != 0 {
		c.ByProtocol[p.Protocol]++
		if p.IPFlags&Fragment != 0 {
			c.Fragments++
		}
	}
	if dec.link != p.Link || dec.linkKnown != known {
		dec.settle()
		dec.link, dec.linkKnown = p.Link, known
	}
	dec.linkFrames++
}

// countEther counts a frame whose EtherType is not read.
func (dec *Decoder) countEther(t uint16) {
	if dec.ether != t {
		dec.settle()
		dec.ether = t
	}
	dec.etherSeen++
}

// settle moves the runs that are under way into the maps.
func (dec *Decoder) settle() {
	if dec.linkFrames > 0 {
		dec.Counts.LinkTypes[dec.link] += dec.linkFrames
		if !dec.linkKnown {
			dec.Counts.UnknownLink[dec.link] += dec.linkFrames
		}
		dec.linkFrames = 0
	}
	if dec.etherSeen > 0 {
		t := dec.ether
		if _, ok := dec.Counts.EtherTypes[t]; !ok && len(dec.Counts.EtherTypes) >= maxEtherTypes {
			t = 0
		}
		dec.Counts.EtherTypes[t] += dec.etherSeen
		dec.etherSeen = 0
	}
}
