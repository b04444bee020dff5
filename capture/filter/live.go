package filter

import (
	"golang.org/x/net/bpf"

	"whydrop/capture"
)

// A Live is an expression compiled for one network interface of this host.
type Live struct {
	Program []bpf.RawInstruction // for the kernel; what it accepts is cut at the snap length
	Link    capture.LinkType     // of the frames that the interface hands out
}

// A DeviceError is an interface that cannot be captured on.
type DeviceError struct {
	Name string
	Kind DeviceTrouble
	Text string // what libpcap says
}

// A DeviceTrouble is why an interface cannot be captured on.
type DeviceTrouble uint8

// Troubles with devices.
const (
	OtherTrouble DeviceTrouble = iota
	NoPermission               // it takes CAP_NET_RAW
	NoDevice                   // no interface has that name
	DeviceDown                 // it is not up
)

func (e *DeviceError) Error() string { return e.Name + ": " + e.Text }

// CompileLive compiles an expression, which may be empty, for an interface as it is
// now. The kernel takes the outer VLAN tag out of a frame before any filter sees it,
// so that `vlan` compiled as for a file never matches: libpcap knows how to ask for
// the tag once it has the interface open (pcap-linux.c, bpf_extensions). That takes
// the same privilege as the capture.
func CompileLive(name, expression string, snap int) (*Live, error) {
	return compileLive(name, expression, snap)
}
