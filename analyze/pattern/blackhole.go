package pattern

import "whydrop/analyze/cause"

// Thresholds of row M, loss-causes.md §4.
const (
	holeTries  = 3
	holeRounds = 2
	holeRound  = 0.150 // s between tries that are of different rounds
	holeLeast  = 576   // octets: RFC 791 §3.1 has every host take that many
)

// blackHole applies row M: nothing longer than some size ever arrives, though
// it is tried again and again, and shorter packets do.
func blackHole(s *series) (verdict, bool) {
	if s.upstream() || s.trail.Forgotten > 0 {
		return verdict{}, false // nothing arrives, so nothing shows how long it was
	}
	longest, delivered := 0.0, 0
	if s.trail.Longest > 0 {
		longest, delivered = float64(min(s.trail.Longest, s.trail.Segment))+float64(s.trail.Header), 1
	}
	for i := range s.events {
		if e := &s.events[i]; e.is&(isLost|isSilent|isFluid) == 0 {
			longest = max(longest, e.len)
			delivered++
		}
	}
	shortest, tries, rounds, last, later := 0.0, 0, 0, 0.0, false
	for i := range s.events {
		e := &s.events[i]
		switch {
		case e.is1(isFluid):
		case e.is1(isLost), e.is1(isSilent) && e.is1(isAgain):
			if e.len <= longest {
				return verdict{}, false
			}
			if tries == 0 || e.len < shortest {
				shortest = e.len
			}
			if tries++; rounds == 0 || e.t-last > holeRound {
				rounds++
				last = e.t
			}
		case !e.is1(isSilent):
			later = later || tries > 0
		}
	}
	if tries < holeTries || rounds < holeRounds || shortest <= holeLeast {
		return verdict{}, false
	}
	w := verdict{Cause: cause.MTUBlackHole, Row: "M", Confidence: cause.Possible}
	if delivered > 0 && later {
		w.Confidence = cause.Likely
	}
	w.Evidence.MinLost, w.Evidence.MaxPassed = int(shortest), int(longest)
	return w, true
}
