package report_test

import (
	"context"
	"encoding/binary"
	"io"
	"runtime"
	"testing"

	"whydrop/analyze"
	"whydrop/capture"
	"whydrop/report"
)

// A torrent gives packets that are made when they are asked for, and looks at how much
// memory is in use meanwhile.
type torrent struct {
	packets int
	packet  func(i int) (octets []byte, at int64)
	at      int
	most    uint64 // octets in use at one moment
}

// Next gives the next packets.
func (f *torrent) Next() (*capture.Batch, error) {
	const batch = 512
	if f.at >= f.packets {
		return nil, io.EOF
	}
	if f.at%(64*batch) == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		f.most = max(f.most, m.HeapAlloc)
	}
	var frames []capture.Frame
	for ; f.at < f.packets && len(frames) < batch; f.at++ {
		octets, at := f.packet(f.at)
		frames = append(frames, capture.Frame{Data: octets, WireLength: uint32(len(octets)), Link: capture.LinkEthernet,
			Number: uint64(f.at + 1), Time: at, HasTime: true})
	}
	return capture.NewBatch(frames, nil), nil
}

// Inputs describes it.
func (f *torrent) Inputs() []capture.Input {
	return []capture.Input{{Path: "x", Format: "pcap", Frames: uint64(f.at), LinkTypes: []capture.LinkType{capture.LinkEthernet}}}
}

// Close has nothing to close.
func (f *torrent) Close() error { return nil }

// A segment is what a torrent is made of; protocol 17 is a datagram.
type segment struct {
	protocol       byte
	source, target uint32
	ports          [2]uint16
	seq, ack       uint32
	flags          byte
	id             uint16
	data           int // octets, all zero
}

// octets are those of an Ethernet frame with good checksums; a datagram has none.
func (s segment) octets() []byte {
	const ethernet, ip, tcp, udp = 14, 20, 20, 8
	b := make([]byte, ethernet+ip+tcp+s.data)
	b[12], b[14], b[22], b[23] = 8, 0x45, 64, s.protocol
	binary.BigEndian.PutUint16(b[16:], uint16(ip+tcp+s.data))
	binary.BigEndian.PutUint16(b[18:], s.id)
	binary.BigEndian.PutUint32(b[26:], s.source)
	binary.BigEndian.PutUint32(b[30:], s.target)
	binary.BigEndian.PutUint16(b[24:], ^sum16(0, b[ethernet:ethernet+ip]))
	at := b[ethernet+ip:]
	binary.BigEndian.PutUint16(at, s.ports[0])
	binary.BigEndian.PutUint16(at[2:], s.ports[1])
	if s.protocol == 17 {
		binary.BigEndian.PutUint16(at[4:], udp+tcp-udp)
		return b
	}
	binary.BigEndian.PutUint32(at[4:], s.seq)
	binary.BigEndian.PutUint32(at[8:], s.ack)
	at[12], at[13] = 5<<4, s.flags
	binary.BigEndian.PutUint16(at[14:], 64240)
	pseudo := uint32(s.protocol) + uint32(len(at))
	binary.BigEndian.PutUint16(at[16:], ^sum16(pseudo+uint32(sum16(0, b[26:34])), at))
	return b
}

// sum16 adds b, of even length, to sum: RFC 1071.
func sum16(sum uint32, b []byte) uint16 {
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}

const (
	syn, synAck, ack = 2, 18, 16
	second           = int64(1e9)
	begin            = 1_700_000_000 * second
)

