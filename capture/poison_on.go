//go:build poison

package capture

// poison overwrites released memory, so that a test that keeps a slice of it
// fails instead of passing by luck.
func poison(b *Batch) {
	for i := range b.Frames {
		data := b.Frames[i].Data
		for j := range data {
			data[j] = 0xdb
		}
	}
}
