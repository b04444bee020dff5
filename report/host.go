package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"whydrop/analyze"
	"whydrop/analyze/cause"
	"whydrop/analyze/kernel"
	"whydrop/capture"
)

// Host is what the kernel of a capturing host said.
type Host struct {
	Kernel   string        `json:"kernel"`
	Captured []string      `json:"captured"` // interfaces
	First    string        `json:"first_time"`
	Last     string        `json:"last_time"`
	Absent   []HostAbsent  `json:"absent"`  // evidence that could not be had
	Balance  []HostBalance `json:"balance"` // the witnesses side by side; all drops of the host, not only those of the capture
	// Conservation is the account of IPv4 packets between the card and the transport; null where its counters are not known.
	Conservation *HostConservation `json:"conservation" jsonschema:"nullable"`
	Drops        []HostDrop        `json:"drops"` // drop events by reason and function
	Lost         uint64            `json:"drop_events_lost"`
	Moved        []HostMoved       `json:"counters"`
	Settings     []HostSetting     `json:"settings"`
	Events       []HostEvent       `json:"events"`
}

// HostAbsent is evidence that could not be had, and what that costs.
type HostAbsent struct {
	What  string `json:"what"`
	Why   string `json:"why"`
	Costs string `json:"costs"`
}

// HostBalance compares what counters and drop events say of one cause.
type HostBalance struct {
	Cause    string   `json:"cause"`
	Counted  uint64   `json:"counted"`
	Events   uint64   `json:"events"`
	Charged  uint64   `json:"charged"` // packets of it in the ledger
	Counters []string `json:"counters"`
	Silent   bool     `json:"no_event_exists"`
	Over     uint64   `json:"remainder"` // counted and not charged: of other traffic, or not told apart
}

// HostConservation is received = delivered + forwarded + fragments joined + dropped + remainder.
type HostConservation struct {
	Received  uint64 `json:"received"`
	Delivered uint64 `json:"delivered"`
	Forwarded uint64 `json:"forwarded"`
	Joined    uint64 `json:"fragments_joined"`
	Dropped   uint64 `json:"dropped"`
	Remainder int64  `json:"remainder"`
}

// HostDrop sums up the drop events of one reason and function.
type HostDrop struct {
	Reason   string `json:"reason"`
	Function string `json:"function"`
	Hook     string `json:"hook"`
	Class    string `json:"class" jsonschema:"enum=loss,enum=symptom,enum=noise"`
	Cause    string `json:"cause"`
	Events   uint64 `json:"events"`
	Packets  uint64 `json:"packets"`
}

// HostMoved is a counter that moved.
type HostMoved struct {
	Group string `json:"group"`
	Name  string `json:"name"`
	Of    string `json:"of"`
	From  uint64 `json:"from"`
	By    uint64 `json:"by"`
}

// HostSetting is a sysctl or a setting of a device.
type HostSetting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Most  string `json:"most"`
}

// HostEvent is what befell the host.
type HostEvent struct {
	Time string `json:"time"`
	What string `json:"what"`
	Of   string `json:"of"`
}

// HostSays is what the host said of the packets of one charge.
type HostSays struct {
	Reason      string      `json:"reason"`
	Function    string      `json:"function"`
	Hook        string      `json:"hook"`
	Interface   string      `json:"interface"`
	Events      uint64      `json:"events"` // of this reason and these addresses
	Rule        string      `json:"rule"`   // of the firewall
	RuleText    string      `json:"rule_text"`
	RuleCertain bool        `json:"rule_certain"`
	Process     string      `json:"process"` // command
	PID         int         `json:"pid"`
	Doing       string      `json:"doing"` // what the process was doing
	Queue       uint64      `json:"queue"` // octets that waited in the socket, at most; of a listener, connections
	Buffer      uint64      `json:"buffer"`
	Counters    []HostMoved `json:"counters"`
	AfterNS     int64       `json:"after_ns"` // from the capture of the frame to its drop
}

var classNames = [...]string{kernel.Loss: "loss", kernel.Symptom: "symptom", kernel.Noise: "noise"}

// hosts are the hosts that testified.
func (b *builder) hostReports() []Host {
	out := []Host{}
	for i := range b.res.Hosts {
		out = append(out, b.host(&b.res.Hosts[i]))
	}
	return out
}

