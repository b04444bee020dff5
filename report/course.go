package report

import (
	"strconv"

	"whydrop/analyze"
	"whydrop/analyze/cause"
	"whydrop/analyze/pattern"
)

// bitRate writes octets a second in bits: 4.8 Mbit/s, 640 kbit/s.
func bitRate(octets float64) string {
	bits := 8 * octets
	switch {
	case bits < 999_500:
		return count(uint64(bits/1e3+0.5)) + " kbit/s"
	case bits < 999.5e6:
		return twoDigits(bits/1e6) + " Mbit/s"
	}
	return twoDigits(bits/1e9) + " Gbit/s"
}

func spell(seconds float64) string { return duration(int64(seconds * 1e9)) }

func size(n float64) string { return octets(uint64(max(n, 0) + 0.5)) }

func decimal(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) }

// mainFinding is what the course tells of most packets of charges.
func mainFinding(charges []*analyze.Charge) *pattern.Finding {
	packets := map[*pattern.Finding]uint64{}
	var best *pattern.Finding
	for _, c := range charges {
		if c.Told == nil {
			continue
		}
		packets[c.Told] += c.Packets
		if best == nil || packets[c.Told] > packets[best] {
			best = c.Told
		}
	}
	return best
}

// courseWords says the cause of a group with what was estimated.
func courseWords(charges []*analyze.Charge) string {
	f := mainFinding(charges)
	if f == nil {
		return ""
	}
	v := &f.Evidence
	switch f.Cause {
	case cause.Policer:
		switch {
		case v.PolicerRate == 0:
			return "a policer"
		case v.RateAtLeast:
			return "a policer of at least " + bitRate(v.PolicerRate)
		}
		return "a policer near " + bitRate(v.PolicerRate)
	case cause.RandomLoss:
		if v.Bursty() {
			return "random losses in bursts"
		}
		return "single random losses"
	case cause.MTUBlackHole:
		return "a hole for packets beyond " + count(uint64(v.MaxPassed)) + " octets"
	}
	return ""
}

// burstsOf is the model of bursts that f tells; nil if they are none.
func burstsOf(f *pattern.Finding) *Bursts {
	v := &f.Evidence
	if f.Cause != cause.RandomLoss || !v.Bursty() || v.BadShare == 0 {
		return nil
	}
	m := &Bursts{MeanRun: round(v.MeanRun, 3), RunsEvery: round(1/v.BadShare, 3)}
	if v.Gain > 0 {
		m.BadPackets, m.BadEvery = round(1/v.Leaves, 3), round(1/v.Enters, 3)
		m.BadLoss, m.Gain = round(1-v.Through, 4), round(v.Gain, 3)
	}
	return m
}

// briefly is told for the first screen.
func briefly(f *pattern.Finding) string {
	v := &f.Evidence
	if f.Clockwork() {
		return clockwork(f)
	}
	switch f.Cause {
	case cause.Policer:
		if v.Firsts > 0 {
			return count(uint64(v.Empty)) + " of " + count(uint64(v.Firsts)) + " first losses met an empty bucket. The delay beside them is " +
				spell(v.FirstMed) + "; such a queue would make it " + spell(v.Delay) + "."
		}
	case cause.QueueOverflow:
		return count(uint64(v.Near)) + " of " + counted(uint64(v.Delayed), "episode") + " began near the highest delay, " +
			spell(v.P99) + "; " + share(uint64(v.NearAll*1e6), 1e6) + " of the packets travelled there."
	case cause.RandomLoss:
		s := "They are at any delay, and no token bucket explains them."
		switch {
		case v.Gain > 0:
			s += " In bad times of " + twoDigits(1/v.Leaves) + " packets " + share(uint64((1-v.Through)*1e6), 1e6) + " are lost."
		case v.Bursty():
			s += " The mean run is of " + twoDigits(v.MeanRun) + "."
		}
		return s
	}
	return told(f)
}

