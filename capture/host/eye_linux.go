package host

import (
	"context"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"whydrop/capture"
)

// mostText bounds a file of /proc that is read.
const mostText = 4 << 20

// An eye looks at everything but drop events. It belongs to the goroutine of its
// witness, whose thread is in the right namespace.
type eye struct {
	options    Options
	counters   *counters
	links      *links
	neighbours *neighbours
	nics       *nics
	sockets    *sockets
	clerk      clerk
	rules      []capture.Rule // as of the first look
	files      []*procFile
	memory     map[string]uint64 // the most that sockstat showed, in use: "UDP mem", …
	absent     []capture.Absent
	start      int64
}

// A procFile is one of /proc/thread-self/net that is kept open. It stays in the
// namespace in which it was opened, and needs no privilege to be read again.
type procFile struct {
	table
	file *os.File
}

// openEye opens everything that is looked at.
func openEye(ctx context.Context, o Options) *eye {
	e := &eye{options: o, counters: newCounters(), memory: make(map[string]uint64)}
	for _, t := range tables {
		f, err := os.Open("/proc/thread-self/net/" + t.file)
		if err != nil {
			if why := missingTable[t.file]; why != "" {
				e.lacks("counters of /proc/net/"+t.file, err.Error(), why)
			}
			continue
		}
		e.files = append(e.files, &procFile{t, f})
	}
	for _, name := range []string{"sockstat", "sockstat6"} {
		if f, err := os.Open("/proc/thread-self/net/" + name); err == nil {
			e.files = append(e.files, &procFile{table{name, "", memoryInUse}, f})
		}
	}
	e.links = openLinks(ctx, e)
	e.neighbours = openNeighbours(ctx, e)
	e.nics = openNICs(e)
	e.sockets = openSockets(e)
	e.clerk = engage(e)
	return e
}

// missingTable says what is lost without a table that every host should have.
var missingTable = map[string]string{
	"snmp":         "losses in IP, UDP and TCP can be counted by drop events only",
	"netstat":      "full listen queues, reverse path filters and TCP memory cannot be told",
	"softnet_stat": "overflows of the backlog of a processor cannot be told",
}

// lacks notes that a piece of evidence cannot be had.
func (e *eye) lacks(what, why, costs string) {
	for _, a := range e.absent {
		if a.What == what {
			return
		}
	}
	e.absent = append(e.absent, capture.Absent{What: what, Why: why, Costs: costs})
}

// first takes the first look: at the counters, and then at the firewall, as the
// last look does.
func (e *eye) first() {
	if e.options.TraceRules {
		e.note(e.clerk.ask(question{Trace: &tracing{Interfaces: e.options.Interfaces}}))
	}
	e.start = realtime()
	e.look(e.start, false)
	e.rules = e.note(e.clerk.ask(question{Rules: true})).Rules
}

// note keeps what the clerk could not have.
func (e *eye) note(a answer) answer {
	for _, absent := range a.Absent {
		e.lacks(absent.What, absent.Why, absent.Costs)
	}
	return a
}

// look takes a look at everything that can move.
func (e *eye) look(now int64, last bool) {
	e.counters.begin(now)
	for _, f := range e.files {
		text, err := f.read()
		if err != nil {
			continue
		}
		if f.group == "" {
			f.parse(text, e.use)
			continue
		}
		f.parse(text, func(of, name string, value uint64) { e.counters.see(f.group, of, name, value, false) })
	}
	e.links.look(now, e)
	e.neighbours.look(e)
	e.nics.look(now, last, e)
	e.countConntrack()
	e.sockets.look(now, last, e)
}

// use keeps the most that was in use.
func (e *eye) use(of, name string, value uint64) {
	of += " " + name
	e.memory[of] = max(e.memory[of], value)
}

// read reads a file again from its beginning.
func (f *procFile) read() (string, error) {
	if _, err := f.file.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(f.file, mostText))
	return string(text), err
}

// testimony takes the last look and writes down everything.
func (e *eye) testimony() *capture.Testimony {
	e.look(realtime(), true)
	e.sockets.heirs()
	a := e.note(e.clerk.ask(question{Rules: true}))
	rules, tooMany := ruleDeltas(e.rules, a.Rules)
	if tooMany > 0 {
		e.lacks("some firewall rules", "there are more than are kept", "a rule that dropped may not be named")
	}
	settings := append(e.settings(), e.inUse()...)
	t := &capture.Testimony{
		Kernel: release(), Start: e.start, End: realtime(),
		Captured: e.options.Interfaces, Filter: e.options.Filter,
		Links: e.links.list(), Neighbours: e.neighbours.list(e), Events: append([]capture.HostEvent{}, e.links.events...),
		Rules: rules, Sockets: e.sockets.list(e), Settings: settings, Paths: paths(e),
	}
	if t.Captured == nil {
		t.Captured = []string{}
	}
	var omitted int
	if t.Moved, omitted = e.counters.movement(); omitted > 0 || e.counters.omitted > 0 {
		e.lacks("some counters", "there are more than are kept", "a counter that moved may not be shown")
	}
	t.Absent = append([]capture.Absent{}, e.absent...)
	return t
}

func (e *eye) close() {
	for _, f := range e.files {
		_ = f.file.Close()
	}
	go drain(e.links.updates) // its sender may be waiting; it ends with the context
	go drain(e.neighbours.updates)
	e.links.close()
	e.sockets.close()
	e.nics.close()
	e.clerk.close()
}

func drain[T any](c <-chan T) {
	if c == nil {
		return
	}
	for range c {
	}
}

// release is that of the kernel.
func release() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:])
}
