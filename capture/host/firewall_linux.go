package host

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"

	"whydrop/capture"
)

// A firewall is that of the namespace: nftables, what iptables-nft wrote into it,
// and iptables-legacy.
type firewall struct {
	conn *nftables.Conn
}

// programTime is how long a program that lists rules may take.
const programTime = 5 * time.Second

// rules lists all of them, with their counters as they stand.
func (f *firewall) rules() (rules []capture.Rule, absent []capture.Absent) {
	const costs = "a rule that drops cannot be named"
	rules, err := f.nft()
	switch {
	case errors.Is(err, syscall.EPERM):
		absent = append(absent, capture.Absent{What: "firewall rules", Why: "needs CAP_NET_ADMIN", Costs: costs})
	case err != nil:
		absent = append(absent, capture.Absent{What: "firewall rules", Why: err.Error(), Costs: costs})
	}
	for _, of := range []struct{ family, names, program string }{
		{"ip", "ip_tables_names", "iptables-legacy-save"},
		{"ip6", "ip6_tables_names", "ip6tables-legacy-save"},
	} {
		// The file is there if the module is; the program would make tables that are not.
		names, err := os.ReadFile("/proc/thread-self/net/" + of.names)
		if err != nil || len(names) == 0 {
			if errors.Is(err, os.ErrPermission) {
				absent = append(absent, capture.Absent{What: "rules of iptables-legacy", Why: "needs root",
					Costs: "if there are any, one that drops cannot be named"})
			}
			continue
		}
		text, err := output(of.program, "-c")
		if err != nil {
			absent = append(absent, capture.Absent{What: "rules of iptables-legacy",
				Why: of.program + ": " + err.Error(), Costs: costs})
			continue
		}
		rules = append(rules, savedRules(text, of.family, true)...)
	}
	return rules, absent
}

// output runs a program that lists rules.
func output(program string, arguments ...string) (string, error) {
	ctx, stop := context.WithTimeout(context.Background(), programTime)
	defer stop()
	text, err := exec.CommandContext(ctx, program, arguments...).Output()
	return string(text), err
}

// nft lists the rules of nftables by netlink, with the texts of the programs.
func (f *firewall) nft() ([]capture.Rule, error) {
	if f.conn == nil {
		conn, err := nftables.New(nftables.AsLasting())
		if err != nil {
			return nil, err
		}
		f.conn = conn
	}
	chains, err := f.conn.ListChains()
	if err != nil {
		return nil, err
	}
	var rules []capture.Rule
	compat := make(map[string]bool)
	for _, c := range chains {
		if strings.HasPrefix(c.Table.Name, traceTable) {
			continue
		}
		base := capture.Rule{Family: familyName(c.Table.Family), Table: c.Table.Name, Chain: c.Name, Hook: hookName(c)}
		if c.Policy != nil && *c.Policy == nftables.ChainPolicyDrop {
			policy := base
			policy.Text, policy.Verdict = "policy drop", "drop"
			rules = append(rules, policy)
		}
		found, err := f.conn.GetRules(c.Table, c)
		if err != nil {
			continue // the chain went meanwhile
		}
		for i, r := range found {
			rule := base
			rule.Handle, rule.Number = r.Handle, i+1
			if describe(&rule, r.Exprs) {
				compat[base.Family] = true
			}
			rules = append(rules, rule)
		}
	}
	spell(rules, compat)
	return rules, nil
}

