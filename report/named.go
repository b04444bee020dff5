package report

import (
	"slices"
	"strings"

	"whydrop/analyze"
	"whydrop/analyze/cause"
	"whydrop/analyze/flow"
)

// named puts real names for those that steps of a cause hold in their place: the address
// that most packets went to, and the interface, where the host that captured has told
// which one that was.
func (b *builder) named(steps []string, id cause.ID, charges []*analyze.Charge) []string {
	c := slices.MaxFunc(charges, func(x, y *analyze.Charge) int { return int(int64(x.Packets) - int64(y.Packets)) })
	var names []string
	if c.Flow != flow.NoFlow {
		to := c.Dst.Addr
		if id == cause.RPFilter {
			to = c.Src.Addr
		}
		names = append(names, "ADDRESS", to.String())
	}
	if iface := b.onlyInterface(); iface != "" {
		names = append(names, "eth0", iface, "DEV", iface)
	}
	if names == nil {
		return steps
	}
	replace := strings.NewReplacer(names...)
	out := make([]string, len(steps))
	for i, s := range steps {
		if out[i] = s; strings.HasPrefix(s, "`") {
			out[i] = replace.Replace(s)
		}
	}
	return out
}

// onlyInterface is that of the capture, if a host says so and it is one.
func (b *builder) onlyInterface() string {
	if len(b.res.Hosts) != 1 {
		return ""
	}
	if all := b.res.Hosts[0].Of.Captured; len(all) == 1 && all[0] != "any" {
		return typable(all[0])
	}
	return ""
}
