package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"whydrop/analyze/cause"
	"whydrop/report"
)

func newExplain(p *program) *cobra.Command {
	return &cobra.Command{
		Use:   "explain CAUSE",
		Short: "one cause: where, why, how to confirm it and what to do",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &usageError{"explain", "name one cause", "All causes: `whydrop causes`"}
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var list []string
			for _, c := range cause.All() {
				list = append(list, cobra.CompletionWithDesc(string(c.ID), c.Title))
			}
			return list, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			card, ok := cause.Lookup(cause.ID(args[0]))
			if !ok {
				return unknownCause(args[0])
			}
			return report.Card(p.stdout, card, p.textOptions())
		},
	}
}

// unknownCause says which cause was probably meant.
func unknownCause(name string) error {
	all := "All causes: `whydrop causes`"
	var ids []string
	for _, id := range cause.IDs() {
		ids = append(ids, string(id))
	}
	if near, ok := nearest(name, ids); ok {
		all = "did you mean `" + near + "`?  " + all
	}
	return &usageError{why: fmt.Sprintf("no cause is called %q", name), hint: all}
}

func newCauses(p *program) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:               "causes",
		Short:             "every cause whydrop can conclude",
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return p.causesJSON()
			}
			return report.Causes(p.stdout, cause.All(), p.textOptions())
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "the whole cards as one JSON array")
	return c
}

// causeJSON is a card of whydrop causes --json.
type causeJSON struct {
	ID       cause.ID          `json:"id"`
	Title    string            `json:"title"`
	Family   string            `json:"family"`
	Innocent bool              `json:"innocent"`
	Sections map[string]string `json:"sections"` // Markdown, by heading
	Commands []string          `json:"confirm_commands"`
	Remedy   []string          `json:"remedy_steps"`
}

func (p *program) causesJSON() error {
	all := []causeJSON{}
	for _, c := range cause.All() {
		sections := map[string]string{}
		for _, s := range c.Sections() {
			sections[s.Heading] = s.Text
		}
		all = append(all, causeJSON{c.ID, c.Title, c.Family, c.Innocent, sections, c.ConfirmCommands(), c.RemedySteps()})
	}
	e := json.NewEncoder(p.stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(all)
}

// textOptions are those of a text on stdout.
func (p *program) textOptions() report.TextOptions {
	return report.TextOptions{Width: width(p.stdout), Color: bool(p.ink(p.stdout)), ASCII: p.plain()}
}