// told is the sentence that explains a finding by the numbers that decided.
func told(f *pattern.Finding) string {
	if f == nil {
		return ""
	}
	v := &f.Evidence
	if f.Clockwork() {
		return clockwork(f) + estimated(v)
	}
	switch f.Cause {
	case cause.Policer:
		return policed(f, v)
	case cause.QueueOverflow:
		return queued(v)
	case cause.RandomLoss:
		return byChance(v)
	case cause.LinkOutage:
		return "Nothing got through for " + duration(v.To-v.From) + ": " + counted(uint64(v.Outages), "packet") +
			" in a row " + was(uint64(v.Outages)) + " lost."
	case cause.MTUBlackHole:
		s := "Every lost packet had " + count(uint64(v.MinLost)) + " octets or more"
		if v.MaxPassed == 0 {
			return s + ", and no data arrived at all."
		}
		return s + "; the longest that arrived had " + count(uint64(v.MaxPassed)) + "."
	}
	return ""
}

func policed(f *pattern.Finding, v *pattern.Evidence) string {
	s := ""
	if f.Row == "sibling" {
		s = "Another flow of this direction meets a policer, and the delay beside these losses, " + spell(v.FirstMed) +
			", is as low. "
	}
	if v.Firsts == 0 {
		return s
	}
	s += count(uint64(v.Empty)) + " of " + count(uint64(v.Firsts)) + " first losses met an empty bucket of " + size(v.Size) + " filled at " + bitRate(v.Rate) +
		"; a queue of that size would have delayed the packets beside them by " + spell(v.Delay) +
		"; they were delayed by " + spell(v.FirstMed) + "."
	return s + estimated(v)
}

// estimated says what a policer or a queue lets pass.
func estimated(v *pattern.Evidence) string {
	switch {
	case v.Burst > 0 && v.PolicerRate > 0:
		return " It lets " + atLeast(v.BurstAtLeast) + size(v.Burst) + " pass at once, and then " + atLeast(v.RateAtLeast) +
			bitRate(v.PolicerRate) + "."
	case v.QueueRate > 0 && v.QueueSize == 0:
		return " The bottleneck passes near " + bitRate(v.QueueRate) + "."
	case v.QueueRate > 0:
		return " The bottleneck passes near " + bitRate(v.QueueRate) + " and holds near " + size(v.QueueSize) + "."
	}
	return ""
}

// punctual, s: delays below it are not worth a figure.
const punctual = 0.001

// clockwork says that a steady sender loses something as regularly as it sends.
func clockwork(f *pattern.Finding) string {
	v := &f.Evidence
	s := "A sender with a steady pace lost something " + counted(uint64(v.Runs), "time") + ", as regularly as a limit on its rate makes it"
	if f.Cause == cause.QueueOverflow {
		return s + ", at a delay of " + spell(v.FirstMed) + "; the highest is " + spell(v.P99) + "."
	}
	if v.P99 < punctual {
		return s + "; what passed was on time."
	}
	return s + "; nothing that passed was late by more than " + spell(v.P99) + "."
}

func atLeast(yes bool) string {
	if yes {
		return "at least "
	}
	return ""
}

func queued(v *pattern.Evidence) string {
	return count(uint64(v.Near)) + " of " + counted(uint64(v.Delayed), "loss episode") +
		" began at 75 % or more of the highest delay, " + spell(v.P99) + ", where " +
		share(uint64(v.NearAll*1e6), 1e6) + " of the packets travelled (mean rank " + decimal(v.FirstRank) + ", z " +
		decimal(v.Z) + ")." + estimated(v)
}

func byChance(v *pattern.Evidence) string {
	s := "The losses are at any delay (mean rank " + decimal(v.FirstRank) + ", z " + decimal(v.Z) + ", " +
		counted(uint64(v.Episodes), "episode") + "), and no token bucket explains them (J " + decimal(max(v.J, 0)) + ")."
	switch {
	case v.Gain > 0:
		s += " They come in bad times of " + twoDigits(1/v.Leaves) + " packets, one behind every " + count(uint64(1/v.Enters+0.5)) +
			"; " + share(uint64((1-v.Through)*1e6), 1e6) + " are lost in them."
	case v.Bursty():
		s += " They come in runs of " + twoDigits(v.MeanRun) + " packets"
		if v.BadShare > 0 {
			s += ", one behind every " + count(uint64(1/v.BadShare+0.5)) + " that pass"
		}
		s += "."
	}
	return s
}
