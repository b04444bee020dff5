package host

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"whydrop/capture"
)

const (
	// watchedSockets bounds those that are watched; mostSockets those reported.
	watchedSockets = 8192
	mostSockets    = 1024

	// dumpBudget is how much of a processor's second listing the sockets may take. A
	// host with a hundred thousand connections needs 100 ms for it: they are looked
	// at every fifth second then.
	dumpBudget = 20e6

	// Of eight parts of its buffer that a queue takes, at nearly all it counts as
	// full: the kernel refuses what does not fit as a whole.
	fullParts, allParts = 7, 8
)

// sockets are those of TCP and UDP of the namespace.
type sockets struct {
	diag   *netlink.Conn // nil = cannot be had
	known  map[socketKey]*socket
	text   []textSockets
	owners *owners
	due    int64 // time of the next look at them
	missed bool  // there were more than are watched
	looked bool  // a first time: a socket that comes later has no past
}

// A socketKey is the kernel's cookie, which is never used again; or, where that is
// not told, the inode.
type socketKey struct {
	protocol uint8
	byInode  bool
	cookie   uint64
}

// A socket is one of them over the looks at it.
type socket struct {
	capture.Socket
	drops0, retrans0, limited0 uint64 // as of the first look, if it was there before
	drops                      uint64 // as of the last one
	seen                       int64  // time of the last look that found it
	fullNow                    bool   // its queue was full then
	busy0                      ticks  // of its process, as of the first look at that
}

// openSockets opens the socket that lists them.
func openSockets(e *eye) *sockets {
	s := &sockets{known: make(map[socketKey]*socket), owners: newOwners()}
	diag, err := netlink.Dial(unix.NETLINK_INET_DIAG, nil)
	if err != nil {
		e.lacks("TCP sockets", err.Error(), "the program that lost a packet cannot be named")
	} else {
		s.diag = diag
	}
	s.openText()
	return s
}

// look lists them, unless that took so long the last time that they have to wait.
func (s *sockets) look(now int64, last bool, e *eye) {
	if now < s.due && !last {
		return
	}
	began := used()
	s.readText(now)
	if s.diag != nil {
		if err := s.dumpAll(now); err != nil && !s.looked {
			e.lacks("sockets", err.Error(), "the program that lost a packet cannot be named")
		}
	}
	s.looked = true
	s.due = now + (used()-began)*second/dumpBudget - second/2
	s.processes(now, last, e)
}

// Lengths, requests and attributes of linux/inet_diag.h and linux/sock_diag.h.
const (
	tcpDiagGetSock   = 18
	sockDiagByFamily = 20
	oldRequestSize   = 60 // struct inet_diag_req
	oldRequestStates = 52
	diagRequestSize  = 56
	diagMessageSize  = 72
	diagInfo         = 2
	diagMemory       = 7
	wantedAttributes = 1<<(diagInfo-1) | 1<<(diagMemory-1)
)

// Indices into what diagMemory holds, enum of linux/sock_diag.h.
const (
	memoryReceive = iota // sk_rmem_alloc
	memoryReceiveMost
	memorySend
	memorySendMost
	memoryDrops = 8
)

// socketStates are the names of ss, by enum of net/tcp_states.h.
var socketStates = [...]string{1: "ESTAB", "SYN-SENT", "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT",
	"UNCONN", "CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING", "NEW-SYN-RECV"}

const (
	stateSynRecv    = 3
	stateTimeWait   = 6
	stateListen     = 10
	stateNewSynRecv = 12

	// Those that wait only, and belong to nobody, are left out.
	wantedTCPStates = ^uint32(1<<stateSynRecv | 1<<stateTimeWait | 1<<stateNewSynRecv)
)

