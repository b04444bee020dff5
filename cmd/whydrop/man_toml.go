package main

import (
	"strings"

	"github.com/spf13/cobra"
)

const policyText = `A policy for check is another TOML file. What it does not know is an error: a rule that is
misspelt would be no rule.

  require = ["ledger.lost_rate < 0.1%"]
  fail_if = ["charges[cause=policer].packets > 0"]
  accept = ["empty"]           # cannot-tell, too-lossy, empty, truncated
  at = "sender"                # the place of the tap
  baseline = "baseline.json"   # beside the policy

  [[files]]                    # for captures by their names
  match = "udp-*.pcapng"       # of the last elements of the path
  require = ["checksums.udp.bad == 0"]
  accept = ["cannot-tell"]
  at = "receiver"
  instead = true               # of the rules for all, not beside them

  [run]                        # the whole run
  require = ["files >= 10", "lost_rate < 1%"]

  [tolerance]                  # of a comparison with the baseline
  all = "0"                    # strict; or by figure:
  lost = "10% + 2"             # cause, new_cause, lost, retransmissions,
  stall_ms = "20% + 200ms"     # stall_ms, checksum_bad`

const ruleText = `A rule compares figures of the report, named by their paths in --format json:

  ledger.lost_rate < 0.1%
  symptoms.retransmission.total / verdict.packets < 1%
  flows[port=443].stall_ms.p99 < 200ms
  charges[cause=policer, confidence>=likely].packets == 0
  verdict.state == lost or not capture.sound

Figures are compared with <, <=, >, >=, == and !=, reckoned with +, -, * and / (a minus stands
between blanks), and joined with and, or, not and brackets. Units are % of shares, us, ms, s and
min of times, and k, M and G of counts. What cannot be compared is an error, and so is every name
that the report does not have.

Conditions in brackets select from a list. They take =, !=, <, <=, > and >=; words may hold *;
port and address mean either end of a flow or charge, and an address may be a prefix. "charges"
is short for ledger.charges, and flows[...] are all flows. Counts are added up; of anything else
say which: count, sum, min, max, mean, median, or a percentile, as p99 or p99.9.

A figure is what the capture can prove. Where there may have been more losses, a figure of losses
is "at least" what is known, and a rule that this leaves open cannot be told.`

// tomlPage is whydrop-toml(5).
func tomlPage(root *cobra.Command) string {
	r := newPage("whydrop-toml", "5", "settings of whydrop, and policies of whydrop check")
	r.head("SETTINGS")
	r.text(`Every flag that is no matter of the single call can be set in a file: by its long name, for all
commands that have it, or in the table of one command. What was typed decides over WHYDROP_FLAG in
the environment, that over ./.whydrop.toml, that over $XDG_CONFIG_HOME/whydrop/config.toml
(~/.config), and that over /etc/whydrop/config.toml. --config FILE takes one file instead, and
--config none takes none.

  color = "never"

  [analyze]
  at = "receiver"

  [check]
  policy = "traces/policy.toml"

A key that no command has is an error. Where something is written, and what may be done, can only
be typed: a folder of captures may hold a .whydrop.toml of somebody else.`)
	r.head("KEYS")
	r.text("  " + strings.Join(configKeys(root), "\n  "))
	r.head("POLICIES")
	r.text(policyText)
	r.head("RULES")
	r.text(ruleText)
	r.head("SEE ALSO")
	r.b.WriteString(".BR whydrop (1),\n.BR whydrop\\-check (1)\n")
	return r.b.String()
}
