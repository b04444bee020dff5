package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"whydrop/capture"
)

// A question is asked of a clerk: whose the sockets with these inodes are, in
// which functions of the kernel these processes sleep, what the firewall looks like.
type question struct {
	Inodes []uint64 `json:",omitempty"`
	PIDs   []int    `json:",omitempty"`
	Rules  bool     `json:",omitempty"`
	Trace  *tracing `json:",omitempty"` // start to trace rules
}

// tracing is what --trace-rules traces.
type tracing struct {
	Interfaces []string // none = all
}

// An answer is what the clerk found out.
type answer struct {
	Owners   map[uint64]int
	Channels map[int]string
	Hidden   bool // there were processes that it may not look into
	Rules    []capture.Rule
	Absent   []capture.Absent
}

// A clerk fetches what needs privileges.
type clerk interface {
	ask(question) answer
	close()
}

// A desk is a clerk in this process.
type desk struct {
	firewall firewall
	tracer   *tracer
}

func (d *desk) ask(q question) (a answer) {
	if len(q.Inodes) > 0 {
		a.Owners, a.Hidden = socketOwners(q.Inodes)
	}
	if len(q.PIDs) > 0 {
		a.Channels = waitChannels(q.PIDs)
	}
	if q.Trace != nil && d.tracer == nil {
		tracer, err := startTracer(*q.Trace)
		if err != nil {
			a.Absent = append(a.Absent, capture.Absent{What: "trace of firewall rules", Why: err.Error(),
				Costs: "a rule without a counter cannot be named"})
		}
		d.tracer = tracer
	}
	if q.Rules {
		var absent []capture.Absent
		a.Rules, absent = d.firewall.rules()
		a.Absent = append(a.Absent, absent...)
		if d.tracer != nil {
			absent = d.tracer.book(a.Rules)
			a.Absent = append(a.Absent, absent...)
		}
		a.Rules = slices.DeleteFunc(a.Rules, func(r capture.Rule) bool {
			return !drops(r.Verdict) && r.Packets == 0
		})
	}
	return a
}

func (d *desk) close() {
	if d.tracer != nil {
		d.tracer.close()
		d.tracer = nil
	}
	d.firewall.close()
}

// Serve answers the questions of one witness until in ends. It is the body of the
// command named in Options.Clerk.
func Serve(in io.Reader, out io.Writer) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	handDown()
	d := new(desk)
	defer d.close()
	questions, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var q question
		if err := questions.Decode(&q); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("cannot read the question: %w", err)
		}
		if err := answers.Encode(d.ask(q)); err != nil {
			return fmt.Errorf("cannot answer: %w", err)
		}
	}
}

// handDown lets the programs that this thread runs have the capabilities that it
// has by its file, as with setcap: else nft could not list the rules.
func handDown() {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	held := heldCapabilities()
	if len(held) == 0 || unix.Capget(&header, &data[0]) != nil {
		return
	}
	for _, c := range held {
		data[c/32].Inheritable |= 1 << (c % 32)
	}
	if unix.Capset(&header, &data[0]) != nil {
		return
	}
	for _, c := range held {
		_ = unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, c, 0, 0)
	}
}

// An office is a clerk in another process, which keeps its privileges.
type office struct {
	command   *exec.Cmd
	in        *os.File // its answers
	out       *os.File
	questions *json.Encoder
	answers   *json.Decoder
	broken    bool
}

// answerTime is how long an answer may take. Listing ten thousand rules takes a second.
const answerTime = 10 * time.Second

// clerkCapabilities are those that its work needs, if there are.
var clerkCapabilities = []uintptr{unix.CAP_NET_ADMIN, unix.CAP_SYS_PTRACE, unix.CAP_DAC_READ_SEARCH, unix.CAP_NET_RAW}

// hire starts the process of a clerk in the namespace of this thread.
func hire(command []string) (*office, error) {
	theirIn, out, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	in, theirOut, err := os.Pipe()
	if err != nil {
		_, _ = theirIn.Close(), out.Close()
		return nil, err
	}
	c := exec.Command(command[0], command[1:]...)
	c.Stdin, c.Stdout = theirIn, theirOut
	// In a process group of its own it survives the Ctrl-C that ends the capture:
	// it ends when its input does.
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, AmbientCaps: heldCapabilities()}
	err = c.Start()
	_, _ = theirIn.Close(), theirOut.Close()
	if err != nil {
		_, _ = in.Close(), out.Close()
		return nil, err
	}
	return &office{command: c, in: in, out: out, questions: json.NewEncoder(out), answers: json.NewDecoder(in)}, nil
}

// heldCapabilities are those of clerkCapabilities that this thread has. Root hands
// them on anyway.
func heldCapabilities() (held []uintptr) {
	if os.Geteuid() == 0 {
		return nil
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&header, &data[0]) != nil {
		return nil
	}
	for _, c := range clerkCapabilities {
		if data[c/32].Permitted&(1<<(c%32)) != 0 {
			held = append(held, c)
		}
	}
	return held
}

func (o *office) ask(q question) (a answer) {
	if o.broken {
		return a
	}
	deadline := time.AfterFunc(answerTime, func() { _ = o.in.SetReadDeadline(time.Unix(1, 0)) })
	defer deadline.Stop()
	if o.questions.Encode(q) != nil || o.answers.Decode(&a) != nil {
		o.broken = true
		a.Absent = append(a.Absent, capture.Absent{What: "what needs privileges", Why: "the process that asks for it ended",
			Costs: "firewall rules and programs may not be named"})
	}
	return a
}

// close ends its input, and so the process.
func (o *office) close() {
	_ = o.out.Close()
	late := time.AfterFunc(answerTime, func() { _ = o.command.Process.Kill() })
	_ = o.command.Wait()
	late.Stop()
	_ = o.in.Close()
}

// engage returns the clerk of a witness.
func engage(e *eye) clerk {
	if len(e.options.Clerk) == 0 {
		return new(desk)
	}
	o, err := hire(e.options.Clerk)
	if err != nil {
		e.lacks("a process that keeps its privileges", err.Error(),
			"firewall counters at the end of the capture, and programs that start meanwhile, may be missing")
		return new(desk)
	}
	return o
}