// dumpAll lists the sockets of both families and protocols.
//
// The kernel walks the whole table of TCP connections for each question, all of
// its 2^18 or so buckets: 1.6 ms. The old question has both families in one walk.
func (s *sockets) dumpAll(now int64) error {
	old := make([]byte, oldRequestSize)
	old[0], old[3] = unix.AF_INET, wantedAttributes
	binary.NativeEndian.PutUint32(old[oldRequestStates:], wantedTCPStates)
	if err := s.dump(now, unix.IPPROTO_TCP, tcpDiagGetSock, old); err != nil {
		for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
			if err := s.dump(now, unix.IPPROTO_TCP, sockDiagByFamily, request(family, unix.IPPROTO_TCP, wantedTCPStates)); err != nil && family == unix.AF_INET {
				return err
			}
		}
	}
	err := s.dump(now, unix.IPPROTO_UDP, sockDiagByFamily, request(unix.AF_INET, unix.IPPROTO_UDP, ^uint32(0)))
	_ = s.dump(now, unix.IPPROTO_UDP, sockDiagByFamily, request(unix.AF_INET6, unix.IPPROTO_UDP, ^uint32(0))) // without IPv6 there are none
	return err
}

// request is struct inet_diag_req_v2.
func request(family, protocol uint8, states uint32) []byte {
	b := make([]byte, diagRequestSize)
	b[0], b[1], b[2] = family, protocol, wantedAttributes
	binary.NativeEndian.PutUint32(b[4:], states)
	return b
}

// dump lists sockets.
func (s *sockets) dump(now int64, protocol uint8, kind netlink.HeaderType, request []byte) error {
	answers, err := s.diag.Execute(netlink.Message{
		Header: netlink.Header{Type: kind, Flags: netlink.Request | netlink.Dump}, Data: request,
	})
	if err != nil {
		return err
	}
	for _, a := range answers {
		if len(a.Data) >= diagMessageSize {
			s.note(now, protocol, a.Data)
		}
	}
	return nil
}

// find returns the record of a socket, new or known; nil if there are too many.
// past is whether it is new and has a past that is not of this capture.
func (s *sockets) find(now int64, key socketKey) (k *socket, past bool) {
	if k := s.known[key]; k != nil {
		return k, false
	}
	if len(s.known) >= watchedSockets && !s.forget(now) {
		s.missed = true
		return nil, false
	}
	k = &socket{}
	k.Protocol = key.protocol
	s.known[key] = k
	return k, !s.looked || s.missed
}

// note takes one inet_diag_msg and its attributes.
func (s *sockets) note(now int64, protocol uint8, b []byte) {
	u32 := func(at int) uint32 { return binary.NativeEndian.Uint32(b[at:]) }
	key := socketKey{protocol, false, binary.NativeEndian.Uint64(b[44:])}
	k, past := s.find(now, key)
	if k == nil {
		return
	}
	family, state := b[0], b[1]
	k.Local = endpoint(family, b[8:24], b[4:6])
	k.Remote = endpoint(family, b[24:40], b[6:8])
	if int(state) < len(socketStates) {
		k.State = socketStates[state]
	}
	if state == stateListen {
		k.Remote = netip.AddrPort{}
	}
	k.Inode = uint64(u32(68))
	k.Looks++
	k.seen = now
	queue, drops := k.Queue, k.drops
	k.Queue, k.SendQ = uint64(u32(56)), uint64(u32(60))
	window := k.attributes(b[diagMessageSize:], past)
	k.fill(state, window, queue, drops)
}

// attributes reads the memory that it uses, and of TCP how it fares. The window is
// the one that it offers its peer, or -1.
func (k *socket) attributes(b []byte, past bool) (window int64) {
	window = -1
	ad, err := netlink.NewAttributeDecoder(b)
	if err != nil {
		return window
	}
	for ad.Next() {
		switch v := ad.Bytes(); ad.Type() {
		case diagMemory:
			at := func(i int) uint64 {
				if len(v) < 4*i+4 {
					return 0
				}
				return uint64(binary.NativeEndian.Uint32(v[4*i:]))
			}
			if k.State != "LISTEN" {
				k.Queue, k.Buffer = at(memoryReceive), at(memoryReceiveMost)
			}
			k.SendBuf, k.drops = at(memorySendMost), at(memoryDrops)
			if past {
				k.drops0 = k.drops
			}
			k.Drops = advanced(k.drops0, k.drops)
		case diagInfo:
			if k.Protocol == unix.IPPROTO_TCP && k.State != "LISTEN" {
				window = k.progress(v, past)
			}
		}
	}
	return window
}

