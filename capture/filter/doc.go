// Package filter keeps the frames that a pcap-filter(7) expression matches.
//
// libpcap compiles the expression, once for every link type that is met, because
// the offsets differ; the virtual machine of x/net/bpf runs the program, so that
// no packet crosses into C. A build without cgo has no libpcap and says so.
package filter
