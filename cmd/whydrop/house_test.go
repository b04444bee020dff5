package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// root is the top of the repository as seen from this package.
const root = "../.."

// layers is the direction of imports: a package may import, of this module,
// only what stands to its right. It is a statement of policy; do not edit it
// to fix a build. Tests and the packages below cmd may import anything.
var layers = map[string]string{
	"report":           "analyze analyze/kernel analyze/pattern analyze/cause analyze/flow decode capture",
	"report/policy":    "report analyze/cause analyze/flow decode capture",
	"analyze":          "analyze/detect analyze/kernel analyze/pattern analyze/flow analyze/cause decode capture",
	"analyze/detect":   "analyze/flow analyze/cause decode capture",
	"analyze/kernel":   "analyze/cause capture",
	"analyze/pattern":  "analyze/flow analyze/cause decode",
	"analyze/flow":     "decode capture",
	"analyze/cause":    "",
	"analyze/netsim":   "capture decode decode/checksum",
	"decode":           "decode/checksum capture",
	"decode/checksum":  "",
	"capture":          "",
	"capture/pcapfile": "capture",
	"capture/filter":   "capture",
	"capture/afpacket": "capture",
	"capture/host":     "capture",
	"capture/scenario": "capture decode decode/checksum",
}

// pure names the packages that see no socket, no file and no gopacket type,
// and the imports that would break it. They build for any system without cgo.
var (
	pure     = []string{"decode", "decode/checksum", "analyze", "analyze/flow", "analyze/detect", "analyze/pattern", "analyze/kernel", "analyze/cause"}
	impure   = []string{"net", "net/http", "os", "os/exec", "os/signal", "syscall", "log", "log/slog", "C", "golang.org/x/sys/unix"}
	thirdLib = regexp.MustCompile(`^[^/]+\.[^/]+/`) // a domain before the first slash
)

// obsolete maps RFCs that no comment and no card may cite to what replaced them.
var obsolete = map[string]string{
	"793": "9293", "879": "9293", "2873": "9293", "6093": "9293", "6429": "9293", "6528": "9293", "6691": "9293",
	"1072": "7323", "1185": "7323", "1323": "7323", "1948": "9293",
	"1883": "8200", "2460": "8200", "1981": "8201", "2463": "4443", "2401": "4301", "2402": "4302", "2406": "4303",
	"2461": "4861", "2462": "4862", "3697": "6437",
	"2001": "5681", "2414": "3390", "2581": "5681", "2582": "6582", "3782": "6582", "2988": "6298", "3517": "6675", "2481": "3168",
	"1889": "3550", "2960": "9260", "3309": "9260", "4960": "9260", "6824": "8684", "2893": "4213", "1331": "1661", "1548": "1661",
	"1654": "4271", "1700": "3232", "4614": "7414",
}

// topLevel are the only names beside dot-files in the repository's root, and
// what .gitignore keeps out of it.
var topLevel = strings.Fields("capture decode analyze report cmd testdata go.mod go.sum Makefile README.md LICENSE bin dist whydrop")

// Size limits: past them, a reader loses the thread.
const (
	maxFileLines     = 500
	maxFunctionLines = 70
)

// standing are methods whose name says all: they need no sentence.
var standing = map[string]bool{"String": true, "Error": true, "Len": true, "Less": true, "Swap": true}

// A goFile is one parsed file of the repository.
type goFile struct {
	path string // slash-separated, from the root
	dir  string // its package's directory
	fset *token.FileSet
	ast  *ast.File
	test bool
}

func (f *goFile) at(p token.Pos) string {
	pos := f.fset.Position(p)
	return fmt.Sprintf("%s:%d:%d", f.path, pos.Line, pos.Column)
}

// lines is how many lines n takes.
func (f *goFile) lines(n ast.Node) int {
	return f.fset.Position(n.End()).Line - f.fset.Position(n.Pos()).Line + 1
}

// TestHouse holds what a machine can hold of the project's form. A rule that
// fails names the place and the remedy; the remedy is never to edit the rule.
func TestHouse(t *testing.T) {
	files := parseAll(t)
	rule := func(name string, check func(t *testing.T, f *goFile)) {
		t.Run(name, func(t *testing.T) {
			for _, f := range files {
				check(t, f)
			}
		})
	}
	rule("imports", checkImports)
	rule("sizes", checkSizes)
	rule("manners", checkManners)
	rule("documented", checkDocumented)
	rule("rfc", checkRFCs)
	t.Run("cards", checkCards)
	t.Run("top-level", checkTopLevel)
	t.Run("testdata", func(t *testing.T) { checkTestdata(t, files) })
}

// parseAll parses every Go file, whatever its build tags.
func parseAll(t *testing.T) []*goFile {
	t.Helper()
	var files []*goFile
	fset := token.NewFileSet()
	walk(t, func(p string) {
		if path.Ext(p) != ".go" {
			return
		}
		tree, err := parser.ParseFile(fset, filepath.Join(root, p), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatalf("%v; make it compile first", err)
		}
		files = append(files, &goFile{path: p, dir: path.Dir(p), fset: fset, ast: tree, test: strings.HasSuffix(p, "_test.go")})
	})
	if len(files) < 10 {
		t.Fatalf("only %d Go files below %s: this test runs in cmd/whydrop of a whole checkout", len(files), root)
	}
	return files
}

