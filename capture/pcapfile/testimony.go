package pcapfile

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"whydrop/capture"
)

// The testimony of the capturing host stands in Custom Blocks,
// draft-ietf-opsawg-pcapng §4.8:
//
//	block type      0x00000BAD: may be copied to another file
//	PEN             32473, which RFC 5612 sets aside for documentation: we own none
//	octets          "whydrop testimony", a zero, the version (1), then
//	                u16 part, u16 parts (little-endian), then a piece of JSON
//
// The pieces of all parts, in order, are one capture.Testimony as JSON. A file has
// at most one; if it has more, the last one counts. Others skip the blocks.
const (
	blockCustom      = 0xbad
	documentationPEN = 32473
	testimonyVersion = 1

	// testimonyPart is the most of a piece, and mostTestimony of all of them.
	testimonyPart = 1 << 20
	mostTestimony = 16 << 20

	// mostObjects is how many JSON objects it may hold: each takes far more memory
	// than the two octets that it may be.
	mostObjects = 1 << 18
)

var testimonyMagic = append([]byte("whydrop testimony"), 0, testimonyVersion)

// WriteTestimony writes what the host said. Only pcapng can.
func (w *Writer) WriteTestimony(t *capture.Testimony) error {
	if !w.ng {
		return fmt.Errorf("pcap cannot hold the host's evidence")
	}
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	if len(text) > mostTestimony {
		return fmt.Errorf("the host's evidence takes %d octets, and may take %d", len(text), mostTestimony)
	}
	parts := (len(text) + testimonyPart - 1) / testimonyPart
	for i := range parts {
		w.begin(blockCustom)
		w.u32(documentationPEN)
		piece := bytes.Clone(testimonyMagic)
		piece = binary.LittleEndian.AppendUint16(piece, uint16(i))
		piece = binary.LittleEndian.AppendUint16(piece, uint16(parts))
		w.padded(append(piece, text[i*testimonyPart:min(len(text), (i+1)*testimonyPart)]...))
		if err := w.end(); err != nil {
			return err
		}
	}
	return nil
}

// custom reads a Custom Block. One of others is none of our business.
func (n *pcapng) custom(f *file, body []byte) {
	if len(body) < 4+len(testimonyMagic)+4 || n.order.u32(body) != documentationPEN ||
		!bytes.HasPrefix(body[4:], testimonyMagic[:len(testimonyMagic)-1]) {
		return
	}
	body = body[4:]
	if body[len(testimonyMagic)-1] != testimonyVersion {
		f.note("the host's evidence is of another version of whydrop, and is left out")
		return
	}
	body = body[len(testimonyMagic):]
	part, parts := binary.LittleEndian.Uint16(body), binary.LittleEndian.Uint16(body[2:])
	if part == 0 {
		n.testimony = n.testimony[:0]
		n.nextPart = 0
	}
	if part != n.nextPart || len(n.testimony)+len(body) > mostTestimony {
		f.note("the host's evidence is incomplete, and is left out")
		n.testimony, n.nextPart = nil, 0
		return
	}
	n.testimony = append(n.testimony, bytes.TrimRight(body[4:], "\x00")...) // no JSON has a zero: it pads
	n.nextPart++
	if n.nextPart != parts {
		return
	}
	t := new(capture.Testimony)
	if bytes.Count(n.testimony, []byte("{")) > mostObjects || json.Unmarshal(n.testimony, t) != nil {
		f.note("the host's evidence cannot be read, and is left out")
	} else {
		f.input.Testimony = t
	}
	n.testimony, n.nextPart = nil, 0
}
