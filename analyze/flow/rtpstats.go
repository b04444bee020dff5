package flow

import "math"

// RTPStats are what the headers of one RTP source say, and what its receiver
// says of it.
type RTPStats struct {
	SSRC      uint32
	Type      uint8  // payload type
	Expected  uint64 // by the numbers, from the first to the last seen here
	Missing   uint64 // of them, not seen here
	Repeated  uint64 // packets with a number that had passed
	Rate      uint32 // ticks of its timestamps in a second; 0 = not known
	Jitter    int64  // ns at the end, RFC 3550 A.8; −1 = not known
	MaxJitter int64
	Bursts    Bursts // of what is missing here

	Reports      uint64 // receiver reports
	RemoteLost   int64  // packets that the receiver lacks, by the last of them
	RemoteJitter int64  // ns, at the receiver, by the last of them; −1 = not known
}

// jitter follows the transit times of one source: RFC 3550 §6.4.1 and A.8.
type jitter struct {
	any    bool
	rate   float64 // ticks in a second; 0 = not known yet
	t0, t  int64
	s0, s  uint32
	n      uint32
	now    float64 // ns
	most   float64
	priced bool // now is valid
}

const (
	// rateAfter, ns and packets, is how long a source is watched before the rate
	// of its timestamps is judged; rateNear is how near a usual one it must be.
	rateAfter   = 2 * second
	rateAfterN  = 50
	rateNear    = 0.03
	jitterShare = 16 // RFC 3550 A.8: the gain is 1/16
	maxTransit  = float64(10 * second)
)

// usualRates are clock rates of RFC 3551 §6 and of newer codecs.
var usualRates = [...]float64{8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 90000}

// staticRate is the clock rate of a static payload type, RFC 3551 §6; 0 = none.
func staticRate(payload uint8) float64 {
	switch {
	case payload == 6 || payload == 17:
		return map[uint8]float64{6: 16000, 17: 22050}[payload]
	case payload == 10 || payload == 11:
		return 44100
	case payload == 14 || payload >= 25 && payload <= 34:
		return 90000
	case payload == 16:
		return 11025
	case payload <= 18:
		return 8000
	}
	return 0
}

// take folds in a packet with timestamp s that passed at t.
func (j *jitter) take(payload uint8, s uint32, t int64) {
	if !j.any {
		*j = jitter{any: true, rate: staticRate(payload), t0: t, t: t, s0: s, s: s, n: 1}
		return
	}
	j.n++
	if j.rate == 0 && j.n >= rateAfterN && t-j.t0 >= rateAfter {
		j.rate = j.usual(s, t)
	}
	if j.rate > 0 {
		d := float64(t-j.t) - float64(int32(s-j.s))*float64(second)/j.rate
		if d = math.Abs(d); d < maxTransit { // else the source began anew
			j.now += (d - j.now) / jitterShare
			j.most = max(j.most, j.now)
			j.priced = true
		}
	}
	j.s, j.t = s, t
}

// usual is the usual rate that is nearest to that of the timestamps so far, or 0.
func (j *jitter) usual(s uint32, t int64) float64 {
	seen := float64(int32(s-j.s0)) * float64(second) / float64(t-j.t0)
	for _, r := range usualRates {
		if math.Abs(seen-r) < rateNear*r {
			return r
		}
	}
	j.t0, j.s0, j.n = t, s, 1 // it paused, or jumped: look again
	return 0
}

// summarise writes what is known of the source at its end.
func (r *rtpStream) summarise() *RTPStats {
	s := &RTPStats{
		SSRC: r.ssrc, Type: r.payload, Expected: uint64(max(r.max-r.from+1, 0)), Repeated: uint64(r.again),
		Rate: uint32(r.jitter.rate), Jitter: -1, MaxJitter: -1, RemoteJitter: -1,
		Bursts: burstsOf(r.holes, r.from, r.max), Reports: r.reported,
	}
	s.Missing = s.Bursts.Lost
	if r.jitter.priced {
		s.Jitter, s.MaxJitter = int64(r.jitter.now), int64(r.jitter.most)
	}
	if n := len(r.reports); n > 0 {
		last := &r.reports[n-1]
		s.RemoteLost = int64(last.lost)
		if r.jitter.rate > 0 {
			s.RemoteJitter = int64(float64(last.jitter) * float64(second) / r.jitter.rate)
		}
	}
	return s
}
