package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"whydrop/capture"
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

The exit code is 0 whether packets were lost or not; 4 if nothing can be
captured: no permission, or no such interface; 3 if the capture cannot tell; 5 if
it is itself too lossy to judge.`

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
	set.BoolVarP(&f.list, "list-interfaces", "D", false, "list the interfaces and stop")
	set.Var(&choice{value: &f.format, what: "a format", of: formats, later: laterFormats}, "format", "`FORMAT`: text, json or ndjson")
	set.BoolVar(&f.json, "json", false, "short for --format json")
	set.StringVarP(&f.output, "output", "o", "", "write to `FILE`, not to stdout; it is complete or not there")
	set.BoolVar(&f.flows, "flows", false, "the flow table below the verdict")
	set.Var(&choice{value: &f.at, what: "a place of the tap", of: tapPlaces}, "at", "the `PLACE` of the tap: sender, receiver or middle (default: inferred)")
	set.BoolP("no-names", "n", false, "show addresses, resolve no names (whydrop never resolves any)")
	set.BoolVarP(&f.quiet, "quiet", "q", false, "the verdict's sentence only")
	set.CountVarP(&f.verbose, "verbose", "v", "the deciding frames of each charge; twice, of every charge")
	set.IntVar(&f.workers, "workers", 0, "`N` decoders and analysers (default: one per CPU)")
	set.BoolVar(&f.noProgress, "no-progress", false, "no status line on stderr, though it is a terminal")
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
		return nil, &usageError{"live", "name an interface", "`whydrop live -i " + firstInterface() + "`  All of them: `whydrop interfaces`"}
	}
	j := &liveJob{live: *f}
	j.job = job{analyzeFlags: f.analyzeFlags, paths: []string{f.iface}, tap: tapPlace(f.at)}
	if err := j.pickFormat(); err != nil {
		return nil, err
	}
	switch {
	case f.workers < 0:
		return nil, &usageError{"--workers", "cannot be negative", ""}
	case f.rings < 1 || f.rings > mostRings:
		return nil, &usageError{"--rings", "is a number from 1 to 64", ""}
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
