package host

import (
	"regexp"
	"strconv"
	"strings"

	"whydrop/capture"
)

// A ruleKey names a rule over two looks at the firewall. Those of nftables have
// handles; of iptables-legacy their place and text must do.
type ruleKey struct {
	family, table, chain string
	handle               uint64
	number               int
	text                 string
	legacy               bool
}

func keyOf(r *capture.Rule) ruleKey {
	k := ruleKey{family: r.Family, table: r.Table, chain: r.Chain, handle: r.Handle, legacy: r.Legacy}
	if r.Handle == 0 {
		k.number, k.text = r.Number, r.Text
	}
	return k
}

// mostRules bounds the rules that are reported.
const mostRules = 1024

// ruleDeltas is what the rules did between two looks: those that drop or reject,
// or that moved. A rule that was made meanwhile counts from zero; of one that is
// gone only its text is known.
func ruleDeltas(before, after []capture.Rule) (kept []capture.Rule, omitted int) {
	then := make(map[ruleKey]*capture.Rule, len(before))
	for i := range before {
		then[keyOf(&before[i])] = &before[i]
	}
	kept = []capture.Rule{}
	var moved []capture.Rule
	take := func(r capture.Rule) {
		if drops(r.Verdict) {
			kept = append(kept, r)
		} else if r.Packets > 0 || r.Traced > 0 {
			moved = append(moved, r)
		}
	}
	for _, r := range after {
		key := keyOf(&r)
		if old := then[key]; old != nil {
			r.Packets, r.Octets = advanced(old.Packets, r.Packets), advanced(old.Octets, r.Octets)
			delete(then, key)
		}
		take(r)
	}
	for i := range before {
		if then[keyOf(&before[i])] != nil {
			r := before[i]
			r.Packets, r.Octets, r.Counted = 0, 0, false
			take(r)
		}
	}
	kept = append(kept, moved...)
	if len(kept) > mostRules {
		return kept[:mostRules], len(kept) - mostRules
	}
	return kept, 0
}

// drops is whether a verdict ends a packet.
func drops(verdict string) bool { return verdict == "drop" || verdict == "reject" }

// A ruleName is where nft prints a rule.
type ruleName struct {
	family, table, chain string
	handle               uint64
}

// counted are the values of a counter, which are no part of a rule.
var counted = regexp.MustCompile(`(\bcounter) packets \d+ bytes \d+`)

// nftTexts reads the rules of "nft -a list ruleset": their texts.
func nftTexts(text string) map[ruleName]string {
	texts := make(map[ruleName]string)
	var at ruleName
	depth, chainDepth := 0, -1
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		rule, comment, commented := strings.Cut(line, " # handle ")
		if i := strings.LastIndex(line, " # handle "); i >= 0 { // the text may have the words, too
			rule, comment = line[:i], line[i+len(" # handle "):]
		}
		words := strings.Fields(rule)
		switch {
		case line == "}":
			if depth--; depth < chainDepth {
				chainDepth = -1
			}
		case strings.HasSuffix(rule, " {"):
			depth++
			if len(words) == 4 && words[0] == "table" {
				at = ruleName{family: words[1], table: words[2]}
			} else if len(words) == 3 && words[0] == "chain" {
				at.chain, chainDepth = words[1], depth
			}
		case commented && depth == chainDepth:
			if n, err := strconv.ParseUint(strings.TrimSpace(comment), 10, 64); err == nil {
				at.handle = n
				texts[at] = counted.ReplaceAllString(strings.TrimSpace(rule), "$1")
			}
		}
	}
	return texts
}

// builtIn are the chains of iptables that a hook calls.
var builtIn = map[string]bool{"PREROUTING": true, "INPUT": true, "FORWARD": true, "OUTPUT": true, "POSTROUTING": true}

// savedRules reads the output of iptables-save, with -c or without.
func savedRules(text, family string, legacy bool) (rules []capture.Rule) {
	table := ""
	number := make(map[string]int)
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		packets, octets, counted := uint64(0), uint64(0), false
		if rest, ok := strings.CutPrefix(line, "["); ok {
			count, rule, _ := strings.Cut(rest, "] ")
			packets, octets, counted = savedCount(count)
			line = rule
		}
		switch {
		case strings.HasPrefix(line, "*"):
			table = line[1:]
			clear(number)
		case strings.HasPrefix(line, ":"):
			words := strings.Fields(line[1:])
			if len(words) < 2 || words[1] == "-" {
				continue
			}
			r := capture.Rule{Family: family, Table: table, Chain: words[0], Hook: words[0],
				Text: "policy " + words[1], Verdict: strings.ToLower(words[1]), Legacy: legacy}
			if len(words) > 2 {
				r.Packets, r.Octets, r.Counted = savedCount(strings.Trim(words[2], "[]"))
			}
			rules = append(rules, r)
		case strings.HasPrefix(line, "-A "):
			words := strings.Fields(line)
			if len(words) < 2 {
				continue
			}
			number[words[1]]++
			r := capture.Rule{Family: family, Table: table, Chain: words[1], Number: number[words[1]],
				Text: line, Verdict: jump(words), Legacy: legacy, Counted: counted, Packets: packets, Octets: octets}
			if builtIn[words[1]] {
				r.Hook = words[1]
			}
			rules = append(rules, r)
		}
	}
	return rules
}

// savedCount reads "12:3456".
func savedCount(text string) (packets, octets uint64, ok bool) {
	p, o, _ := strings.Cut(text, ":")
	packets, err1 := strconv.ParseUint(p, 10, 64)
	octets, err2 := strconv.ParseUint(o, 10, 64)
	return packets, octets, err1 == nil && err2 == nil
}

// jump is what a rule of iptables does: its target, in lower case.
func jump(words []string) string {
	for i, w := range words {
		if (w == "-j" || w == "-g") && i+1 < len(words) {
			return strings.ToLower(words[i+1])
		}
	}
	return ""
}
