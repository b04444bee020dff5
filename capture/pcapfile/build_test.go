package pcapfile

import "encoding/binary"

// An oct builds captures octet by octet, in either byte order, right or wrong.
type oct struct {
	o binary.ByteOrder
	b []byte
}

func (b *oct) u8(vs ...byte) *oct { b.b = append(b.b, vs...); return b }

func (b *oct) u16(vs ...uint16) *oct {
	for _, v := range vs {
		b.b = append(b.b, 0, 0)
		b.o.PutUint16(b.b[len(b.b)-2:], v)
	}
	return b
}

func (b *oct) u32(vs ...uint32) *oct {
	for _, v := range vs {
		b.b = append(b.b, 0, 0, 0, 0)
		b.o.PutUint32(b.b[len(b.b)-4:], v)
	}
	return b
}

func (b *oct) u64(v uint64) *oct {
	b.b = append(b.b, 0, 0, 0, 0, 0, 0, 0, 0)
	b.o.PutUint64(b.b[len(b.b)-8:], v)
	return b
}

// time adds a pcapng time stamp.
func (b *oct) time(ticks uint64) *oct { return b.u32(uint32(ticks>>32), uint32(ticks)) }

func (b *oct) padded(data string) *oct {
	b.b = append(b.b, data...)
	for len(b.b)%4 != 0 {
		b.b = append(b.b, 0)
	}
	return b
}

func (b *oct) opt(code uint16, value string) *oct {
	return b.u16(code, uint16(len(value))).padded(value)
}

// opt64 adds an option with a 64-bit number.
func (b *oct) opt64(code uint16, v uint64) *oct { return b.u16(code, 8).u64(v) }

// optTime adds an option with a time stamp.
func (b *oct) optTime(code uint16, ticks uint64) *oct { return b.u16(code, 8).time(ticks) }

// block adds a whole block, whose body build fills.
func (b *oct) block(kind uint32, build func(*oct)) *oct {
	body := &oct{o: b.o}
	build(body)
	length := uint32(len(body.b) + blockOverhead)
	b.u32(kind, length)
	b.b = append(b.b, body.b...)
	return b.u32(length)
}

func (b *oct) shb() *oct {
	return b.block(pcapngMagic, func(b *oct) { b.u32(0x1a2b3c4d).u16(1, 0).u64(^uint64(0)) })
}

// idb adds an interface; opts fills its options and may be nil.
func (b *oct) idb(link uint16, snap uint32, opts func(*oct)) *oct {
	return b.block(blockInterface, func(b *oct) {
		b.u16(link, 0).u32(snap)
		if opts != nil {
			opts(b)
			b.u32(optEnd)
		}
	})
}

// epb adds a packet; opts fills its options and may be nil.
func (b *oct) epb(iface uint32, ticks uint64, data string, wire uint32, opts func(*oct)) *oct {
	return b.block(blockEnhanced, func(b *oct) {
		b.u32(iface).time(ticks).u32(uint32(len(data)), wire).padded(data)
		if opts != nil {
			opts(b)
			b.u32(optEnd)
		}
	})
}

// isb adds statistics.
func (b *oct) isb(iface uint32, ticks uint64, opts func(*oct)) *oct {
	return b.block(blockStats, func(b *oct) {
		b.u32(iface).time(ticks)
		opts(b)
		b.u32(optEnd)
	})
}

// pcap adds a classic file header.
func (b *oct) pcap(magic uint32, snap, link uint32) *oct {
	return b.u32(magic).u16(2, 4).u32(0, 0, snap, link)
}

// rec adds a classic record with more header octets behind the usual sixteen.
func (b *oct) rec(second, fraction uint32, data string, wire uint32, more ...byte) *oct {
	b.u32(second, fraction, uint32(len(data)), wire).u8(more...)
	b.b = append(b.b, data...)
	return b
}

func le() *oct { return &oct{o: binary.LittleEndian} }
func be() *oct { return &oct{o: binary.BigEndian} }

// both are the two byte orders.
func both(build func(*oct)) [][]byte {
	l, b := le(), be()
	build(l)
	build(b)
	return [][]byte{l.b, b.b}
}
