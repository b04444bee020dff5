package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"whydrop/analyze"
	"whydrop/report"
)

// analyzeFlags are the flags of analyze, as typed.
type analyzeFlags struct {
	read           []string // -r
	expression     string   // -f
	expressionFile string   // -F
	format         string
	json           bool
	output         string
	flows          bool
	at             string
	separate       bool
	workers        int
	memory         memory
	count          uint64
	quiet          bool
	verbose        int
	noProgress     bool
	cpuProfile     string
	excerptFile    string
}

// A job is what one run of analyze has to do.
type job struct {
	analyzeFlags
	more   *folder // -o DIR/, or nil
	number int     // which of several captures is in work, from 0
	proof  *output // --excerpt, or nil
	paths  []string
	filter string // "" = every packet
	tap    analyze.TapPlace

	gallery *report.Gallery // of --format html: what a second look showed
	without string          // why there was none
}

var (
	formats   = []string{"text", "json", "ndjson", "html", "markdown", "csv", "csv-charges"}
	checkOnly = []string{"junit"}
	tapPlaces = []string{"sender", "receiver", "middle"}
)

const analyzeLong = `Read captures and say where and why packets were lost.

Several files are one capture, read in order of time, as tcpdump -C and
dumpcap -b write them; with --separate each is a capture of its own. FILE may be
- for standard input. pcap and pcapng are read, also within gzip, zstd and lz4.

EXPRESSION is a filter as in tcpdump. It comes after --, or, as in tcpdump, at
the end if the files are named with -r. It counts as the capture's own filter:
what it hides is not there for whydrop either.

The exit code is 0 whether packets were lost or not; 2 if a file cannot be read;
3 if a file ends too early, you interrupt, or the capture cannot tell; 5 if the
capture itself is too lossy to judge.`

func newAnalyze(p *program) *cobra.Command {
	var f analyzeFlags
	c := &cobra.Command{
		Use:   "analyze [flags] FILE... [-- EXPRESSION]",
		Short: "read captures; FILE may be - and .gz, .zst or .lz4",
		Long:  analyzeLong,
		RunE: func(c *cobra.Command, args []string) error {
			j, err := f.job(args, c.ArgsLenAtDash())
			if err != nil {
				return err
			}
			j.memory.hold()
			return p.analyze(c.Context(), j)
		},
	}
	set := c.Flags()
	set.SortFlags = false
	set.StringArrayVarP(&f.read, "read", "r", nil, "read `FILE`; what follows the flags is then the expression")
	set.StringVarP(&f.expression, "filter", "f", "", "only packets that match `EXPRESSION`")
	set.StringVarP(&f.expressionFile, "filter-file", "F", "", "take the expression from `FILE`")
	set.Var(&choice{value: &f.format, what: "a format", of: formats, later: checkOnly}, "format", "`FORMAT`: "+inWords(formats))
	set.BoolVar(&f.json, "json", false, "short for --format json")
	set.StringVarP(&f.output, "output", "o", "", "write to `FILE`, not to stdout; it is complete or not there; DIR/ takes every format")
	set.StringVar(&f.excerptFile, "excerpt", "", "write the frames that decide to `FILE`, pcapng, each with a comment that says why")
	set.BoolVar(&f.flows, "flows", false, "the flow table below the verdict")
	set.Var(&choice{value: &f.at, what: "a place of the tap", of: tapPlaces}, "at", "the `PLACE` of the tap: sender, receiver or middle (default: inferred)")
	set.BoolVar(&f.separate, "separate", false, "a report for each file, in order; JSON documents follow one another")
	set.Uint64VarP(&f.count, "count", "c", 0, "stop after `N` packets")
	set.BoolP("no-names", "n", false, "show addresses, resolve no names (whydrop never resolves any)")
	set.BoolVarP(&f.quiet, "quiet", "q", false, "the verdict's sentence only")
	set.CountVarP(&f.verbose, "verbose", "v", "the deciding frames of each charge; twice, of every charge")
	set.IntVar(&f.workers, "workers", 0, "`N` decoders and analysers (default: one per CPU); the report is the same as long as no limit is reached")
	set.Var(&f.memory, "max-memory", maxMemoryHelp)
	set.BoolVar(&f.noProgress, "no-progress", false, "no progress on stderr, though it is a terminal")
	set.StringVar(&f.cpuProfile, "cpuprofile", "", "write a CPU profile to `FILE`")
	_ = set.MarkHidden("cpuprofile")
	_ = c.RegisterFlagCompletionFunc("format", words(formats))
	_ = c.RegisterFlagCompletionFunc("at", words(tapPlaces))
	return c
}

