package score

import (
	"strings"

	"whydrop/cmd/lab/truth"
)

// A view is a run as one of its captures could see it.
type view struct {
	*truth.Fates
	point   int
	byFrame map[int][]*truth.Packet
	flows   map[string][]*truth.Packet // of one direction, in the order sent; without the network's copies
	numbers bool                       // packets have an IP-ID that counts them
}

func key(src, dst string) string { return src + " " + dst }

func newView(f *truth.Fates, point int) *view {
	v := &view{Fates: f, point: point, byFrame: map[int][]*truth.Packet{}, flows: map[string][]*truth.Packet{}, numbers: true}
	for i := range f.Packets {
		p := &f.Packets[i]
		if n := p.Frame[point]; n > 0 {
			v.byFrame[n] = append(v.byFrame[n], p)
		}
		if !p.Copy {
			v.flows[key(p.Src, p.Dst)] = append(v.flows[key(p.Src, p.Dst)], p)
		}
		if strings.HasPrefix(p.Src, "[") {
			v.numbers = false
		}
	}
	return v
}

// stage is where v's tap stands for p: 0 at its sender, 1 in the middle, 2 at
// its receiver.
func (v *view) stage(p *truth.Packet) int { return p.Stage(v.point) }

// upstream reports whether p was lost before it came to the tap.
func (v *view) upstream(p *truth.Packet) bool { return p.Lost > 0 && p.Lost <= v.stage(p) }

// downstream reports whether p was lost after it had passed the tap.
func (v *view) downstream(p *truth.Packet) bool { return p.Lost > v.stage(p) }

// missed reports whether p passed the tap and is not in its file.
func (v *view) missed(p *truth.Packet) bool { return !v.upstream(p) && p.Frame[v.point] == 0 }

// end is the sequence number behind p.
func end(p *truth.Packet) uint32 {
	n := uint32(p.Octets)
	if p.What == "syn" || p.What == "fin" {
		n++
	}
	return p.Seq + n
}

// overlaps reports whether p and q share octets of their direction.
func overlaps(p, q *truth.Packet) bool {
	return int32(p.Seq-end(q)) < 0 && int32(q.Seq-end(p)) < 0
}

// hidden says why nothing in this capture can show that p was lost, or "": the
// cases of tcp-rules.md §5.
func (v *view) hidden(p *truth.Packet) string {
	flow := v.flows[key(p.Src, p.Dst)]
	repaired, above, later, copies := false, false, false, 0
	for _, q := range flow {
		switch {
		case q == p:
		case q.ID < p.ID:
			if v.upstream(q) && overlaps(p, q) {
				copies++
			}
		case overlaps(p, q):
			repaired = true
		}
		if q.ID > p.ID && !v.upstream(q) {
			later = true
			above = above || !repaired && int32(q.Seq-end(p)) >= 0 && q.Octets > 0
		}
	}
	switch {
	case p.What == "syn" && v.upstream(p):
		return "a SYN lost before the tap"
	case (p.Why == "mtu" || p.Why == "mtu-told") && v.upstream(p):
		return "nothing of that length comes to the tap"
	case p.Unneeded && v.downstream(p):
		return "a needless repetition lost behind the tap"
	case !repaired && v.downstream(p):
		return "never sent again before the end"
	case v.upstream(p) && !later:
		return "the last packet of its flow"
	case v.upstream(p) && !v.numbers && (copies > 0 || !above):
		return "a tail, or a repair, without packet numbers"
	}
	return ""
}

// hiddenRetx reports whether nothing in this capture can show that p repeats
// something: no earlier copy of its octets, and nothing above them, had passed.
func (v *view) hiddenRetx(p *truth.Packet) bool {
	if p.What != "syn" && v.numbers {
		return false
	}
	for _, q := range v.flows[key(p.Src, p.Dst)] {
		if q.ID >= p.ID {
			return true
		}
		if !v.upstream(q) && q.Frame[v.point] > 0 && q.Frame[v.point] < p.Frame[v.point] && int32(end(q)-p.Seq) > 0 {
			return false
		}
	}
	return true
}

// atTail reports whether no data of p's flow that was sent after p and before
// its repair was delivered.
func (v *view) atTail(p *truth.Packet) bool {
	for _, q := range v.flows[key(p.Src, p.Dst)] {
		if q.ID <= p.ID || q.Octets == 0 {
			continue
		}
		if overlaps(p, q) {
			return true
		}
		if q.Lost == 0 {
			return false
		}
	}
	return true
}