// TestFloodsAreBounded has more connections that never end than there is room for. What was
// given up is in the report, every packet is counted, and memory keeps to what was allowed.
func TestFloodsAreBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("many packets each")
	}
	const packets, memory = 150_000, 48 << 20
	server := uint32(0x0a000001)
	floods := map[string]func(i int) segment{
		"half open": func(i int) segment { // SYN from anywhere, and its SYN-ACK
			client, port := 0x0b000000+uint32(i/2), uint16(1024+i/2%60000)
			if i%2 == 0 {
				return segment{protocol: 6, source: client, target: server, ports: [2]uint16{port, 443}, seq: uint32(i) * 77, flags: syn}
			}
			return segment{protocol: 6, source: server, target: client, ports: [2]uint16{443, port}, seq: 5, ack: uint32(i-1)*77 + 1, flags: synAck}
		},
		"half open, one pair": func(i int) segment {
			return segment{protocol: 6, source: server + 1 + uint32(i>>16), target: server, ports: [2]uint16{uint16(i), 443}, seq: 1, flags: syn}
		},
		"from the middle": func(i int) segment {
			return segment{protocol: 6, source: 0x0b000000 + uint32(i), target: server, ports: [2]uint16{5000, 443}, seq: uint32(i), ack: 1, flags: ack}
		},
		"datagrams": func(i int) segment {
			return segment{protocol: 17, source: 0x0b000000 + uint32(i), target: server, ports: [2]uint16{5000, 53}, id: uint16(i)}
		},
	}
	for name, packet := range floods {
		src := &torrent{packets: packets, packet: func(i int) ([]byte, int64) { return packet(i).octets(), begin + int64(i)*1000 }}
		runtime.GC()
		var before runtime.MemStats
		runtime.ReadMemStats(&before)
		res, err := analyze.Run(context.Background(), src, analyze.Options{Workers: 2, Memory: memory})
		if err != nil {
			t.Fatal(err)
		}
		r := report.Build(res, report.BuildOptions{})
		balance(t, res, r)
		if r.Limits.Flows == 0 || r.Limits.Flows > packets {
			t.Errorf("%s: of %d packets these were given up: %+v", name, packets, r.Limits)
		}
		if got := res.Counts.Frames; got != packets {
			t.Errorf("%s: %d packets are counted of %d", name, got, packets)
		}
		// Garbage is as much again: the collector has the usual share here.
		if used := src.most - min(src.most, before.HeapAlloc); used > 3*memory {
			t.Errorf("%s: %d MiB in use, %d allowed", name, used>>20, memory>>20)
		} else {
			t.Logf("%s: %d MiB in use, %d flows summed up", name, used>>20, r.Limits.Flows)
		}
	}
}

// TestClockOfYears: where the clock of the capture leaps, by years, forwards and backwards,
// nothing of a conversation that lost nothing is called lost, and the leaps are told.
func TestClockOfYears(t *testing.T) {
	const packets, year = 4000, 365 * 24 * 3600 * second
	for _, leaps := range [][]int64{{30 * year}, {-30 * year}, {10 * year, -20 * year, 40 * year}, {-50 * year, 100 * year}} {
		src := &torrent{packets: packets, packet: func(i int) ([]byte, int64) {
			at := begin + int64(i)*second/1000
			for n := range leaps {
				if i > (n+1)*packets/(len(leaps)+1) {
					at += leaps[n]
				}
			}
			return conversation(i).octets(), at
		}}
		res, err := analyze.Run(context.Background(), src, analyze.Options{Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		r := report.Build(res, report.BuildOptions{})
		balance(t, res, r)
		told := false
		for _, a := range r.Capture.Audit {
			told = told || a.Finding == "time-disorder" || a.Finding == "time-leap"
		}
		if r.Ledger.Missing != 0 || !told {
			t.Errorf("%d: %d missing, audit %+v", leaps, r.Ledger.Missing, r.Capture.Audit)
		}
	}
}

// conversation is packet i of one that loses nothing, whose octets wrap around 2^32.
func conversation(i int) segment {
	const client, server = 0x0a000001, 0x0a000002
	there, back := [2]uint16{40000, 443}, [2]uint16{443, 40000}
	first := uint32(1<<32 - 1000)
	switch i {
	case 0:
		return segment{protocol: 6, source: client, target: server, ports: there, seq: first, flags: syn}
	case 1:
		return segment{protocol: 6, source: server, target: client, ports: back, seq: first, ack: first + 1, flags: synAck}
	}
	const octets = 100
	sent := uint32(i/2) * octets
	if i%2 == 0 {
		return segment{protocol: 6, source: client, target: server, ports: there, seq: first + 1 + sent - octets, ack: first + 1, flags: ack, id: uint16(i), data: octets}
	}
	return segment{protocol: 6, source: server, target: client, ports: back, seq: first + 1, ack: first + 1 + sent, flags: ack, id: uint16(i)}
}
