// Command tracegen writes a capture for benchmarks: TCP connections between
// several hundred pairs of hosts, with valid checksums, timestamps, SACK and a
// little loss on both sides of the tap, repaired as TCP repairs it.
//
// It plays no simulation (analyze/netsim does that): a connection is a sequence
// of rounds whose segments, acknowledgements and repairs are computed at once,
// so that gigabytes take seconds. The same flags write the same file.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"

	"whydrop/capture"
	"whydrop/capture/pcapfile"
)

// snapLength is what tcpdump declares when nothing is to be cut.
const snapLength = 262144

// options are the flags.
type options struct {
	packets int
	flows   int
	pairs   int
	loss    float64
	size    string
	format  string
	seed    uint64
	seconds int
	ipv6    float64
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	var o options
	set := flag.NewFlagSet("tracegen", flag.ContinueOnError)
	set.SetOutput(stderr)
	out := set.String("o", "-", "`file` to write; - is standard output")
	set.IntVar(&o.packets, "packets", 1_500_000, "`number` of packets to write, about")
	set.IntVar(&o.flows, "flows", 5000, "`number` of connections, open at once")
	set.IntVar(&o.pairs, "pairs", 400, "`number` of pairs of addresses")
	set.Float64Var(&o.loss, "loss", 0.003, "`share` of the data segments that are lost")
	set.StringVar(&o.size, "size", "mixed", "`size` of data frames: 96, 1500 or mixed")
	set.StringVar(&o.format, "format", "pcap", "pcap or pcapng")
	set.Uint64Var(&o.seed, "seed", 1, "`seed`")
	set.IntVar(&o.seconds, "seconds", 60, "`time` that the capture spans")
	set.Float64Var(&o.ipv6, "ipv6", 0.1, "`share` of the pairs that speak IPv6")
	if err := set.Parse(args); err != nil || set.NArg() > 0 {
		return 2
	}
	if err := o.check(); err != nil {
		fmt.Fprintf(stderr, "tracegen: %v\n", err)
		return 2
	}
	wrote, err := writeFile(*out, stdout, o)
	if err != nil {
		fmt.Fprintf(stderr, "tracegen: %v\n", err)
		return 1
	}
	fmt.Fprintf(stderr, "%d packets, %d octets; lost: %d before the tap, %d behind it\n",
		wrote.packets, wrote.octets, wrote.before, wrote.behind)
	return 0
}

func (o *options) check() error {
	switch {
	case o.packets < 1 || o.flows < 1 || o.pairs < 1 || o.seconds < 1:
		return fmt.Errorf("packets, flows, pairs and seconds must be positive")
	case o.pairs > maxPairs:
		return fmt.Errorf("at most %d pairs", maxPairs)
	case o.loss < 0 || o.loss > 0.2:
		return fmt.Errorf("loss must be between 0 and 0.2")
	case o.size != "96" && o.size != "1500" && o.size != "mixed":
		return fmt.Errorf("unknown size %q", o.size)
	case o.format != "pcap" && o.format != "pcapng":
		return fmt.Errorf("unknown format %q", o.format)
	}
	return nil
}

func writeFile(name string, stdout io.Writer, o options) (wrote tally, err error) {
	out := stdout
	if name != "-" {
		f, err := os.Create(name)
		if err != nil {
			return wrote, err
		}
		defer func() {
			if e := f.Close(); err == nil {
				err = e
			}
		}()
		out = f
	}
	buffered := bufio.NewWriterSize(out, 1<<20)
	if wrote, err = generate(buffered, o); err != nil {
		return wrote, err
	}
	return wrote, buffered.Flush()
}

// generate writes the capture to w.
func generate(w io.Writer, o options) (tally, error) {
	capwriter, err := pcapfile.NewWriter(w, pcapfile.WriterOptions{
		Format:     o.format,
		Interfaces: []pcapfile.Interface{{Link: capture.LinkEthernet, SnapLength: snapLength}},
	})
	if err != nil {
		return tally{}, err
	}
	g := newTrace(o)
	frame := capture.Frame{Link: capture.LinkEthernet, HasTime: true}
	for {
		data, at, ok := g.next()
		if !ok {
			return g.tally, capwriter.Flush()
		}
		frame.Data, frame.WireLength, frame.Time = data, uint32(len(data)), at
		if err := capwriter.Write(&frame, pcapfile.Remarks{}); err != nil {
			return g.tally, err
		}
	}
}
