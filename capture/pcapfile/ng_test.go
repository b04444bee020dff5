package pcapfile

import (
	"math"
	"strings"
	"testing"

	"whydrop/capture"
)

// TestSections checks many sections, in both byte orders, with their own interfaces.
func TestSections(t *testing.T) {
	nano := func(b *oct) { b.opt(ifTSResolution, "\x09") }
	first := le().shb().idb(1, 100, nano).idb(101, 50, nil).
		epb(1, 2e6, "ip", 2, nil).epb(0, 3e9, "ether", 1500, nil).b
	second := be().shb().idb(113, 0, nil).epb(0, 4e6, "cooked", 6, nil).b
	got, in := read(t, append(first, second...), Options{})
	want := []capture.Frame{
		{Data: []byte("ip"), Number: 1, Time: 2e9, WireLength: 2, Interface: 1, Link: capture.LinkRaw, HasTime: true},
		{Data: []byte("ether"), Number: 2, Time: 3e9, WireLength: 1500, Interface: 0, Link: capture.LinkEthernet, HasTime: true},
		{Data: []byte("cooked"), Number: 3, Time: 4e9, WireLength: 6, Interface: 2, Link: capture.LinkLinuxSLL, HasTime: true},
	}
	if len(got) != len(want) || in.Damage != nil {
		t.Fatalf("%d frames, damage %+v", len(got), in.Damage)
	}
	for i := range want {
		if !same(got[i], want[i]) {
			t.Errorf("frame %d: got %+v, want %+v", i, got[i], want[i])
		}
	}
	if len(in.LinkTypes) != 3 || in.SnapLength != 50 || in.First != 2e9 || in.Last != 4e9 {
		t.Errorf("input %+v", in)
	}
}

// TestSkippedBlocks checks that blocks that are not about packets change nothing.
func TestSkippedBlocks(t *testing.T) {
	blocks := map[string]uint32{
		"name resolution": 4, "decryption secrets": 10, "custom": 0xbad, "custom, not to copy": 0x40000bad,
		"systemd journal": 9, "unknown": 0x1234, "local": 0x80000001,
	}
	for name, kind := range blocks {
		for _, octets := range both(func(b *oct) {
			odd := func(b *oct) { b.padded(strings.Repeat("z", 1000)) }
			b.shb().block(kind, odd).idb(1, 0, nil).epb(0, 1, "a", 1, nil).block(kind, odd).epb(0, 2, "b", 1, nil).
				block(kind, func(*oct) {})
		}) {
			if got, in := read(t, octets, Options{}); len(got) != 2 || in.Damage != nil || got[1].Number != 2 {
				t.Errorf("%s: %d frames, damage %+v", name, len(got), in.Damage)
			}
		}
	}
}

// TestPacketKinds checks simple and obsolete packets, and their numbers.
func TestPacketKinds(t *testing.T) {
	for _, octets := range both(func(b *oct) {
		b.shb().idb(1, 6, nil).
			block(blockSimple, func(b *oct) { b.u32(4).padded("none") }).
			epb(0, 5e6, "timed", 5, nil).
			block(blockSimple, func(b *oct) { b.u32(60).padded("cutcut") }).
			block(blockPacket, func(b *oct) { b.u16(0, 3).time(7e6).u32(3, 9).padded("old").opt(epbFlags, "").u32(0) }).
			block(blockPacket, func(b *oct) { b.u16(0, 0xffff).time(8e6).u32(3, 9).padded("old") })
	}) {
		got, in := read(t, octets, Options{})
		want := []capture.Frame{
			{Data: []byte("none"), Number: 1, WireLength: 4},
			{Data: []byte("timed"), Number: 2, WireLength: 5, Time: 5e9, HasTime: true},
			{Data: []byte("cutcut"), Number: 3, WireLength: 60, Time: 5e9},
			{Data: []byte("old"), Number: 4, WireLength: 9, Time: 7e9, HasTime: true},
			{Data: []byte("old"), Number: 5, WireLength: 9, Time: 8e9, HasTime: true},
		}
		if len(got) != len(want) {
			t.Fatalf("%d frames, damage %+v", len(got), in.Damage)
		}
		for i, w := range want {
			w.Link = capture.LinkEthernet
			if !same(got[i], w) {
				t.Errorf("frame %d: got %+v, want %+v", i, got[i], w)
			}
		}
		if in.First != 5e9 || in.Last != 8e9 {
			t.Errorf("from %d to %d: packets without a time must not count", in.First, in.Last)
		}
		drops := capture.DropSpan{From: 5e9, To: 7e9, Packets: 3, Kind: "ring"}
		if s := in.Stats; s.PacketDrops != capture.Known(3) || len(s.Spans) != 1 || s.Spans[0] != drops {
			t.Errorf("drops %+v", s)
		}
	}
}

