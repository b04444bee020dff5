package netsim

// secondPort is where the tap sees again what it saw in front of the router.
type secondPort struct{}

func (secondPort) take(s *sim, g *segment) (int64, Cause) {
	s.trace.again(s, g)
	return s.now, NoCause
}
