package host

import "github.com/cilium/ebpf"

const (
	// fullTable is how many keys the kernel's table may hold before it is emptied:
	// three quarters of its size.
	fullTable = 12288
	// mostSpilled bounds the keys that are kept after that; of more of them, the
	// addresses are forgotten.
	mostSpilled = 1 << 16
)

// makeRoom empties the kernel's table of drops when it holds so many keys, so that
// new ones find room however long the capture lasts.
func (d *dropWatch) makeRoom(full uint64) {
	made := d.program.sum(func(w *dropWork) uint64 { return w.Made })
	if made-d.made < full {
		return
	}
	d.made = made
	var hashes []uint64
	var hash uint64
	var v dropValue
	for all := d.program.maps.Drops.Iterate(); all.Next(&hash, &v); {
		hashes = append(hashes, hash)
	}
	for _, hash := range hashes {
		if d.program.maps.Drops.LookupAndDelete(&hash, &v) != nil {
			continue
		}
		key := v.Key
		if len(d.spilled) >= mostSpilled && d.spilled[key] == nil {
			key.Src, key.Dst, key.Sport, key.Dport = [16]uint8{}, [16]uint8{}, 0, 0
		}
		if known := d.spilled[key]; known != nil {
			known.add(sumsOf(&v))
			continue
		}
		d.spilled[key] = sumsOf(&v)
	}
	d.program.forget()
}

// forget empties what the program knows of the keys in its table. If that fails, it
// looks for some of them in vain.
func (p *program) forget() {
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return
	}
	_ = p.maps.Indices.Put(uint32(0), make([]dropIndex, cpus))
}
