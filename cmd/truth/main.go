// Command truth scores whydrop on runs of real kernels whose every packet's
// fate is known (cmd/lab -points): each run was captured at the sender, in the
// middle and at the receiver, and each capture is judged alone. It prints what
// tshark and tcptrace say of the same files beside it, and why they differ.
//
// It exits 1 if a verdict was given that must never be: a loss where there is
// none, or one that is certain and wrong.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"

	"whydrop/cmd/lab/score"
	"whydrop/cmd/lab/truth"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	set := flag.NewFlagSet("truth", flag.ContinueOnError)
	set.SetOutput(stderr)
	program := set.String("whydrop", "bin/whydrop", "the `program` to score")
	only := set.String("run", "", "score only the runs whose name matches this `expression`")
	verbose := set.Bool("v", false, "list every disagreement")
	peers := set.Bool("peers", true, "ask tshark and tcptrace, too")
	if err := set.Parse(args); err != nil || set.NArg() == 0 {
		fmt.Fprintln(stderr, "usage: truth [flags] DIR...")
		return 2
	}
	match, err := regexp.Compile(*only)
	if err != nil {
		fmt.Fprintf(stderr, "truth: %v\n", err)
		return 2
	}
	t := newTally(*peers)
	for _, folder := range set.Args() {
		if err := t.folder(folder, match, *program); err != nil {
			fmt.Fprintf(stderr, "truth: %v\n", err)
			return 2
		}
	}
	if t.captures == 0 {
		fmt.Fprintln(stderr, "truth: no runs; make them with lab -points (root)")
		return 2
	}
	t.print(stdout, *verbose)
	if len(t.total.Mistakes) > 0 {
		return 1
	}
	return 0
}

// A tally sums the scores of all captures.
type tally struct {
	captures, runs int
	frames         int
	total          score.Card
	families       []string // in order of appearance
	byFamily       map[string]*score.Card
	cases          []caseError
	untraced       int
	peers          *peers
}

// A caseError is a capture whose count of lost data is off by more than it may.
type caseError struct {
	file, stage, where string
	count              score.Count
}

func newTally(withPeers bool) *tally {
	t := &tally{byFamily: map[string]*score.Card{}}
	if withPeers {
		t.peers = newPeers()
	}
	return t
}

// folder scores all runs in a folder.
func (t *tally) folder(folder string, match *regexp.Regexp, program string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.fates.gz"))
	if err != nil {
		return err
	}
	for _, file := range files {
		f, err := truth.ReadFates(file)
		if err != nil {
			return err
		}
		if !match.MatchString(f.Run.Name) {
			continue
		}
		t.runs++
		if !f.Run.Traced {
			t.untraced++
		}
		for point := range f.Run.Files {
			if err := t.capture(folder, f, point, program); err != nil {
				return fmt.Errorf("%s: %w", f.Run.Files[point], err)
			}
		}
	}
	return nil
}

// capture scores one capture.
func (t *tally) capture(folder string, f *truth.Fates, point int, program string) error {
	path := filepath.Join(folder, f.Run.Files[point])
	answer, err := ask(program, path)
	if err != nil {
		return err
	}
	card := score.Score(f, point, answer)
	t.captures++
	t.frames += f.Run.Frames[point]
	t.total.Add(card)
	if t.byFamily[f.Run.Family] == nil {
		t.byFamily[f.Run.Family] = &score.Card{}
		t.families = append(t.families, f.Run.Family)
	}
	t.byFamily[f.Run.Family].Add(card)
	for stage, name := range score.Stages {
		for where, count := range map[string]score.Count{"up": card.Up[stage], "down": card.Down[stage]} {
			if count.Off > max(2, count.Truth/50) {
				t.cases = append(t.cases, caseError{f.Run.Files[point], name, where, count})
			}
		}
	}
	if t.peers != nil {
		return t.peers.capture(path, f, point)
	}
	return nil
}

// ask runs whydrop on a capture.
func ask(program, path string) (*score.Answer, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(program, "analyze", "--format", "ndjson", path)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	// 3 and 5 are answers, too: incomplete, and too lossy to judge.
	if errors.As(err, &exit) && slices.Contains([]int{3, 5}, exit.ExitCode()) {
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", program, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return score.Read(&stdout)
}
