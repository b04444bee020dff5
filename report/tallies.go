package report

import (
	"fmt"

	"whydrop/analyze/flow"
	"whydrop/decode"
)

// checksums are the verdicts by layer.
func checksums(c *decode.Counts) map[string]Checksum {
	out := map[string]Checksum{}
	for l := range decode.NumLayers {
		n := &c.Checksums[l]
		out[l.String()] = Checksum{
			Good: n[decode.ChecksumGood], Bad: n[decode.ChecksumBad], Absent: n[decode.ChecksumAbsent],
			Forbidden: n[decode.ChecksumForbidden], Pending: n[decode.ChecksumPending],
			Partial: n[decode.ChecksumPartial], Unread: n[decode.ChecksumUnread],
		}
	}
	return out
}

// pending counts checksums that the NIC had still to fill in.
func pending(c *decode.Counts) uint64 {
	var n uint64
	for l := range decode.NumLayers {
		n += c.Checksums[l][decode.ChecksumPending]
	}
	return n
}

// symptoms counts by kind and detail. Every kind is there, also with none.
func symptoms(all []flow.Symptom) map[string]map[string]uint64 {
	var totals [flow.NumKinds]uint64
	var details [flow.NumKinds][flow.NumDetails]uint64
	var needs [flow.Unneeded + 1]uint64
	for i := range all {
		s := &all[i]
		totals[s.Kind]++
		details[s.Kind][s.Detail]++
		if s.Kind == flow.Retransmission {
			needs[s.Need]++
		}
	}
	out := map[string]map[string]uint64{}
	for k := range flow.NumKinds {
		m := map[string]uint64{"total": totals[k]}
		for d, n := range details[k] {
			if n > 0 && flow.Detail(d) != flow.NoDetail {
				m[flow.Detail(d).String()] = n
			}
		}
		out[k.String()] = m
	}
	for need, n := range needs {
		out[flow.Retransmission.String()][flow.Need(need).String()] = n
	}
	return out
}

// decoded says what could not be decoded.
func decoded(c *decode.Counts) Decode {
	out := Decode{
		Malformed: map[string]uint64{}, UnknownLink: map[string]uint64{},
		OtherTypes: map[string]uint64{}, Protocols: map[string]uint64{},
		HeadersCut: c.HeadersCut, TooDeep: c.TooDeep, Truncated: c.Truncated, Fragments: c.Fragments,
	}
	for m := decode.WellFormed + 1; m < decode.NumMalformed; m++ {
		if n := c.Malformed[m]; n > 0 {
			out.Malformed[m.String()] = n
		}
	}
	for l, n := range c.UnknownLink {
		out.UnknownLink[linkName(l)] += n
	}
	for t, n := range c.EtherTypes {
		out.OtherTypes[fmt.Sprintf("0x%04x", t)] = n
	}
	for p, n := range c.ByProtocol {
		if n > 0 {
			out.Protocols[protocolName(uint8(p))] = n
		}
	}
	return out
}
