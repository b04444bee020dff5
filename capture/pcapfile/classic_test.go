package pcapfile

import (
	"strings"
	"testing"

	"whydrop/capture"
)

func TestClassicDialects(t *testing.T) {
	const t1, t2 = 1700000000, 1700000001
	sll := func(kind byte) []byte { return []byte{0, 0, 0, 2, 8, 0, kind, 0} }
	tests := []struct {
		name  string
		build func(*oct)
		nanos int64 // what a fraction of 7 is
		dir   capture.Direction
		note  string
	}{
		{"microseconds", func(b *oct) {
			b.pcap(0xa1b2c3d4, 65535, 1).rec(t1, 7, "abcd", 60).rec(t2, 7, "efg", 3)
		}, 7000, 0, ""},
		{"nanoseconds", func(b *oct) {
			b.pcap(0xa1b23c4d, 65535, 1).rec(t1, 7, "abcd", 60).rec(t2, 7, "efg", 3)
		}, 7, 0, ""},
		{"Kuznetzov", func(b *oct) {
			b.pcap(0xa1b2cd34, 65535, 1).rec(t1, 7, "abcd", 60, sll(4)...).rec(t2, 7, "efg", 3, sll(4)...)
		}, 7000, capture.Outbound, "Kuznetzov"},
		{"Kuznetzov's magic, usual records", func(b *oct) {
			b.pcap(0xa1b2cd34, 65535, 1).rec(t1, 7, "abcd", 60).rec(t2, 7, "efg", 3)
		}, 7000, 0, "16 octets"},
		{"Kuznetzov's magic, records of 990915", func(b *oct) {
			long := append(sll(0), 1, 2, 0, 0)
			b.pcap(0xa1b2cd34, 65535, 1).rec(t1, 7, "abcd", 60, long...).rec(t2, 7, "efg", 3, long...)
		}, 7000, capture.Inbound, "28 octets"},
		{"usual magic, Kuznetzov's records", func(b *oct) {
			b.pcap(0xa1b2c3d4, 65535, 1).rec(t1, 7, "abcd", 60, sll(1)...).rec(t2, 7, "efg", 3, sll(1)...)
		}, 7000, capture.Inbound, "24 octets"},
		{"usual magic, Nokia's records", func(b *oct) {
			b.pcap(0xa1b2c3d4, 65535, 1).rec(t1, 7, "abcd", 60, 9, 9, 9, 9).rec(t2, 7, "efg", 3, 9, 9, 9, 9)
		}, 7000, 0, "20 octets"},
		{"IXIA hardware", func(b *oct) {
			b.pcap(0x1c0001ac, 65535, 1).u32(39).rec(t1, 7, "abcd", 60).rec(t2, 7, "efg", 3)
		}, 7, 0, "IXIA hardware"},
		{"IXIA software", func(b *oct) {
			b.pcap(0x1c0001ab, 65535, 1).u32(39).rec(t1, 7, "abcd", 60).rec(t2, 7, "efg", 3)
		}, 7000, 0, "IXIA software"},
		{"netsniff-ng", func(b *oct) {
			long := []byte{0, 0, 0, 2, 8, 0, 1, 4}
			b.pcap(0xa1e2cb12, 65535, 1).rec(t1, 7, "abcd", 60, long...).rec(t2, 7, "efg", 3, long...)
		}, 7, capture.Outbound, "netsniff-ng"},
	}
	for _, tt := range tests {
		for _, octets := range both(tt.build) {
			got, in := read(t, octets, Options{})
			if in.Damage != nil || len(got) != 2 {
				t.Errorf("%s: %d frames, damage %+v", tt.name, len(got), in.Damage)
				continue
			}
			want := []capture.Frame{
				{Data: []byte("abcd"), Time: t1*1e9 + tt.nanos, WireLength: 60, Number: 1},
				{Data: []byte("efg"), Time: t2*1e9 + tt.nanos, WireLength: 3, Number: 2},
			}
			for i, w := range want {
				w.Link, w.HasTime, w.Direction = capture.LinkEthernet, true, tt.dir
				if !same(got[i], w) {
					t.Errorf("%s: frame %d: got %+v, want %+v", tt.name, i, got[i], w)
				}
			}
			if notes := strings.Join(in.Notes, "; "); !strings.Contains(notes, tt.note) || tt.note == "" && notes != "" {
				t.Errorf("%s: notes %q, want %q", tt.name, notes, tt.note)
			}
			if in.First != want[0].Time || in.Last != want[1].Time || in.Octets != 7 || in.SnapLength != 65535 {
				t.Errorf("%s: input %+v", tt.name, in)
			}
		}
	}
}

