// Package detect watches the packets of one shard: it finds each packet's flow,
// lets the flow judge it, and writes down symptoms. One file a detector.
//
// What an Engine says of two addresses depends on their packets and on the
// ticks only, never on which others share it, until one of its limits is hit;
// that is counted in flow.GaveUp.
package detect

import (
	"whydrop/analyze/flow"
	"whydrop/decode"
)

// Limits and times of an Engine.
const (
	// defaultFlows is how many connections are watched at once.
	defaultFlows = 1 << 20

	// defaultSymptoms and defaultLosses bound what is kept; counts go on.
	defaultSymptoms = 2 << 20
	defaultLosses   = 1 << 18
	maxStalls       = 1 << 16

	// defaultFacts is how many conversations are kept apart in the findings; those
	// that end when it is reached are summed up, and counted in GaveUp.Summed.
	defaultFacts = 1 << 18

	// One in tinyShare of those may be small: a scan must not crowd out conversations.
	// Small are those of scanFlow packets or fewer, and those of shortFlow of which
	// nothing is known but that they were.
	tinyShare = 4
	scanFlow  = 3
	shortFlow = 8

	// sparse is how many times as many conversations there were as are kept apart
	// before an array of all of them is too large.
	sparse = 8

	// idleTime, ns, after which a connection is over: beyond the longest
	// retransmission timeout of Linux (TCP_RTO_MAX, 120 s).
	idleTime = int64(130e9)

	// closedTime, ns, is the same after FIN or RST: late repairs of the FIN
	// come within two of RFC 9293's 2 MSL only on paths that do not exist.
	closedTime = int64(20e9)

	// checkTime, ns, is how often a connection is looked at for that.
	checkTime = int64(10e9)

	// lingerTime, ns, is how long the first segments wait for more of them, at
	// most twice that.
	lingerTime = int64(2e9)

	// pauseTicks is after how many ticks without a segment a connection that is
	// known is worked on: before it leaves the cache.
	pauseTicks = 2

	// fewWaiting segments may wait until the connection ends: they take a tenth of
	// the room of what is known of a connection that has been looked at.
	fewWaiting = fullBlock

	// secondChances is how many connections are looked at for one that is
	// idle when there are too many.
	secondChances = 16
)

// Options bound an Engine.
type Options struct {
	MaxFlows    int   // watched at once; 0 = the default
	MaxFacts    int   // conversations kept apart when they are over; 0 = the default
	MaxSymptoms int   // kept per engine; 0 = the default
	MaxLosses   int   // kept per engine; 0 = the default
	MaxTrails   int   // transmissions kept in flow.Trails; 0 = the default
	MaxState    int64 // octets of what is known of conversations that go on, about; 0 = no limit but the others
}

// An Engine analyses one shard. It is used by one goroutine. Both directions
// of all flows between two addresses must reach the same engine, in time order
// (decode.Packet.PairHash).
type Engine struct {
	options Options
	others  watcher // everything that is not TCP
	now     int64

	pairs     []*pairChunk
	numPairs  int32
	pairTable table
	noUsers   []int32 // pairs that may have no connections any more, oldest first

	conns     []*connChunk
	numConns  int32
	freeConns []int32
	live      int
	connTable table

	waiting blocks
	linger  queue // connections with first segments that wait, by time
	pause   queue // others with waiting segments, by ticks
	ticks   int64
	idle    queue
	pool    flow.Pool
	event   flow.Event
	tunnels // of the packet

	books
}

// A watcher analyses packets that are not TCP, with the methods of Engine.
type watcher interface {
	Packet(p *decode.Packet, d *decode.Decoded)
	Tick(now int64)
	Finish(last int64) flow.Findings
}

// NewEngine makes an Engine.
func NewEngine(o Options) *Engine {
	if o.MaxFlows <= 0 {
		o.MaxFlows = defaultFlows
	}
	return &Engine{options: o, others: NewDatagrams(o), books: openBooks(o)}
}

