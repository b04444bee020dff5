package analyze

import "whydrop/analyze/flow"

// untimedFrames: so many frames must agree that the clock says nothing. That as many
// have whole seconds by chance does not happen.
const untimedFrames = 8

// untimed reports whether the times of the frames say nothing: all are the same,
// as in blocks of pcapng that hold none (SPB), or they have whole seconds. What
// passed before what the file still tells, but not how long after.
func (res *Result) untimed() bool {
	return res.Counts.Frames >= untimedFrames && res.NoTimes
}

// setBack reports whether the clock was set back during the capture: then delays
// before that are not those after it.
func (res *Result) setBack() bool { return res.Unsorted > 0 }

// byClock reports whether only the time between two packets made a rule speak.
func byClock(l *flow.Lost) bool {
	return byTime(l.Rule) && l.Rule != flow.RuleEchoed || l.Rule == flow.RuleSYN && l.Place == flow.BeforeTap
}

// times tells of a clock that says nothing.
func (a *auditor) times() {
	if !a.res.untimed() {
		return
	}
	what := "have whole seconds only"
	if a.res.First == a.res.Last {
		what = "are the same"
	}
	a.find("no-times", a.res.Counts.Frames, true, "the times of all frames %s: what depends on time is not told", what)
}

// behindACKs tells of packets that were recorded behind their own acknowledgements:
// delays between the two directions are wrong by as much.
func (a *auditor) behindACKs() {
	var n uint64
	for _, f := range a.res.Flows {
		n += uint64(f.Dir[0].BehindACK) + uint64(f.Dir[1].BehindACK)
	}
	if n > 0 {
		a.find("effect-first", n, false, "%s: the two directions have different clocks or queues, and delays are not exact",
			many(n, "packet is recorded behind its own acknowledgement", "packets are recorded behind their own acknowledgements"))
	}
}
