//go:build linux

package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// save writes what t saw in the format that its file's name asks for:
// .pcap (microseconds), .ns.pcap (nanoseconds, big-endian) or .pcapng (with
// the direction of each frame); .gz compresses.
func (t *tap) save(folder string) error {
	var out bytes.Buffer
	name := strings.TrimSuffix(t.file, ".gz")
	switch {
	case strings.HasSuffix(name, ".pcapng"):
		t.writeNG(&out)
	case strings.HasSuffix(name, ".ns.pcap"):
		t.writeClassic(&out, binary.BigEndian, magicNanoseconds)
	case strings.HasSuffix(name, ".pcap"):
		t.writeClassic(&out, binary.LittleEndian, magicMicroseconds)
	default:
		return fmt.Errorf("%s: no format has this ending", t.file)
	}
	file, err := os.Create(filepath.Join(folder, t.file))
	if err != nil {
		return err
	}
	err = pack(file, out.Bytes(), name != t.file)
	if e := file.Close(); err == nil {
		err = e
	}
	return err
}

func pack(w io.Writer, b []byte, compress bool) error {
	if !compress {
		_, err := w.Write(b)
		return err
	}
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(b); err != nil {
		return err
	}
	return z.Close()
}

const (
	magicMicroseconds = 0xa1b2c3d4
	magicNanoseconds  = 0xa1b23c4d
	wholeFrame        = 262144
	linkEthernet      = 1
)

func (t *tap) limit() int {
	if t.snap == 0 {
		return wholeFrame
	}
	return t.snap
}

// writeClassic writes libpcap's own format, draft-ietf-opsawg-pcap §4.
func (t *tap) writeClassic(out *bytes.Buffer, order binary.AppendByteOrder, magic uint32) {
	var b []byte
	b = order.AppendUint32(b, magic)
	b = order.AppendUint16(order.AppendUint16(b, 2), 4)
	b = append(b, make([]byte, 8)...)
	b = order.AppendUint32(order.AppendUint32(b, uint32(t.limit())), linkEthernet)
	for _, s := range t.seen {
		if s.missing {
			continue
		}
		fraction := uint32(s.at.Nanosecond())
		if magic == magicMicroseconds {
			fraction /= 1000
		}
		data := s.data[:min(len(s.data), t.limit())]
		b = order.AppendUint32(order.AppendUint32(b, uint32(s.at.Unix())), fraction)
		b = order.AppendUint32(order.AppendUint32(b, uint32(len(data))), uint32(len(s.data)))
		b = append(b, data...)
	}
	out.Write(b)
}

// Block types and options of draft-ietf-opsawg-pcapng.
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockPacket    = 6
	byteOrderMagic = 0x1a2b3c4d
	optTSResol     = 9
	optIfName      = 2
	optEPBFlags    = 2
)

// writeNG writes pcapng with nanoseconds. At a host, each frame says its direction.
func (t *tap) writeNG(out *bytes.Buffer) {
	le := binary.LittleEndian
	body := le.AppendUint32(nil, byteOrderMagic)
	body = le.AppendUint16(le.AppendUint16(body, 1), 0)
	body = le.AppendUint64(body, 1<<64-1) // section length not given
	block(out, blockSection, body)

	body = le.AppendUint32(le.AppendUint16(le.AppendUint16(nil, linkEthernet), 0), uint32(t.limit()))
	body = option(body, optIfName, []byte("eth0"))
	body = option(body, optTSResol, []byte{9})
	body = le.AppendUint32(body, 0) // end of options
	block(out, blockInterface, body)

	for _, s := range t.seen {
		if s.missing {
			continue
		}
		ns := uint64(s.at.UnixNano())
		data := s.data[:min(len(s.data), t.limit())]
		body = le.AppendUint32(le.AppendUint32(le.AppendUint32(nil, 0), uint32(ns>>32)), uint32(ns))
		body = le.AppendUint32(le.AppendUint32(body, uint32(len(data))), uint32(len(s.data)))
		body = pad(append(body, data...))
		if t.at != atMiddle {
			inbound, outbound := []byte{1, 0, 0, 0}, []byte{2, 0, 0, 0}
			flags := inbound
			if t.position(s.from) == 0 {
				flags = outbound
			}
			body = option(body, optEPBFlags, flags)
			body = le.AppendUint32(body, 0)
		}
		block(out, blockPacket, body)
	}
}

func pad(b []byte) []byte { return append(b, make([]byte, -len(b)&3)...) }

func option(b []byte, code uint16, value []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, code)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
	return pad(append(b, value...))
}

func block(out *bytes.Buffer, kind uint32, body []byte) {
	length := uint32(len(body) + 12)
	b := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, kind), length)
	b = append(b, body...)
	out.Write(binary.LittleEndian.AppendUint32(b, length))
}
