package analyze

import (
	"reflect"

	"whydrop/analyze/detect"
	"whydrop/analyze/flow"
)

// Shares of Options.Memory. What is not in the list is for the packets on their
// way, for the conclusions and the report, and for what the collector of garbage
// has not collected yet.
const (
	stateShare   = 4  // 1/4: conversations over TCP that go on, and as much for all others
	factsShare   = 8  // conversations that are over
	detailShare  = 16 // each of: symptoms, losses, transmissions
	factsMost    = 1 << 18
	symptomsMost = 4 << 20
	lossesMost   = 1 << 19

	// transmission is what one takes in flow.Trails.
	transmission = 16
)

// shard is what one of the shards may keep.
func (o *Options) shard() detect.Options {
	n := o.Workers
	d := detect.Options{
		MaxFlows:    o.MaxFlows,
		MaxFacts:    o.room(factsShare, sizeOf[flow.Facts](), factsMost) / n,
		MaxSymptoms: o.MaxSymptoms,
		MaxLosses:   o.room(detailShare, sizeOf[flow.Lost](), lossesMost) / n,
		MaxTrails:   o.MaxTrails,
		MaxState:    o.Memory / stateShare / int64(n),
	}
	if d.MaxSymptoms == 0 {
		d.MaxSymptoms = o.room(detailShare, sizeOf[flow.Symptom](), symptomsMost) / n
	}
	if d.MaxTrails == 0 {
		d.MaxTrails = o.room(detailShare, transmission, flow.TrailsMost)
	}
	return d
}

// room is how many things of size octets have room in a share of the memory, at
// most that many.
func (o *Options) room(share, size int64, most int) int {
	if o.Memory <= 0 {
		return most
	}
	return int(min(max(o.Memory/share/size, 1), int64(most)))
}

func sizeOf[T any]() int64 { return int64(reflect.TypeFor[T]().Size()) }