// inWords is list in words.
func inWords(list []string) string {
	return strings.Join(list[:len(list)-1], ", ") + " or " + list[len(list)-1]
}

// words completes a flag with one of list.
func words(list []string) cobra.CompletionFunc {
	return cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp)
}

// job turns the command line into what is to be done. dash is how many of args
// stand before "--", or -1.
func (f *analyzeFlags) job(args []string, dash int) (*job, error) {
	j := &job{analyzeFlags: *f, paths: f.read}
	after := args
	if len(f.read) == 0 {
		if dash < 0 {
			dash = len(args)
		}
		j.paths, after = args[:dash], args[dash:]
	}
	if len(j.paths) == 0 {
		return nil, &usageError{"analyze", "name a capture", "`whydrop analyze trace.pcapng`, or - for standard input"}
	}
	if n := slices.Index(j.paths, "-"); n >= 0 && slices.Contains(j.paths[n+1:], "-") {
		return nil, &usageError{"analyze", "standard input can be read only once", ""}
	}
	if err := j.pickFormat(); err != nil {
		return nil, err
	}
	if f.workers < 0 {
		return nil, &usageError{"--workers", "cannot be negative", ""}
	}
	j.tap = tapPlace(f.at)
	var err error
	if j.filter, err = f.theExpression(strings.Join(after, " ")); err != nil {
		return nil, err
	}
	return j, j.checkOutput()
}

// pickFormat decides between --format and --json.
func (j *job) pickFormat() error {
	if j.json {
		if j.format != "" && j.format != "json" {
			return &usageError{"--json", "contradicts --format " + j.format, ""}
		}
		j.format = "json"
	}
	if j.format == "" {
		j.format = "text"
	}
	if j.format == "html" && j.separate && len(j.paths) > 1 {
		return &usageError{"--format html", "a page is of one capture", "-o DIR/ makes a page of each; without --separate the files are one"}
	}
	return nil
}

// tapPlace is the place that --at names.
func tapPlace(at string) analyze.TapPlace {
	return map[string]analyze.TapPlace{
		"sender": analyze.TapSender, "receiver": analyze.TapReceiver, "middle": analyze.TapMiddle,
	}[at]
}

// theExpression is the one that was given, in whichever way.
func (f *analyzeFlags) theExpression(positional string) (string, error) {
	given := make([]string, 0, 3)
	for _, e := range []string{positional, f.expression, f.expressionFile} {
		if e != "" {
			given = append(given, e)
		}
	}
	switch {
	case len(given) == 0:
		return "", nil
	case len(given) > 1:
		return "", &usageError{"analyze", "two expressions were given", "join them with `and`"}
	case f.expressionFile == "":
		return given[0], nil
	}
	text, err := os.ReadFile(f.expressionFile)
	if err != nil {
		return "", &usageError{"-F " + f.expressionFile, reason(err), ""}
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#") // a comment, as in tcpdump
		lines = append(lines, strings.TrimSpace(line))
	}
	return strings.TrimSpace(strings.Join(lines, " ")), nil
}

// checkOutput refuses to overwrite what is read.
func (j *job) checkOutput() error {
	if err := j.overwrites("-o", j.output); err != nil {
		return err
	}
	if j.excerptFile == "" {
		return nil
	}
	if err := j.overwrites("--excerpt", j.excerptFile); err != nil {
		return err
	}
	if j.separate && len(j.paths) > 1 {
		return &usageError{"--excerpt", "is of one capture", "without --separate the files are one"}
	}
	for _, path := range j.paths {
		if info, err := os.Stat(path); path == "-" || err == nil && !info.Mode().IsRegular() && !info.IsDir() {
			return &usageError{"--excerpt", path + " can be read only once, and is needed twice", "keep it first: `cat > trace.pcapng`"}
		}
	}
	return nil
}

func (j *job) overwrites(flag, path string) error {
	out, err := os.Stat(path)
	if path == "" || err != nil || !out.Mode().IsRegular() {
		return nil
	}
	for _, in := range j.paths {
		if info, err := os.Stat(in); err == nil && os.SameFile(info, out) {
			return &usageError{flag + " " + path, "is one of the captures", ""}
		}
	}
	return nil
}

// reason is what went wrong, without the operation and the path.
func reason(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return fmt.Sprint(err)
}
