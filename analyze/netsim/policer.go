package netsim

// A Policer lets pass what a bucket of Burst octets, filled with Rate bit/s,
// has tokens for, and drops the rest. It delays nothing.
type Policer struct {
	Rate  int64
	Burst int64
}

func (p *Policer) place() stage { return &policer{Policer: p} }

type policer struct {
	*Policer
	drain // what is missing from the bucket
}

func (p *policer) take(s *sim, g *segment) (int64, Cause) {
	p.run(s.now, p.Rate)
	need := int64(g.wireLength()) * octet
	if p.level+need > p.Burst*octet {
		return 0, Policed
	}
	p.level += need
	return s.now, NoCause
}
