package detect

import (
	"whydrop/analyze/flow"
	"whydrop/decode"
)

func (e *Datagrams) talk(i int32) *talk     { return &e.talks[i/chunk][i%chunk] }
func (e *Datagrams) pair(i int32) *talkPair { return &e.pairs[i/chunk][i%chunk] }

// noPair is the pair of addresses between which no conversation goes on.
const noPair = -1

// lookPair returns the pair of two addresses whose hash is hash, or noPair, and which
// of its addresses src is.
func (e *Datagrams) lookPair(src, dst *decode.Addr, hash uint32) (i int32, side uint8) {
	lo, hi := src, dst
	if compare(src, dst) > 0 {
		lo, hi, side = dst, src, 1
	}
	i, ok := e.pairTable.find(hash, func(i int32) bool {
		p := e.pair(i)
		return p.addr[0] == *lo && p.addr[1] == *hi
	})
	if !ok {
		i = noPair
	}
	return i, side
}

// findPair is lookPair, and makes the pair if there is none.
func (e *Datagrams) findPair(src, dst *decode.Addr, hash uint32) (i int32, side uint8) {
	if i, side = e.lookPair(src, dst, hash); i != noPair {
		return i, side
	}
	if n := len(e.freePairs); n > 0 {
		i, e.freePairs = e.freePairs[n-1], e.freePairs[:n-1]
	} else {
		i = e.numPairs
		if i%chunk == 0 {
			e.pairs = append(e.pairs, new([chunk]talkPair))
		}
		e.numPairs++
	}
	ends := [2]decode.Addr{*src, *dst}
	if side == 1 {
		ends[0], ends[1] = ends[1], ends[0]
	}
	*e.pair(i) = talkPair{addr: ends, hash: hash}
	e.pairTable.add(hash, i)
	return i, side
}

// release notes that pair i has a conversation less.
func (e *Datagrams) release(i int32) {
	p := e.pair(i)
	if p.Users--; p.Users == 0 {
		e.pairTable.remove(p.hash, i)
		p.TalkPair = flow.TalkPair{}
		e.freePairs = append(e.freePairs, i)
	}
}

// talkKeyOf makes the key of a packet between the addresses of pair, of which side
// sent it, and says which side that is in the conversation. ports are those of the
// sender and the receiver, or the same number for both sides.
func (e *Datagrams) talkKeyOf(pair int32, side, protocol uint8, ports uint32) (talkKey, uint8) {
	if p := e.pair(pair); p.addr[0] == p.addr[1] && ports>>16 > ports&0xffff {
		side = 1 // a host that talks to itself: the ports tell its ends apart
	}
	if side == 1 && !isEcho(protocol) {
		ports = ports<<16 | ports>>16
	}
	return talkKey{pair, ports, protocol}, side
}

// isEcho reports whether conversations over a protocol have an identifier, not ports.
func isEcho(protocol uint8) bool {
	return protocol == decode.ProtoICMP || protocol == decode.ProtoICMPv6
}

func hashOfTalk(pairHash uint32, k talkKey) uint32 {
	return hashOf(pairHash, k.ports^uint32(k.protocol)<<24)
}
