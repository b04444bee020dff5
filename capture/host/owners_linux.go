package host

import (
	"maps"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"whydrop/capture"
)

const (
	// searchPause is the least time between two searches for the processes behind
	// new sockets: a search reads the open files of every process.
	searchPause = 5 * second

	// askedInodes bounds the sockets of one search.
	askedInodes = 4096
)

// owners knows the processes behind sockets.
type owners struct {
	pids     map[uint64]int // by inode; 0 = nobody was found
	next     int64          // time of the next search
	searched map[uint64]bool
}

func newOwners() *owners {
	return &owners{pids: make(map[uint64]int), searched: make(map[uint64]bool)}
}

// processes finds who holds the sockets, and looks at the processes of those that
// tell something now: what a program does while its queue is full is what counts.
func (s *sockets) processes(now int64, last bool, e *eye) {
	s.search(now, last, e)
	channels := make(map[int]bool)
	for _, k := range s.known {
		pid := s.owners.pids[k.Inode]
		if pid == 0 {
			continue
		}
		if k.seen != now || k.Process != nil && !last && !k.telling() && k.Queue == 0 {
			continue
		}
		k.inspect(now, pid)
		if k.telling() && !k.remembers() {
			channels[pid] = true
		}
	}
	if len(channels) == 0 {
		return
	}
	answer := e.note(e.clerk.ask(question{PIDs: slices.Sorted(maps.Keys(channels))}))
	for _, k := range s.known {
		if k.Process != nil && k.seen == now && !k.remembers() {
			if name, ok := answer.Channels[k.Process.PID]; ok {
				k.Process.Channel = name
			}
		}
	}
}

// search asks for the processes of sockets that nobody was asked about yet.
func (s *sockets) search(now int64, last bool, e *eye) {
	if now < s.owners.next && !last {
		return
	}
	var wanted []uint64
	for _, k := range s.known {
		if k.seen == now && k.Inode != 0 && s.owners.pids[k.Inode] == 0 && (last || !s.owners.searched[k.Inode]) {
			wanted = append(wanted, k.Inode)
		}
	}
	if len(wanted) == 0 {
		return
	}
	slices.Sort(wanted)
	wanted = wanted[:min(len(wanted), askedInodes)]
	s.owners.next = now + searchPause
	answer := e.note(e.clerk.ask(question{Inodes: wanted}))
	maps.Copy(s.owners.pids, answer.Owners)
	s.owners.searched = make(map[uint64]bool, len(wanted))
	for _, inode := range wanted {
		s.owners.searched[inode] = true
	}
	if answer.Hidden && len(answer.Owners) < len(wanted) {
		e.lacks("processes of other users", "needs CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH",
			"the program behind a socket may not be named")
	}
}

// remembers is whether what its process did while the queue was full, which is
// what counts, is not to be replaced by what it does now.
func (k *socket) remembers() bool { return k.Full > 0 && !k.fullNow }

// inspect looks at the process of a socket.
func (k *socket) inspect(now int64, pid int) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return // it has ended: its last look stands
	}
	p, used, ok := parseStat(string(text))
	if !ok {
		return
	}
	at := ticks{used, now}
	if k.Process == nil {
		k.busy0 = at
	} else {
		p.Channel = k.Process.Channel
		if k.remembers() {
			p.State = k.Process.State
		}
	}
	p.Busy = busy(k.busy0, at)
	k.Process = &p
}

// heirs names the process that listens on a port as that of the connections it
// accepted, where none was found for them.
func (s *sockets) heirs() {
	listeners := make(map[uint16]*capture.Process)
	several := make(map[uint16]bool) // processes listen on one port: SO_REUSEPORT
	for _, k := range s.known {
		if k.State != "LISTEN" || k.Process == nil {
			continue
		}
		port := k.Local.Port()
		if p := listeners[port]; p != nil && p.PID != k.Process.PID {
			several[port] = true
		}
		listeners[port] = k.Process
	}
	for _, k := range s.known {
		port := k.Local.Port()
		if k.Process != nil || k.State == "LISTEN" || k.Protocol != unix.IPPROTO_TCP || listeners[port] == nil || several[port] {
			continue
		}
		copied := *listeners[port]
		k.Process = &copied
	}
}
