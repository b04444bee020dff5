package pcapfile

import (
	"encoding/binary"
	"math/bits"
)

// An order is a byte order: false is little-endian. A value instead of a
// binary.ByteOrder, because it is asked for every field of every record.
type order bool

const (
	little order = false
	big    order = true
)

func (o order) u16(b []byte) uint16 {
	v := binary.LittleEndian.Uint16(b)
	if o == big {
		v = bits.ReverseBytes16(v)
	}
	return v
}

func (o order) u32(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if o == big {
		v = bits.ReverseBytes32(v)
	}
	return v
}

func (o order) u64(b []byte) uint64 {
	v := binary.LittleEndian.Uint64(b)
	if o == big {
		v = bits.ReverseBytes64(v)
	}
	return v
}
