package report

import (
	"encoding/json"
	"fmt"
	"strconv"

	"whydrop/analyze/flow"
)

// RTP is what the headers of one RTP source say, and what its receiver reports.
type RTP struct {
	SSRC        string   `json:"ssrc"`
	PayloadType uint8    `json:"payload_type"`
	Expected    uint64   `json:"expected"` // by the sequence numbers
	Missing     uint64   `json:"missing"`  // of them, not seen here
	Repeated    uint64   `json:"repeated"` // a sequence number came again
	ClockRate   *uint32  `json:"clock_rate" jsonschema:"nullable"`
	Jitter      *float64 `json:"jitter_ms" jsonschema:"nullable"` // RFC 3550 A.8, here, at the end
	MaxJitter   *float64 `json:"max_jitter_ms" jsonschema:"nullable"`

	// Bursts describe what is missing here.
	Bursts RTPBursts `json:"bursts"`

	// Reports are the RTCP receiver reports of the other end.
	Reports      uint64   `json:"reports"`
	RemoteLost   *int64   `json:"remote_lost" jsonschema:"nullable"`
	RemoteJitter *float64 `json:"remote_jitter_ms" jsonschema:"nullable"`
}

// RTPBursts say how losses were spread: the Gilbert model, and RFC 3611 §4.7.2.
type RTPBursts struct {
	Runs         uint64  `json:"runs"`
	Longest      uint64  `json:"longest"`
	P            float64 `json:"p"` // that a loss follows a packet that came
	R            float64 `json:"r"` // that a packet that came follows a loss
	InBursts     uint64  `json:"in_bursts"`
	BurstDensity float64 `json:"burst_density"`
	GapDensity   float64 `json:"gap_density"`
}

// rtpOf is what is known of the RTP source of h, nil if there is none.
func rtpOf(h *flow.Half) *RTP {
	s := h.RTPStats
	if s == nil {
		return nil
	}
	const places = 6
	out := &RTP{
		SSRC: fmt.Sprintf("0x%08x", s.SSRC), PayloadType: s.Type, Expected: s.Expected, Missing: s.Missing, Repeated: s.Repeated,
		Jitter: knownDelay(s.Jitter), MaxJitter: knownDelay(s.MaxJitter), Reports: s.Reports,
		Bursts: RTPBursts{
			Runs: s.Bursts.Runs, Longest: s.Bursts.Longest, P: round(s.Bursts.Begins, places), R: round(s.Bursts.Ends, places),
			InBursts: s.Bursts.InBursts, BurstDensity: round(s.Bursts.BurstDensity, places), GapDensity: round(s.Bursts.GapDensity, places),
		},
	}
	if s.Rate > 0 {
		out.ClockRate = &s.Rate
	}
	if s.Reports > 0 {
		out.RemoteLost, out.RemoteJitter = &s.RemoteLost, knownDelay(s.RemoteJitter)
	}
	return out
}

// appendRTP appends the RTP of h as JSON. Few flows have any.
func appendRTP(b []byte, h *flow.Half) []byte {
	r := rtpOf(h)
	if r == nil {
		return append(b, "null"...)
	}
	text, err := json.Marshal(r)
	if err != nil {
		panic("whydrop: bug: an RTP source that cannot be JSON: " + err.Error())
	}
	return append(b, text...)
}

// maxRTP is how many sources the long report tells of.
const maxRTP = 10

// rtpTable tells of the RTP sources.
func (p *printer) rtpTable(r *Report) {
	told := 0
	for i := range r.Flows.Table {
		f := &r.Flows.Table[i]
		for d := range f.Directions {
			s := f.Directions[d].RTP
			if s == nil || told == maxRTP {
				continue
			}
			if told++; told == 1 {
				p.heading("RTP")
			}
			p.to(2)
			p.wrap(f.Directions[d].Src+" > "+f.Directions[d].Dst+", "+s.SSRC+": "+s.words(), plain, 4, 4)
			p.nl()
		}
	}
}

// words says what is known of a source.
func (s *RTP) words() string {
	text := counted(s.Expected, "packet") + ", " + count(s.Missing) + " missing here"
	if s.Missing > 0 {
		text += " in " + counted(s.Bursts.Runs, "run") + " of up to " + count(s.Bursts.Longest)
	}
	if s.Repeated > 0 {
		text += ", " + count(s.Repeated) + " repeated"
	}
	if s.Jitter != nil {
		text += ", jitter " + strconv.FormatFloat(*s.Jitter, 'f', 2, 64) + " ms, at most " + strconv.FormatFloat(*s.MaxJitter, 'f', 2, 64)
	}
	if s.Reports > 0 {
		text += "; its receiver reports " + strconv.FormatInt(*s.RemoteLost, 10) + " lost in all"
		if s.RemoteJitter != nil {
			text += ", jitter " + strconv.FormatFloat(*s.RemoteJitter, 'f', 2, 64) + " ms"
		}
	}
	return text + "."
}
