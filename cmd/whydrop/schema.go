package main

import (
	"strings"

	"github.com/spf13/cobra"

	"whydrop/report"
	"whydrop/report/policy"
)

// schemas are what schema prints, by what it is asked for.
var schemas = []struct {
	name string
	text *[]byte
}{{"report", &report.Schema}, {"ndjson", &report.RecordSchema}, {"check", &policy.Schema}}

func newSchema(p *program) *cobra.Command {
	names := make([]string, len(schemas))
	for i := range schemas {
		names[i] = schemas[i].name
	}
	return &cobra.Command{
		Use:   "schema [report|ndjson|check]",
		Short: "the JSON Schemas of what is for machines",
		Long: "Print a JSON Schema (draft 2020-12): report, or nothing, is that of every document of\n" +
			"--format json; ndjson that of each line of --format ndjson; check that of what\n" +
			"whydrop check --format json prints.",
		ValidArgs: names,
		Args:      cobra.ArbitraryArgs, // judged below, with a hint
		RunE: func(_ *cobra.Command, args []string) error {
			want := strings.Join(args, " ")
			if want == "" {
				want = names[0]
			}
			for _, s := range schemas {
				if s.name == want {
					_, err := p.stdout.Write(*s.text)
					return err
				}
			}
			return &usageError{"schema " + want, "there is none of that name", "whydrop schema report, ndjson or check"}
		},
	}
}
