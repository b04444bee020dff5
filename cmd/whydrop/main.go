package main

import (
	"context"
	"io"
	"os"
)

func main() {
	signals := listen() // first of all: until then a signal ends the process
	useHugePages()
	go tuneCollector()
	p := newProgram(os.Stdout, os.Stderr)
	p.interrupts = signals
	p.confines = true
	p.nowhere = leadsNowhere(os.Stdout)
	os.Exit(p.run(signals.serve(context.Background()), os.Args[1:]))
}

// run is main without the process: tests call it as often as they like.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return newProgram(stdout, stderr).run(ctx, args)
}

func (p *program) run(ctx context.Context, args []string) int {
	root := newRoot(p)
	root.SetArgs(args)
	return p.finish(root.ExecuteContext(ctx))
}
