package host

import "github.com/cilium/ebpf"

const (
	// knownOctets is the size of struct known in bpf/drop.bpf.c.
	knownOctets = 1 << 16 / 8
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
	made := d.program.made()
	if made-d.made < full {
		return
	}
	d.made = made
	var keys []dropKey
	var key dropKey
	var v dropValue
	for all := d.program.maps.Drops.Iterate(); all.Next(&key, &v); {
		keys = append(keys, key)
	}
	for _, key := range keys {
		if d.program.maps.Drops.LookupAndDelete(&key, &v) != nil {
			continue
		}
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
	_ = p.maps.Knowns.Put(uint32(0), make([][knownOctets]byte, cpus))
}

// made is how many keys the program made.
func (p *program) made() (n uint64) {
	var all []dropWork
	if p.maps.Works.Lookup(uint32(0), &all) != nil {
		return 0
	}
	for _, w := range all {
		n += w.Made
	}
	return n
}