func TestPacketFlags(t *testing.T) {
	tests := []struct {
		flags  uint32
		dir    capture.Direction
		off    capture.Offload
		errors capture.LinkErrors
	}{
		{0, capture.DirectionUnknown, capture.OffloadUnknown, 0},
		{1, capture.Inbound, capture.OffloadUnknown, 0},
		{2, capture.Outbound, capture.OffloadUnknown, 0},
		{3, capture.DirectionUnknown, capture.OffloadUnknown, 0},
		{2 | 1<<9, capture.Outbound, capture.OffloadPending, 0},
		{1 | 1<<10, capture.Inbound, capture.OffloadVerified, 0},
		{1<<9 | 1<<10, capture.DirectionUnknown, capture.OffloadUnknown, 0},
		{1 << 24, capture.DirectionUnknown, capture.OffloadUnknown, capture.LinkErrorCRC},
		{1<<31 | 1<<25, capture.DirectionUnknown, capture.OffloadUnknown, capture.LinkErrorSymbol | capture.LinkErrorTooLong},
	}
	for _, tt := range tests {
		for _, octets := range both(func(b *oct) {
			b.shb().idb(1, 0, nil).epb(0, 1, "abc", 3, func(b *oct) {
				b.opt(optComment, "a comment").u16(epbFlags, 4).u32(tt.flags).opt(77, "unknown")
			})
		}) {
			got, in := read(t, octets, Options{})
			f := got[0]
			if f.Direction != tt.dir || f.Offload != tt.off || f.LinkErrors != tt.errors || len(in.Notes) > 0 {
				t.Errorf("%#x: got %v %v %#x, notes %q", tt.flags, f.Direction, f.Offload, f.LinkErrors, in.Notes)
			}
		}
	}
}

// TestClock checks every kind of time resolution.
func TestClock(t *testing.T) {
	const top = math.MaxUint64
	tests := []struct {
		name       string
		resolution byte
		offset     int64
		ticks      uint64
		want       int64
	}{
		{"seconds", 0, 0, 5, 5e9},
		{"milliseconds", 3, 0, 5, 5e6},
		{"microseconds", 6, 0, 1700000000123456, 1700000000123456000},
		{"nanoseconds", 9, 0, 1700000000123456789, 1700000000123456789},
		{"picoseconds", 12, 0, 5001, 5},
		{"10^-20", 20, 0, top, 184467440},
		{"10^-28", 28, 0, top, 1},
		{"10^-29", 29, 0, top, 1},
		{"10^-127", 127, 0, top, 1},
		{"10^-127, few", 127, 0, 1 << 62, 0},
		{"2^0", 0x80, 0, 5, 5e9},
		{"2^-1", 0x81, 0, 3, 15e8},
		{"2^-10", 0x8a, 0, 1024 + 512, 15e8},
		{"2^-32", 0xa0, 0, 7<<32 | 1<<31, 75e8},
		{"2^-63", 0xbf, 0, 3 << 62, 15e8},
		{"2^-64", 0xc0, 0, 1 << 63, 5e8},
		{"2^-64, all", 0xc0, 0, top, 999999999},
		{"2^-65", 0xc1, 0, top, 499999999},
		{"2^-127", 0xff, 0, top, 0},
		{"seconds overflow", 0, 0, top, math.MaxInt64},
		{"microseconds overflow", 6, 0, top, math.MaxInt64},
		{"nanoseconds overflow", 9, 0, 1 << 63, math.MaxInt64},
		{"2^-0 overflow", 0x80, 0, top, math.MaxInt64},
		{"offset", 6, 1700000000, 1, 1700000000000001000},
		{"offset before 1970", 6, -10, 1e6, -9e9},
		{"offset far before", 6, math.MinInt64, 0, math.MinInt64},
		{"offset far behind", 6, math.MaxInt64, top, math.MaxInt64},
		{"offset that brings it back", 6, -1 << 33, 1<<33*1e6 + 1e6, 1e9},
		{"offset that brings an overflow back", 0, -1 << 40, 1<<40 + 3, 3e9},
		{"offset just before the start", 9, -9223372037, 0, math.MinInt64},
		{"offset just behind it", 9, -9223372036, 0, -9223372036e9},
	}
	for _, tt := range tests {
		c := newClock(tt.resolution, tt.offset)
		if got := c.time(tt.ticks); got != tt.want {
			t.Errorf("%s: %d ticks: got %d, want %d", tt.name, tt.ticks, got, tt.want)
		}
	}
}

