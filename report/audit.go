package report

import (
	"strconv"
	"strings"

	"whydrop/capture"
	"whydrop/decode"
)

// notable are the findings that lower no confidence and belong on the first
// screen all the same: they say that the file is not what it looks like.
var notable = map[string]bool{"truncated": true, "interrupted": true, "duplicates": true, "two-points": true, "translated": true, "traceroute": true}

// maxFindings is how many findings the trust line names.
const maxFindings = 2

func (b *builder) capture() Capture {
	out := Capture{
		Tap:   b.tap(),
		Audit: make([]Finding, 0, len(b.res.Audit)),
		Drops: b.drops(),
	}
	var told []string
	for _, a := range b.res.Audit {
		detail := grouped(a.Detail, a.Frames)
		out.Audit = append(out.Audit, Finding{Finding: a.Finding, Frames: a.Frames, Detail: detail, Lowers: a.Lowers})
		if a.Lowers || notable[a.Finding] {
			told = append(told, b.shortPaths(strings.TrimSuffix(detail, ".")))
		}
	}
	out.Sound = len(told) == 0 && b.blind.oneWay == 0
	switch {
	case len(told) == 0 && b.res.Counts.Frames == 0:
		out.Trust = "there is no frame to judge it by"
	case len(told) == 0 && b.blind.oneWay > 0:
		out.Trust = count(b.blind.bothWays) + " of " + counted(b.blind.tcp, "TCP flow") + " has both directions"
		if b.blind.bothWays > 1 {
			out.Trust = strings.Replace(out.Trust, " has ", " have ", 1)
		}
	case len(told) == 0:
		out.Trust = "the capture is sound: " + b.soundness(out.Drops)
	case len(told) == 1:
		out.Trust = told[0]
	default:
		out.Trust = counted(uint64(len(told)), "finding") + ": " + strings.Join(told[:maxFindings], "; ")
		if more := len(told) - maxFindings; more > 0 {
			out.Trust += "; " + count(uint64(more)) + " more with -v"
		}
	}
	if s := b.linkTroubles(); s != "" {
		out.Trust += "; but " + s
	}
	if s := b.hostLacks(); s != "" {
		out.Trust += "; but of this host, " + s
	}
	return out
}

// shortPaths leaves the folders out of a sentence about a file: the line is short.
func (b *builder) shortPaths(sentence string) string {
	for i := range b.res.Inputs {
		if p := b.res.Inputs[i].Path; p != "" {
			sentence = strings.ReplaceAll(sentence, p, p[strings.LastIndexByte(p, '/')+1:])
		}
	}
	return sentence
}

// grouped writes the number n in a sentence in groups of three.
func grouped(sentence string, n uint64) string {
	if n < groupFrom {
		return sentence
	}
	return strings.Replace(sentence, strconv.FormatUint(n, 10), count(n), 1)
}

// soundness lists what was looked for and not found. What the file does not
// record is not claimed to be zero.
func (b *builder) soundness(d Drops) string {
	var parts []string
	if n, known := total(d.Ring, d.Interface, d.OS).Value(); known && n == 0 {
		parts = append(parts, "0 dropped")
	}
	c := &b.res.Counts
	if c.Truncated == 0 {
		parts = append(parts, "0 cut")
	} else {
		parts = append(parts, counted(c.Truncated, "frame")+" cut behind the headers")
	}
	if b.blind.tcp > 0 {
		parts = append(parts, "both directions")
	}
	var good, bad, blanked uint64
	for i := range b.res.Flows {
		blanked += uint64(b.res.Flows[i].Dir[0].ChecksumBlanked) + uint64(b.res.Flows[i].Dir[1].ChecksumBlanked)
	}
	for l := range decode.NumLayers {
		good += c.Checksums[l][decode.ChecksumGood]
		bad += c.Checksums[l][decode.ChecksumBad] + c.Checksums[l][decode.ChecksumForbidden]
	}
	bad -= min(bad, blanked)
	if blanked > 0 {
		parts = append(parts, counted(blanked, "payload")+" blanked")
	}
	switch {
	case bad > 0:
		parts = append(parts, counted(bad, "bad checksum"))
	case good > 0:
		parts = append(parts, "checksums good")
	}
	return strings.Join(parts, ", ")
}

// drops are the capture's own counters, over all inputs. A sum of which some
// part is unknown is at least the known part; of which none is known, unknown.
func (b *builder) drops() Drops {
	var d Drops
	for i := range b.res.Inputs {
		s := &b.res.Inputs[i].Stats
		d.Ring = total(d.Ring, s.PacketDrops)
		d.Interface = total(d.Interface, s.InterfaceDrops)
		d.OS = total(d.OS, s.OSDrops)
	}
	return d
}

func total(counters ...capture.Counter) capture.Counter {
	var sum capture.Counter
	for _, c := range counters {
		if n, known := c.Value(); known {
			sum = sum.Plus(n)
		}
	}
	return sum
}
