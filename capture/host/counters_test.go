package host

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"whydrop/capture"
)

// split cuts names at blanks; a name with a dot or a blank of its own is none of these.
func split(names string) []string { return strings.Fields(names) }

func TestAdvanced(t *testing.T) {
	tests := []struct {
		name           string
		from, to, want uint64
	}{
		{"still", 7, 7, 0},
		{"forward", 7, 10, 3},
		{"beyond 32 bits", 1<<32 - 1, 1<<32 + 4, 5},
		{"32 bits wrapped", 1<<32 - 6, 4, 10},
		{"a sum of processors, one wrapped", 5<<32 - 6, 4<<32 + 4, 10},
		{"set back to zero", 1000, 3, 3},
		{"set back, of 64 bits", 1 << 40, 12, 12},
	}
	for _, test := range tests {
		if got := advanced(test.from, test.to); got != test.want {
			t.Errorf("%s: from %d to %d it moved by %d, want %d", test.name, test.from, test.to, got, test.want)
		}
	}
}

func TestMovement(t *testing.T) {
	const start = 1000 * second
	c := newCounters()
	for i, v := range []uint64{5, 5, 8, 8, 20} { // a look a second
		c.begin(start + int64(i)*second)
		c.see("snmp", "", "Udp.RcvbufErrors", v, false)
		c.see("snmp", "", "Udp.NoPorts", 3, false)
		if i >= 2 {
			c.see("snmp", "", "IcmpMsg.InType3", 4, false) // made on its first use
			c.see("link", "eth1", "rx_dropped", 900, true) // came from elsewhere
		}
	}
	got, omitted := c.movement()
	want := []capture.Moved{
		{Group: "snmp", Name: "IcmpMsg.InType3", From: 0, By: 4, First: start + second, Last: start + 2*second, PerSecond: []uint32{4}},
		{Group: "snmp", Name: "Udp.RcvbufErrors", From: 5, By: 15, First: start + second, Last: start + 4*second, PerSecond: []uint32{3, 0, 12}},
	}
	if omitted != 0 || !slices.EqualFunc(got, want, same) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if lost := c.lost(); len(lost) != 1 || lost[0].Name != "Udp.RcvbufErrors" {
		t.Errorf("of losses tell %+v, want Udp.RcvbufErrors alone", lost)
	}
}

func same(a, b capture.Moved) bool {
	series := slices.Equal(a.PerSecond, b.PerSecond)
	a.PerSecond, b.PerSecond = nil, nil
	return series && a.Group == b.Group && a.Name == b.Name && a.Of == b.Of && a.From == b.From && a.By == b.By &&
		a.First == b.First && a.Last == b.Last
}

// TestSeriesIsBounded lets a counter move for a day, with the clock set back once.
func TestSeriesIsBounded(t *testing.T) {
	c := newCounters()
	for i := range int64(86400) {
		now := i * second
		if i == 1000 {
			now = 0
		}
		c.begin(now)
		c.see("snmp", "", "Ip.InReceives", uint64(i), false)
	}
	got, _ := c.movement()
	if len(got) != 1 || got[0].By != 86399 || len(got[0].PerSecond) > mostSeconds {
		t.Errorf("moved by %d, a series of %d; want 86399, and at most %d", got[0].By, len(got[0].PerSecond), mostSeconds)
	}
}

func TestCountersAreBounded(t *testing.T) {
	c := newCounters()
	for i := range uint64(2) {
		c.begin(int64(i+1) * second)
		for n := range mostCounters + 10 {
			c.see("ethtool", "eth0", "queue_"+strconv.Itoa(n), i, true)
		}
		c.see("nic-ring", "eth0", "rx_drops", i, true)
	}
	moved, omitted := c.movement()
	if len(moved) != mostMoved || omitted != mostCounters-mostMoved || c.omitted != 11 {
		t.Errorf("%d moved, %d omitted, %d not watched", len(moved), omitted, c.omitted)
	}
}
