package decode

import (
	"encoding/binary"
	"math/bits"

	"whydrop/capture"
)

// etherWiFi counts 802.11 frames that carry no readable LLC header: management,
// control, encrypted, fragments, aggregates. ETH_P_80211_RAW of linux/if_ether.h.
const etherWiFi = 0x0019

// radiotap reads the header of radiotap.org: its length, and the flags that
// say whether padding or a frame check sequence belongs to the frame.
func (w *walk) radiotap() {
	if w.short(8, LinkShort) {
		return
	}
	n := int(binary.LittleEndian.Uint16(w.b[2:4]))
	if n < 8 {
		w.fail(LinkShort)
		return
	}
	if w.short(n, LinkShort) {
		return
	}
	flags := radiotapFlags(w.b[:n])
	w.skip(n)
	if flags&radiotapBadFCS != 0 {
		w.p.LinkErrors |= capture.LinkErrorCRC
	}
	if flags&radiotapFCS != 0 {
		w.limit(max(w.wire-4, 0))
	}
	w.wifiFrame(flags&radiotapPad != 0)
}

// Bits of the radiotap flags field.
const (
	radiotapFCS    = 0x10
	radiotapPad    = 0x20
	radiotapBadFCS = 0x40
)

// radiotapFlags finds the flags field, which stands behind the present words
// and, if that is present, the eight octets of the TSFT, aligned to eight.
func radiotapFlags(b []byte) uint8 {
	const tsft, flags, more = 1, 2, 1 << 31
	present := binary.LittleEndian.Uint32(b[4:8])
	at := 8
	for word := present; word&more != 0; at += 4 {
		if at+4 > len(b) {
			return 0
		}
		word = binary.LittleEndian.Uint32(b[at : at+4])
	}
	if present&flags == 0 {
		return 0
	}
	if present&tsft != 0 {
		at = (at+7)&^7 + 8
	}
	if at >= len(b) {
		return 0
	}
	return b[at]
}

func (w *walk) wifi() { w.wifiFrame(false) }

// wifiFrame reads the MAC header of an IEEE 802.11 data frame (§9.3.2.1) as far
// as LLC. padded says that the header is padded to four octets.
func (w *walk) wifiFrame(padded bool) {
	if w.short(24, LinkShort) {
		return
	}
	const (
		typeData   = 0x08 // of the first octet: version 0, type 2
		typeMask   = 0x0f
		noData     = 0x40
		qos        = 0x80
		toDS       = 0x01 // of the second
		fromDS     = 0x02
		moreFrag   = 0x04
		protected  = 0x40
		order      = 0x80
		aggregated = 0x80 // of the QoS control field
	)
	kind, flags := w.b[0], w.b[1]
	fragment := binary.LittleEndian.Uint16(w.b[22:24]) & 0x000f
	if kind&typeMask != typeData || kind&noData != 0 || flags&(protected|moreFrag) != 0 || fragment != 0 {
		w.wifiOther()
		return
	}
	w.p.MACHash = hashMACs(w.b[4:16]) ^ bits.RotateLeft32(hashMACs(w.b[10:22]), 7)
	n := 24
	if flags&(toDS|fromDS) == toDS|fromDS {
		n += 6 // fourth address
	}
	if kind&qos != 0 {
		if w.short(n+2, LinkShort) {
			return
		}
		if w.b[n]&aggregated != 0 {
			w.wifiOther()
			return
		}
		n += 2
		if flags&order != 0 {
			n += 4 // HT control
		}
	}
	if padded {
		n = (n + 3) &^ 3
	}
	if w.short(n, LinkShort) {
		return
	}
	w.skip(n)
	w.next = atLLC
}

func (w *walk) wifiOther() {
	w.dec.countEther(etherWiFi)
	w.next = stop
}
