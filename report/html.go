package report

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"io"
	"strings"
	"sync"

	"whydrop/analyze"
)

// What the page is made of. uPlot 1.6.32 is the chart library, under its own licence,
// which stands in the page beside it.
//
//go:embed html/page.gohtml html/parts.gohtml html/page.css html/page.js html/graph.js html/uplot.js html/uplot.css html/uplot.LICENSE
var pageFiles embed.FS

// HTMLOptions are what the page needs beside the report.
type HTMLOptions struct {
	// Gallery is what a second look at the capture gathered for the graphs.
	Gallery *Gallery
	// Without says why there was no second look, in one sentence.
	Without string
	// Command is the command line that made the page.
	Command string
}

// HTML writes r, which was built from res, as one file that needs no other, loads
// nothing and sends nothing.
func HTML(w io.Writer, res *analyze.Result, r *Report, o HTMLOptions) error {
	return NewPage(res, r, o).Write(w)
}

// A Page is the HTML report before it is written. It keeps what it needs of the
// result it was made from, not the result.
type Page struct {
	view *pageView
}

// NewPage prepares the page.
func NewPage(res *analyze.Result, r *Report, o HTMLOptions) *Page {
	return &Page{view: newPageView(newBuilder(res), r, o)}
}

// Write writes the page. It can be written more than once.
func (p *Page) Write(w io.Writer) error {
	t, err := pageTemplate()
	if err != nil {
		return err
	}
	return t.template.Execute(w, struct {
		*pageView
		*pageParts
	}{p.view, &t.pageParts})
}

// A pagePlan is the template with what is the same in each page.
type pagePlan struct {
	template *template.Template
	pageParts
}

// pageParts are the style and the scripts. Each stands in the page as it is, and the
// policy of the page allows just these, by their hash.
type pageParts struct {
	Style   template.CSS
	Library template.JS
	Script  template.JS
	Policy  string
}

// pageTemplate is read when the first page is written: most runs write none.
var pageTemplate = sync.OnceValues(func() (*pagePlan, error) {
	t, err := template.New("page.gohtml").Funcs(pageFuncs).ParseFS(pageFiles, "html/page.gohtml", "html/parts.gohtml")
	if err != nil {
		return nil, err
	}
	text := map[string]string{}
	for _, name := range []string{"page.css", "page.js", "graph.js", "uplot.js", "uplot.css", "uplot.LICENSE"} {
		b, err := pageFiles.ReadFile("html/" + name)
		if err != nil {
			return nil, err
		}
		text[name] = string(b)
	}
	style := "\n" + text["uplot.css"] + "\n" + text["page.css"]
	library := "\n/* uPlot 1.6.32\n\n" + text["uplot.LICENSE"] + "*/\n" + text["uplot.js"]
	script := "\n" + text["page.js"] + text["graph.js"]
	return &pagePlan{t, pageParts{
		Style:   template.CSS(style),  //nolint:gosec // ours, embedded
		Library: template.JS(library), //nolint:gosec // embedded
		Script:  template.JS(script),  //nolint:gosec // ours, embedded
		Policy: "default-src 'none'; script-src " + hashOf(library) + " " + hashOf(script) + "; style-src " + hashOf(style) +
			"; base-uri 'none'; form-action 'none'",
	}}, nil
})

// hashOf is text as a content security policy names it: CSP Level 3 §2.3.1.
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// pageFuncs are what the template may call.
var pageFuncs = template.FuncMap{
	"say":     pageText,
	"n":       groupedThin,
	"int":     func(n int) string { return groupedThin(uint64(max(n, 0))) },
	"steps":   pageSteps,
	"family":  family,
	"octets":  func(n uint64) string { return typeset(octets(n)) },
	"outside": func(s string) string { return cleanTo(s, maxSentence) },
	"command": commandLines,
	"join":    strings.Join,
	"joined":  joinedFrames,
	"capital": capital,
}

// pageData is v as JSON within a script: encoding/json writes <, > and & as \u003c
// and so on, so that no string can end the script.
func pageData(v any) template.JS {
	b, err := json.Marshal(v)
	if err != nil { // numbers, strings and slices of ours: NaN alone could do it
		return "null"
	}
	return template.JS(b) //nolint:gosec // as above
}
