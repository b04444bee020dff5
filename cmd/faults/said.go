//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// said is what whydrop said, as far as it is judged.
type said struct {
	Verdict struct {
		Sentence    string   `json:"sentence"`
		State       string   `json:"state"`
		Lost        uint64   `json:"lost"`
		CaptureOnly uint64   `json:"capture_only"`
		Unexplained uint64   `json:"unexplained"`
		Groups      []group  `json:"groups"`
		Also        []string `json:"also"`
		Advice      []string `json:"advice"`
	} `json:"verdict"`
	Ledger struct {
		Charges []struct {
			Cause string `json:"cause"`
			Host  *struct {
				Rule     string `json:"rule"`
				RuleText string `json:"rule_text"`
				Process  string `json:"process"`
				PID      int    `json:"pid"`
			} `json:"host"`
		} `json:"charges"`
	} `json:"ledger"`
	Conclusions []struct {
		Cause string `json:"cause"`
		Say   string `json:"say"`
	} `json:"conclusions"`
	Inputs []struct {
		Frames uint64 `json:"frames"`
	} `json:"inputs"`
	Capture struct {
		Trust string `json:"trust"`
	} `json:"capture"`
	Host []struct {
		Absent []struct {
			What  string `json:"what"`
			Why   string `json:"why"`
			Costs string `json:"costs"`
		} `json:"absent"`
	} `json:"host"`
}

// A group is a line of the verdict.
type group struct {
	Packets    uint64   `json:"packets"`
	Locus      string   `json:"locus"`
	Cause      string   `json:"cause"`
	Phrase     string   `json:"phrase"`
	Confidence string   `json:"confidence"`
	Seen       string   `json:"seen"`
	Do         []string `json:"do"`
}

func read(report []byte) (*said, error) {
	s := new(said)
	if err := json.Unmarshal(report, s); err != nil {
		return nil, fmt.Errorf("the report cannot be read: %w", err)
	}
	return s, nil
}

// words are all that names somebody.
func (s *said) words() string {
	var b strings.Builder
	for _, g := range s.Verdict.Groups {
		fmt.Fprintln(&b, g.Phrase, g.Seen, g.Do)
	}
	for _, c := range s.Ledger.Charges {
		if c.Host != nil {
			fmt.Fprintln(&b, c.Host.Rule, c.Host.RuleText, c.Host.Process, c.Host.PID)
		}
	}
	for _, c := range s.Conclusions {
		fmt.Fprintln(&b, c.Say)
	}
	fmt.Fprintln(&b, s.Verdict.Also, s.Verdict.Advice)
	return b.String()
}

// essence is what the report of a file must have in common with that of the live run.
func (s *said) essence() string {
	return fmt.Sprintf("%s|%+v|%v|%v", s.Verdict.Sentence, s.Verdict.Groups, s.Verdict.Also, s.Conclusions)
}

// short is what was said in few words.
func (s *said) short() string {
	var parts []string
	for _, g := range s.Verdict.Groups {
		p := g.Cause + " @ " + g.Locus
		if !slices.Contains(parts, p) {
			parts = append(parts, p)
		}
	}
	for _, c := range s.Conclusions {
		if !slices.Contains(parts, c.Cause) {
			parts = append(parts, c.Cause)
		}
	}
	if s.Verdict.Unexplained > 0 {
		parts = append(parts, fmt.Sprintf("%d unexplained", s.Verdict.Unexplained))
	}
	if len(parts) == 0 {
		return s.Verdict.State
	}
	return strings.Join(parts, ", ")
}

// inCapture is the place of packets that only the capture lacks.
const inCapture = "capture"

// frames is how many the capture holds.
func (s *said) frames() (n uint64) {
	for _, in := range s.Inputs {
		n += in.Frames
	}
	return n
}

// Two counts of the same packets may differ so far.
const (
	slackPackets = 2
	slackPercent = 2
)

func agree(a, b uint64) bool {
	d := max(a, b) - min(a, b)
	return d <= slackPackets || d*100 <= slackPercent*max(a, b)
}

// wrong is what is wrong with s, of a fault that lost so many packets.
func (v *verdict) wrong(s *said, lost uint64) (wrong []string) {
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	counted, sure := uint64(0), v.less
	if sure == "" {
		sure = "certain"
	}
	other := false
	for _, g := range s.Verdict.Groups {
		if v.and != "" && g.Cause == v.and {
			other = true
			continue
		}
		if v.cause == "" || g.Cause != v.cause || g.Locus != v.locus {
			bad("blamed %s: %d packets, %q (%s)", g.Locus, g.Packets, g.Phrase, g.Cause)
			continue
		}
		counted += g.Packets
		if g.Confidence != sure {
			bad("%s, not %s", g.Confidence, sure)
		}
	}
	if v.and != "" && !other {
		bad("%s is not said", v.and)
	}
	if v.cause != "" && !agree(counted, lost) {
		bad("said %d packets of %d", counted, lost)
	}
	if v.state != "" && s.Verdict.State != v.state {
		bad("it is %s, not %s: %s", s.Verdict.State, v.state, s.Verdict.Sentence)
	}
	if n := s.Verdict.Unexplained; n != v.siblings {
		bad("%d unexplained", n)
	}
	if n := s.Verdict.CaptureOnly; n > 0 && v.locus != inCapture {
		bad("%d said to lack in the capture only", n)
	}
	if n := s.Verdict.Lost; n > 0 && v.locus == inCapture {
		bad("%d said to be lost", n)
	}
	told := map[string]bool{}
	for _, c := range s.Conclusions {
		told[c.Cause] = true
		if slices.Contains(v.tells, c.Cause) || c.Cause == v.cause && v.cause != "" || slices.Contains(v.beside, c.Cause) {

			continue
		}
		bad("told %s: %s", c.Cause, c.Say)
	}
	for _, id := range v.tells {
		if !told[id] {
			bad("%s is not told", id)
		}
	}
	for _, name := range v.missing(s) {
		bad("%q is not named", name)
	}
	return wrong
}

// missing are the names that s does not hold.
func (v *verdict) missing(s *said) (missing []string) {
	words := s.words()
	for _, n := range v.named {
		if !strings.Contains(words, n) {
			missing = append(missing, n)
		}
	}
	return missing
}
