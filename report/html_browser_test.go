package report

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"whydrop/analyze"
	"whydrop/capture"
	"whydrop/capture/pcapfile"
)

// requireBrowser is the variable that makes a missing browser a failure, as in CI.
const requireBrowser = "WHYDROP_REQUIRE_BROWSER"

// shotsTo is the variable that names a folder for pictures of the pages, to look at.
const shotsTo = "WHYDROP_SHOTS"

// tab opens a tab of a headless browser, or skips the test.
func tab(t *testing.T) context.Context {
	t.Helper()
	if testing.Short() && os.Getenv(requireBrowser) == "" {
		t.Skip("-short: no browser is started")
	}
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		if os.Getenv(requireBrowser) != "" {
			t.Fatal("no chromium here, and " + requireBrowser + " is set")
		}
		t.Skip("no chromium here: the page is not looked at by a browser")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU)
	all, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(all)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("the browser does not start: %v", err)
	}
	return ctx
}

// A tabWitness notes what a page must not do.
type tabWitness struct {
	mu       sync.Mutex
	errors   []string
	requests []string
}

func watch(t *testing.T, ctx context.Context) *tabWitness {
	t.Helper()
	w := &tabWitness{}
	err := chromedp.Listen(ctx, func(ev any) {
		w.mu.Lock()
		defer w.mu.Unlock()
		switch e := ev.(type) {
		case *runtime.EventExceptionThrown:
			w.errors = append(w.errors, e.ExceptionDetails.Text+" "+e.ExceptionDetails.Exception.Description)
		case *runtime.EventConsoleAPICalled:
			w.errors = append(w.errors, "console."+string(e.Type))
		case *log.EventEntryAdded: // a violated policy is told here
			w.errors = append(w.errors, e.Entry.Text)
		case *network.EventRequestWillBeSent:
			w.requests = append(w.requests, e.Request.URL)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// silent holds that the page complained of nothing and asked for nothing but itself.
func (w *tabWitness) silent(t *testing.T, page string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.errors {
		t.Errorf("the browser complains: %s", e)
	}
	for _, u := range w.requests {
		if before, _, _ := strings.Cut(u, "#"); before != page {
			t.Errorf("the page asks for %s", u)
		}
	}
	if len(w.requests) == 0 {
		t.Error("no request was seen, not even that for the page: the test sees nothing")
	}
}

// lookedAt analyses a shipped capture and looks at it again for the page.
func lookedAt(t *testing.T, paths ...string) (*analyze.Result, *Report, *Gallery) {
	t.Helper()
	open := func() capture.Source {
		src, err := pcapfile.Open(paths, pcapfile.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return src
	}
	src := open()
	res, err := analyze.Run(t.Context(), src, analyze.Options{})
	_ = src.Close()
	if err != nil {
		t.Fatal(err)
	}
	r := Build(res, BuildOptions{Version: "test"})
	g := NewGallery(res, r)
	src = open()
	defer func() { _ = src.Close() }()
	if err := g.Look(t.Context(), src); err != nil {
		t.Fatal(err)
	}
	return res, r, g
}

// pageFile writes the page of a shipped capture and gives its address.
func pageFile(t *testing.T, capture string) string {
	t.Helper()
	res, r, g := lookedAt(t, filepath.Join("..", "testdata", "pcap", capture))
	var b bytes.Buffer
	if err := HTML(&b, res, r, HTMLOptions{Gallery: g, Command: "whydrop analyze --format html " + capture}); err != nil {
		t.Fatal(err)
	}
	checkPolicy(t, b.String())
	checkNesting(t, b.String())
	checkLinks(t, b.String())
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return "file://" + path
}

// eval asks the page something.
func eval[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// act does something to the page.
func act(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// ready is what the script sets when it has done all.
const ready = `document.documentElement.dataset.ready === "1"`

// TestPageInBrowser uses the page as a reader does.
func TestPageInBrowser(t *testing.T) {
	ctx := tab(t)
	page := pageFile(t, "demo.pcapng.gz")
	w := watch(t, ctx)
	act(t, ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(page))
	if !eval[bool](t, ctx, ready) {
		t.Fatal("the script did not come to its end")
	}
	t.Run("sort", func(t *testing.T) { pageSorts(t, ctx) })
	t.Run("filter", func(t *testing.T) { pageFilters(t, ctx) })
	t.Run("graph", func(t *testing.T) { pageZooms(t, ctx) })
	t.Run("links", func(t *testing.T) { pageLinks(t, ctx, page) })
	t.Run("widths", func(t *testing.T) {
		for _, wide := range []int64{390, 720, 1280} {
			act(t, ctx, chromedp.EmulateViewport(wide, 900), chromedp.Navigate(page))
			if over := eval[float64](t, ctx, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
				t.Errorf("at %d pixels the page is %v wider than the screen", wide, over)
			}
		}
	})
	w.silent(t, page)
}

func pageSorts(t *testing.T, ctx context.Context) {
	first := `document.querySelector("#ftab tbody tr").dataset.id`
	act(t, ctx, chromedp.Click(chromedp.CSS(`#ftab button[data-k="id"]`)))
	up := eval[string](t, ctx, first)
	act(t, ctx, chromedp.Click(chromedp.CSS(`#ftab button[data-k="id"]`)))
	down := eval[string](t, ctx, first)
	if up != "1" || down != "2" {
		t.Errorf("by flow the first rows are %s and %s, want 1 and 2", up, down)
	}
	if s := eval[string](t, ctx, `document.querySelector('#ftab button[data-k="id"]').closest("th").getAttribute("aria-sort")`); s != "descending" {
		t.Errorf("the header says it is sorted %q", s)
	}
	act(t, ctx, chromedp.Click(chromedp.CSS(`#ftab button[data-k="lost"]`)))
	if !eval[bool](t, ctx, `(() => { const n = [...document.querySelectorAll("#ftab tbody tr")].map(r => +r.dataset.lost); return n.every((x, i) => !i || n[i - 1] >= x); })()`) {
		t.Error("by losses the rows are not in order")
	}
}

func pageFilters(t *testing.T, ctx context.Context) {
	shown := `document.querySelectorAll("#ftab tbody tr:not([hidden])").length`
	act(t, ctx, chromedp.SendKeys(chromedp.CSS("#q"), "5002"))
	if n := eval[int](t, ctx, shown); n != 1 {
		t.Errorf("a search for the port 5002 leaves %d rows, want 1", n)
	}
	if s := eval[string](t, ctx, `document.querySelector("#fcount").textContent`); s != "1 of 2 flows" {
		t.Errorf("the table says %q", s)
	}
	eval[bool](t, ctx, `(() => { const q = document.querySelector("#q"), c = document.querySelector("#fcause"); q.value = ""; c.value = "random-loss";
		q.dispatchEvent(new Event("input")); c.dispatchEvent(new Event("input")); return true; })()`)
	if n := eval[int](t, ctx, shown); n != 1 {
		t.Errorf("the cause random-loss leaves %d rows, want 1", n)
	}
	eval[bool](t, ctx, `(() => { const c = document.querySelector("#fcause"); c.value = ""; c.dispatchEvent(new Event("input")); return true; })()`)
}

// view is the part of time that the graph shows.
const view = `document.querySelector("#ts").dataset.view.split(" ").map(Number)`

func pageZooms(t *testing.T, ctx context.Context) {
	all := eval[[]float64](t, ctx, view)
	span := func(v []float64) float64 { return v[1] - v[0] }
	act(t, ctx, chromedp.Click(chromedp.CSS(`[data-act="in"]`)))
	in := eval[[]float64](t, ctx, view)
	if span(in) > 0.6*span(all) {
		t.Errorf("zoomed in, %v of %v are shown", in, all)
	}
	act(t, ctx, chromedp.Click(chromedp.CSS(`[data-act="right"]`)))
	if right := eval[[]float64](t, ctx, view); right[0] <= in[0] {
		t.Errorf("moved to the right, %v are shown after %v", right, in)
	}
	act(t, ctx, chromedp.Click(chromedp.CSS(`[data-act="all"]`)))
	if back := eval[[]float64](t, ctx, view); span(back) != span(all) {
		t.Errorf("the whole flow is %v, and was %v", back, all)
	}
	// by the keyboard: to the first loss, which says its frame
	act(t, ctx, chromedp.Focus(chromedp.CSS("#ts")), chromedp.KeyEvent("n"))
	if s := eval[string](t, ctx, `document.querySelector("#tssay").textContent`); !strings.HasPrefix(s, "Loss 1 of ") || !strings.Contains(s, "frame 18") {
		t.Errorf("the first loss is told as %q", s)
	}
	// a box drawn with the mouse
	act(t, ctx, chromedp.KeyEvent("0"), chromedp.ScrollIntoView(chromedp.CSS("#ts")))
	box := eval[[]float64](t, ctx, `(() => { const b = document.querySelector("#ts .u-over").getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; })()`)
	act(t, ctx, chromedp.DragAndDropXY(box[0]+box[2]*.3, box[1]+box[3]*.5, box[0]+box[2]*.5, box[1]+box[3]*.5+5))
	if drawn := eval[[]float64](t, ctx, view); span(drawn) > 0.3*span(all) || span(drawn) < 0.1*span(all) {
		t.Errorf("a box of a fifth shows %v of %v", drawn, all)
	}
	// pointing at something says its frame
	act(t, ctx, chromedp.KeyEvent("n"))
	said := eval[string](t, ctx, `(() => { const o = document.querySelector("#ts .u-over"), b = o.getBoundingClientRect(), tip = document.querySelector("#tip");
		for (let y = 2; y < b.height; y += 6) for (let x = 2; x < b.width; x += 6) {
			o.dispatchEvent(new MouseEvent("mousemove", { clientX: b.left + x, clientY: b.top + y, bubbles: true, view: window }));
			if (tip.style.display === "block") return tip.textContent;
		}
		return ""; })()`)
	if !strings.Contains(said, "frame ") && !strings.Contains(said, "not in the file") {
		t.Errorf("pointing at the graph says %q", said)
	}
}

func pageLinks(t *testing.T, ctx context.Context, page string) {
	act(t, ctx, chromedp.Navigate("about:blank"), chromedp.Navigate(page+"#charge-7"))
	if !eval[bool](t, ctx, `document.querySelector("#charge-7").open`) {
		t.Error("#charge-7 does not open the charge")
	}
	if s := eval[string](t, ctx, `document.querySelector("#tssay").textContent`); !strings.Contains(s, "charge 7") {
		t.Errorf("#charge-7: the graph says %q", s)
	}
	act(t, ctx, chromedp.Navigate("about:blank"), chromedp.Navigate(page+"#flow-1"))
	if !eval[bool](t, ctx, `document.querySelector("#flow-1").getAttribute("aria-current") === "true"`) {
		t.Error("#flow-1 does not choose the flow")
	}
	if top := eval[float64](t, ctx, `document.querySelector("#flow-1").getBoundingClientRect().top`); top < 0 || top > 900 {
		t.Errorf("#flow-1 is at %v, off the screen", top)
	}
}

// TestPageDrawsDatagrams: flows of UDP have their picture, too, in numbers of datagrams.
func TestPageDrawsDatagrams(t *testing.T) {
	ctx := tab(t)
	page := pageFile(t, "datagrams-middle.pcap.gz")
	w := watch(t, ctx)
	act(t, ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(page+"#graph-1"))
	if s := eval[string](t, ctx, `document.querySelector("#tssay").textContent`); s != "10 marks for 10 missing packets. Press n for the first." {
		t.Errorf("the graph says %q", s)
	}
	act(t, ctx, chromedp.Focus(chromedp.CSS("#ts")), chromedp.KeyEvent("n"))
	if s := eval[string](t, ctx, `document.querySelector("#tssay").textContent`); !strings.HasPrefix(s, "Loss 1 of 10: not in the file") || !strings.Contains(s, "datagram 8, lost upstream") {
		t.Errorf("the first loss is told as %q", s)
	}
	if s := eval[string](t, ctx, `document.querySelector("#belowname").textContent`); s != "Spacing" {
		t.Errorf("below it stands %q", s)
	}
	if eval[bool](t, ctx, `[...document.querySelectorAll("#tsfig .octets")].some(e => e.checkVisibility())`) {
		t.Error("the graph of datagrams speaks of octets and windows")
	}
	w.silent(t, page)
}

// TestPageWithoutScript holds that the text stands alone.
func TestPageWithoutScript(t *testing.T) {
	ctx := tab(t)
	page := pageFile(t, "demo.pcapng.gz")
	if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	act(t, ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(page))
	text, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("body")))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"packets were lost", "downstream of the tap", "Confirm", "originator → responder", "passes, never arrives", "Can this capture be trusted?"} {
		if !strings.Contains(strings.ToLower(text), strings.ToLower(want)) {
			t.Errorf("without scripts nobody reads %q", want)
		}
	}
}

// TestPagePictures takes pictures of pages for a person to look at, if a folder for them
// is named. Each is also held to draw something in its graphs.
func TestPagePictures(t *testing.T) {
	dir := os.Getenv(shotsTo)
	if dir == "" {
		t.Skip(shotsTo + " names no folder")
	}
	ctx := tab(t)
	captures := []string{"demo.pcapng.gz", "datagrams-middle.pcap.gz", "capture-loss-receiver.pcapng.gz", "one-way-data.pcap.gz", "slow-reader-sender.pcapng.gz", "firewall-receiver.pcapng.gz"}
	for _, name := range captures {
		page := pageFile(t, name)
		for _, look := range []struct {
			name   string
			wide   int64
			scheme string
		}{{"light-1280", 1280, "light"}, {"dark-1280", 1280, "dark"}, {"light-390", 390, "light"}, {"dark-390", 390, "dark"}} {
			media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look.scheme}}}
			if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
				t.Fatal(err)
			}
			act(t, ctx, chromedp.EmulateViewport(look.wide, 1400), chromedp.Navigate(page))
			for i, part := range []string{"verdict", "timeline", "causes", "flows", "graph", "frames", "audit"} {
				at := `(() => { const e = document.getElementById("` + part + `"); if (e) e.scrollIntoView({ behavior: "instant" }); return true; })()`
				eval[bool](t, ctx, at)
				if part == "graph" && name == "demo.pcapng.gz" {
					act(t, ctx, chromedp.Focus(chromedp.CSS("#ts")), chromedp.KeyEvent("n"), chromedp.Sleep(200*time.Millisecond))
					eval[bool](t, ctx, at)
				}
				shot, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
				if err != nil {
					t.Fatal(err)
				}
				file := filepath.Join(dir, strings.TrimSuffix(name, filepath.Ext(name))+"-"+look.name+"-"+string(rune('1'+i))+part+".png")
				if err := os.WriteFile(file, shot, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// TestPageDrawsManyPoints holds that as many points as are ever drawn are drawn quickly.
func TestPageDrawsManyPoints(t *testing.T) {
	ctx := tab(t)
	res, r, g := lookedAt(t, filepath.Join("..", "testdata", "pcap", "demo.pcapng.gz"))
	f := g.flows[0]
	const each = galleryPoints / 2
	s, a := f.segs[0][:1:1], f.acks[0][:1:1]
	for i := range each {
		at := f.facts.First + int64(i)*(f.facts.Last-f.facts.First)/each
		s = append(s, graphSegment{t: at, frame: s[0].frame, q: int64(i) * 1448, l: 1448})
		a = append(a, graphACK{t: at, frame: s[0].frame, a: int64(i) * 1448, w: 1 << 20, sack: [][2]int64{{int64(i+2) * 1448, int64(i+3) * 1448}}})
	}
	f.segs[0], f.acks[0] = s, a
	var b bytes.Buffer
	if err := HTML(&b, res, r, HTMLOptions{Gallery: g}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	act(t, ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate("file://"+path))
	// Two clicks show the half and all again: each draws anew. The fastest of five counts, for other work disturbs.
	const measure = `new Promise(done => {
		const b = k => document.querySelector('[data-act="' + k + '"]'), times = [];
		const round = () => {
			const t = performance.now();
			b("in").click(); b("all").click();
			queueMicrotask(() => queueMicrotask(() => { times.push(performance.now() - t); times.length < 5 ? setTimeout(round, 20) : done(Math.min(...times)); }));
		};
		round();
	})`
	limit, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	ms, err := chromedp.Run(limit, chromedp.Evaluate[float64](measure, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d points, a page of %d octets: drawn in %.0f ms", 2*each, b.Len(), ms)
	const most = 1000 // ms; a machine without work needs a tenth of it
	if ms > most {
		t.Errorf("drawing %d points takes %.0f ms, more than %d", 2*each, ms, most)
	}
}
