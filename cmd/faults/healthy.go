//go:build linux

package main

import "fmt"

// healthyRuns lose nothing: nobody may be blamed.
var healthyRuns = []fault{
	{
		name:  "healthy UDP, answered",
		build: func(w *world) error { return w.echo("b", addrB+":9001") },
		provoke: func(w *world) (uint64, error) {
			return 0, w.ask("a", addrB+":9001", 200, 200)
		},
	},
}

// ask sends n datagrams of size octets, and waits for the answer of each.
func (w *world) ask(ns, to string, n, size int) error {
	c, err := w.udp(ns, to)
	if err != nil {
		return err
	}
	defer c.Close()
	b := make([]byte, size)
	for i := range n {
		if err := exchange(c, b); err != nil {
			return fmt.Errorf("datagram %d: %w", i, err)
		}
	}
	return nil
}
