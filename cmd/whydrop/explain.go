package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"whydrop/analyze/cause"
	"whydrop/report"
)

const explainLong = `Explain a cause, or one charge or flow of a capture frame by frame.

With CAUSE, its card: where, why, how to confirm it and what to do.

With --charge or --flow, the frames that decide, as a ladder between the two
hosts, and what follows from them. IDs are those of analyze -v and --json; a
flow may also be named as analyze --flows prints it: 'ADDRESS:PORT >
ADDRESS:PORT'. The files are read twice, so standard input will not do. Give
the same --at and EXPRESSION as to analyze: IDs depend on them.`

func newExplain(p *program) *cobra.Command {
	var f explainFlags
	c := &cobra.Command{
		Use:   "explain CAUSE | --charge ID FILE... | --flow ID FILE...",
		Short: "one cause, or one charge or flow frame by frame",
		Long:  explainLong,
		ValidArgsFunction: func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if c.Flags().Changed("charge") || c.Flags().Changed("flow") {
				return nil, cobra.ShellCompDirectiveDefault
			}
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var list []string
			for _, c := range cause.All() {
				list = append(list, cobra.CompletionWithDesc(string(c.ID), c.Title))
			}
			return list, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("charge") || c.Flags().Changed("flow") {
				return p.explainFrames(c, &f, args)
			}
			return p.explainCause(c, args)
		},
	}
	set := c.Flags()
	set.SortFlags = false
	set.StringVar(&f.charge, "charge", "", "the charge with this `ID`, frame by frame")
	set.StringVar(&f.flow, "flow", "", "the flow with this `ID`, also one that lost nothing")
	set.BoolVar(&f.json, "json", false, "the explanation as one JSON document")
	set.Var(&choice{value: &f.at, what: "a place of the tap", of: tapPlaces}, "at", "the `PLACE` of the tap, as for analyze")
	set.StringVarP(&f.expression, "filter", "f", "", "only packets that match `EXPRESSION`, as for analyze")
	_ = c.RegisterFlagCompletionFunc("at", words(tapPlaces))
	return c
}

// explainCause shows a card.
func (p *program) explainCause(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return &usageError{"explain", "name one cause", "All causes: `whydrop causes`"}
	}
	for _, name := range []string{"at", "filter", "json"} {
		if c.Flags().Changed(name) {
			return &usageError{"--" + name, "goes with --charge or --flow", "All flags: `whydrop help explain`"}
		}
	}
	card, ok := cause.Lookup(cause.ID(args[0]))
	if !ok {
		return unknownCause(args[0])
	}
	return report.Card(p.stdout, card, p.textOptions())
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