// TestResolutionInFile checks that the options reach the clock.
func TestResolutionInFile(t *testing.T) {
	for _, octets := range both(func(b *oct) {
		b.shb().idb(1, 0, func(b *oct) { b.opt(ifTSResolution, "\x83").opt64(ifTSOffset, 100).opt(ifFCSLength, "\x04") }).
			epb(0, 4, "a", 1, nil)
	}) {
		got, in := read(t, octets, Options{})
		if got[0].Time != 1005e8 || len(in.Notes) != 1 {
			t.Errorf("got %d, notes %q; want 100.5 s and one note", got[0].Time, in.Notes)
		}
	}
}

// TestDamagedBlocks checks that what does not add up ends the file there.
func TestDamagedBlocks(t *testing.T) {
	good := func(b *oct) *oct { return b.shb().idb(1, 0, nil).epb(0, 1, "abcd", 4, nil) }
	tests := []struct {
		name string
		bad  func(*oct)
		what string
	}{
		{"length 8", func(b *oct) { b.u32(6, 8, 8) }, "block length 8 is below 12"},
		{"length 33", func(b *oct) { b.u32(6, 33).padded(strings.Repeat("z", 40)) }, "block length 33 is not a multiple of 4"},
		{"length of 64 MiB and more", func(b *oct) { b.u32(6, 64<<20+4, 0, 0) }, "block length 67108868 is above the limit of 67108864"},
		{"lengths differ", func(b *oct) { b.u32(9, 16, 0, 20) }, "block lengths 16 and 20 do not agree"},
		{"captured too long", func(b *oct) {
			b.block(blockEnhanced, func(b *oct) { b.u32(0, 0, 0, 5, 5).padded("abcd") })
		}, "captured length 5 does not fit its block of 4"},
		{"captured hostile", func(b *oct) {
			b.block(blockPacket, func(b *oct) { b.u16(0, 0).u32(0, 0, 0xffffffff, 5).padded("abcd") })
		}, "captured length 4294967295 does not fit its block of 4"},
		{"interface", func(b *oct) { b.epb(1, 1, "", 0, nil) }, "packet of interface 1, of which the section describes 1"},
		{"interface hostile", func(b *oct) { b.epb(0xffffffff, 1, "", 0, nil) },
			"packet of interface 4294967295, of which the section describes 1"},
		{"packet short", func(b *oct) { b.block(blockEnhanced, func(b *oct) { b.u32(0, 0, 0, 0) }) }, "packet block of 16 octets is too short"},
		{"old packet short", func(b *oct) { b.block(blockPacket, func(b *oct) { b.u32(0) }) }, "packet block of 4 octets is too short"},
		{"simple packet short", func(b *oct) { b.block(blockSimple, func(*oct) {}) }, "simple packet block of 0 octets is too short"},
		{"interface short", func(b *oct) { b.block(blockInterface, func(b *oct) { b.u32(0) }) }, "interface description of 4 octets is too short"},
		{"section mark", func(b *oct) { b.block(pcapngMagic, func(b *oct) { b.u32(0x11223344, 0, 0, 0) }) }, "section with byte order mark"},
		{"section version", func(b *oct) {
			b.block(pcapngMagic, func(b *oct) { b.u32(0x1a2b3c4d).u16(2, 0).u64(0) })
		}, "section of pcapng version 2.0, which is unknown"},
		{"section short", func(b *oct) { b.block(pcapngMagic, func(b *oct) { b.u32(0x1a2b3c4d) }) }, "section header of 4 octets is too short"},
		{"packet of a section without interfaces", func(b *oct) {
			b.shb().block(blockSimple, func(b *oct) { b.u32(0) })
		}, "packet of interface 0, of which the section describes 0"},
	}
	for _, tt := range tests {
		for _, octets := range both(func(b *oct) {
			good(b)
			tt.bad(b)
			good(b) // must not be found again
		}) {
			start := uint64(len(good(le()).b))
			if strings.HasSuffix(tt.name, "without interfaces") {
				start += 28 // the section header before it is well
			}
			got, in := read(t, octets, Options{})
			d := in.Damage
			if len(got) != 1 || d == nil || d.Cut || d.Offset != start || d.Frame != 2 || !strings.HasPrefix(d.What, tt.what) {
				t.Errorf("%s: %d frames, damage %+v; want %q at %d", tt.name, len(got), d, tt.what, start)
			}
		}
	}
}

