package report

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// contrasts is a script that returns every text of the page that stands out from its ground
// by less than WCAG 2.2 §1.4.3 asks for, once each, and how many pairs it measured. What is
// drawn for the eye alone (aria-hidden) and what is disabled is left out, as there.
const contrasts = `(() => {
	const parse = s => { const m = (s.match(/[\d.]+/g) || []).map(Number); return m.length > 3 ? m : [...m, 1]; };
	const light = c => { const f = v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; return .2126 * f(c[0]) + .7152 * f(c[1]) + .0722 * f(c[2]); };
	const over = (a, b) => [0, 1, 2].map(i => a[i] * a[3] + b[i] * (1 - a[3]));
	const ground = e => {
		const stack = [];
		for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] > 0) stack.push(c); if (c[3] === 1) break; }
		return stack.reverse().reduce((g, c) => over(c, g), [255, 255, 255]);
	};
	const bad = {}, pairs = new Set();
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	const check = (e, colour, ground, text) => {
		const s = getComputedStyle(e), c = over(parse(colour), ground), a = light(c), b = light(ground);
		const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05), size = parseFloat(s.fontSize), bold = +s.fontWeight >= 700;
		pairs.add(c.map(Math.round) + " on " + ground.map(Math.round));
		if (ratio < (size >= 24 || bold && size >= 18.66 ? 3 : 4.5)) bad[c.map(Math.round) + " on " + ground.map(Math.round)] = ratio.toFixed(2) + " " + e.tagName + "." + e.getAttribute("class") + ": " + text.trim().slice(0, 30);
	};
	for (let n; n = walk.nextNode();) {
		const e = n.parentElement;
		if (!n.data.trim() || e.closest("[aria-hidden=true],script,style,:disabled") || !e.checkVisibility({ visibilityProperty: true })) continue;
		const svg = e.closest("svg"), box = svg && e.closest("g,svg").querySelector("rect.box") ? getComputedStyle(svg.querySelector("rect.box")).fill : null;
		check(e, svg ? getComputedStyle(e).fill : getComputedStyle(e).color, ground(svg || e), n.data);
		if (box) check(e, getComputedStyle(e).fill, parse(box), n.data);
	}
	for (const e of document.querySelectorAll("input[placeholder]")) check(e, getComputedStyle(e, "::placeholder").color, ground(e), e.placeholder);
	return [pairs.size + " pairs", ...Object.entries(bad).map(([k, v]) => k + " is " + v)];
})()`

// TestPageIsReadableByAll holds what who sees little, uses no mouse, or hears the page needs.
func TestPageIsReadableByAll(t *testing.T) {
	ctx := tab(t)
	feature := func(name, value string) emulation.SetEmulatedMediaParams {
		return emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: name, Value: value}}}
	}
	set := func(p emulation.SetEmulatedMediaParams) {
		t.Helper()
		if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, p); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"demo.pcapng.gz", "datagrams-middle.pcap.gz"} {
		page := pageFile(t, name)
		act(t, ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(page))
		eval[bool](t, ctx, `(document.querySelectorAll("details").forEach(d => d.open = true), true)`)
		for _, scheme := range []string{"light", "dark"} {
			set(feature("prefers-color-scheme", scheme))
			found := eval[[]string](t, ctx, contrasts)
			if len(found) == 0 || found[0] == "0 pairs" {
				t.Errorf("%s, %s: no text was measured", name, scheme)
			}
			for _, f := range found[min(1, len(found)):] {
				t.Errorf("%s, %s: too little contrast: %s", name, scheme, f)
			}
		}
		set(feature("prefers-reduced-motion", "reduce"))
		if moving := eval[int](t, ctx, `[...document.querySelectorAll("*")].filter(e => { const s = getComputedStyle(e);
			return s.scrollBehavior === "smooth" || s.animationName !== "none" || parseFloat(s.transitionDuration) > 0; }).length`); moving > 0 {
			t.Errorf("%s: %d elements move for who wants no motion", name, moving)
		}
		headingsInOrder(t, ctx, name)
		picturesHaveTables(t, ctx, name)
		everythingIsNamed(t, ctx, name)
	}
	t.Run("keyboard", func(t *testing.T) { keyboardWalk(t, ctx) })
	t.Run("print", func(t *testing.T) { pagePrints(t, ctx, set) })
}

// headingsInOrder holds that one heading leads and that none skips a level.
func headingsInOrder(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	levels := eval[[]int](t, ctx, `[...document.querySelectorAll("h1,h2,h3,h4,h5,h6")].filter(h => h.checkVisibility()).map(h => +h.tagName[1])`)
	if len(levels) < 3 || levels[0] != 1 {
		t.Fatalf("%s: the headings have the levels %v", name, levels)
	}
	for i := 1; i < len(levels); i++ {
		if levels[i] == 1 || levels[i] > levels[i-1]+1 {
			t.Errorf("%s: heading %d has level %d behind %d", name, i+1, levels[i], levels[i-1])
		}
	}
}