// spell fills in the texts of rules as the programs print them, where there are
// programs; else what could be told from the expressions stays.
func spell(rules []capture.Rule, compat map[string]bool) {
	if len(rules) == 0 {
		return
	}
	if text, err := output("nft", "-a", "list", "ruleset"); err == nil {
		texts := nftTexts(text)
		for i := range rules {
			r := &rules[i]
			if t := texts[ruleName{r.Family, r.Table, r.Chain, r.Handle}]; r.Handle != 0 && t != "" {
				r.Text = t
			}
		}
	}
	for family, program := range map[string]string{"ip": "iptables-nft-save", "ip6": "ip6tables-nft-save"} {
		if !compat[family] {
			continue
		}
		text, err := output(program)
		if err != nil {
			continue
		}
		type place struct {
			table, chain string
			number       int
		}
		texts := make(map[place]string)
		for _, r := range savedRules(text, family, false) {
			texts[place{r.Table, r.Chain, r.Number}] = r.Text
		}
		for i := range rules {
			r := &rules[i]
			if t := texts[place{r.Table, r.Chain, r.Number}]; r.Family == family && r.Number > 0 && t != "" && !legacyOnly(r) {
				r.Text = t
			}
		}
	}
}

// legacyOnly is whether a rule is not in nftables at all.
func legacyOnly(r *capture.Rule) bool { return r.Handle == 0 }

// describe reads what a rule does, and tells whether iptables-nft wrote it.
func describe(r *capture.Rule, expressions []expr.Any) (compat bool) {
	var words []string
	for _, e := range expressions {
		switch x := e.(type) {
		case *expr.Counter:
			r.Packets, r.Octets, r.Counted = x.Packets, x.Bytes, true
			words = append(words, "counter")
		case *expr.Verdict:
			r.Verdict = verdictName(x)
			words = append(words, r.Verdict)
		case *expr.Reject:
			r.Verdict = "reject"
			words = append(words, r.Verdict)
		case *expr.Target:
			r.Verdict, compat = strings.ToLower(x.Name), true
			words = append(words, r.Verdict)
		case *expr.Match:
			compat = true
			words = append(words, x.Name)
		case *expr.Limit:
			words = append(words, "limit")
		case *expr.Ct:
			words = append(words, "ct")
		case *expr.Lookup:
			words = append(words, "@"+x.SetName)
		case *expr.Numgen:
			words = append(words, "numgen")
		case *expr.Log:
			words = append(words, "log")
		case *expr.Fib:
			words = append(words, "fib")
		}
	}
	r.Text = strings.Join(words, " ")
	return compat || r.Verdict == "drop" && builtIn[r.Chain] && (r.Family == "ip" || r.Family == "ip6")
}

func verdictName(v *expr.Verdict) string {
	switch v.Kind {
	case expr.VerdictDrop:
		return "drop"
	case expr.VerdictAccept:
		return "accept"
	case expr.VerdictQueue:
		return "queue"
	case expr.VerdictReturn:
		return "return"
	case expr.VerdictJump:
		return "jump " + v.Chain
	case expr.VerdictGoto:
		return "goto " + v.Chain
	}
	return ""
}

// familyName is the word of nft for a family.
func familyName(f nftables.TableFamily) string {
	switch f {
	case nftables.TableFamilyINet:
		return "inet"
	case nftables.TableFamilyIPv4:
		return "ip"
	case nftables.TableFamilyIPv6:
		return "ip6"
	case nftables.TableFamilyARP:
		return "arp"
	case nftables.TableFamilyNetdev:
		return "netdev"
	case nftables.TableFamilyBridge:
		return "bridge"
	}
	return ""
}

// hookName is where the kernel calls a base chain. The numbers of the netdev family
// are its own.
func hookName(c *nftables.Chain) string {
	if c.Hooknum == nil {
		return ""
	}
	names := []string{"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING", "INGRESS"}
	switch c.Table.Family {
	case nftables.TableFamilyNetdev:
		names = []string{"INGRESS", "EGRESS"}
	case nftables.TableFamilyARP:
		names = []string{"INPUT", "OUTPUT", "FORWARD"}
	}
	if n := int(*c.Hooknum); n < len(names) {
		return names[n]
	}
	return ""
}

func (f *firewall) close() {
	if f.conn != nil {
		_ = f.conn.CloseLasting()
	}
}
