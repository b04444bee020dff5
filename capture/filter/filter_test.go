//go:build cgo

package filter

import (
	"errors"
	"io"
	"strings"
	"testing"

	"whydrop/capture"
)

// ipv4 is a UDP datagram from 10.0.0.1:53 to 10.0.0.2:4660 with 4 octets.
var ipv4 = []byte("\x45\x00\x00\x20\x00\x00\x40\x00\x40\x11\x00\x00\x0a\x00\x00\x01\x0a\x00\x00\x02" +
	"\x00\x35\x12\x34\x00\x0c\x00\x00abcd")

// under puts ipv4 under the header of a link type.
func under(link capture.LinkType) []byte {
	head := map[capture.LinkType]string{
		capture.LinkEthernet:  "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x08\x00",
		capture.LinkLinuxSLL:  "\x00\x04\x00\x01\x00\x06\x02\x00\x00\x00\x00\x02\x00\x00\x08\x00",
		capture.LinkLinuxSLL2: "\x08\x00\x00\x00\x00\x00\x00\x02\x00\x01\x04\x06\x02\x00\x00\x00\x00\x02\x00\x00",
		capture.LinkLoop:      "\x00\x00\x00\x02",
	}[link]
	return append([]byte(head), ipv4...)
}

func TestMatch(t *testing.T) {
	for _, link := range []capture.LinkType{
		capture.LinkEthernet, capture.LinkLinuxSLL, capture.LinkLinuxSLL2, capture.LinkLoop,
		capture.LinkRaw, capture.LinkRawBSD, capture.LinkRawOpenBSD, capture.LinkIPv4,
	} {
		for expression, want := range map[string]bool{
			"udp port 53": true,
			"src host 10.0.0.1 and dst net 10.0.0/24": true,
			"tcp":                              false,
			"udp[8] = 97":                      true,
			"ip6":                              false,
			"greater 300":                      true, // on the wire, not in the capture
			"less 300":                         false,
			"len = 1000 and udp dst port 4660": true,
		} {
			f, err := Compile(expression, []capture.LinkType{capture.LinkEthernet, link})
			if err != nil {
				t.Errorf("%q on link type %d: %v", expression, link, err)
				continue
			}
			if got := f.Match(&capture.Frame{Data: under(link), WireLength: 1000, Link: link}); got != want {
				t.Errorf("%q on link type %d: got %v, want %v", expression, link, got, want)
			}
		}
	}
}

func TestBadExpressions(t *testing.T) {
	for _, expression := range []string{"tcp prt 80", "host 300.1.2.3.4", "(", "port -1"} {
		_, err := Compile(expression, nil)
		if err == nil || !strings.Contains(err.Error(), expression) {
			t.Errorf("%q: got %v, want an error that quotes it", expression, err)
		}
	}
}

// TestRejectsAll checks expressions that no packet of a link type can match.
func TestRejectsAll(t *testing.T) {
	if _, err := Compile("ip6", []capture.LinkType{capture.LinkIPv4}); err == nil {
		t.Error("ip6 on nothing but IPv4: no error")
	}
	if _, err := Compile("ip and arp", nil); err == nil {
		t.Error("ip and arp: no error")
	}
}

// TestOnlySomewhere checks expressions that make sense for some link types only.
func TestOnlySomewhere(t *testing.T) {
	f, err := Compile("inbound", nil)
	if err != nil {
		t.Fatal(err)
	}
	cooked := capture.Frame{Data: under(capture.LinkLinuxSLL), Link: capture.LinkLinuxSLL}
	ether := capture.Frame{Data: under(capture.LinkEthernet), Link: capture.LinkEthernet}
	cooked.Data[1] = 0 // to us, rather than from us
	if !f.Match(&cooked) || f.Match(&ether) {
		t.Error("inbound must match a cooked frame and no Ethernet frame")
	}
	if f.Refused(capture.LinkEthernet) == nil || f.Refused(capture.LinkLinuxSLL) != nil {
		t.Error("inbound must be refused for Ethernet alone")
	}
	if _, err := Compile("inbound", []capture.LinkType{capture.LinkEthernet}); err == nil {
		t.Error("inbound on nothing but Ethernet: no error")
	}
}

// TestRefusedIsNoted checks that frames that cannot be filtered are spoken of.
func TestRefusedIsNoted(t *testing.T) {
	const strange = 9999
	under := &three{links: []capture.LinkType{capture.LinkEthernet, strange}}
	src, err := Source(under, "udp")
	if err != nil {
		t.Fatal(err)
	}
	notes := src.Inputs()[0].Notes
	if len(notes) != 1 || !strings.HasPrefix(notes[0], "frames of link type 9999 are left out") {
		t.Errorf("notes %q", notes)
	}
}

func TestNoOctets(t *testing.T) {
	for expression, want := range map[string]bool{"udp": false, "less 100": true, "": true} {
		f, err := Compile(expression, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Match(&capture.Frame{Link: capture.LinkEthernet}); got != want {
			t.Errorf("%q of nothing: got %v, want %v", expression, got, want)
		}
	}
}

// three hands out batches of three frames: UDP, nothing, UDP.
type three struct {
	left, released int
	links          []capture.LinkType
}

func (s *three) Next() (*capture.Batch, error) {
	if s.left == 0 {
		return nil, io.EOF
	}
	s.left--
	frames := make([]capture.Frame, 3)
	for i := range frames {
		frames[i] = capture.Frame{Data: make([]byte, 60), Number: uint64(i + 1), Link: capture.LinkEthernet}
	}
	if s.left%2 == 0 { // every second batch has nothing that matches
		frames[0].Data, frames[2].Data = under(capture.LinkEthernet), under(capture.LinkEthernet)
	}
	return capture.NewBatch(frames, func(*capture.Batch) { s.released++ }), nil
}

func (s *three) Inputs() []capture.Input { return []capture.Input{{Frames: 12, LinkTypes: s.links}} }
func (s *three) Close() error            { return nil }

func TestSource(t *testing.T) {
	under := &three{left: 4}
	src, err := Source(under, "udp")
	if err != nil {
		t.Fatal(err)
	}
	batches := 0
	for {
		b, err := src.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		batches++
		if len(b.Frames) != 2 || b.Frames[0].Number != 1 || b.Frames[1].Number != 3 {
			t.Errorf("got %d frames, want 1 and 3", len(b.Frames))
		}
		b.Release()
	}
	if batches != 2 || under.released != 4 {
		t.Errorf("%d batches passed on, %d released; want 2 and 4", batches, under.released)
	}
	if _, err := Source(under, "udp prt"); err == nil {
		t.Error("a bad expression was accepted")
	}
}

func BenchmarkMatch(b *testing.B) {
	f, err := Compile("tcp port 443 or udp port 53", nil)
	if err != nil {
		b.Fatal(err)
	}
	frame := capture.Frame{Data: under(capture.LinkEthernet), Link: capture.LinkEthernet}
	b.ReportAllocs()
	for b.Loop() {
		if !f.Match(&frame) {
			b.Fatal("no match")
		}
	}
}