// Offsets into struct tcp_info, linux/tcp.h.
const (
	infoTotalRetrans = 100
	infoRwndLimited  = 176 // µs
	infoRcvWnd       = 232 // since 6.2
)

func (k *socket) progress(v []byte, past bool) (window int64) {
	if len(v) >= infoTotalRetrans+4 {
		retrans := uint64(binary.NativeEndian.Uint32(v[infoTotalRetrans:]))
		if past {
			k.retrans0 = retrans
		}
		k.Retrans = advanced(k.retrans0, retrans)
	}
	if len(v) >= infoRwndLimited+8 {
		limited := binary.NativeEndian.Uint64(v[infoRwndLimited:])
		if past {
			k.limited0 = limited
		}
		k.PeerFull = int64(advanced(k.limited0, limited)) * 1000
	}
	if len(v) >= infoRcvWnd+4 {
		return int64(binary.NativeEndian.Uint32(v[infoRcvWnd:]))
	}
	return -1
}

// fill judges whether its queue is full. The look before found its queue and its drops
// at other values: a buffer of three packets is full when there is no room for a fourth.
func (k *socket) fill(state uint8, window int64, queue, drops uint64) {
	full := k.Buffer > 0 && k.Queue*allParts >= k.Buffer*fullParts
	if k.Protocol == unix.IPPROTO_UDP && k.Looks > 1 && k.Queue > 0 {
		full = full || k.drops != drops && 2*k.Queue >= k.Buffer || k.fullNow && k.Queue == queue
	}
	if state == stateListen {
		// inet_diag says how many connections wait to be accepted, and how many may:
		// net/core/sock.h:sk_acceptq_is_full refuses beyond, not at, the limit.
		k.Buffer, k.SendQ = k.SendQ, 0
		full = k.Queue > k.Buffer
	}
	if k.fullNow = full || window == 0 && k.Queue > 0; k.fullNow {
		k.Full++
	}
	k.MostQ = max(k.MostQ, k.Queue)
}

// telling is whether a socket lost something, or held something up.
func (k *socket) telling() bool { return k.Drops > 0 || k.Full > 0 || k.Retrans > 0 || k.PeerFull > 0 }

// forget makes room: dead sockets that tell nothing go.
func (s *sockets) forget(now int64) bool {
	before := len(s.known)
	for key, k := range s.known {
		if k.seen < now-2*second && !k.telling() {
			delete(s.known, key)
		}
	}
	return len(s.known) < before
}

func endpoint(family uint8, addr, port []byte) netip.AddrPort {
	var ip netip.Addr
	if family == unix.AF_INET {
		ip = netip.AddrFrom4([4]byte(addr[:4]))
	} else {
		ip = netip.AddrFrom16([16]byte(addr)).Unmap()
	}
	return netip.AddrPortFrom(ip, binary.BigEndian.Uint16(port))
}

// list is those that tell something first, then those that listen, then others.
func (s *sockets) list(e *eye) []capture.Socket {
	all := make([]*socket, 0, len(s.known))
	for _, k := range s.known {
		all = append(all, k)
	}
	rank := func(k *socket) int {
		switch {
		case k.telling():
			return 0
		case k.State == "LISTEN" || k.Protocol == unix.IPPROTO_UDP:
			return 1
		}
		return 2
	}
	slices.SortFunc(all, func(a, b *socket) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.Drops, a.Drops), cmp.Compare(a.Protocol, b.Protocol),
			a.Local.Compare(b.Local), a.Remote.Compare(b.Remote), cmp.Compare(a.Inode, b.Inode))
	})
	if s.missed || len(all) > mostSockets {
		e.lacks("some sockets", "there are more than are kept", "a program that lost a packet may not be named")
	}
	list := []capture.Socket{}
	for _, k := range all[:min(len(all), mostSockets)] {
		list = append(list, k.Socket)
	}
	return list
}

func (s *sockets) close() {
	if s.diag != nil {
		_ = s.diag.Close()
	}
	for _, t := range s.text {
		_ = t.file.file.Close()
	}
}
