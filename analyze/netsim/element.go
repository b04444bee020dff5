package netsim

// An Element stands on a link, in front of its delay: a queue, a policer, a
// hole. It only describes; what several Links or Paths hold the same pointer
// of, they share.
type Element interface {
	place() stage
}

// A stage is an Element in use.
type stage interface {
	// take decides about g, which comes now: it leaves at a time, or it is lost
	// and by says why.
	take(s *sim, g *segment) (leaves int64, by Cause)
}

// Cause says why a packet did not arrive.
type Cause uint8

// Causes.
const (
	NoCause    Cause = iota
	Chosen           // by number, or the tail of a write
	Random           // each by itself
	Burst            // by a channel that is bad for a while
	QueueFull        // no room left
	Early            // RED
	Policed          // by a token bucket
	LinkDown         //
	TooBig           // for a link, and the sender was not told
	TooBigTold       // by ICMP
	BitError         // one bit was flipped
	OldStamp         // PAWS, RFC 7323 §5
	NoWindow         // beyond what the receiver has room for
	NumCauses
)

var causeNames = [NumCauses]string{
	"none", "chosen", "random", "burst", "queue full", "early drop", "policed", "link down", "too big, untold", "too big, told",
	"bit error", "old timestamp", "no window",
}

func (c Cause) String() string {
	if c >= NumCauses {
		return "invalid"
	}
	return causeNames[c]
}

// stage is e in use, the same for all that hold e.
func (s *sim) stage(e Element) stage {
	st := s.stages[e]
	if st == nil {
		st = e.place()
		s.stages[e] = st
	}
	return st
}

// through takes g over the stages, one after the other; behind gets it.
func (s *sim) through(stages []stage, g segment, at Fate, behind func(segment)) {
	for i, st := range stages {
		leaves, by := st.take(s, &g)
		if by != NoCause {
			s.trace.Packets[g.truth].lose(at, by)
			return
		}
		if leaves > s.now {
			s.at(leaves, func() { s.through(stages[i+1:], g, at, behind) })
			return
		}
	}
	behind(g)
}