// TestTornOptions checks that options that run past their block are said, and harm
// nothing else.
func TestTornOptions(t *testing.T) {
	torn := func(b *oct) { b.u16(epbFlags, 400).u32(1) }
	got, in := read(t, le().shb().idb(1, 0, torn).epb(0, 1, "a", 1, torn).isb(0, 2, torn).epb(0, 3, "b", 1, nil).b, Options{})
	if len(got) != 2 || in.Damage != nil || len(in.Notes) != 3 || got[0].Direction != 0 {
		t.Errorf("%d frames, damage %+v, notes %q", len(got), in.Damage, in.Notes)
	}
}

// TestShortOptions checks that options of the wrong length are not believed.
func TestShortOptions(t *testing.T) {
	got, in := read(t, le().shb().
		idb(1, 0, func(b *oct) {
			b.opt(ifTSResolution, "").opt(ifTSOffset, "abcd").opt(ifFilter, "").opt(ifFCSLength, "ab")
		}).
		epb(0, 1e6, "a", 1, func(b *oct) { b.opt(epbFlags, "\xff\xff").opt(epbDropCount, "\xff") }).
		isb(0, 2, func(b *oct) { b.opt(isbInterfaceDrops, "\xff\xff\xff\xff").opt(isbStart, "") }).b, Options{})
	if got[0].Time != 1e9 || got[0].Direction != 0 || in.Stats.PacketDrops != (capture.Counter{}) ||
		in.Stats.InterfaceDrops != (capture.Counter{}) || len(in.Notes) != 0 {
		t.Errorf("frame %+v, input %+v", got[0], in)
	}
}

// TestStatisticsOfNothing checks that statistics that make no sense are left out.
func TestStatisticsOfNothing(t *testing.T) {
	b := le().shb().idb(1, 0, nil).isb(7, 1, func(b *oct) { b.opt64(isbReceived, 1) }).
		block(blockStats, func(b *oct) { b.u32(0) }).epb(0, 1, "a", 1, nil)
	got, in := read(t, b.b, Options{})
	if len(got) != 1 || in.Damage != nil || len(in.Notes) != 2 || in.Stats.Received != (capture.Counter{}) {
		t.Errorf("%d frames, input %+v", len(got), in)
	}
}
