package report

import (
	"math"
	"slices"
	"strings"
	"time"
)

// sparkline draws counts. The height is the square root of the count: a single
// loss must show beside a burst of forty. Only none is drawn as nothing.
func sparkline(counts []uint32, ascii bool) string {
	levels := []rune("▁▂▃▄▅▆▇█")
	if ascii {
		levels = []rune(".:-=+*#@")
	}
	peak := slices.Max(append([]uint32{1}, counts...))
	var s strings.Builder
	for _, n := range counts {
		if n == 0 {
			s.WriteByte(' ')
			continue
		}
		height := math.Sqrt(float64(n) / float64(peak))
		s.WriteRune(levels[min(int(height*float64(len(levels))), len(levels)-1)])
	}
	return s.String()
}

// when is the sparkline of a group: its span and its peak stand beside it.
func (p *printer) when(g *Group, span float64) {
	// A picture of a few losses says less than their times in the text.
	const fewest = 3
	if g.Packets < fewest || span <= 0 {
		return
	}
	r := lost
	if g.Locus == locusCapture {
		r = unsure
	}
	p.label("when")
	p.put(plain, "0 s ")
	p.put(r, sparkline(g.When, p.ASCII))
	p.put(plain, " "+duration(int64(span*float64(time.Second))))
	peak := "  peak " + count(uint64(slices.Max(g.When)))
	if p.col+p.width(peak) <= p.Width {
		p.put(skip, peak)
	}
	p.nl()
}
