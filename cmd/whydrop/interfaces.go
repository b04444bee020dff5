package main

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"whydrop/capture/pcapfile"
)

func newInterfaces(p *program) *cobra.Command {
	return &cobra.Command{
		Use:               "interfaces",
		Short:             "the network interfaces that live can capture on",
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(*cobra.Command, []string) error { return p.interfaces() },
	}
}

// anyInterface is the name for all interfaces together, as in tcpdump.
const anyInterface = "any"

// interfaces lists the interfaces: name, state, MTU, addresses.
func (p *program) interfaces() error {
	list, err := net.Interfaces()
	if err != nil {
		return err
	}
	width := len(anyInterface)
	for _, i := range list {
		width = max(width, len(i.Name))
	}
	var b strings.Builder
	for _, i := range list {
		state := "down"
		switch {
		case i.Flags&net.FlagRunning != 0:
			state = "up"
		case i.Flags&net.FlagUp != 0:
			state = "no link"
		}
		line := fmt.Sprintf("%-*s  %-7s  mtu %-5d", width, clean(i.Name), state, i.MTU)
		if addresses, err := i.Addrs(); err == nil {
			for _, a := range addresses {
				line += "  " + a.String()
			}
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	fmt.Fprintf(&b, "%-*s  all interfaces together, without their link headers\n", width, anyInterface)
	_, err = p.stdout.Write([]byte(b.String()))
	return err
}

// interfaceNames are the names that -i takes.
func interfaceNames() []string {
	list, _ := net.Interfaces() // without any, "any" is left
	var names []string
	for _, i := range list {
		names = append(names, i.Name)
	}
	return append(names, anyInterface)
}

// firstInterface is one to show in an example: the first that is up and no loopback.
func firstInterface() string {
	list, _ := net.Interfaces()
	n := slices.IndexFunc(list, func(i net.Interface) bool {
		return i.Flags&net.FlagUp != 0 && i.Flags&net.FlagLoopback == 0
	})
	if n < 0 {
		return "lo"
	}
	return list[n].Name
}

// interfaceHint says what was probably meant by a name.
func interfaceHint(name string) string {
	names := interfaceNames()
	hint := "there are " + strings.Join(names, ", ")
	if near, ok := nearest(name, names); ok {
		hint = "did you mean `" + near + "`?  There are " + strings.Join(names, ", ")
	}
	return hint + "\n`whydrop interfaces`"
}

// liveCapabilities are all that live can use: to capture, to have the kernel's drop events
// and the names of its functions, the rules of the firewall, and the programs of others.
const liveCapabilities = "cap_net_raw,cap_bpf,cap_perfmon,cap_syslog,cap_net_admin,cap_sys_ptrace,cap_dac_read_search"

// setcapLine gives this program the right to capture, once and for all.
func setcapLine() string {
	self, err := os.Executable()
	if err != nil {
		self = "/usr/bin/whydrop"
	}
	return "`sudo setcap " + liveCapabilities + "+ep " + pcapfile.Quote(self) + "`"
}
