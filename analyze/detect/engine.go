// Package detect watches the packets of one shard: it finds each packet's flow,
// lets the flow judge it, and writes down symptoms. One file a detector.
package detect

import (
	"whydrop/analyze/flow"
	"whydrop/decode"
)

// Options bound an Engine.
type Options struct {
	MaxFlows    int // 0 = the default
	MaxSymptoms int // kept per engine; 0 = the default
}

// An Engine analyses one shard. It is used by one goroutine. Both directions
// of all flows between two addresses must reach the same engine, in time order
// (decode.Packet.PairHash).
type Engine struct{}

// NewEngine makes an Engine.
func NewEngine(o Options) *Engine { return &Engine{} }

// Packet takes the next packet. It keeps no reference to p or d.
func (e *Engine) Packet(p *decode.Packet, d *decode.Decoded) {}

// Tick tells the engine the time of the capture, ns. It finishes flows that
// have been idle. Ticks come at the same places in the capture whatever the
// number of shards.
func (e *Engine) Tick(now int64) {}

// Finish ends all flows and returns what was learned. last is the time of the
// last frame of the whole capture. The engine is not used again.
func (e *Engine) Finish(last int64) flow.Findings { return flow.Findings{} }