// picturesHaveTables holds that what a picture shows stands in a table, too.
func picturesHaveTables(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	for _, id := range eval[[]string](t, ctx, `[...document.querySelectorAll("main section")].filter(s => s.querySelector("svg[role=img],[role=img],canvas") && !s.querySelector("table")).map(s => s.id)`) {
		t.Errorf("%s: the pictures of #%s have no table behind them", name, id)
	}
	if n := eval[int](t, ctx, `[...document.querySelectorAll("table")].filter(t => !t.querySelector("th[scope=col]")).length`); n > 0 {
		t.Errorf("%s: %d tables have no heads", name, n)
	}
}

// everythingIsNamed holds that who hears the page hears what each thing is.
func everythingIsNamed(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	tree, err := chromedp.Call(ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]int{}
	for _, n := range tree.Nodes {
		if n.Ignored || n.Role == nil {
			continue
		}
		role := strings.Trim(string(n.Role.Value), `"`)
		switch role {
		case "link", "button", "combobox", "searchbox", "textbox", "checkbox", "image", "img", "navigation", "heading", "group":
		default:
			continue
		}
		says := ""
		if n.Name != nil {
			says = strings.Trim(string(n.Name.Value), `" `)
		}
		if says == "" && role != "group" { // <details> is a group; its summary names it
			t.Errorf("%s: a %s has no name: node %s", name, role, n.NodeID)
		}
		named[role]++
	}
	for _, role := range []string{"link", "button", "combobox", "searchbox", "checkbox", "image", "heading"} {
		if named[role] == 0 {
			t.Errorf("%s: who hears the page meets no %s: %v", name, role, named)
		}
	}
}

// keyboardWalk goes through the page by the Tab key: it reaches all that can be used, in
// the order of the page, shows where it is, and gets out at the end.
func keyboardWalk(t *testing.T, ctx context.Context) {
	page := pageFile(t, "datagrams-middle.pcap.gz")
	act(t, ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate("about:blank"), chromedp.Navigate(page))
	eval[bool](t, ctx, `(() => { window.usable = [...document.querySelectorAll("a[href],button,input,select,summary,[tabindex='0']")]
		.filter(e => e.checkVisibility() && !e.disabled); return true; })()`)
	all := eval[int](t, ctx, `usable.length`)
	last, invisible := -1, map[string]bool{}
	for range all + 20 { // panes that scroll are stops, too
		act(t, ctx, chromedp.KeyEvent(kb.Tab))
		at := eval[int](t, ctx, `document.activeElement === document.body ? -1 : usable.indexOf(document.activeElement)`)
		if at < 0 {
			continue
		}
		if at < last {
			break // round again
		}
		if at > last+1 {
			t.Errorf("Tab passes over %s", eval[string](t, ctx, fmt.Sprintf(`usable[%d].outerHTML.slice(0, 80)`, last+1)))
		}
		last = at
		if !eval[bool](t, ctx, `(() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2; })()`) {
			invisible[eval[string](t, ctx, `document.activeElement.tagName`)] = true
		}
		if last == all-1 {
			break
		}
	}
	if last != all-1 {
		t.Errorf("Tab reaches %d of %d things", last+1, all)
	}
	for what := range invisible {
		t.Errorf("nobody sees that a %s has the focus", what)
	}
	act(t, ctx, chromedp.Focus(chromedp.CSS("#ftab button[data-k=id]")), chromedp.KeyEvent(kb.Enter))
	if s := eval[string](t, ctx, `document.querySelector("#ftab button[data-k=id]").closest("th").getAttribute("aria-sort")`); s != "ascending" {
		t.Errorf("Enter on a column sorts it %q", s)
	}
}

// pagePrints holds that paper gets the layout of a page, not that of a telephone, all of it
// within its edges, and pictures without scripts.
func pagePrints(t *testing.T, ctx context.Context, set func(emulation.SetEmulatedMediaParams)) {
	const a4 = 673 // pixels between the margins
	page := pageFile(t, "demo.pcapng.gz")
	act(t, ctx, chromedp.EmulateViewport(a4, 900), chromedp.Navigate("about:blank"), chromedp.Navigate(page))
	set(emulation.SetEmulatedMediaParams{Media: "print"})
	if over := eval[float64](t, ctx, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
		t.Errorf("the print is %v pixels wider than the paper", over)
	}
	if s := eval[string](t, ctx, `getComputedStyle(document.querySelector("#ftab tr")).display`); s != "table-row" {
		t.Errorf("in print a row of a table is a %s", s)
	}
	if wide := eval[float64](t, ctx, `document.querySelector(".charge[open] .ladder p").getBoundingClientRect().width`); wide < 150 {
		t.Errorf("in print the words of a ladder have %v pixels", wide)
	}
	for what, want := range map[string]bool{"nav": false, ".tools": false, ".chart .live": false, ".chart .still": true, ".still.t": true, "#audit": true} {
		if got := eval[bool](t, ctx, fmt.Sprintf(`document.querySelector(%q).checkVisibility()`, what)); got != want {
			t.Errorf("in print %s is there: %v, want %v", what, got, want)
		}
	}
}
