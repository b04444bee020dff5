package pcapfile

import (
	"bytes"
	"encoding/binary"

	"whydrop/capture"
)

// Which frames of a capture a file of a rotated set holds stands in a Custom Block as
// well, near its end:
//
//	octets          "whydrop part", a zero, the version (1), then three u64
//	                (little-endian): the set, the frames before it, its frames
var partMagic = append([]byte("whydrop part"), 0, 1)

// partOctets is the length behind the magic.
const partOctets = 3 * 8

// WritePart writes which frames of the capture the file holds. Only pcapng can; to
// others it is nothing.
func (w *Writer) WritePart(p capture.Part) error {
	if !w.ng {
		return nil
	}
	w.begin(blockCustom)
	w.u32(documentationPEN)
	piece := bytes.Clone(partMagic)
	for _, v := range []uint64{p.Set, p.Before, p.Frames} {
		piece = binary.LittleEndian.AppendUint64(piece, v)
	}
	w.padded(piece)
	return w.end()
}

// part reads a Custom Block that says so. One of others is none of our business.
func (n *pcapng) part(f *file, body []byte) {
	const penOctets = 4
	if len(body) < penOctets+len(partMagic)+partOctets || n.order.u32(body) != documentationPEN || !bytes.HasPrefix(body[penOctets:], partMagic) {
		return
	}
	body = body[penOctets+len(partMagic):]
	f.input.Part = &capture.Part{
		Set: binary.LittleEndian.Uint64(body), Before: binary.LittleEndian.Uint64(body[8:]), Frames: binary.LittleEndian.Uint64(body[16:]),
	}
}
