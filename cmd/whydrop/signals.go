package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// ignoreBrokenPipe makes a write to a closed pipe fail with EPIPE instead of
// ending the process, so that `whydrop … | head` ends quietly.
func ignoreBrokenPipe() { signal.Ignore(syscall.SIGPIPE) }

// interrupts are the signals that end a run: the first ends reading, the second
// the process. A nil one never comes.
type interrupts struct {
	signals chan os.Signal
	mu      sync.Mutex
	came    bool
	asked   func() // on the first
	killed  func() // on the second, before the process ends
}

// listen catches signals from now on.
func listen() *interrupts {
	n := &interrupts{signals: make(chan os.Signal, 2)}
	signal.Notify(n.signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // nohup means it
		signal.Notify(n.signals, syscall.SIGHUP)
	}
	return n
}

// serve returns a context that ends with the first signal.
func (n *interrupts) serve(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		<-n.signals
		n.mu.Lock()
		n.came = true
		asked := n.asked
		n.mu.Unlock()
		if asked != nil {
			asked()
		}
		cancel()
		<-n.signals
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.killed != nil {
			n.killed()
		}
		os.Exit(exitKilled)
	}()
	return ctx
}

// during says what the signals do from now on. The first may have come already.
func (n *interrupts) during(asked, killed func()) {
	if n == nil {
		return
	}
	n.mu.Lock()
	n.asked, n.killed = asked, killed
	came := n.came
	n.mu.Unlock()
	if came {
		asked()
	}
}
