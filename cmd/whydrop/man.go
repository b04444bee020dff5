package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// newMan writes the manual pages, for packages: they are made from the commands, so that
// they cannot tell of other flags than there are.
func newMan(p *program) *cobra.Command {
	return &cobra.Command{
		Use:    "man DIR",
		Short:  "write the manual pages into a folder",
		Hidden: true,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &usageError{"man", "name a folder", "`whydrop man share/man`"}
			}
			for name, text := range manPages(c.Root()) {
				if err := writePage(c.Context(), filepath.Join(args[0], name), text); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func writePage(ctx context.Context, path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	out, err := openOutput(ctx, path, nil)
	if err != nil {
		return err
	}
	defer out.abandon()
	if _, err := out.WriteString(text); err != nil {
		return err
	}
	return out.commit()
}

// manPages are all of them, by their paths below a folder of manuals.
func manPages(root *cobra.Command) map[string]string {
	pages := map[string]string{
		"man1/whydrop.1":      overviewPage(root),
		"man5/whydrop-toml.5": tomlPage(root),
	}
	for _, c := range root.Commands() {
		if !c.Hidden {
			pages["man1/whydrop-"+c.Name()+".1"] = commandPage(c)
		}
	}
	return pages
}

// A roff is a page as it is written.
type roff struct{ b strings.Builder }

func newPage(name, section, title string) *roff {
	r := &roff{}
	fmt.Fprintf(&r.b, ".\\\" made by whydrop man from the commands themselves\n.TH %s %s \"\" \"whydrop\" \"whydrop\"\n", strings.ToUpper(name), section)
	r.head("NAME")
	r.b.WriteString(roffText(name) + ` \- ` + roffText(title) + "\n")
	return r
}

func (r *roff) head(s string) { fmt.Fprintf(&r.b, ".SH %s\n", s) }

// text writes paragraphs; what is indented is kept as it is.
func (r *roff) text(s string) {
	open := false
	for line := range strings.Lines(s) {
		line = strings.TrimRight(line, "\n")
		switch indented := strings.HasPrefix(line, "  "); {
		case line == "":
			if open {
				r.b.WriteString(".RE\n.fi\n")
				open = false
			}
			r.b.WriteString(".PP\n")
			continue
		case indented && !open:
			r.b.WriteString(".nf\n.RS 4\n")
			open = true
		case !indented && open:
			r.b.WriteString(".RE\n.fi\n")
			open = false
		}
		r.b.WriteString(roffText(strings.TrimPrefix(line, "  ")) + "\n")
	}
	if open {
		r.b.WriteString(".RE\n.fi\n")
	}
}

// roffText is s as text: nothing in it is an order to roff.
func roffText(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	if s != "" && (s[0] == '.' || s[0] == '\'') {
		s = `\&` + s
	}
	return s
}

func (r *roff) flags(set *pflag.FlagSet) {
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		value, use := pflag.UnquoteUsage(f)
		name := `\fB` + roffText("--"+f.Name) + `\fR`
		if f.Shorthand != "" {
			name = `\fB` + roffText("-"+f.Shorthand) + `\fR, ` + name
		}
		if value != "" && f.NoOptDefVal == "" {
			name += ` \fI` + roffText(value) + `\fR`
		}
		fmt.Fprintf(&r.b, ".TP\n%s\n%s.\n", name, roffText(sentence(use)))
	})
}

// sentence begins with a capital letter.
func sentence(s string) string {
	for i, c := range s {
		return string(unicode.ToUpper(c)) + s[i+len(string(c)):]
	}
	return s
}

func commandPage(c *cobra.Command) string {
	r := newPage("whydrop-"+c.Name(), "1", c.Short)
	r.head("SYNOPSIS")
	r.b.WriteString(`.B whydrop ` + roffText(c.Use) + "\n")
	r.head("DESCRIPTION")
	if c.Long != "" {
		r.text(c.Long)
	} else {
		r.text(sentence(c.Short) + ".")
	}
	if c.LocalFlags().HasAvailableFlags() {
		r.head("OPTIONS")
		r.flags(c.LocalFlags())
	}
	if c.InheritedFlags().HasAvailableFlags() {
		r.head("OPTIONS OF EVERY COMMAND")
		r.flags(c.InheritedFlags())
	}
	r.exitCodes()
	r.head("SEE ALSO")
	r.b.WriteString(".BR whydrop (1),\n.BR whydrop\\-toml (5),\n.BR pcap\\-filter (7)\n")
	return r.b.String()
}

// exitTable is what the codes of all commands mean.
var exitTable = []struct {
	code int
	says string
}{
	{exitDone, "Done; packets were lost, or not. All rules of check hold."},
	{exitViolated, "A rule of check is violated."},
	{exitUsage, "Usage, configuration, or a file that cannot be read."},
	{exitIncomplete, "Incomplete: a file ends too early, or reading was interrupted; or it cannot be told."},
	{exitNoCapture, "Cannot capture: no permission, or no such interface."},
	{exitTooLossy, "The capture itself is too lossy to judge."},
}

func (r *roff) exitCodes() {
	r.head("EXIT STATUS")
	for _, e := range exitTable {
		fmt.Fprintf(&r.b, ".TP\n.B %d\n%s\n", e.code, roffText(e.says))
	}
}

func overviewPage(root *cobra.Command) string {
	r := newPage("whydrop", "1", root.Short)
	r.head("SYNOPSIS")
	r.b.WriteString(".B whydrop\n.I COMMAND\n[\\fIflags\\fR] [\\fIarguments\\fR]\n")
	r.head("DESCRIPTION")
	r.text("whydrop reads captures, or captures itself, and accounts for every missing packet exactly once:\n" +
		"where it was lost, why, which frames prove it, how sure that is, and what to do. Where the\n" +
		"evidence cannot decide, it says so, and names the capture that would.")
	r.head("COMMANDS")
	for _, c := range root.Commands() {
		if !c.Hidden {
			fmt.Fprintf(&r.b, ".TP\n.BR whydrop\\-%s (1)\n%s.\n", roffText(c.Name()), roffText(sentence(c.Short)))
		}
	}
	r.head("OPTIONS OF EVERY COMMAND")
	r.flags(root.PersistentFlags())
	r.head("ENVIRONMENT")
	for _, e := range [][2]string{
		{"NO_COLOR", "If it is not empty, no colour. It decides over CLICOLOR_FORCE, that over TERM=dumb, and --color over all."},
		{"COLUMNS", "The width of the text where it is not written to a terminal."},
		{"WHYDROP_FLAG", "The value of --flag, for every flag that whydrop-toml(5) names, too: WHYDROP_AT=sender."},
		{"WHYDROP_CONFIG", "As --config."},
	} {
		fmt.Fprintf(&r.b, ".TP\n.B %s\n%s\n", roffText(e[0]), roffText(e[1]))
	}
	r.head("FILES")
	r.text("Settings come from ./.whydrop.toml, then $XDG_CONFIG_HOME/whydrop/config.toml (~/.config), then\n" +
		"/etc/whydrop/config.toml; see whydrop-toml(5).")
	r.exitCodes()
	r.head("SEE ALSO")
	r.b.WriteString(".BR whydrop\\-toml (5),\n.BR pcap\\-filter (7),\n.BR tcpdump (1),\n.BR tshark (1)\n")
	return r.b.String()
}
