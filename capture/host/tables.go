package host

import (
	"strconv"
	"strings"
)

// A sink takes the values of a table: name as in capture.Moved, and of.
type sink func(of, name string, value uint64)

// A table is a file below /proc/thread-self/net, and how its text is read.
type table struct {
	file  string
	group string
	parse func(text string, into sink)
}

// tables are the counters that every namespace has a file for. /proc/net would be
// that of the main thread, whatever the namespace of this one.
var tables = []table{
	{"snmp", "snmp", twoLines},
	{"netstat", "netstat", twoLines},
	{"snmp6", "snmp6", pairs},
	{"softnet_stat", "softnet", softnet},
	{"stat/nf_conntrack", "conntrack", perCPU},
	{"stat/arp_cache", "arp", perCPU}, // there in the root namespace only, and for the whole host
	{"stat/ndisc_cache", "ndisc", perCPU},
	{"xfrm_stat", "xfrm", pairs},
}

// states are values in these files that go up and down. They are no counters.
var states = map[string]bool{
	"Ip.Forwarding": true, "Ip.DefaultTTL": true,
	"Tcp.RtoAlgorithm": true, "Tcp.RtoMin": true, "Tcp.RtoMax": true, "Tcp.MaxConn": true, "Tcp.CurrEstab": true,
	"MPTcpExt.MPCurrEstab": true, "TcpExt.TCPMaxConn": true,
	"entries": true, "chainlength": true,
}

// twoLines reads the tables that name their columns in one line and fill them in
// the next, both beginning with the same prefix: snmp and netstat.
func twoLines(text string, into sink) {
	for text != "" {
		var names, values string
		names, text, _ = strings.Cut(text, "\n")
		values, text, _ = strings.Cut(text, "\n")
		prefix, names, ok := strings.Cut(names, ":")
		other, values, ok2 := strings.Cut(values, ":")
		if !ok || !ok2 || prefix != other {
			return
		}
		column := strings.Fields(values)
		for i, name := range strings.Fields(names) {
			if i >= len(column) {
				break
			}
			value, err := strconv.ParseUint(column[i], 10, 64)
			if name = prefix + "." + name; err == nil && !states[name] {
				into("", name, value)
			}
		}
	}
}

// pairs reads the tables of a name and a value per line: snmp6 and xfrm_stat.
func pairs(text string, into sink) {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if value == "" {
			name, value, _ = strings.Cut(name, " ")
		}
		if n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 64); err == nil {
			into("", strings.TrimSpace(name), n)
		}
	}
}

// softnetColumns are those of net/core/net-procfs.c:softnet_seq_show that count,
// of kernels 2.6.23 to 6.18. Column 12 is the number of the processor, since 5.10:
// before, it is that of the line, which is wrong if one is offline.
var softnetColumns = map[int]string{0: "processed", 1: "dropped", 2: "time_squeeze", 9: "received_rps", 10: "flow_limit_count"}

func softnet(text string, into sink) {
	const processor = 12
	number := 0
	for line := range strings.Lines(text) {
		column := strings.Fields(line)
		cpu := uint64(number)
		if len(column) > processor {
			if n, err := strconv.ParseUint(column[processor], 16, 32); err == nil {
				cpu = n
			}
		}
		number++
		of := "cpu " + strconv.FormatUint(cpu, 10)
		for i, text := range column {
			name := softnetColumns[i]
			if name == "" {
				continue
			}
			if n, err := strconv.ParseUint(text, 16, 64); err == nil {
				into(of, name, n)
			}
		}
	}
}

// perCPU reads the tables that name their columns once and have a line per
// processor, in hexadecimal: those below stat. The lines are summed up.
func perCPU(text string, into sink) {
	head, text, _ := strings.Cut(text, "\n")
	names := strings.Fields(head)
	sums := make([]uint64, len(names))
	for line := range strings.Lines(text) {
		for i, column := range strings.Fields(line) {
			if n, err := strconv.ParseUint(column, 16, 64); err == nil && i < len(sums) {
				sums[i] += n
			}
		}
	}
	for i, name := range names {
		if !states[name] {
			into("", name, sums[i])
		}
	}
}

// memoryInUse reads sockstat and sockstat6: what the protocols use. "mem" is in
// pages, but that of FRAG, which is in octets.
func memoryInUse(text string, into sink) {
	for line := range strings.Lines(text) {
		of, rest, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		column := strings.Fields(rest)
		for i := 0; i+1 < len(column); i += 2 {
			if n, err := strconv.ParseUint(column[i+1], 10, 64); err == nil {
				into(of, column[i], n)
			}
		}
	}
}
