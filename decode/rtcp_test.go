package decode

import (
	"encoding/binary"
	"testing"
)

// receiverReport is an RTCP receiver report with these blocks, and an empty
// source description behind it.
func receiverReport(blocks ...Report) []byte {
	b := []byte{0x80 | byte(len(blocks)), rtcpReceiverReport, 0, byte(1 + 6*len(blocks))}
	b = binary.BigEndian.AppendUint32(b, 7)
	for _, r := range blocks {
		b = binary.BigEndian.AppendUint32(b, r.Source)
		b = binary.BigEndian.AppendUint32(b, uint32(r.Fraction)<<24|uint32(r.Lost)&0xffffff)
		b = binary.BigEndian.AppendUint32(b, r.Highest)
		b = binary.BigEndian.AppendUint32(b, r.Jitter)
		b = append(b, make([]byte, 8)...)
	}
	return append(b, 0x81, 202, 0, 2, 0, 0, 0, 7, 0, 0, 0, 0)
}

// TestRTCP checks that reports are read, and that nothing else is taken for one.
func TestRTCP(t *testing.T) {
	one := Report{Reporter: 7, Source: 0x5eed, Lost: 3, Highest: 0x1ffff, Jitter: 12, Fraction: 9}
	two := Report{Reporter: 7, Source: 0xbeef, Lost: -2, Highest: 5}
	whole := receiverReport(one, two)
	padded := append([]byte{}, whole...)
	padded[0] |= rtcpPadding
	tests := []struct {
		name    string
		payload []byte
		cut     int
		want    []Report
	}{
		{"two blocks", whole, 0, []Report{one, two}},
		{"a block in a sender report", senderReport(one), 0, []Report{one}},
		{"cut by the snap length", whole, 4, nil},
		{"padding on the first packet", padded, 0, nil},
		{"lengths that do not add up", append(append([]byte{}, whole...), 0x80, 202, 0, 1), 0, nil},
		{"more blocks than its length", append([]byte{0x82, rtcpReceiverReport, 0, 3}, make([]byte, 12)...), 0, nil},
		{"RTP of payload type 73", []byte{0x80, 201, 0, 9, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4}, 0, nil},
		{"another type first", append([]byte{0x81, 202, 0, 2, 0, 0, 0, 7, 0, 0, 0, 0}, whole...), 0, nil},
	}
	for _, tt := range tests {
		w := walk{p: &Packet{PayloadLen: uint32(len(tt.payload)), Control: -1}, d: &Decoded{}, body: tt.payload[:len(tt.payload)-tt.cut]}
		w.udpHead()
		var got []Report
		for i := range w.d.Controls {
			c := &w.d.Controls[i]
			if c.Kind != ControlReport || c.More != (i > 0) {
				t.Errorf("%s: control %d is %+v", tt.name, i, c)
			}
			got = append(got, c.Report)
		}
		if len(got) != len(tt.want) || (w.p.Control >= 0) != (len(got) > 0) {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
			continue
		}
		for i := range got {
			if got[i] != tt.want[i] {
				t.Errorf("%s: got %+v, want %+v", tt.name, got[i], tt.want[i])
			}
		}
	}
}

func senderReport(block Report) []byte {
	b := receiverReport(block)
	out := append([]byte{0x81, rtcpSenderReport, 0, 12}, b[4:8]...)
	out = append(out, make([]byte, rtcpSenderLen)...)
	return append(out, b[8:32]...)
}
