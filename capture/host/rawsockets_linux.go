package host

import (
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// textSockets are those that only a file of /proc tells of: raw sockets, since the
// module that lists them by netlink is loaded on demand only, and UDP's where there
// is no netlink.
type textSockets struct {
	file     *procFile
	protocol uint8 // 0 = raw: each has its own
}

// openText opens the files.
func (s *sockets) openText() {
	names := map[string]uint8{"raw": 0, "raw6": 0}
	if s.diag == nil {
		names["udp"], names["udp6"] = unix.IPPROTO_UDP, unix.IPPROTO_UDP
	}
	for name, protocol := range names {
		if f, err := os.Open("/proc/thread-self/net/" + name); err == nil {
			s.text = append(s.text, textSockets{&procFile{table{file: name}, f}, protocol})
		}
	}
}

// readText looks at the files.
func (s *sockets) readText(now int64) {
	for _, t := range s.text {
		text, err := t.file.read()
		if err != nil {
			continue
		}
		for _, found := range procSockets(text) {
			protocol := t.protocol
			if protocol == 0 { // its port is its protocol: it has none
				protocol = uint8(found.local.Port())
				found.local = netip.AddrPortFrom(found.local.Addr(), 0)
			}
			k, past := s.find(now, socketKey{protocol, true, found.inode})
			if k == nil {
				return
			}
			k.Local, k.Remote, k.Inode = found.local, found.remote, found.inode
			if int(found.state) < len(socketStates) {
				k.State = socketStates[found.state]
			}
			k.Looks++
			k.seen = now
			k.Queue, k.SendQ, k.MostQ = found.receive, found.send, max(k.MostQ, found.receive)
			if past {
				k.drops0 = found.drops
			}
			k.Drops = advanced(k.drops0, found.drops)
		}
	}
}
