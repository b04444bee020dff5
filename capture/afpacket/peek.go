//go:build linux && cgo

package afpacket

/*
#include <stdint.h>
#include <string.h>
#include <linux/if_packet.h>

struct tag {
	uint32_t octets, sec, nsec, status;
	uint16_t tci, tpid;
	uint8_t type;
};

// peek reads the headers in front of the frame at data and of those that follow it in
// its block, up to most of them, and returns how many it read.
//
// The header of a TPACKET_V3 frame is tp_mac octets before its data, of which gopacket
// shows nothing. How many these are depends on the length of the link header that the
// kernel saw (af_packet.c:tpacket_rcv: TPACKET_ALIGN(68 + max(16, link header)) - link
// header): 82 for Ethernet, 78 and 74 with tags that no hardware took out. A place is
// believed if tp_mac says the same there, and length and time are those of the frame.
static int peek(const unsigned char *data, uint32_t octets, uint32_t sec, uint32_t nsec, struct tag *out, int most) {
	static const int places[] = { 82, 78, 74, 96, 80 };
	struct tpacket3_hdr h;
	const unsigned char *at = NULL;
	for (unsigned i = 0; i < sizeof places / sizeof *places && at == NULL; i++) {
		memcpy(&h, data - places[i], sizeof h);
		if (h.tp_mac == places[i] && h.tp_snaplen == octets && h.tp_sec == sec && h.tp_nsec == nsec)
			at = data - places[i];
	}
	int n = 0;
	while (at != NULL && n < most) {
		struct sockaddr_ll from;
		memcpy(&h, at, sizeof h);
		memcpy(&from, at + TPACKET_ALIGN(sizeof h), sizeof from);
		struct tag *t = &out[n++];
		t->octets = h.tp_snaplen;
		t->sec = h.tp_sec;
		t->nsec = h.tp_nsec;
		t->status = h.tp_status;
		t->tci = h.hv1.tp_vlan_tci;
		t->tpid = h.hv1.tp_vlan_tpid;
		t->type = from.sll_pkttype;
		at = h.tp_next_offset == 0 ? NULL : at + h.tp_next_offset; // 0: the last of its block
	}
	return n;
}
*/
import "C"

import (
	"golang.org/x/sys/unix"

	"whydrop/capture"
)

// tagsAtOnce is how many headers one call into C reads.
const tagsAtOnce = 256

// tags are the headers of the frames that come next.
type tags struct {
	read    [tagsAtOnce]C.struct_tag
	at, end int
	lost    uint64 // frames whose header was not found
}

// next returns the header of a frame; ok is false if it is not where it should be.
// Frames are asked for in the order of the ring.
func (t *tags) next(data []byte, sec, nsec uint32) (tag *C.struct_tag, ok bool) {
	if len(data) == 0 {
		return nil, false
	}
	if t.at == t.end || !t.fits(len(data), sec, nsec) {
		t.at = 0
		t.end = int(C.peek((*C.uchar)(&data[0]), C.uint32_t(len(data)), C.uint32_t(sec), C.uint32_t(nsec), &t.read[0], tagsAtOnce))
		if t.end == 0 {
			t.lost++
			return nil, false
		}
	}
	t.at++
	return &t.read[t.at-1], true
}

func (t *tags) fits(octets int, sec, nsec uint32) bool {
	tag := &t.read[t.at]
	return int(tag.octets) == octets && uint32(tag.sec) == sec && uint32(tag.nsec) == nsec
}

// offload is what the kernel knew of the checksum.
func offload(tag *C.struct_tag) capture.Offload {
	switch {
	case tag.status&unix.TP_STATUS_CSUMNOTREADY != 0:
		return capture.OffloadPending
	case tag.status&unix.TP_STATUS_CSUM_VALID != 0:
		return capture.OffloadVerified
	}
	return capture.OffloadUnknown
}

// direction is which way the frame went: who sends sees it as outgoing.
func direction(tag *C.struct_tag) capture.Direction {
	if tag._type == unix.PACKET_OUTGOING {
		return capture.Outbound
	}
	return capture.Inbound
}

// vlan returns the tag that was taken out of the frame, if any.
func vlan(tag *C.struct_tag) (tpid, tci uint16, ok bool) {
	if tag.status&unix.TP_STATUS_VLAN_VALID == 0 {
		return 0, 0, false
	}
	tpid = unix.ETH_P_8021Q
	if tag.status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
		tpid = uint16(tag.tpid)
	}
	return tpid, uint16(tag.tci), true
}