// TestClassicLengths checks lengths that do not fit the header or each other.
func TestClassicLengths(t *testing.T) {
	long := strings.Repeat("x", 400)
	tests := []struct {
		name   string
		build  func(*oct)
		frames int
		wire   uint32 // of the last frame
		damage string
	}{
		{"longer than the snap length", func(b *oct) { b.pcap(0xa1b2c3d4, 96, 1).rec(1, 0, long, 400) }, 1, 400, ""},
		{"snap length 0", func(b *oct) { b.pcap(0xa1b2c3d4, 0, 1).rec(1, 0, long, 1400) }, 1, 1400, ""},
		{"longer than on the wire", func(b *oct) { b.pcap(0xa1b2c3d4, 96, 1).rec(1, 0, long, 60) }, 1, 400, ""},
		{"no octets", func(b *oct) { b.pcap(0xa1b2c3d4, 96, 1).rec(1, 0, "", 60) }, 1, 60, ""},
		{"above the limit", func(b *oct) {
			b.pcap(0xa1b2c3d4, 65535, 1).rec(1, 0, "abcd", 4).u32(2, 0, 262145, 262145)
		}, 1, 4, "captured length 262145 is above the limit of 262144"},
		{"as long as a snap length says", func(b *oct) {
			b.pcap(0xa1b2c3d4, 300000, 1).rec(2, 0, strings.Repeat("y", 300000), 300000)
		}, 1, 300000, ""},
		{"a USB message", func(b *oct) {
			b.pcap(0xa1b2c3d4, 262144, 220).rec(2, 0, strings.Repeat("y", 3<<20), 3<<20)
		}, 1, 3 << 20, ""},
		{"hostile", func(b *oct) { b.pcap(0xa1b2c3d4, 0xffffffff, 1).u32(2, 0, 0xffffffff, 0xffffffff) }, 0, 0,
			"captured length 4294967295 is above the limit of 262144"},
		{"version 2.2 has them the other way round", func(b *oct) {
			b.u32(0xa1b2c3d4).u16(2, 2).u32(0, 0, 96, 1).u32(1, 0, 60, 4).padded("abcd")
		}, 1, 60, ""},
		{"version 2.3 may", func(b *oct) {
			b.u32(0xa1b2c3d4).u16(2, 3).u32(0, 0, 96, 1).u32(1, 0, 60, 4).padded("abcd").u32(1, 0, 4, 60).padded("abcd")
		}, 2, 60, ""},
		{"header without packets", func(b *oct) { b.pcap(0xa1b2c3d4, 96, 1) }, 0, 0, ""},
	}
	for _, tt := range tests {
		for _, octets := range both(tt.build) {
			got, in := read(t, octets, Options{})
			what := ""
			if in.Damage != nil {
				what = in.Damage.What
			}
			if len(got) != tt.frames || what != tt.damage || in.Frames != uint64(tt.frames) {
				t.Errorf("%s: %d frames, damage %q; want %d, %q", tt.name, len(got), what, tt.frames, tt.damage)
			} else if n := len(got); n > 0 && got[n-1].WireLength != tt.wire {
				t.Errorf("%s: wire length %d, want %d", tt.name, got[n-1].WireLength, tt.wire)
			}
		}
	}
}

func TestClassicLinkWord(t *testing.T) {
	tests := []struct {
		word uint32
		link capture.LinkType
		note string
	}{
		{1, 1, ""},
		{276, capture.LinkLinuxSLL2, ""},
		{0x2400_0001, 1, "4 octets of frame check sequence"},
		{0x0030_0001, 1, "reserved bits of the link type are set: 0x00300001"},
	}
	for _, tt := range tests {
		got, in := read(t, le().pcap(0xa1b2c3d4, 96, tt.word).rec(1, 0, "abcd", 4).b, Options{})
		if got[0].Link != tt.link || in.LinkTypes[0] != tt.link {
			t.Errorf("%#x: link type %d, want %d", tt.word, got[0].Link, tt.link)
		}
		if notes := strings.Join(in.Notes, ";"); !strings.Contains(notes, tt.note) || tt.note == "" && notes != "" {
			t.Errorf("%#x: notes %q, want %q", tt.word, notes, tt.note)
		}
	}
}
