// Package afpacket captures on the network interfaces of this Linux host.
//
// Ethernet goes through a ring that the kernel shares with us (TPACKET_V3, by
// gopacket/afpacket), one or several of them side by side; "any", and interfaces of
// other link types, through libpcap. Both are a capture.Source whose counters tell
// what the capture itself lost, and when.
//
// What the ring leaves out is put back: the outer VLAN tag, the direction, and
// whether the checksum had been computed yet.
package afpacket
