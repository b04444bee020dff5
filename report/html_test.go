package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"whydrop/analyze"
	"whydrop/analyze/cause"
)

// pageOf is the page of a shipped capture.
func pageOf(t *testing.T, res *analyze.Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := HTML(&b, res, Build(res, BuildOptions{Version: "test"}), HTMLOptions{Without: "It was not looked at again."}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var (
	scripts = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
	styles  = regexp.MustCompile(`(?s)<style>(.*?)</style>`)
	values  = regexp.MustCompile(`="[^"]*"`)
	events  = regexp.MustCompile(`<[a-zA-Z][^>]*\s(on[a-z]+|style|src|srcset|action|background|poster)\s*=`)
)

// checkPolicy holds that the page runs and loads nothing but itself: CSP Level 3.
func checkPolicy(t *testing.T, page string) {
	t.Helper()
	_, policy, _ := strings.Cut(page, `http-equiv="Content-Security-Policy" content="`)
	policy, _, _ = strings.Cut(policy, `"`)
	policy = strings.NewReplacer("&#39;", "'", "&#43;", "+").Replace(policy)
	if !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q allows more than its own scripts and style", policy)
	}
	var parts []string
	for _, m := range append(scripts.FindAllStringSubmatch(page, -1), styles.FindAllStringSubmatch(page, -1)...) {
		parts = append(parts, m[1])
	}
	if len(parts) != 3 {
		t.Errorf("%d scripts and styles, want 3", len(parts))
	}
	for _, p := range parts {
		sum := sha256.Sum256([]byte(p))
		if hash := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(policy, hash) {
			t.Errorf("the policy does not allow the part that begins %.40q", p)
		}
	}
	bare := styles.ReplaceAllString(scripts.ReplaceAllString(page, ""), "")
	bare = values.ReplaceAllString(bare, `=""`)
	if m := events.FindString(bare); m != "" {
		t.Errorf("the policy forbids %q", m)
	}
	if strings.Contains(bare, "http://") || strings.Contains(bare, "https://") {
		t.Error("the page names something outside itself")
	}
}

// TestPageOfEachSituation holds that every verdict makes a whole page that repeats it.
func TestPageOfEachSituation(t *testing.T) {
	for name, res := range situations() {
		t.Run(name, func(t *testing.T) {
			page := pageOf(t, res)
			checkPolicy(t, page)
			r := Build(res, BuildOptions{Version: "test"})
			if want := string(pageText(r.Verdict.Sentence)); !strings.Contains(page, `<h1 id="h-v">`+want+`</h1>`) {
				t.Errorf("the page does not begin with %q", want)
			}
			for i := range r.Verdict.Groups {
				if want := ">" + groupedThin(r.Verdict.Groups[i].Packets) + "</td>"; r.Verdict.State != StateTooLossy && !strings.Contains(page, want) {
					t.Errorf("the ledger lacks %q", want)
				}
			}
			checkLinks(t, page)
			checkNesting(t, page)
		})
	}
}

var (
	ids   = regexp.MustCompile(` id="([^"]*)"`)
	links = regexp.MustCompile(` href="#([^"]*)"`)
	tags  = regexp.MustCompile(`<(/?)([a-zA-Z][a-zA-Z0-9]*)([^>]*)>`)
)

// checkLinks holds that each link has its target, and each target one name.
func checkLinks(t *testing.T, page string) {
	t.Helper()
	known := map[string]bool{}
	for _, m := range ids.FindAllStringSubmatch(page, -1) {
		if known[m[1]] {
			t.Errorf("two elements are called %q", m[1])
		}
		known[m[1]] = true
	}
	for _, m := range links.FindAllStringSubmatch(page, -1) {
		if !known[m[1]] {
			t.Errorf("a link leads to %q, which is not there", m[1])
		}
	}
}

// checkNesting holds that what is opened is closed, in its order.
func checkNesting(t *testing.T, page string) {
	t.Helper()
	alone := map[string]bool{"meta": true, "input": true, "br": true}
	var open []string
	for _, m := range tags.FindAllStringSubmatch(styles.ReplaceAllString(scripts.ReplaceAllString(page, ""), ""), -1) {
		switch {
		case alone[m[2]] || strings.HasSuffix(m[3], "/"):
		case m[1] == "":
			open = append(open, m[2])
		case len(open) == 0 || open[len(open)-1] != m[2]:
			t.Fatalf("</%s> closes %v", m[2], open)
		default:
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("%v stay open", open)
	}
}

// TestNothingHostileReachesThePage puts hostile strings wherever a string from outside
// can go, and holds that none of them is more than text.
func TestNothingHostileReachesThePage(t *testing.T) {
	evils := append([]string{
		`"><img src=x onerror=alert(1)>`, `</script><script>alert(1)</script>`, `</style><style>*{display:none}</style>`, `' onmouseover='alert(1)`,
		`<!--`, `{{.R}}`, `javascript:alert(1)`, "`<b>`", `&lt;script&gt;`, `]]>`,
	}, hostile...)
	for _, evil := range evils {
		res := cutFile()
		res.Inputs[0].Path, res.Inputs[0].Damage.What, res.Inputs[0].Format = evil, evil, evil
		res.Tap.Evidence = []string{evil}
		res.Audit = []analyze.AuditFinding{{Finding: evil, Detail: evil, Lowers: true}}
		c := &res.Ledger.Charges[0]
		c.Rivals = []analyze.Rival{{Cause: cause.ID(evil), Why: evil}}
		c.Cause = cause.ID(evil)
		testify(res, c, evil)
		var b bytes.Buffer
		if err := HTML(&b, res, Build(res, BuildOptions{Version: evil}), HTMLOptions{Without: evil, Command: evil}); err != nil {
			t.Fatal(err)
		}
		page := b.String()
		checkPolicy(t, page)
		checkNesting(t, page)
		bare := styles.ReplaceAllString(scripts.ReplaceAllString(page, ""), "")
		if strings.Contains(bare, "<img") || strings.Contains(bare, "<!--") || strings.Count(bare, "<script") != 1 {
			t.Errorf("%q became more than text", evil)
		}
		if !utf8.ValidString(page) {
			t.Errorf("%q: not UTF-8", evil)
		}
		for _, c := range bare {
			if c != '\n' && string(c) != thinSpace && string(c) != hardSpace && !visible(c) {
				t.Errorf("%q: %U came out", evil, c)
				break
			}
		}
	}
}