// Packet takes the next packet. It keeps no reference to p or d.
func (e *Engine) Packet(p *decode.Packet, d *decode.Decoded) {
	e.now = max(e.now, p.Time)
	if p.NumOuter > 0 {
		e.enter(p, d)
	}
	if p.Kind == decode.KindTCP {
		e.segment(p)
		return
	}
	if p.IPVersion == 4 && p.ID != 0 {
		e.otherID(p)
	}
	if p.Kind == decode.KindICMP && p.Control >= 0 && d != nil && int(p.Control) < len(d.Controls) &&
		e.quoted(p, &d.Controls[p.Control]) {
		return
	}
	if e.others != nil {
		e.others.Packet(p, d)
	}
}

// Tick tells the engine the time of the capture, ns. It finishes flows that
// have been idle. Ticks come at the same places in the capture whatever the
// number of shards.
func (e *Engine) Tick(now int64) {
	e.now = max(e.now, now)
	e.ticks++
	e.workOff(now)
	for {
		d, ok := e.idle.pop(now)
		if !ok {
			break
		}
		c := e.conn(d.index)
		if c.number != d.number || !c.live {
			continue
		}
		if limit := c.idleLimit(); now-c.last > limit {
			e.end(d.index, now)
		} else {
			e.idle.push(due{now + checkTime, d.index, d.number})
		}
	}
	for most := e.options.MaxState; most > 0 && e.octets() > most && e.makeRoom(); {
	}
	if e.others != nil {
		e.others.Tick(now)
	}
}

// octets are about what the state of all live connections takes.
func (e *Engine) octets() int64 {
	return int64(e.live)*connOctets + e.waiting.octets() + e.pool.Octets()
}

// workOff works on connections whose segments have waited long enough.
func (e *Engine) workOff(now int64) {
	for d, ok := e.pause.pop(e.ticks); ok; d, ok = e.pause.pop(e.ticks) {
		c := e.conn(d.index)
		if c.number != d.number || !c.live {
			continue
		}
		if e.ticks-c.tick < pauseTicks && c.count > 0 {
			e.pause.push(due{c.tick + pauseTicks, d.index, d.number})
			continue
		}
		if c.lingers = false; c.count > 0 {
			e.work(c)
		}
	}
	for d, ok := e.linger.pop(now); ok; d, ok = e.linger.pop(now) {
		c := e.conn(d.index)
		if c.number != d.number || !c.live {
			continue
		}
		c.lingers = false
		switch {
		case c.count == 0 || c.count <= fewWaiting && c.state == nil:
		case !c.looked && now-c.last >= lingerTime:
			e.work(c)
		default:
			e.letWait(c, d.index)
		}
	}
}

// letWait sees to it that the waiting segments of c are not forgotten.
func (e *Engine) letWait(c *conn, index int32) {
	c.lingers = true
	if c.looked {
		e.pause.push(due{e.ticks + pauseTicks, index, c.number})
	} else {
		e.linger.push(due{e.now + lingerTime, index, c.number})
	}
}

// Finish ends all flows and returns what was learned. last is the time of the
// last frame of the whole capture. The engine is not used again.
func (e *Engine) Finish(last int64) flow.Findings {
	for i := range e.numConns {
		if e.conn(i).live {
			e.end(i, last)
		}
		if i%chunk == chunk-1 {
			e.conns[i/chunk] = nil // what is over makes room for what is said of it
		}
	}
	f := e.findings()
	if e.others != nil {
		f = concatenate(f, e.others.Finish(last))
	}
	return f
}

// concatenate puts b behind a.
func concatenate(a, b flow.Findings) flow.Findings {
	n := uint32(len(a.Flows))
	b.Renumber(func(number uint32) uint32 { return number + n })
	a.Flows = append(a.Flows, b.Flows...)
	a.Symptoms = append(a.Symptoms, b.Symptoms...)
	a.Losses = append(a.Losses, b.Losses...)
	a.Loners = append(a.Loners, b.Loners...)
	a.Signs = append(a.Signs, b.Signs...)
	a.Stalls = append(a.Stalls, b.Stalls...)
	a.Waits = append(a.Waits, b.Waits...)
	a.Trails = append(a.Trails, b.Trails...)
	a.GaveUp.Add(b.GaveUp)
	return a
}
