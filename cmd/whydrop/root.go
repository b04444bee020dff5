package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"whydrop/capture/pcapfile"
)

// newRoot makes the command line. Errors and help are ours, not cobra's.
func newRoot(p *program) *cobra.Command {
	root := &cobra.Command{
		Use:                        "whydrop",
		Short:                      "says where and why packets were lost",
		SilenceErrors:              true,
		SilenceUsage:               true,
		SuggestionsMinimumDistance: 2,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(p, args[0])
			}
			return nil
		},
		PersistentPreRunE: func(c *cobra.Command, _ []string) error { return p.configure(c) },
		RunE: func(c *cobra.Command, _ []string) error {
			if v, _ := c.Flags().GetBool("version"); v {
				return p.printVersion()
			}
			return p.helpScreen()
		},
	}
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(newHelp(p))
	root.SetHelpFunc(func(c *cobra.Command, _ []string) { p.help(c) })
	root.SetFlagErrorFunc(flagError)
	root.PersistentFlags().Var(&choice{value: &p.color, what: "a way to colour", of: []string{"auto", "always", "never"}},
		"color", "colour, `WHEN` is auto, always or never; NO_COLOR is honoured")
	root.PersistentFlags().BoolVar(&p.ascii, "ascii", false, "no character beyond ASCII; the default where the locale is not UTF-8")
	root.PersistentFlags().StringVar(&p.config, "config", "", "take settings from `FILE`, or from none (default: .whydrop.toml, the user's, the system's)")
	root.Flags().Bool("version", false, "print the version")
	root.AddCommand(newAnalyze(p), newLive(p), newCheck(p), newInterfaces(p), newExplain(p), newCauses(p), newSchema(p), newMan(p), newCompletion(p), newVersion(p), newClerk())
	p.commands = commandNames(root)
	return root
}

func commandNames(root *cobra.Command) []string {
	var names []string
	for _, c := range root.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	return names
}

// unknownCommand says what was probably meant: a command with a slip of the
// finger, or a file that lacks the word analyze.
func unknownCommand(p *program, name string) error {
	e := &usageError{why: fmt.Sprintf("no command is called %q", name), hint: "All commands: `whydrop help`"}
	if near, ok := nearest(name, p.commands); ok {
		e.hint = "did you mean `whydrop " + near + "`?  " + e.hint
	} else if _, err := os.Stat(name); err == nil {
		e.hint = "`whydrop analyze " + pcapfile.Quote(name) + "`"
	}
	return e
}

// flagError turns an error of the flag library into one of ours.
func flagError(c *cobra.Command, err error) error {
	all := "All flags: `whydrop help" + strings.TrimPrefix(c.CommandPath(), "whydrop") + "`"
	var (
		none    *pflag.NotExistError
		missing *pflag.ValueRequiredError
		invalid *pflag.InvalidValueError
	)
	switch {
	case errors.As(err, &none):
		return unknownFlag(c, none, all)
	case errors.As(err, &missing):
		return &usageError{"--" + missing.GetFlag().Name, "a value is missing", all}
	case errors.As(err, &invalid):
		var bad *choiceError
		name := "--" + invalid.GetFlag().Name
		if errors.As(err, &bad) {
			return &usageError{name, bad.Error(), bad.hint}
		}
		return &usageError{name, fmt.Sprintf("%q is not %s", invalid.GetValue(), kindOf(invalid.GetFlag())), all}
	}
	return &usageError{why: err.Error(), hint: all}
}

func unknownFlag(c *cobra.Command, none *pflag.NotExistError, all string) error {
	name := none.GetSpecifiedName()
	if none.GetSpecifiedShortnames() != "" {
		return &usageError{why: fmt.Sprintf("no flag is called -%s", name), hint: all}
	}
	e := &usageError{why: fmt.Sprintf("no flag is called --%s", name), hint: all}
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	if near, ok := nearest(name, names); ok {
		e.hint = "did you mean `--" + near + "`?  " + all
	}
	return e
}

// kindOf names the kind of value that f takes.
func kindOf(f *pflag.Flag) string {
	if strings.Contains(f.Value.Type(), "int") {
		return "a number"
	}
	return "a " + f.Value.Type()
}

// A choice is a flag whose value is one of a few words.
type choice struct {
	value *string
	what  string // "a format"
	of    []string
	later []string // words that are understood, and served by check
}

func (c *choice) String() string {
	if c.value == nil {
		return ""
	}
	return *c.value
}

// Set is called by the flag library.
func (c *choice) Set(s string) error {
	if slices.Contains(c.of, s) {
		*c.value = s
		return nil
	}
	all := "one of " + strings.Join(c.of, ", ")
	if slices.Contains(c.later, s) {
		return &choiceError{fmt.Sprintf("%s is written by check, not here", s), all}
	}
	if near, ok := nearest(s, c.of); ok {
		all = "did you mean `" + near + "`?  " + all
	}
	return &choiceError{fmt.Sprintf("%q is not %s", s, c.what), all}
}

// Type is called by the flag library.
func (c *choice) Type() string { return "word" }

// A choiceError is a word that is not among those of its flag.
type choiceError struct{ why, hint string }

func (e *choiceError) Error() string { return e.why }
