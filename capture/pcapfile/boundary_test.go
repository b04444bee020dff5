package pcapfile

import (
	"strings"
	"testing"
)

// TestBoundary checks what is found where a record should begin: the captures
// that cat put behind one another, and the zeros of a file system.
func TestBoundary(t *testing.T) {
	const section = "\x0a\x0d\x0d\x0a\x1c\x00\x00\x00\x4d\x3c\x2b\x1a\x01\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x1c\x00\x00\x00"
	one := classicSample(1)
	frames := uint64(1)
	for _, c := range []struct {
		name, what string
		octets     string
		cut        bool
		frames     uint64
	}{
		{"pcap, pcap", "another capture (pcap) begins", string(one) + string(one), false, frames},
		{"pcap, pcapng", "another capture (pcapng) begins", string(one) + section, false, frames},
		{"pcapng, pcap", "another capture (pcap) begins", section + string(one), false, 0},
		{"pcap, zeros", "has only zeros behind frame 1", string(one) + strings.Repeat("\x00", 300), true, frames},
	} {
		got, in := read(t, []byte(c.octets), Options{})
		if uint64(len(got)) != c.frames || in.Damage == nil || in.Damage.What != c.what || in.Damage.Cut != c.cut || in.Damage.Frame != c.frames+1 {
			t.Errorf("%s: %d frames, damage %+v\nwant %d and %q, cut %v", c.name, len(got), in.Damage, c.frames, c.what, c.cut)
		}
	}
	if _, in := read(t, []byte(section+section), Options{}); in.Damage != nil {
		t.Errorf("two sections are one file: %+v", in.Damage)
	}
}

// TestQuote checks that names can be pasted, whatever they are.
func TestQuote(t *testing.T) {
	for name, want := range map[string]string{
		"/tmp/a-1_2.pcap": "/tmp/a-1_2.pcap",
		"it's a.pcap":     `'it'\''s a.pcap'`,
		"":                "''",
		"a\nb'\\.pcap":    `$'a\nb\'\\.pcap'`,
		"\x1b[31m\xff":    `$'\033[31m\377'`,
		"\u202etxt":       `$'\342\200\256txt'`,
		"日本.pcap":         "'日本.pcap'",
	} {
		if got := Quote(name); got != want {
			t.Errorf("%q: got %s, want %s", name, got, want)
		}
	}
}
