package pattern

import "whydrop/analyze/cause"

// Thresholds of the rows Q1 to Q7 and Qr, loss-causes.md §3 and §4. Times in s.
const (
	ceilingLeast = 0.003 // CEIL
	ceilingNear  = 0.75
	deepLeast    = 0.005
	riseRank     = 0.80 // RISE
	riseZ        = 3.5
	riseOver     = 0.002
	q1Rank       = 0.85
	q1RankLoose  = 0.75
	q1Ratio      = 0.3
	queueRank    = 0.65
	q2Episodes   = 5
	q3Episodes   = 2
	q3Median     = 0.9
	q3Low        = 0.75
	burstPCC     = 0.6
	q3Losses     = 8
	q4Z          = 3
	q4SurelyZ    = 4
	q5Rank       = 0.85
	q5Losses     = 20
	q5Over       = 0.005
	q6Losses     = 5
	q6Rank       = 0.8
	ghostLosses  = 20
	ghostShare   = 0.2
)

// ceiling reports whether losses are beside the highest delays: CEIL.
func (v *Evidence) ceiling() bool {
	return v.Delayed > 0 && v.P99 >= ceilingLeast && v.FirstMed >= ceilingNear*v.P99
}

// deep is ceiling with a queue that is no jitter.
func (v *Evidence) deep() bool { return v.ceiling() && v.P99 >= deepLeast }

// rises reports whether losses are at delays that are too high for chance: RISE.
func (v *Evidence) rises() bool {
	return v.FirstRank >= riseRank && v.Z >= riseZ && v.FirstMed >= v.P50+riseOver
}

// fullQueue applies row Q1, which goes before that of the policer.
func fullQueue(v *Evidence, _ *series) (verdict, bool) {
	if v.deep() && v.Z >= riseZ && (v.FirstRank >= q1Rank || v.FirstRank >= q1RankLoose && v.Ratio >= q1Ratio) {
		return verdict{Cause: cause.QueueOverflow, Row: "Q1", Confidence: cause.Likely}, true
	}
	return verdict{}, false
}

// shallowQueue applies row Qr: a bucket explains the losses and the delay
// hardly moves, but it moves with them.
func shallowQueue(v *Evidence, s *series) (verdict, bool) {
	if v.fits(s.upstream()) && v.flat() && v.rises() && v.Episodes >= policedEpisodes {
		return verdict{Cause: cause.QueueOverflow, Row: "Qr", Confidence: cause.Possible, Rival: cause.Policer}, true
	}
	return verdict{}, false
}

// queue applies the rows Q2 to Q7, and takes back what the losses as a whole deny.
func queue(v *Evidence, s *series) (verdict, bool) {
	row, sure := queueRow(v, v.fits(s.upstream()) && v.flat())
	if row == "" {
		return verdict{}, false
	}
	w := verdict{Cause: cause.QueueOverflow, Row: row, Confidence: cause.Possible}
	if sure {
		w.Confidence = cause.Likely
	}
	return w, true
}

// queueRow is the first row that holds, and whether the rivals fall. policed:
// FIT and FLAT.
func queueRow(v *Evidence, policed bool) (row string, sure bool) {
	ranked := v.FirstRank >= queueRank
	// Of most episodes a delay must be known, or those of which it is are no sample: without
	// SACK most delays beside losses are hidden by the wait for a repair.
	most := 2*v.Delayed >= v.Episodes
	switch {
	case v.ceiling() && ranked && v.Delayed >= q2Episodes && most:
		return "Q2", true
	case v.ceiling() && ranked && v.Delayed >= q3Episodes && v.PCC < burstPCC && v.FirstMed >= q3Median*v.P99 && v.First20 >= q3Low*v.P99:
		return "Q3", most && v.Lost >= q3Losses && v.P99 >= deepLeast
	case ranked && v.Z >= q4Z && v.FirstMed >= v.P50+riseOver && !policed:
		return "Q4", v.Z >= q4SurelyZ
	case v.Rank >= q5Rank && v.Episodes >= policedEpisodes && v.Lost >= q5Losses && v.PCC < burstPCC && v.Med >= v.P50+q5Over && !policed:
		return "Q5", false
	case v.Delayed == 1 && v.PCC < burstPCC && v.Lost >= q6Losses && v.P99 >= deepLeast && v.FirstRank >= q6Rank && v.FirstMed >= q3Median*v.P99:
		return "Q6", false
	}
	return "", false
}

// deepBuffer applies row Q7: the delay at a loss more than doubles the round trip.
func deepBuffer(v *Evidence, s *series) (verdict, bool) {
	if v.deep() && v.Episodes >= policedEpisodes && v.FirstMed >= s.rtt && v.FirstRank >= queueRank &&
		(!v.fits(s.upstream()) || !v.flat()) {
		return verdict{Cause: cause.QueueOverflow, Row: "Q7", Confidence: cause.Possible}, true
	}
	return verdict{}, false
}

// ghost reports whether most losses of a queue that is merely possible were
// where it was not full.
func (v *Evidence) ghost() bool { return v.Lost >= ghostLosses && v.AtCeiling < ghostShare }

// bottleneck says how fast the queue was drained, and how long it was.
func (v *Evidence) bottleneck(events []event) {
	v.QueueRate = busyRate(events)
	v.QueueSize = v.P99 * v.QueueRate
}
