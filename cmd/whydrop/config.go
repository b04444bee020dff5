package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// localConfig is the configuration of the folder in which whydrop is started.
const localConfig = ".whydrop.toml"

// noConfig as a file means none at all.
const noConfig = "none"

// onlyTyped are flags that no configuration sets: they write somewhere, or change what may be done.
// A folder of somebody else's captures may hold a .whydrop.toml, too.
var onlyTyped = []string{
	"config", "help", "version", "output", "excerpt", "write", "write-baseline", "update-baseline", "junit", "summary",
	"cpuprofile", "relinquish-privileges", "listen", "ready-fd", "trace-rules", "read", "filter-file", "list-interfaces",
}

// A setting is a value for a flag, and where it stands.
type setting struct {
	key    string // "at", or "analyze.at" of one command
	values []string
	source string // file, or variable
}

// configFiles are the files of settings, the nearest first.
func (p *program) configFiles() (list []string, must bool) {
	given := p.config
	if given == "" {
		given = os.Getenv("WHYDROP_CONFIG")
	}
	switch {
	case given == noConfig:
		return nil, false
	case given != "":
		return []string{given}, true
	}
	list = []string{localConfig}
	if dir, err := os.UserConfigDir(); err == nil {
		list = append(list, filepath.Join(dir, "whydrop", "config.toml"))
	}
	return append(list, "/etc/whydrop/config.toml"), false
}

// configure sets the flags of c that were not typed: from the environment, then from the
// nearest file that has them.
func (p *program) configure(c *cobra.Command) error {
	if c.Hidden || !c.HasParent() || slices.Contains([]string{"help", "completion", "version", "schema", "man"}, c.Name()) {
		return nil
	}
	typed := map[string]bool{}
	c.Flags().Visit(func(f *pflag.Flag) { typed[f.Name] = true })
	typed["format"] = typed["format"] || typed["json"]
	typed["json"] = typed["format"]
	if err := p.fromEnvironment(c, typed); err != nil {
		return err
	}
	files, must := p.configFiles()
	for _, path := range files {
		list, err := readConfig(path, c.Root())
		switch {
		case !must && errors.Is(err, fs.ErrNotExist):
			continue
		case errors.Is(err, fs.ErrNotExist):
			return &usageError{path, reason(err), ""}
		case err != nil:
			return err
		}
		set := map[string]bool{}
		for _, own := range []bool{true, false} { // of the command before those of all
			for _, s := range list {
				name, mine := strings.CutPrefix(s.key, c.Name()+".")
				f := c.Flags().Lookup(name)
				if mine != own || f == nil || typed[name] || set[name] {
					continue
				}
				if err := apply(c, f, s); err != nil {
					return err
				}
				set[name] = true
			}
		}
		maps.Copy(typed, set)
	}
	return nil
}

// fromEnvironment takes WHYDROP_NAME for the flag name.
func (p *program) fromEnvironment(c *cobra.Command, typed map[string]bool) error {
	var failed error
	c.Flags().VisitAll(func(f *pflag.Flag) {
		name := "WHYDROP_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		v, ok := os.LookupEnv(name)
		if !ok || v == "" || failed != nil || typed[f.Name] || slices.Contains(onlyTyped, f.Name) {
			return
		}
		failed = apply(c, f, setting{f.Name, []string{v}, name})
		typed[f.Name] = true
	})
	return failed
}

// apply sets a flag to what a setting says. It counts as typed.
func apply(c *cobra.Command, f *pflag.Flag, s setting) error {
	for _, v := range s.values {
		if err := c.Flags().Set(f.Name, v); err != nil {
			var bad *choiceError
			if errors.As(err, &bad) {
				return &usageError{s.source + ": " + s.key, bad.Error(), bad.hint}
			}
			return &usageError{s.source + ": " + s.key, fmt.Sprintf("%q is not %s", v, kindOf(f)), ""}
		}
	}
	return nil
}

// readConfig reads the settings of a file. What no command has is an error.
func readConfig(path string, root *cobra.Command) ([]setting, error) {
	octets, err := os.ReadFile(path)
	if err != nil {
		// A folder that may not be entered is somebody else's: after sudo -u, HOME may be.
		if _, hidden := os.Lstat(path); errors.Is(hidden, fs.ErrPermission) {
			err = fs.ErrNotExist
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		return nil, &usageError{path, reason(err), ""}
	}
	var all map[string]any
	if err := toml.Unmarshal(octets, &all); err != nil {
		var bad toml.ParseError
		if errors.As(err, &bad) {
			return nil, &usageError{path, fmt.Sprintf("line %d: %s", bad.Position.Line, bad.Message), ""}
		}
		return nil, &usageError{path, err.Error(), ""}
	}
	known := configKeys(root)
	var list []setting
	for _, key := range slices.Sorted(maps.Keys(all)) {
		table, isTable := all[key].(map[string]any)
		if !isTable {
			table = map[string]any{"": all[key]}
		}
		for _, name := range slices.Sorted(maps.Keys(table)) {
			full := strings.TrimSuffix(key+"."+name, ".")
			if !slices.Contains(known, full) {
				return nil, unknownSetting(path, full, known)
			}
			values, ok := plainValues(table[name])
			if !ok {
				return nil, &usageError{path + ": " + full, "is no word, number, or list of these", ""}
			}
			list = append(list, setting{full, values, path})
		}
	}
	return list, nil
}

func unknownSetting(path, key string, known []string) error {
	_, name, nested := strings.Cut(key, ".")
	if !nested {
		name = key
	}
	if slices.Contains(onlyTyped, name) {
		return &usageError{path, key + " can only be typed: it is where something is written, or what may be done", ""}
	}
	e := &usageError{path, fmt.Sprintf("no setting is called %q", key), "All settings: `man whydrop-toml`"}
	if near, ok := nearest(key, known); ok {
		e.hint = "did you mean `" + near + "`?"
	}
	return e
}

// configKeys are the settings there are: flags of all commands by their names, and those of one
// with the command's name before them.
func configKeys(root *cobra.Command) []string {
	keys := map[string]bool{}
	for _, c := range append([]*cobra.Command{root}, root.Commands()...) {
		if c.Hidden {
			continue
		}
		visit := func(f *pflag.Flag) {
			if f.Hidden || slices.Contains(onlyTyped, f.Name) {
				return
			}
			keys[f.Name] = true
			if c.HasParent() {
				keys[c.Name()+"."+f.Name] = true
			}
		}
		c.Flags().VisitAll(visit)
		c.PersistentFlags().VisitAll(visit)
	}
	return slices.Sorted(maps.Keys(keys))
}

// plainValues are a value, or those of a list, as typed.
func plainValues(v any) ([]string, bool) {
	switch v := v.(type) {
	case []any:
		list := []string{}
		for _, e := range v {
			if _, nested := e.([]any); nested {
				return nil, false
			}
			one, ok := plainValues(e)
			if !ok {
				return nil, false
			}
			list = append(list, one...)
		}
		return list, true
	case string, bool, int64, float64:
		return []string{fmt.Sprint(v)}, true
	}
	return nil, false
}
