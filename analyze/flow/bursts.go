package flow

// gmin is how many packets must arrive between two lost ones for them to be of
// two bursts: RFC 3611 §4.7.2.
const gmin = 16

// Bursts are how losses were spread over the numbers that a sender counted.
type Bursts struct {
	Lost    uint64
	Runs    uint64  // of losses without a packet between them
	Longest uint64  // of these
	Begins  float64 // Gilbert's p: the share of packets that arrived and are followed by a lost one
	Ends    float64 // Gilbert's r: the share of lost packets that are followed by one that arrived

	// RFC 3611 §4.7.2: bursts are losses with fewer than 16 arrivals between
	// them; single ones are of the gaps between bursts.
	InBursts     uint64  // lost packets in bursts
	BurstDensity float64 // share of packets that were lost within bursts
	GapDensity   float64 // share of packets that were lost outside of them
}

// burstsOf describes holes, in order, among the numbers first to last.
func burstsOf(holes []serialGap, first, last int64) Bursts {
	var b Bursts
	var within int64 // numbers that belong to bursts
	for i := 0; i < len(holes); {
		from, to, lost := holes[i].from, holes[i].to, holes[i].missing()
		run := lost
		for i++; i < len(holes) && holes[i].from-to < gmin; i++ {
			if holes[i].from > to {
				b.run(run)
				run = 0
			}
			run += holes[i].missing()
			lost += holes[i].missing()
			to = holes[i].to
		}
		b.run(run)
		if lost > 1 {
			b.InBursts += uint64(lost)
			within += to - from
		}
	}
	all := last - first + 1
	b.Begins = part(b.Runs, all-int64(b.Lost))
	b.Ends = part(b.Runs, int64(b.Lost))
	b.BurstDensity = part(b.InBursts, within)
	b.GapDensity = part(b.Lost-b.InBursts, all-within)
	return b
}

// run counts a run of n lost packets.
func (b *Bursts) run(n int64) {
	b.Runs++
	b.Lost += uint64(n)
	b.Longest = max(b.Longest, uint64(n))
}

func part(n uint64, of int64) float64 {
	if of <= 0 {
		return 0
	}
	return float64(n) / float64(of)
}
