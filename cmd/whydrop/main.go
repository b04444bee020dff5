package main

import (
	"context"
	"io"
	"os"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) }

// run is main without the process: tests call it as often as they like.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	p := newProgram(stdout, stderr)
	root := newRoot(p)
	root.SetArgs(args)
	return p.finish(root.ExecuteContext(ctx))
}