func (b *builder) host(h *analyze.HostBalance) Host {
	t := h.Of
	out := Host{
		Kernel: t.Kernel, Captured: append([]string{}, t.Captured...), First: timestamp(t.Start), Last: timestamp(t.End),
		Absent: []HostAbsent{}, Balance: []HostBalance{}, Drops: hostDrops(t), Lost: t.DropsLost,
		Moved: []HostMoved{}, Settings: []HostSetting{}, Events: []HostEvent{},
	}
	for _, a := range t.Absent {
		out.Absent = append(out.Absent, HostAbsent(a))
	}
	if c := h.Conservation; c != nil {
		out.Conservation = &HostConservation{c.Received, c.Delivered, c.Forwarded, c.Joined, c.Dropped, c.Remainder}
	}
	for _, l := range h.Lines {
		charged := b.byCause[l.Cause]
		if l.Cause == cause.FirewallDrop {
			charged += b.byCause[cause.FirewallReject] + b.byCause[cause.ConntrackInvalid]
		}
		if l.Cause == cause.UDPReceiveBuffer { // the same counter: its reader is to blame
			charged += b.byCause[cause.SlowApplication]
		}
		out.Balance = append(out.Balance, HostBalance{
			Cause: string(l.Cause), Counted: l.Counted, Events: l.Events, Charged: charged,
			Counters: append([]string{}, l.Counters...), Silent: l.Silent, Over: max(l.Counted, charged) - charged,
		})
	}
	for i := range t.Moved {
		out.Moved = append(out.Moved, moved(&t.Moved[i]))
	}
	for _, s := range t.Settings {
		out.Settings = append(out.Settings, HostSetting(s))
	}
	for _, e := range t.Events {
		out.Events = append(out.Events, HostEvent{timestamp(e.Time), e.What, e.Of})
	}
	return out
}

func moved(m *capture.Moved) HostMoved { return HostMoved{m.Group, m.Name, m.Of, m.From, m.By} }

// hostDrops sums the drop events of t up by reason and function, most first.
func hostDrops(t *capture.Testimony) []HostDrop {
	type key struct{ reason, function, hook string }
	sums := map[key]*HostDrop{}
	out := []HostDrop{}
	for i := range t.Drops {
		d := &t.Drops[i]
		k := key{d.Reason, d.Function, d.Hook}
		if sums[k] == nil {
			m := kernel.Judge(d, t)
			sums[k] = &HostDrop{Reason: d.Reason, Function: d.Function, Hook: d.Hook, Class: classNames[m.Class], Cause: string(m.Cause)}
		}
		sums[k].Events += d.Events
		sums[k].Packets += d.Packets
	}
	for _, d := range sums {
		out = append(out, *d)
	}
	slices.SortFunc(out, func(x, y HostDrop) int {
		return cmp.Or(cmp.Compare(y.Events, x.Events), cmp.Compare(x.Reason, y.Reason), cmp.Compare(x.Function, y.Function), cmp.Compare(x.Hook, y.Hook))
	})
	return out
}

// hostSays is the word of the host on c, nil if it gave none.
func hostSays(c *analyze.Charge) *HostSays {
	w := c.Host
	if w == nil {
		return nil
	}
	s := &HostSays{Counters: []HostMoved{}}
	for _, m := range w.Counters {
		s.Counters = append(s.Counters, moved(m))
	}
	if w.Rule != nil {
		s.Rule, s.RuleText, s.RuleCertain = kernel.Name(w.Rule), w.Rule.Text, w.Sure
	}
	process := (*capture.Process)(nil)
	if w.Socket != nil {
		process, s.Queue, s.Buffer = w.Socket.Process, w.Socket.MostQ, w.Socket.Buffer
	}
	if d := w.Drop; d != nil {
		s.Reason, s.Function, s.Hook, s.Events = d.Reason, d.Function, d.Hook, d.Events
		s.Interface = cmp.Or(d.Inbound, d.Interface)
		if process == nil {
			process = d.Process
		}
		for _, x := range d.Samples {
			if len(c.Frames) > 0 && x.Frame == c.Frames[0].Number && x.File == c.Frames[0].File {
				s.AfterNS = x.After
				break
			}
		}
	}
	if process != nil {
		s.Process, s.PID, s.Doing = process.Command, process.PID, kernel.Doing(process)
	}
	return s
}

