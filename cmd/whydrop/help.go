package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newHelp(p *program) *cobra.Command {
	return &cobra.Command{
		Use:    "help [COMMAND]",
		Short:  "this, or every flag of one command",
		Hidden: true,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return p.commands, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return p.helpScreen()
			}
			for _, sub := range c.Root().Commands() {
				if sub.Name() == args[0] {
					p.help(sub)
					return nil
				}
			}
			return unknownCommand(p, args[0])
		},
	}
}

// screen is the help of the whole program. Lines that begin with "$ " are
// examples: the command is what stands before two blanks.
const screen = `whydrop says where and why packets were lost.

Usage
  whydrop analyze [flags] FILE... [-- EXPRESSION]
  whydrop live -i IFACE [flags] [EXPRESSION]
  whydrop check [flags] FILE... --policy P.toml | --baseline B.json | --require RULE
  whydrop explain CAUSE | --charge ID FILE... | --flow ID FILE...

Examples
  $ whydrop analyze trace.pcapng               which side loses, and why
  $ whydrop analyze a.pcap.gz -- tcp port 443  only these packets
  $ whydrop live -i eth0                       on this host, until Ctrl-C
  $ whydrop explain receiver-not-reading       what it means, how to fix it

Commands
  analyze      read captures; FILE may be - and .gz, .zst or .lz4
  live         capture on an interface and analyse at once
  check        hold captures to rules, or to what they were, for CI
  interfaces   those that live can capture on
  explain      one cause, or one charge or flow frame by frame
  causes       every cause whydrop can conclude
  schema       the JSON Schema of --format json
  completion   for bash, zsh, fish or powershell
  version

Flags of analyze
      --flows          the flow table below the verdict
      --at PLACE       the tap: sender, receiver or middle  (default: inferred)
      --format FORMAT  text, json, ndjson, html, markdown, csv or csv-charges
      --json           short for --format json
  -o, --output FILE    write there, not to stdout; DIR/ takes every format
      --excerpt FILE   the frames that decide, as pcapng with comments
  -n                   show addresses, resolve no names
  -q, -v               less, more
      --color WHEN     auto, always or never; NO_COLOR is honoured
      --ascii          no character beyond ASCII

Exit codes
  0 done, all rules hold    1 a rule is violated    2 usage or input
  3 incomplete, or it cannot be told    4 cannot capture
  5 the capture is too lossy to judge

Every flag: $whydrop help analyze$.
`

// helpScreen writes the help of the whole program.
func (p *program) helpScreen() error {
	ink := p.ink(p.stdout)
	var b strings.Builder
	for n, line := range strings.SplitAfter(screen, "\n") {
		text := strings.TrimRight(line, "\n")
		switch example, ok := strings.CutPrefix(text, "  $ "); {
		case n == 0:
			text = ink.head("whydrop") + strings.TrimPrefix(text, "whydrop")
		case ok:
			command, rest, _ := strings.Cut(example, "  ")
			text = "  " + ink.typed(command) + "  " + rest
		case text != "" && !strings.HasPrefix(text, " ") && !strings.HasSuffix(text, "."):
			text = ink.head(text)
		default:
			text = ink.typedSpans(strings.ReplaceAll(text, "$", "`"))
		}
		b.WriteString(text)
		if strings.HasSuffix(line, "\n") {
			b.WriteByte('\n')
		}
	}
	_, err := io.WriteString(p.stdout, b.String())
	return err
}

// help writes the help of one command: what it does, and every flag.
func (p *program) help(c *cobra.Command) {
	if !c.HasParent() {
		_ = p.helpScreen()
		return
	}
	ink := p.ink(p.stdout)
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n  whydrop %s\n\n", ink.head("Usage"), c.Use)
	text := c.Long
	if text == "" {
		text = strings.ToUpper(c.Short[:1]) + c.Short[1:] + "."
	}
	fmt.Fprintf(&b, "%s\n", text)
	for _, part := range []struct {
		head string
		set  *pflag.FlagSet
	}{{"Flags", c.LocalFlags()}, {"Flags of every command", c.InheritedFlags()}} {
		if part.set.HasAvailableFlags() {
			fmt.Fprintf(&b, "\n%s\n%s", ink.head(part.head), flagLines(part.set))
		}
	}
	_, _ = io.WriteString(p.stdout, b.String())
}

// flagLines is a line a flag: letter, name, value, what it does.
func flagLines(set *pflag.FlagSet) string {
	var names, uses []string
	widest := 0
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		value, use := pflag.UnquoteUsage(f)
		name := "      --" + f.Name
		if f.Shorthand != "" {
			name = "  -" + f.Shorthand + ", --" + f.Name
		}
		if value != "" && f.NoOptDefVal == "" {
			name += " " + value
		}
		names, uses = append(names, name), append(uses, use)
		widest = max(widest, len(name))
	})
	var b strings.Builder
	for i := range names {
		fmt.Fprintf(&b, "%-*s  %s\n", widest, names[i], uses[i])
	}
	return b.String()
}
