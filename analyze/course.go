package analyze

import (
	"cmp"
	"slices"

	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
	"whydrop/analyze/pattern"
)

// tellCourse looks at the course of all losses of each direction, for causes that
// no single packet shows. Where the times of frames are worthless, or the clock was set back, it sees nothing.
func tellCourse(res *Result, o Options) *pattern.Causes {
	trails := res.trails
	res.trails = nil
	slices.SortFunc(trails, func(a, b flow.Trail) int { return cmp.Or(cmp.Compare(a.Flow, b.Flow), cmp.Compare(a.Dir, b.Dir)) })
	if res.disordered() || res.setBack() || res.untimed() {
		trails = nil
	}
	told := pattern.Tell(trails, res.Flows, res.First, o.MaxFits)
	res.GaveUp.Trails += told.GaveUp
	return told
}

// course names the cause of ch where its own frames named none and the course
// of the losses around it tells.
//
// The charge then makes two claims, and its confidence is that of the weaker:
// where a packet was lost can be certain while why is only possible. How sure
// the place alone is, is kept in LocusConfidence, and neither raises the other.
func (c witnesses) course(ch *Charge, l *flow.Lost) {
	if ch.Locus != cause.Upstream && ch.Locus != cause.Downstream || !nameless(ch.Cause) {
		return
	}
	tail := l.Reason == flow.ReasonTail || l.Reason == flow.ReasonTailRepair
	f, sure, ok := c.told.Of(l)
	if !ok || tail && !tookTails(f.Cause) {
		return
	}
	if c.lossy && l.Place == flow.BeforeTap {
		sure = cause.Possible // what the capture dropped may be among what shaped the course
	}
	ch.Cause, ch.Told = f.Cause, f
	ch.CauseConfidence = sure
	ch.Confidence = min(ch.LocusConfidence, sure)
	ch.CauseRivals = courseRivals(f, sure)
}

// nameless reports whether a cause says what was lost, and not why.
func nameless(id cause.ID) bool {
	return id == cause.Unknown || id == cause.TailLoss || id == cause.LostRetransmission
}

// tookTails reports whether a cause takes the last packets of a flight because it
// takes everything: then it says more than that they were the last.
func tookTails(id cause.ID) bool { return id == cause.LinkOutage || id == cause.MTUBlackHole }

// shallow, s: a queue shorter than this hardly delays, and looks like a policer.
const shallow = 0.010

// courseRivals are the other explanations of the course of losses, by
// loss-causes.md §5: what is likely excludes them, what is possible does not.
func courseRivals(f *pattern.Finding, sure cause.Confidence) []Rival {
	v := &f.Evidence
	switch f.Cause {
	case cause.Policer:
		switch {
		case f.Row == "sibling":
			return []Rival{{cause.RandomLoss, "its own losses alone do not tell"}}
		case f.Clockwork() && sure == cause.Possible:
			return []Rival{{cause.QueueOverflow, "one that was full all the time delays all alike"}}
		case f.Clockwork():
			return []Rival{
				{cause.QueueOverflow, "what passes would be later than before the first loss"},
				{cause.RandomLoss, "these losses come too regularly"},
			}
		case v.Delay < shallow:
			return []Rival{{cause.QueueOverflow, "one of so few packets would hardly delay the others"}}
		case sure == cause.Possible:
			return []Rival{{cause.QueueOverflow, "the delay beside the losses is low, but too few of them tell"}}
		}
		return []Rival{
			{cause.QueueOverflow, "the delay would climb before a loss"},
			{cause.RandomLoss, "these losses follow the load"},
		}
	case cause.QueueOverflow:
		switch {
		case f.Rival == cause.Policer:
			return []Rival{{cause.Policer, "the delay climbs so little that a bucket explains it, too"}}
		case sure == cause.Possible:
			return []Rival{{cause.RandomLoss, "too few losses, or too far from the highest delay, to exclude chance"}}
		}
		return []Rival{
			{cause.Policer, "it would not delay what it lets pass"},
			{cause.RandomLoss, "it would be at any delay"},
		}
	case cause.RandomLoss:
		switch {
		case f.Rival == cause.TCPChecksum:
			return []Rival{{cause.TCPChecksum, "some packets of this direction were damaged"}}
		case f.Rival == cause.Policer:
			return []Rival{{cause.Policer, "one shared with traffic that is not in this capture looks the same"}}
		case sure == cause.Possible:
			return []Rival{{cause.QueueOverflow, "too few losses to exclude a limit somewhere"}}
		}
		return []Rival{
			{cause.QueueOverflow, "losses would be at the highest delays"},
			{cause.Policer, "no token bucket explains who was lost"},
		}
	case cause.LinkOutage:
		if sure == cause.Possible {
			return []Rival{{cause.QueueOverflow, "a buffer of seconds that is full swallows as much"}}
		}
		return []Rival{{cause.QueueOverflow, "something would have got through"}}
	case cause.MTUBlackHole:
		if sure == cause.Possible {
			return []Rival{{cause.Unknown, "a filter on data, or a receiver that died, looks the same"}}
		}
		return []Rival{{cause.RandomLoss, "it would have hit shorter packets, too"}}
	}
	return nil
}
