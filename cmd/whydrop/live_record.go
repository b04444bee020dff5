package main

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"sync/atomic"

	"whydrop/capture"
	"whydrop/capture/afpacket"
	"whydrop/capture/host"
)

// A recorder passes frames on to the analysis. On their way they are shown to the
// witness of the host, and written to the files of -w and into the interval's report.
// At the end it puts the host's testimony beside them.
type recorder struct {
	capture.Source // the ring, perhaps limited
	ring           *afpacket.Source
	witness        *host.Witness // or nil
	files          *captureFiles // or nil
	interval       *interval     // or nil
	iface          string
	names          map[uint32]string // of interfaces, by index

	ended     bool
	testimony *capture.Testimony
	trouble   error // of the witness
	failed    error // of the files
	frames    atomic.Uint64
}

// Next returns the next batch.
func (r *recorder) Next() (*capture.Batch, error) {
	b, err := r.Source.Next()
	if err != nil {
		if errors.Is(err, io.EOF) && !r.ended {
			r.ended = true
			r.finish()
		}
		return nil, err
	}
	for i := range b.Frames {
		f := &b.Frames[i]
		if r.witness != nil {
			r.witness.Frame(f.Number, f.Time, f.Data, f.Link, r.interfaceOf(f))
		}
		if r.files != nil && r.failed == nil {
			r.failed = r.files.write(f)
		}
	}
	if r.files != nil && r.failed == nil {
		r.failed = r.files.losses(r.ring)
	}
	if r.failed != nil {
		r.ring.Stop() // no room for what was asked for: better an early end than a silent one
	}
	if r.interval != nil {
		r.interval.take(b)
	}
	r.frames.Add(uint64(len(b.Frames)))
	return b, nil
}

// interfaceOf names the interface that f was seen on: a cooked capture says its index.
func (r *recorder) interfaceOf(f *capture.Frame) string {
	const indexAt = 4 // in the header of Linux cooked v2
	if f.Link != capture.LinkLinuxSLL2 || len(f.Data) < indexAt+4 {
		return r.iface
	}
	index := binary.BigEndian.Uint32(f.Data[indexAt:])
	name, known := r.names[index]
	if !known {
		if i, err := net.InterfaceByIndex(int(index)); err == nil {
			name = i.Name
		}
		if r.names == nil {
			r.names = map[uint32]string{}
		}
		r.names[index] = name
	}
	return name
}

// finish ends the capture for good, and puts the files and the testimony together.
func (r *recorder) finish() {
	r.ring.Stop()
	for { // behind the limit of -c; the counters are whole only then
		b, err := r.ring.Next()
		if err != nil {
			break
		}
		b.Release()
	}
	if r.witness != nil {
		r.testimony, r.trouble = r.witness.Close()
		if r.testimony != nil {
			r.testimony.Events = append(r.testimony.Events, r.ring.Events()...)
			slices.SortStableFunc(r.testimony.Events, func(a, b capture.HostEvent) int { return int(max(-1, min(1, a.Time-b.Time))) })
		}
	}
	if r.files != nil && r.failed == nil {
		r.failed = r.files.finish(r.Inputs()[0], r.ring)
	}
}

// Inputs describes the capture, at its end with what the host said.
func (r *recorder) Inputs() []capture.Input {
	inputs := r.Source.Inputs()
	for i := range inputs {
		inputs[i].Testimony = r.testimony
		inputs[i].Stats.Delivered = capture.Known(inputs[i].Frames)
		if r.testimony == nil {
			inputs[i].Notes = append(slices.Clip(inputs[i].Notes), eventNotes(r.ring.Events())...)
		}
	}
	return inputs
}

// mostEventNotes bounds what is told of a link that flaps.
const mostEventNotes = 10

// eventNotes tells what befell the link, where no testimony does.
func eventNotes(events []capture.HostEvent) []string {
	var notes []string
	for _, e := range events[:min(len(events), mostEventNotes)] {
		what := map[string]string{
			"link-down": "the link went down", "link-up": "the link came up", "interface-gone": "the interface was removed, and the capture ends there",
		}[e.What]
		notes = append(notes, what+" at "+clockTime(e.Time))
	}
	return notes
}
