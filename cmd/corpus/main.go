// Command corpus runs whydrop over every file below a folder and lists what
// must never happen: crashes, hangs, undefined exit codes, reports that are no
// JSON, and ledgers that do not balance. It exits 1 if there is any.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	set := flag.NewFlagSet("corpus", flag.ContinueOnError)
	set.SetOutput(stderr)
	program := set.String("whydrop", "bin/whydrop", "the `program` to try")
	timeout := set.Duration("timeout", time.Minute, "how long one file may take")
	jobs := set.Int("jobs", runtime.NumCPU(), "how many files at once")
	verbose := set.Bool("v", false, "a line for each file")
	if err := set.Parse(args); err != nil || set.NArg() == 0 || *jobs < 1 {
		fmt.Fprintln(stderr, "usage: corpus [flags] DIR...")
		return 2
	}
	files, err := filesBelow(set.Args())
	if err != nil {
		fmt.Fprintf(stderr, "corpus: %v\n", err)
		return 2
	}
	trials := tryAll(files, *program, *timeout, *jobs)
	return tell(stdout, trials, *verbose)
}

// filesBelow lists every regular file below dirs.
func filesBelow(dirs []string) ([]string, error) {
	var files []string
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// tryAll runs program on each of files, some at once, in the order of files.
func tryAll(files []string, program string, timeout time.Duration, jobs int) []trial {
	trials := make([]trial, len(files))
	next := make(chan int)
	var workers sync.WaitGroup
	for range jobs {
		workers.Go(func() {
			for i := range next {
				trials[i] = try(context.Background(), program, files[i], timeout)
			}
		})
	}
	for i := range files {
		next <- i
	}
	close(next)
	workers.Wait()
	return trials
}

// tell lists the problems and the totals.
func tell(w io.Writer, trials []trial, verbose bool) int {
	codes := map[int]int{}
	problems := 0
	var slowest trial
	for _, t := range trials {
		codes[t.code]++
		if t.took > slowest.took {
			slowest = t
		}
		for _, p := range t.problems {
			problems++
			fmt.Fprintf(w, "%s: %s\n", t.file, p)
		}
		if verbose {
			fmt.Fprintf(w, "%s: exit %d, %v, missing %d\n", t.file, t.code, t.took.Round(time.Millisecond), t.missing)
		}
	}
	fmt.Fprintf(w, "%d files: exit 0: %d, 2: %d, 3: %d, 5: %d; %d problems\n",
		len(trials), codes[0], codes[2], codes[3], codes[5], problems)
	if slowest.file != "" {
		fmt.Fprintf(w, "slowest: %s, %v\n", slowest.file, slowest.took.Round(time.Millisecond))
	}
	if problems > 0 {
		return 1
	}
	return 0
}
