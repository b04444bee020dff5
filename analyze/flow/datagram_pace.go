package flow

// A pace is how far apart numbered packets pass, where no number is missing and
// where some are. A packet that was lost leaves its time empty: of a sender with
// an even pace, two numbers missing make a pause of three steps. A counter that
// the whole host shares leaves none, for the packets that had the numbers in
// between went elsewhere and delayed nothing. (Beyond b-22 of tcp-rules.md, which
// takes any numbers of which 0.3 follow each other.)
type pace struct {
	calm, broken int64  // ns, in all
	calms, even  uint32 // steps from one number to the next, and how many were like the others
	steps        uint32 // numbers in broken
}

const (
	paceMost = 1 << 20 // steps that are looked at
	paceRest = second  // longer ones are pauses of the sender

	paceFewest = 16   // of calm steps, and of numbers behind holes
	paceEven   = 0.75 // share of calm steps that are within a factor of two of their mean
	paceLow    = 0.75 // of the mean calm step, what each number behind a hole must have taken …
	paceHigh   = 1.33 // … at least, and at most
)

// step notes that a packet passed took after the one whose number is less by n.
func (p *pace) step(took, n int64) {
	switch {
	case took < 0 || took > paceRest || p.calms+p.steps >= paceMost:
	case n > 1:
		p.broken += took
		p.steps += uint32(n)
	default:
		p.calm += took
		p.calms++
		if many := took * int64(p.calms); 2*many >= p.calm && many <= 2*p.calm {
			p.even++
		}
	}
}

// empty reports whether n steps would have taken the time that passed, of a sender
// with an even pace.
func (p *pace) empty(took, n int64) bool {
	if p.calms < paceFewest || float64(p.even) < paceEven*float64(p.calms) {
		return false
	}
	each, usual := float64(took)/float64(n), float64(p.calm)/float64(p.calms)
	return each >= paceLow*usual && each <= paceHigh*usual
}

// counts reports whether the times of missing numbers are empty, of a sender with
// an even pace.
func (p *pace) counts() bool {
	return float64(p.even) >= paceEven*float64(p.calms) && p.gapsEmpty()
}

// gapsEmpty reports whether the missing numbers together took the time of as many
// packets: a counter that jumps when it rests makes them in pauses, which are longer.
func (p *pace) gapsEmpty() bool {
	if p.calms < paceFewest || p.steps < paceFewest {
		return false
	}
	each, usual := float64(p.broken)/float64(p.steps), float64(p.calm)/float64(p.calms)
	return each >= paceLow*usual && each <= paceHigh*usual
}
