package main

import (
	"github.com/spf13/cobra"

	"whydrop/report"
)

func newSchema(p *program) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "the JSON Schema of --format json",
		Long: "Print the JSON Schema (draft 2020-12) that every document of --format json obeys. The\n" +
			"records of --format ndjson are parts of it: a charge is one of $defs/Charge and a flow\n" +
			"one of $defs/Flow, each with \"type\" before it; the summary is the document without\n" +
			"flows.top and ledger.charges.",
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			_, err := p.stdout.Write(report.Schema)
			return err
		},
	}
}
