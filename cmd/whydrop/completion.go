package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

var shells = []string{"bash", "zsh", "fish", "powershell"}

func newCompletion(p *program) *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "for bash, zsh, fish or powershell",
		Long: "Print a completion script for SHELL: " + strings.Join(shells, ", ") + ".\n\n" +
			"For bash, in this shell:  source <(whydrop completion bash)\n" +
			"For zsh, for good:        whydrop completion zsh > \"${fpath[1]}/_whydrop\"\n" +
			"For fish, for good:       whydrop completion fish > ~/.config/fish/completions/whydrop.fish",
		ValidArgs: shells,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &usageError{"completion", "name one shell", "one of " + strings.Join(shells, ", ")}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			root := c.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(p.stdout, true)
			case "zsh":
				return root.GenZshCompletion(p.stdout)
			case "fish":
				return root.GenFishCompletion(p.stdout, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(p.stdout)
			}
			return &usageError{"completion", fmt.Sprintf("no script for %q", args[0]), "one of " + strings.Join(shells, ", ")}
		},
	}
}

// noArgs refuses arguments.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return &usageError{c.Name(), fmt.Sprintf("takes no argument, and %q was given", args[0]), ""}
	}
	return nil
}
