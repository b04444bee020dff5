package report

import (
	"whydrop/analyze"
	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
)

// maxAlso is how many conclusions the first screen has room for beside losses.
const maxAlso = 2

// conclusions are what was concluded of who did what, beside lost packets.
func (b *builder) conclusions() []Conclusion {
	out := []Conclusion{}
	for i := range b.res.Conclusions {
		c := &b.res.Conclusions[i]
		if c.Say == "" {
			continue
		}
		d := Conclusion{
			Cause: string(c.Cause), Count: c.Count, Confidence: c.Confidence.String(), Say: c.Say, Evidence: []Evidence{},
		}
		for _, w := range c.Evidence {
			if w.Says == flow.SaysNothing {
				continue
			}
			f := b.frame(w.Frame)
			d.Evidence = append(d.Evidence, Evidence{
				File: f.File, Frame: f.Frame, Time: timestamp(w.Time), Says: says(&analyze.Charge{}, w), At: w.Time,
			})
		}
		out = append(out, d)
	}
	return out
}

// also are the sentences of those that are more than possible, for the first screen.
func (b *builder) also() []string {
	out := []string{}
	more := uint64(0)
	for i := range b.res.Conclusions {
		switch c := &b.res.Conclusions[i]; {
		case c.Say == "" || c.Confidence == cause.Possible && c.Cause != cause.SYNFlood:
		case len(out) == maxAlso:
			more++
		default:
			out = append(out, c.Say)
		}
	}
	if more > 0 {
		out[maxAlso-1] += " And " + counted(more, "more finding") + " (-v)."
	}
	return out
}

// concluded lists them with the frames that show it.
func (p *printer) concluded(r *Report) {
	if len(r.Conclusions) == 0 {
		return
	}
	p.heading("Concluded")
	for i := range r.Conclusions {
		c := &r.Conclusions[i]
		p.to(2)
		p.wrap(c.Cause+", "+c.Confidence+". "+c.Say, plain, 4, 4)
		p.nl()
		p.evidence(r, c.Evidence)
	}
}