// whoOf names who dropped the packets of c, as far as the first screen tells apart: a rule, or a program.
func whoOf(c *analyze.Charge) string {
	w := c.Host
	switch {
	case w == nil:
		return ""
	case w.Rule != nil && w.Sure:
		return kernel.Name(w.Rule)
	case w.Rule != nil:
		return "perhaps " + kernel.Name(w.Rule)
	case w.Socket != nil && w.Socket.Process != nil:
		return w.Socket.Process.Command + ", pid " + strconv.Itoa(w.Socket.Process.PID)
	case w.Socket != nil && w.Socket.Local.IsValid():
		return "the socket " + w.Socket.Local.String()
	case c.Cause == cause.KernelOther && w.Drop != nil:
		return strings.TrimSuffix(w.Drop.Reason+" in "+w.Drop.Function, " in ")
	case w.Drop != nil && w.Drop.Hook != "" && c.Cause == cause.FirewallDrop:
		return "at the hook " + w.Drop.Hook
	}
	return ""
}

// hostSeen says how the witnesses agree: what the kernel said, and what it counted.
func hostSeen(charges []*analyze.Charge) string {
	events, names := uint64(0), []string{}
	drops := map[*capture.Drop]bool{}
	counters := map[*capture.Moved]bool{}
	for _, c := range charges {
		w := c.Host
		if w == nil {
			return ""
		}
		if w.Drop != nil && !drops[w.Drop] {
			drops[w.Drop] = true
			events += w.Drop.Packets
		}
		for _, m := range w.Counters {
			if !counters[m] {
				counters[m] = true
				names = append(names, strings.TrimSpace(m.Name+" "+m.Of)+" +"+count(m.By))
			}
		}
	}
	var parts []string
	if events > 0 {
		d := charges[0].Host.Drop
		said := d.Reason
		if d.Function != "" {
			said += " in " + d.Function
		}
		parts = append(parts, "the kernel said "+said+" of "+count(events))
	}
	if len(names) > 0 {
		const most = 3
		parts = append(parts, "it counted "+strings.Join(names[:min(len(names), most)], ", "))
	}
	if p := charges[0].Host.Path; p != nil {
		parts = append(parts, fmt.Sprintf("its routes know that the way to %s takes %d octets", p.To.Unmap().WithZone(""), p.MTU))
	}
	if len(parts) == 0 {
		return ""
	}
	return capital(strings.Join(parts, "; ")) + "."
}

// dearest is evidence of a host, by what its absence costs, most first, in few words.
var dearest = [...]struct{ what, lacks string }{
	{analyze.DropEvents, "the kernel's drop events are not to be had (%s): what no counter counts goes unseen, and no cause is certain"},
	{analyze.DropAddresses, "the kernel's drop events have no addresses (%s): what no counter counts goes unseen, and no cause is certain"},
	{"names of kernel functions", "functions of the kernel have no names (%s): a cause that only they tell is not known"},
	{"firewall rules", "the firewall's rules are not to be had (%s): none is named"},
}

// hostLacks says of the first screen's trust what evidence of the host is missing, and
// what that costs.
func (b *builder) hostLacks() string {
	for _, d := range dearest {
		for i := range b.res.Hosts {
			for _, a := range b.res.Hosts[i].Of.Absent {
				if a.What != d.what {
					continue
				}
				s := fmt.Sprintf(d.lacks, firstWords(a.Why))
				if n := len(b.res.Hosts[i].Of.Absent) - 1; n > 0 {
					s += "; " + count(uint64(n)) + " more with -v"
				}
				return s
			}
		}
	}
	return ""
}

// firstWords is as much of a reason as a line has room for.
func firstWords(s string) string {
	const most = 60
	s, _, _ = strings.Cut(s, "\n")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// hostSure says that no packet of the capture was lost in the host that captured,
// if its kernel would have said so.
func (b *builder) hostSure() string {
	if len(b.res.Hosts) == 0 {
		return ""
	}
	for i := range b.res.Ledger.Charges {
		if c := &b.res.Ledger.Charges[i]; c.Host != nil || c.Locus == cause.SenderHost || c.Locus == cause.ReceiverHost {
			return ""
		}
	}
	for i := range b.res.Hosts {
		t := b.res.Hosts[i].Of
		if t.DropsLost > 0 {
			return ""
		}
		for _, a := range t.Absent {
			if a.What == analyze.DropEvents || a.What == analyze.DropAddresses {
				return ""
			}
		}
	}
	return "no packet of this capture was dropped in this host: its kernel reported none"
}
