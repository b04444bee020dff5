package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// ignoreBrokenPipe makes a write to a closed pipe fail with EPIPE instead of
// ending the process, so that `whydrop … | head` ends quietly.
func ignoreBrokenPipe() { signal.Ignore(syscall.SIGPIPE) }

// interruptible returns a context that ends with the first SIGINT or SIGTERM;
// the second ends the process. asked is called on the first.
func interruptible(ctx context.Context, asked, killed func()) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		select {
		case <-signals:
			asked()
			cancel()
		case <-done:
			return
		}
		select {
		case <-signals:
			killed()
			os.Exit(exitKilled)
		case <-done:
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}
