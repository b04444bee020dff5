package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"whydrop/capture"
	"whydrop/capture/pcapfile"
)

// liveFlags are the flags of live, as typed.
type liveFlags struct {
	analyzeFlags
	iface     string
	snap      int
	noPromisc bool
	bufferKiB int
	direction string
	list      bool
	duration  time.Duration
	rings     int
	write     string
	megabytes int64
	seconds   int
	files     int
	user      string
	interval  time.Duration
	listen    string
	noHost    bool
	trace     bool
	everyDrop bool
	readyFD   int
}

// A liveJob is what one run of live has to do.
type liveJob struct {
	job
	live liveFlags
}

var directions = []string{"in", "out", "inout"}

const liveLong = `Capture on a network interface of this host, and say where and why packets were
lost. Ctrl-C ends the capture and prints the report.

EXPRESSION is a filter as in tcpdump. What it hides is not there for whydrop
either, so never filter away one direction.

The exit code is 0 whether packets were lost or not, and after Ctrl-C whatever
the report says. A capture that ends by itself, as after --duration, exits 3 if it
cannot tell, 5 if it is itself too lossy to judge; any exits 3 if -w could not be
written, and 4 if nothing can be captured: no permission, or no such interface.`

func newLive(p *program) *cobra.Command {
	var f liveFlags
	c := &cobra.Command{
		Use:   "live -i IFACE [flags] [EXPRESSION]",
		Short: "capture on an interface and analyse at once",
		Long:  liveLong,
		RunE: func(c *cobra.Command, args []string) error {
			if f.list {
				return p.interfaces()
			}
			j, err := f.job(args)
			if err != nil {
				return err
			}
			j.memory.hold()
			return p.live(c.Context(), j)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	set := c.Flags()
	set.SortFlags = false
	set.StringVarP(&f.iface, "interface", "i", "", "capture on `IFACE`; any is all of them")
	set.StringVarP(&f.expression, "filter", "f", "", "only packets that match `EXPRESSION`")
	set.StringVarP(&f.expressionFile, "filter-file", "F", "", "take the expression from `FILE`")
	set.Uint64VarP(&f.count, "count", "c", 0, "stop after `N` packets")
	set.DurationVar(&f.duration, "duration", 0, "stop after `TIME`, as 30s or 10m")
	set.IntVarP(&f.snap, "snapshot-length", "s", 0, "keep `N` octets of each packet (default: all)")
	set.BoolVarP(&f.noPromisc, "no-promiscuous-mode", "p", false, "only packets for this host")
	set.VarP(&choice{value: &f.direction, what: "a direction", of: directions}, "direction", "Q", "only one `DIRECTION`: in or out (default: inout)")
	set.IntVarP(&f.bufferKiB, "buffer-size", "B", 0, "a ring of `KIB` kibibytes (default 65536)")
	set.IntVar(&f.rings, "rings", 1, "`N` rings, over which the kernel spreads the flows")
	set.StringVarP(&f.write, "write", "w", "", "keep the packets, and what the host said, in `FILE` (pcapng)")
	set.Int64VarP(&f.megabytes, "file-size", "C", 0, "a new file after `N` million octets: FILE, FILE1, FILE2")
	set.IntVarP(&f.seconds, "rotate-seconds", "G", 0, "a new file every `N` seconds; FILE may hold %Y%m%d-%H%M%S")
	set.IntVarP(&f.files, "file-count", "W", 0, "with -C, `N` files in turn; with -G, so many in all")
	set.StringVarP(&f.user, "relinquish-privileges", "Z", "", "become `USER` once all is open")
	set.DurationVar(&f.interval, "interval", 0, "a report of each `TIME`, too, as 10s")
	set.StringVar(&f.listen, "listen", "", "serve a page, /metrics, /healthz and /report on `ADDR`; loopback if it is a port alone")
	set.BoolVar(&f.noHost, "no-host", false, "do not ask the host's own counters, sockets and rules")
	set.BoolVar(&f.trace, "trace-rules", false, "find the rule that drops by an nftables table of our own; it is removed at the end")
	set.BoolVar(&f.everyDrop, "every-drop", false, "find the frame of each drop event of the kernel, not of the first 64 of a kind")
	set.BoolVarP(&f.list, "list-interfaces", "D", false, "list the interfaces and stop")
	set.Var(&choice{value: &f.format, what: "a format", of: formats, later: checkOnly}, "format", "`FORMAT`: "+inWords(formats))
	set.BoolVar(&f.json, "json", false, "short for --format json")
	set.StringVarP(&f.output, "output", "o", "", "write to `FILE`, not to stdout; it is complete or not there")
	set.BoolVar(&f.flows, "flows", false, "the flow table below the verdict")
	set.Var(&choice{value: &f.at, what: "a place of the tap", of: tapPlaces}, "at", "the `PLACE` of the tap: sender, receiver or middle (default: inferred)")
	set.BoolP("no-names", "n", false, "show addresses, resolve no names (whydrop never resolves any)")
	set.BoolVarP(&f.quiet, "quiet", "q", false, "the verdict's sentence only")
	set.CountVarP(&f.verbose, "verbose", "v", "the deciding frames of each charge; twice, of every charge")
	set.IntVar(&f.workers, "workers", 0, "`N` decoders and analysers (default: one per CPU)")
	set.Var(&f.memory, "max-memory", maxMemoryHelp)
	set.BoolVar(&f.noProgress, "no-progress", false, "no status line on stderr, though it is a terminal")
	set.IntVar(&f.readyFD, "ready-fd", 0, "write a line to the file descriptor `N` when packets are taken, and close it")
	_ = set.MarkHidden("ready-fd") // for programs that start this one, as cmd/faults
	_ = c.RegisterFlagCompletionFunc("format", words(formats))
	_ = c.RegisterFlagCompletionFunc("direction", words(directions))
	_ = c.RegisterFlagCompletionFunc("at", words(tapPlaces))
	_ = c.RegisterFlagCompletionFunc("interface", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return interfaceNames(), cobra.ShellCompDirectiveNoFileComp
	})
	return c
}

// job turns the command line into what is to be done.
func (f *liveFlags) job(args []string) (*liveJob, error) {
	if f.iface == "" {
		return nil, &usageError{"live", "name an interface", "`whydrop live -i " + pcapfile.Quote(firstInterface()) + "`  All of them: `whydrop interfaces`"}
	}
	j := &liveJob{live: *f}
	j.job = job{analyzeFlags: f.analyzeFlags, paths: []string{f.iface}, tap: tapPlace(f.at), without: goneByNow}
	if err := j.pickFormat(); err != nil {
		return nil, err
	}
	switch {
	case f.workers < 0:
		return nil, &usageError{"--workers", "cannot be negative", ""}
	case f.rings < 1 || f.rings > mostRings:
		return nil, &usageError{"--rings", "is a number from 1 to 64", ""}
	case f.write == "-" || strings.HasSuffix(f.write, "/"):
		return nil, &usageError{"-w " + f.write, "is not the name of a file", ""}
	case f.write == "" && (f.megabytes != 0 || f.seconds != 0 || f.files != 0):
		return nil, &usageError{"-C, -G and -W", "say how the file of -w is parted", "`-w trace.pcapng`"}
	case f.files != 0 && f.megabytes == 0 && f.seconds == 0:
		return nil, &usageError{"-W", "counts the files that -C or -G make", ""}
	case f.megabytes < 0 || f.seconds < 0 || f.files < 0 || f.interval < 0:
		return nil, &usageError{"live", "a size or a time cannot be negative", ""}
	case f.noHost && f.everyDrop:
		return nil, &usageError{"--every-drop", "contradicts --no-host", ""}
	case f.noHost && f.trace:
		return nil, &usageError{"--trace-rules", "contradicts --no-host", ""}
	case f.snap < 0 || f.bufferKiB < 0 || f.duration < 0:
		return nil, &usageError{"live", "a size or a time cannot be negative", ""}
	}
	var err error
	j.filter, err = f.theExpression(strings.Join(args, " "))
	return j, err
}

// mostRings is more than any host has use for.
const mostRings = 64

// way is the direction that was asked for.
func (f *liveFlags) way() capture.Direction {
	switch f.direction {
	case "in":
		return capture.Inbound
	case "out":
		return capture.Outbound
	}
	return capture.DirectionUnknown
}
