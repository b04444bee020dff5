package pcapfile

// Options follow the fixed part of most pcapng blocks:
//
//	code:16 length:16 value padded to 32 bits
//
// up to one with code 0, or to the end of the block (draft-ietf-opsawg-pcapng §3.5).
type options struct {
	order order
	rest  []byte
	torn  bool // an option claims to go on behind the block
}

// next returns the next option. Its value may be of any length: check it.
func (o *options) next() (code uint16, value []byte, ok bool) {
	const head = 4
	if len(o.rest) < head {
		return 0, nil, false
	}
	code = o.order.u16(o.rest)
	n := int(o.order.u16(o.rest[2:]))
	if code == optEnd {
		return 0, nil, false
	}
	if n > len(o.rest)-head {
		o.torn = true
		return 0, nil, false
	}
	value = o.rest[head : head+n : head+n]
	o.rest = o.rest[min(head+pad4(n), len(o.rest)):]
	return code, value, true
}

// pad4 rounds up to a multiple of four.
func pad4(n int) int { return (n + 3) &^ 3 }

// Option codes, by the block they belong to.
const (
	optEnd = 0

	optComment = 1 // of every block

	ifTSResolution = 9  // 8 bits
	ifFilter       = 11 // a code, then text if the code is 0
	ifFCSLength    = 13 // 8 bits, octets
	ifTSOffset     = 14 // 64 bits, seconds

	epbFlags     = 2 // 32 bits; the Packet Block's pack_flags is the same
	epbDropCount = 4 // 64 bits

	isbStart          = 2 // time stamps
	isbEnd            = 3
	isbReceived       = 4 // 64-bit counters from here on
	isbInterfaceDrops = 5
	isbFilterAccepted = 6
	isbOSDrops        = 7
	isbDelivered      = 8
)
