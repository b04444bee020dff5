package analyze

import (
	"slices"

	"whydrop/analyze/flow"
)

// began, ns, is how long a capture must have gone on before the first packet of
// a conversation for it to have begun in the capture.
const began = int64(200e6)

// beforeCapture takes out losses that a first receiver report tells of, if the
// conversation may have begun before the capture: they may be older than it.
func beforeCapture(res *Result) {
	res.Ledger.Losses = slices.DeleteFunc(res.Ledger.Losses, func(l flow.Lost) bool {
		f := res.Flows[l.Flow]
		if !l.MaybeBefore || f.First-res.First >= began {
			return false
		}
		m := &f.Dir[l.Dir&1].Missing[l.Place]
		*m -= min(l.Packets, *m)
		return true
	})
}
