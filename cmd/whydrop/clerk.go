package main

import (
	"os"

	"github.com/spf13/cobra"

	"whydrop/capture/host"
)

// newClerk is the command that live starts before it gives up its privileges: it keeps
// them, and does nothing but answer what live asks of the kernel.
func newClerk() *cobra.Command {
	return &cobra.Command{
		Use:    "clerk",
		Short:  "answer what a capture asks of the kernel; started by live",
		Hidden: true,
		Args:   noArgs,
		RunE:   func(*cobra.Command, []string) error { return host.Serve(os.Stdin, os.Stdout) },
	}
}

// clerkCommand starts it.
func clerkCommand() []string {
	self, err := os.Executable()
	if err != nil {
		return nil
	}
	return []string{self, "clerk"}
}
