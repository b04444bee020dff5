package pcapfile

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"whydrop/capture"
)

// inputOf reads a capture to its end.
func inputOf(t *testing.T, octets []byte) capture.Input {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.pcapng")
	if err := os.WriteFile(path, octets, 0o600); err != nil {
		t.Fatal(err)
	}
	src, err := Open([]string{path}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = src.Close() }()
	for {
		b, err := src.Next()
		if errors.Is(err, io.EOF) {
			return src.Inputs()[0]
		}
		if err != nil {
			t.Fatal(err)
		}
		b.Release()
	}
}

func writeTestimony(t *testing.T, all ...*capture.Testimony) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, WriterOptions{Interfaces: []Interface{{Name: "eth0", Link: capture.LinkEthernet}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		if err := w.WriteTestimony(one); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestTestimonyIsKept(t *testing.T) {
	long := &capture.Testimony{Kernel: strings.Repeat("long", testimonyPart)} // takes five parts
	full := &capture.Testimony{
		Kernel: "6.18.44", Start: 1, End: 2, Captured: []string{"eth0"},
		Links:      []capture.Link{{Name: "eth0", Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/24")}}},
		Drops:      []capture.Drop{{Reason: "NO_SOCKET", Src: netip.MustParseAddrPort("192.0.2.2:1"), Dst: netip.MustParseAddrPort("[2001:db8::1]:2"), Packets: 3, Samples: []capture.DropSample{{Frame: 7}}}},
		Sockets:    []capture.Socket{{Process: &capture.Process{PID: 4, Command: "slow"}}},
		Neighbours: []capture.Neighbour{{Addr: netip.MustParseAddr("192.0.2.9")}},
	}
	for name, tt := range map[string]struct {
		written []*capture.Testimony
		want    *capture.Testimony
	}{
		"none":            {nil, nil},
		"every kind":      {[]*capture.Testimony{full}, full},
		"several parts":   {[]*capture.Testimony{long}, long},
		"the last counts": {[]*capture.Testimony{full, long}, long},
	} {
		t.Run(name, func(t *testing.T) {
			in := inputOf(t, writeTestimony(t, tt.written...))
			if !reflect.DeepEqual(in.Testimony, tt.want) {
				t.Errorf("read %.300v, want %.300v", in.Testimony, tt.want)
			}
			if len(in.Notes) > 0 || in.Damage != nil {
				t.Errorf("notes %q, damage %+v of a whole file", in.Notes, in.Damage)
			}
		})
	}
}

func TestTestimonyThatCannotBeRead(t *testing.T) {
	whole := writeTestimony(t, &capture.Testimony{Kernel: "6.18.44"})
	at := bytes.Index(whole, testimonyMagic) + len(testimonyMagic)
	change := func(offset int, to byte) []byte {
		b := bytes.Clone(whole)
		b[at+offset] = to
		return b
	}
	many := &capture.Testimony{Filter: strings.Repeat("{", mostObjects+1)}
	for name, tt := range map[string]struct {
		octets []byte
		note   string
	}{
		"another version": {change(-1, 9), "another version"},
		"a later part":    {change(0, 1), "incomplete"},
		"no JSON":         {change(4, '!'), "cannot be read"},
		"too much in it":  {writeTestimony(t, many), "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			in := inputOf(t, tt.octets)
			if in.Testimony != nil || len(in.Notes) != 1 || !strings.Contains(in.Notes[0], tt.note) {
				t.Errorf("testimony %+v, notes %q; want none, and a note of %q", in.Testimony, in.Notes, tt.note)
			}
		})
	}
	for name, octets := range map[string][]byte{
		"of somebody else": change(-len(testimonyMagic)-4, 1),
		"another magic":    change(-len(testimonyMagic), 'W'),
	} {
		if in := inputOf(t, octets); in.Testimony != nil || len(in.Notes) > 0 {
			t.Errorf("a custom block %s gave testimony %+v, notes %q", name, in.Testimony, in.Notes)
		}
	}
	pcap, err := NewWriter(io.Discard, WriterOptions{Format: "pcap", Interfaces: []Interface{{Link: capture.LinkEthernet}}})
	if err != nil || pcap.WriteTestimony(many) == nil {
		t.Errorf("pcap took the host's evidence (%v)", err)
	}
}
