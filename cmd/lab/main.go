//go:build linux

// Command lab makes small captures of real Linux stacks whose truth is known,
// packet by packet: testdata/pcap is its work.
//
// Two hosts, each in a network namespace of its own, are joined by a wire that
// is this program: it reads every frame that a host sends, delays it, loses,
// repeats, damages or overtakes it as the case says, writes it to the captures
// (at either host, in the middle), and keeps its fate. The namespaces belong to
// threads of this process, so nothing is left behind however it ends, and
// nothing outside them is touched. It needs root, ip and ethtool; nft, tc and
// unshare for the cases with a firewall, a policer, a queue or a merging card.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"syscall"
)

func main() {
	out := flag.String("o", "testdata/pcap", "write captures and their truth to this `folder`")
	only := flag.String("run", "", "make only the cases whose name matches this `expression`")
	seed := flag.Uint64("seed", 0, "throw other dice: added to the seed of every case")
	points := flag.String("points", "", "make runs captured at three points instead, for the `seeds` FIRST-LAST of every family")
	hard := flag.Bool("hard", false, "make the hard cases instead, which are not shipped")
	flag.Parse()
	if *hard {
		cases = hardCases
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var err error
	if *points != "" {
		err = makePoints(ctx, *out, *only, *points)
	} else {
		err = makeAll(ctx, *out, *only, *seed)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

// tries is how often a case may be thrown again when the wire and the hosts do
// not agree on what happened.
const tries = 8

// makePoints makes a run of each family that matches only, for every seed.
func makePoints(ctx context.Context, folder, only, seeds string) error {
	match, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	var first, last uint64
	if n, err := fmt.Sscanf(seeds, "%d-%d", &first, &last); n != 2 {
		return fmt.Errorf("seeds %q are not FIRST-LAST: %w", seeds, err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for seed := first; seed <= last; seed++ {
		families := slices.Concat(families, causeFamilies)
		for i := range families {
			c := draw(&families[i], seed)
			if !match.MatchString(c.name) {
				continue
			}
			c.base = uint16(os.Getpid() % 10000) // another lab may run beside this one
			line, err := runPoints(ctx, c, families[i].name, folder)
			for try := uint64(1); errors.Is(err, errWitness) && try < tries; try++ {
				fmt.Fprintf(os.Stderr, "lab: %s: %v; again with other dice\n", c.name, err)
				c = draw(&families[i], seed)
				c.base, c.seed = uint16(os.Getpid()%10000), seed+1000*try
				line, err = runPoints(ctx, c, families[i].name, folder)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			fmt.Println(line)
		}
	}
	return nil
}

// makeAll runs the cases that match only and writes their captures to folder.
func makeAll(ctx context.Context, folder, only string, seed uint64) error {
	match, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, c := range cases {
		if !match.MatchString(c.name) {
			continue
		}
		c.seed += seed
		made, err := runCase(ctx, c, folder)
		for try := 1; errors.Is(err, errWitness) && try < tries; try++ {
			fmt.Fprintf(os.Stderr, "lab: case %s: %v; again with other dice\n", c.name, err)
			c.seed += 1000
			made, err = runCase(ctx, c, folder)
		}
		if err != nil {
			return fmt.Errorf("case %s: %w", c.name, err)
		}
		for _, m := range made {
			fmt.Println(m)
		}
	}
	return writeSources(folder)
}
