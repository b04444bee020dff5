package host

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
)

// A procSocket is a line of /proc/net/udp, udp6, raw or raw6.
type procSocket struct {
	local, remote netip.AddrPort // the port of a raw socket is its protocol
	state         uint8
	send, receive uint64 // octets in its queues
	inode, drops  uint64
}

// Columns of these files; the last is that of drops.
const (
	procLocal  = 1
	procRemote = 2
	procState  = 3
	procQueues = 4
	procInode  = 9
	procDrops  = 12
)

// procSockets reads the lines of such a file.
func procSockets(text string) (all []procSocket) {
	for line := range strings.Lines(text) {
		column := strings.Fields(line)
		if len(column) <= procDrops || column[0] == "sl" {
			continue
		}
		var s procSocket
		var ok1, ok2 bool
		s.local, ok1 = procAddress(column[procLocal])
		s.remote, ok2 = procAddress(column[procRemote])
		state, err1 := strconv.ParseUint(column[procState], 16, 8)
		send, receive, _ := strings.Cut(column[procQueues], ":")
		var err2, err3, err4, err5 error
		s.send, err2 = strconv.ParseUint(send, 16, 64)
		s.receive, err3 = strconv.ParseUint(receive, 16, 64)
		s.inode, err4 = strconv.ParseUint(column[procInode], 10, 64)
		s.drops, err5 = strconv.ParseUint(column[procDrops], 10, 64)
		if s.state = uint8(state); ok1 && ok2 && err1 == nil && err2 == nil && err3 == nil && err4 == nil && err5 == nil {
			all = append(all, s)
		}
	}
	return all
}

// procAddress reads "0100007F:238C". The address is printed as 32-bit words in the
// order of octets of this host.
func procAddress(text string) (netip.AddrPort, bool) {
	words, port, _ := strings.Cut(text, ":")
	n, err := strconv.ParseUint(port, 16, 16)
	b, err2 := hex.DecodeString(words)
	if err != nil || err2 != nil || len(b) != 4 && len(b) != 16 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(b); i += 4 {
		binary.NativeEndian.PutUint32(b[i:], binary.BigEndian.Uint32(b[i:]))
	}
	ip, _ := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(ip.Unmap(), uint16(n)), true
}
