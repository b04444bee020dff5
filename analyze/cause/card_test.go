package cause

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// declared returns the IDs that cause.go declares, read from its source: the
// only list that cannot be forgotten.
func declared(t *testing.T) []ID {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "cause.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var ids []ID
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); !ok || typ.Name != "ID" {
			return true
		}
		for _, v := range spec.Values {
			s, err := strconv.Unquote(v.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, ID(s))
		}
		return true
	})
	slices.Sort(ids)
	return ids
}

func TestEveryCauseHasACardAndEveryCardACause(t *testing.T) {
	want := declared(t)
	if got := IDs(); !slices.Equal(got, want) {
		t.Errorf("IDs() = %v\nwant those of cause.go in ID order, %v", got, want)
	}
	files, err := cards.ReadDir("cards")
	if err != nil {
		t.Fatal(err)
	}
	var named []ID
	for _, f := range files {
		named = append(named, ID(strings.TrimSuffix(path.Base(f.Name()), ".md")))
	}
	slices.Sort(named)
	if !slices.Equal(named, want) {
		t.Errorf("cards/ has %v\nwant a card for each ID and no other, %v", named, want)
	}
	for _, id := range want {
		if c, ok := Lookup(id); !ok || c.ID != id {
			t.Errorf("Lookup(%q) = %q, %v", id, c.ID, ok)
		}
	}
	if c, ok := Lookup("gremlins"); ok {
		t.Errorf("Lookup(gremlins) found %q", c.Title)
	}
}

func TestCardsHaveTheFixedHeadings(t *testing.T) {
	for _, id := range IDs() {
		text, err := cards.ReadFile("cards/" + string(id) + ".md")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.Lines(string(text)) {
			if h, ok := strings.CutPrefix(line, "## "); ok {
				got = append(got, strings.TrimSpace(h))
			}
		}
		if !slices.Equal(got, headings[:]) {
			t.Errorf("%s: headings %q, want %q", id, got, headings)
		}
		if !strings.HasPrefix(string(text), "# ") {
			t.Errorf("%s: does not start with its title", id)
		}
	}
}

func TestCardsAreFilled(t *testing.T) {
	families := []string{
		FamilyQueue, FamilyLine, FamilyFilter, FamilyHost, FamilyRoute, FamilyCapture,
		FamilyInnocent, FamilyUnknown,
	}
	for _, c := range All() {
		for _, s := range c.Sections() {
			if len(s.Text) < 20 {
				t.Errorf("%s: %s says only %q", c.ID, s.Heading, s.Text)
			}
		}
		if strings.HasSuffix(c.Title, ".") || len(strings.Fields(c.Title)) < 5 {
			t.Errorf("%s: title %q: want a full sentence without the full stop", c.ID, c.Title)
		}
		if !slices.Contains(families, c.Family) {
			t.Errorf("%s: family %q is not one of %q", c.ID, c.Family, families)
		}
		if c.Innocent != (c.Family == FamilyInnocent) {
			t.Errorf("%s: innocent %v, family %s", c.ID, c.Innocent, c.Family)
		}
		if len(c.ConfirmCommands()) == 0 {
			t.Errorf("%s: Confirm gives no command", c.ID)
		}
		if len(c.RemedySteps()) == 0 {
			t.Errorf("%s: Remedy gives no step", c.ID)
		}
		if !strings.Contains(c.Confirm, "cost") && !strings.Contains(c.Remedy, "cost") {
			t.Errorf("%s: no command says what it costs", c.ID)
		}
	}
}

// A command is only ever written in back quotes, so that a reader, and
// ConfirmCommands, know where it begins and ends.
func TestCommandsAreQuoted(t *testing.T) {
	call := regexp.MustCompile(`\b(` + strings.Join(programs, "|") + `)\b (-|[a-z]+ (show|list|get|add|replace)\b)`)
	for _, c := range All() {
		for _, s := range c.Sections() {
			if strings.Count(s.Text, "`")%2 != 0 {
				t.Errorf("%s: %s has an odd number of back quotes", c.ID, s.Heading)
			}
			for i, part := range strings.Split(s.Text, "`") {
				if m := call.FindString(part); i%2 == 0 && m != "" {
					t.Errorf("%s: %s: %q is not in back quotes", c.ID, s.Heading, m)
				}
			}
			for _, span := range quoted(s.Text) {
				first, rest, _ := strings.Cut(span, " ")
				if rest != "" && !slices.Contains(programs, first) {
					t.Errorf("%s: %s: `%s` looks like a command, and %q is not in programs",
						c.ID, s.Heading, span, first)
				}
			}
		}
	}
}

// Cards cite what is in force. The list is the one of the house rules.
func TestCardsCiteNoObsoleteRFC(t *testing.T) {
	obsolete := map[string]string{
		"793": "9293", "1323": "7323", "2460": "8200", "2581": "5681", "2988": "6298", "3782": "6582",
		"1981": "8201", "2463": "4443", "2461": "4861", "879": "9293", "1063": "1191", "2679": "7679", "2680": "7680",
	}
	cite := regexp.MustCompile(`RFC\s+(\d+)`)
	for _, id := range IDs() {
		text, err := cards.ReadFile("cards/" + string(id) + ".md")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range cite.FindAllStringSubmatch(string(text), -1) {
			if now, old := obsolete[m[1]]; old {
				t.Errorf("%s: RFC %s is obsolete; cite RFC %s", id, m[1], now)
			}
		}
	}
}

func TestSteps(t *testing.T) {
	got := Steps("- Read faster,\n  now: `strace -f\n  -p PID`\n- Wait.")
	want := []string{"Read faster, now: `strace -f -p PID`", "Wait."}
	if !slices.Equal(got, want) {
		t.Errorf("Steps = %q, want %q", got, want)
	}
	got = commands("See `TcpOutRsts` and `nstat -az\n  TcpOutRsts`.")
	if want := []string{"nstat -az TcpOutRsts"}; !slices.Equal(got, want) {
		t.Errorf("commands = %q, want %q", got, want)
	}
}