// walk calls visit with every file below the root, without .git and what
// .gitignore keeps out.
func walk(t *testing.T, visit func(p string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() && (rel == ".git" || rel == "bin" || rel == "dist") {
			return fs.SkipDir
		}
		if !d.IsDir() {
			visit(rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// checkImports holds the import law.
func checkImports(t *testing.T, f *goFile) {
	if f.test || strings.HasPrefix(f.dir, "cmd/") {
		return
	}
	below, known := layers[f.dir]
	if !known {
		t.Errorf("%s: package %s has no place in the house; decide its layer in layers, with a reason in the commit", f.path, f.dir)
		return
	}
	for _, spec := range f.ast.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		ours, isOurs := strings.CutPrefix(name, "whydrop/")
		switch {
		case isOurs && !slices.Contains(strings.Fields(below), ours):
			t.Errorf("%s imports %s, which is not below it; move the code, or hand the value in from above", f.at(spec.Pos()), ours)
		case name == "unsafe":
			t.Errorf("%s imports unsafe; say it without", f.at(spec.Pos()))
		case name == "log" || name == "log/slog":
			t.Errorf("%s imports %s; libraries do not log: return it, or put it in the report", f.at(spec.Pos()), name)
		case f.dir == "capture" && thirdLib.MatchString(name):
			t.Errorf("%s imports %s; capture is standard library only", f.at(spec.Pos()), name)
		case slices.Contains(pure, f.dir) && (slices.Contains(impure, name) || strings.Contains(name, "gopacket")):
			t.Errorf("%s imports %s; %s sees no socket, file or gopacket type: take octets or values instead", f.at(spec.Pos()), name, f.dir)
		}
	}
}

// checkSizes holds the limits on files and functions. Generated files are exempt.
func checkSizes(t *testing.T, f *goFile) {
	if ast.IsGenerated(f.ast) {
		return
	}
	if n := f.fset.File(f.ast.Pos()).LineCount(); n > maxFileLines {
		t.Errorf("%s:1: %d lines, the limit is %d; split it by noun", f.path, n, maxFileLines)
	}
	for _, d := range f.ast.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && f.lines(fn) > maxFunctionLines {
			t.Errorf("%s: %s has %d lines, the limit is %d; give a part of it a name", f.at(fn.Pos()), fn.Name.Name, f.lines(fn), maxFunctionLines)
		}
	}
}

// noisy are calls that only cmd may make: they reach past the caller.
var noisy = map[string]string{
	"fmt.Print": "write to an io.Writer that was given", "fmt.Printf": "write to an io.Writer that was given",
	"fmt.Println": "write to an io.Writer that was given",
	"os.Exit":     "return an error", "time.Now": "take the time from the frame, or as an argument",
}

// checkManners looks for what libraries do not do: print, exit, look at the
// clock, run before main.
func checkManners(t *testing.T, f *goFile) {
	for _, d := range f.ast.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			t.Errorf("%s: func init; make it a table or a call in main", f.at(fn.Pos()))
		}
	}
	if f.test || strings.HasPrefix(f.dir, "cmd/") {
		return
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok {
			if remedy, bad := noisy[x.Name+"."+sel.Sel.Name]; bad {
				t.Errorf("%s: %s.%s in a library; %s", f.at(sel.Pos()), x.Name, sel.Sel.Name, remedy)
			}
		}
		return true
	})
}

// checkDocumented wants a sentence at every exported name, and at every package.
func checkDocumented(t *testing.T, f *goFile) {
	if f.test || ast.IsGenerated(f.ast) {
		return
	}
	complain := func(name *ast.Ident) {
		t.Errorf("%s: exported %s has no comment; say what it is for", f.at(name.Pos()), name.Name)
	}
	for _, d := range f.ast.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && d.Doc == nil && !standing[d.Name.Name] && receiverExported(d) {
				complain(d.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if name := undocumented(d, spec); name != nil {
					complain(name)
				}
			}
		}
	}
}

func receiverExported(fn *ast.FuncDecl) bool {
	if fn.Recv == nil {
		return true
	}
	typ := fn.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if index, ok := typ.(*ast.IndexExpr); ok {
		typ = index.X
	}
	id, ok := typ.(*ast.Ident)
	return ok && id.IsExported()
}

// undocumented returns the first exported name of spec that nothing describes.
// A comment on the group serves all its constants and variables.
func undocumented(d *ast.GenDecl, spec ast.Spec) *ast.Ident {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() && s.Doc == nil && d.Doc == nil {
			return s.Name
		}
	case *ast.ValueSpec:
		for _, name := range s.Names {
			if name.IsExported() && s.Doc == nil && s.Comment == nil && d.Doc == nil {
				return name
			}
		}
	}
	return nil
}
