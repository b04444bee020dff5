package policy

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// A Policy is what captures are held to.
type Policy struct {
	Rules     []Rule // of every capture
	RunRules  []Rule // of the whole run
	Accept    []string
	At        string
	Baseline  string // a file, beside the policy
	Tolerance Tolerance
	Patterns  []Pattern
}

// A Pattern adds to the policy for captures whose path matches.
type Pattern struct {
	Match   string
	Rules   []Rule
	Accept  []string
	At      string
	Instead bool // of the rules of every capture, not beside them
}

// written is a policy as its TOML spells it.
type written struct {
	Require   []string          `toml:"require"`
	FailIf    []string          `toml:"fail_if"`
	Accept    []string          `toml:"accept"`
	At        string            `toml:"at"`
	Baseline  string            `toml:"baseline"`
	Tolerance map[string]string `toml:"tolerance"`
	Run       struct {
		Require []string `toml:"require"`
		FailIf  []string `toml:"fail_if"`
	} `toml:"run"`
	Files []struct {
		Match   string   `toml:"match"`
		Require []string `toml:"require"`
		FailIf  []string `toml:"fail_if"`
		Accept  []string `toml:"accept"`
		At      string   `toml:"at"`
		Instead bool     `toml:"instead"`
	} `toml:"files"`
}

// keys are those of a policy, for suggestions.
var keys = []string{
	"require", "fail_if", "accept", "at", "baseline", "tolerance", "run", "files", "match", "instead",
	"run.require", "run.fail_if", "files.match", "files.require", "files.fail_if", "files.accept", "files.at", "files.instead",
}

// A FileError is a policy or baseline that cannot be used.
type FileError struct {
	Path    string
	Why     string
	Unknown string   // a key or name that is not known, or ""
	Known   []string // those that are
	Rule    *SyntaxError
}

func (e *FileError) Error() string { return e.Path + ": " + e.Why }

// Read understands a policy in TOML. What it does not know is an error: a rule that is
// misspelt would be no rule.
func Read(name string, octets []byte) (*Policy, error) {
	var w written
	meta, err := toml.NewDecoder(bytes.NewReader(octets)).Decode(&w)
	if err != nil {
		var bad toml.ParseError
		if errors.As(err, &bad) {
			return nil, &FileError{Path: name, Why: fmt.Sprintf("line %d: %s", bad.Position.Line, bad.Message)}
		}
		return nil, &FileError{Path: name, Why: strings.TrimPrefix(err.Error(), "toml: ")}
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		key := unknown[0].String()
		return nil, &FileError{Path: name, Why: fmt.Sprintf("no setting is called %q", key), Unknown: key, Known: keys}
	}
	return w.policy(name)
}

func (w *written) policy(name string) (*Policy, error) {
	p := &Policy{Accept: w.Accept, At: w.At, Baseline: w.Baseline, Tolerance: DefaultTolerance()}
	if p.Baseline != "" && !filepath.IsAbs(p.Baseline) {
		p.Baseline = filepath.Join(filepath.Dir(name), p.Baseline)
	}
	var err error
	if p.Rules, err = rulesOf(name, w.Require, w.FailIf, Parse); err != nil {
		return nil, err
	}
	if p.RunRules, err = rulesOf(name, w.Run.Require, w.Run.FailIf, ParseTotal); err != nil {
		return nil, err
	}
	if err := p.Tolerance.SetAll(w.Tolerance); err != nil {
		return nil, inFile(name, err)
	}
	if err := checkWords(name, w.Accept, w.At); err != nil {
		return nil, err
	}
	for _, f := range w.Files {
		pattern := Pattern{Match: f.Match, Accept: f.Accept, At: f.At, Instead: f.Instead}
		if f.Match == "" {
			return nil, &FileError{Path: name, Why: "[[files]] needs a pattern: match = \"*.pcapng\""}
		}
		if _, err := path.Match(f.Match, ""); err != nil {
			return nil, &FileError{Path: name, Why: fmt.Sprintf("match = %q is no pattern", f.Match)}
		}
		if err := checkWords(name, f.Accept, f.At); err != nil {
			return nil, err
		}
		if pattern.Rules, err = rulesOf(name+" ["+f.Match+"]", f.Require, f.FailIf, Parse); err != nil {
			return nil, err
		}
		p.Patterns = append(p.Patterns, pattern)
	}
	return p, nil
}

// rulesOf parses what is required and what must not be.
func rulesOf(source string, require, failIf []string, parse func(string) (*Expr, error)) ([]Rule, error) {
	var rules []Rule
	for i, text := range slices.Concat(require, failIf) {
		e, err := parse(text)
		if err != nil {
			return nil, inFile(source, err)
		}
		rules = append(rules, Rule{Expr: e, FailIf: i >= len(require), Source: source})
	}
	return rules, nil
}

// inFile says in which file the error is.
func inFile(name string, err error) error {
	f := &FileError{Path: name, Why: err.Error()}
	if errors.As(err, &f.Rule) {
		f.Unknown, f.Known = f.Rule.Unknown, f.Rule.Known
	}
	var t *ToleranceError
	if errors.As(err, &t) {
		f.Unknown, f.Known = t.Unknown, t.Known
	}
	return f
}

// Places are where a tap can be said to be.
var Places = []string{"sender", "receiver", "middle"}

func checkWords(name string, accept []string, at string) error {
	for _, word := range accept {
		if !slices.Contains(Unfitness, word) {
			return &FileError{Path: name, Why: fmt.Sprintf("accept: no condition of a capture is called %q", word), Unknown: word, Known: Unfitness}
		}
	}
	if at != "" && !slices.Contains(Places, at) {
		return &FileError{Path: name, Why: fmt.Sprintf("at: %q is no place of the tap", at), Unknown: at, Known: Places}
	}
	return nil
}

// For is what the policy says of the capture at file.
func (p *Policy) For(file string) (rules []Rule, accept []string, at string) {
	rules, accept, at = p.Rules, slices.Clone(p.Accept), p.At
	for i := range p.Patterns {
		q := &p.Patterns[i]
		if !q.Matches(file) {
			continue
		}
		if q.Instead {
			rules = nil
		}
		rules = slices.Concat(rules, q.Rules)
		accept = append(accept, q.Accept...)
		if q.At != "" {
			at = q.At
		}
	}
	return rules, accept, at
}

// Matches reports whether the last elements of file are as the pattern wants: *.pcap is any
// folder's, nightly/*.pcap those of folders called nightly.
func (p *Pattern) Matches(file string) bool {
	elements := strings.Split(filepath.ToSlash(file), "/")
	n := strings.Count(strings.TrimPrefix(p.Match, "/"), "/") + 1
	if strings.HasPrefix(p.Match, "/") || n > len(elements) {
		ok, _ := path.Match(p.Match, filepath.ToSlash(file))
		return ok
	}
	ok, _ := path.Match(p.Match, strings.Join(elements[len(elements)-n:], "/"))
	return ok
}
