package report

import (
	"math"
	"strconv"
	"time"
)

// groupFrom is where counts begin to be written in groups of three.
const groupFrom = 1000

// count writes n in groups of three: 26 656.
func count(n uint64) string { return string(appendCount(nil, n)) }

func appendCount(b []byte, n uint64) []byte {
	if n < groupFrom {
		return strconv.AppendUint(b, n, 10)
	}
	b = appendCount(b, n/groupFrom)
	rest := n % groupFrom
	return append(b, ' ', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
}

// counted writes n and the noun in the right number: 1 packet, 2 packets.
func counted(n uint64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}

// was agrees with n.
func was(n uint64) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

// is agrees with n.
func is(n uint64) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// rate divides and never yields NaN; six decimals are as many as a packet count supports.
func rate(part, whole uint64) float64 {
	if whole == 0 {
		return 0
	}
	return round(float64(part)/float64(whole), 6)
}

func round(x float64, decimals int) float64 {
	p := math.Pow10(decimals)
	return math.Round(x*p) / p
}

// percent writes a rate of loss: 3.04 %, <0.01 % for the tiny ones, 0 for none.
func percent(part, whole uint64) string {
	if part == 0 || whole == 0 {
		return "0"
	}
	p := 100 * float64(part) / float64(whole)
	if p < 0.01 {
		return "<0.01 %"
	}
	return strconv.FormatFloat(p, 'f', 2, 64) + " %"
}

// share writes a proportion in prose: 12 %, below ten 2.2 %.
func share(part, whole uint64) string {
	if part == 0 || whole == 0 {
		return "0 %"
	}
	p := 100 * float64(part) / float64(whole)
	if p < 0.1 {
		return "<0.1 %"
	}
	return twoDigits(p) + " %"
}

// twoDigits writes x with one decimal below ten, and none from there.
func twoDigits(x float64) string {
	if x < 9.95 {
		return strconv.FormatFloat(x, 'f', 1, 64)
	}
	return count(uint64(math.Round(x)))
}

// octets writes n in powers of 1000, with one decimal from MB.
func octets(n uint64) string {
	const kB, MB = 1000, 1000 * 1000
	// A unit starts where the one below would round up to 1 000 of it.
	switch {
	case n < kB:
		return count(n) + " B"
	case n < MB-kB/2:
		return count((n+kB/2)/kB) + " kB"
	}
	x, unit := float64(n)/MB, "MB"
	for _, larger := range []string{"GB", "TB", "PB", "EB"} {
		if x < 999.95 {
			break
		}
		x, unit = x/1000, larger
	}
	return strconv.FormatFloat(x, 'f', 1, 64) + " " + unit
}

// duration writes ns the way a person says it: 120 µs, 75.7 ms, 3.2 s, 1 h 12 min.
func duration(ns int64) string {
	d := max(time.Duration(ns), 0)
	// A unit starts where the one below would round up to it.
	const (
		milli = time.Millisecond - time.Microsecond/2
		tenth = 100*time.Millisecond - 50*time.Microsecond
		whole = time.Second - time.Millisecond/2
	)
	switch {
	case d == 0:
		return "0 s"
	case d < milli:
		return count(uint64(d.Round(time.Microsecond)/time.Microsecond)) + " µs"
	case d < tenth:
		return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 1, 64) + " ms"
	case d < whole:
		return count(uint64(d.Round(time.Millisecond)/time.Millisecond)) + " ms"
	case d < 2*time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	}
	d = d.Round(time.Minute)
	hours, minutes := uint64(d/time.Hour), uint64(d%time.Hour/time.Minute)
	if hours == 0 {
		return count(minutes) + " min"
	}
	return count(hours) + " h " + count(minutes) + " min"
}

// rtt writes a round trip time in ms: whole ms from 10, else one decimal.
func rtt(ms float64) string { return twoDigits(ms) + " ms" }

// seconds writes the time from the start of the capture, six decimals, beside a frame.
func seconds(from, at int64) string {
	sign, d := "", at-from
	if d < 0 {
		sign, d = "-", -d
	}
	d /= int64(time.Microsecond)
	const perSecond = int64(time.Second / time.Microsecond)
	frac := strconv.FormatInt(perSecond+d%perSecond, 10)[1:] // with its leading zeros
	return sign + strconv.FormatInt(d/perSecond, 10) + "." + frac
}

// milliseconds converts ns for JSON: three decimals are a microsecond.
func milliseconds(ns int64) float64 { return round(float64(ns)/float64(time.Millisecond), 3) }
