package pcapfile

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// A codec is a compression that is recognised by the first octets, never by name.
type codec struct {
	magic string
	mask  byte // of the first octet of magic: bits that must match
	name  string
	open  func(*bufio.Reader) (io.Reader, func(), error)
}

// codecs are the compressions that are read. Each uses bounded memory: 32 KiB for
// gzip, maxWindow for zstd, 8 MiB for lz4, however much comes out of them. What comes
// out is read block by block like any file, so a bomb costs its reader only time.
var codecs = [...]codec{
	{"\x1f\x8b\x08", 0xff, "gzip", openGzip},
	{"\x28\xb5\x2f\xfd", 0xff, "zstd", openZstd},
	{"\x50\x2a\x4d\x18", 0xf0, "zstd", openZstd}, // begins with a skippable frame, as pzstd writes
	{"\x04\x22\x4d\x18", 0xff, "lz4", openLZ4},
	{"\x02\x21\x4c\x18", 0xff, "lz4", openLZ4}, // the legacy frame of lz4 -l
}

// codecOf finds the compression of a file by its first octets.
func codecOf(head []byte) (codec, bool) {
	for _, c := range codecs {
		n := len(c.magic)
		if len(head) >= n && head[0]&c.mask == c.magic[0] && bytes.Equal(head[1:n], []byte(c.magic[1:])) {
			return c, true
		}
	}
	return codec{}, false
}

// unpacked is a line to paste that has program undo the compression of path.
func unpacked(program, path string) string {
	return program + " -dc " + Quote(path) + " | whydrop analyze -"
}

// openGzip reads all members, one after the other (RFC 1952 §2.2).
func openGzip(r *bufio.Reader) (io.Reader, func(), error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, nil, err
	}
	z.Multistream(false)
	return &members{r: r, z: z}, func() {}, nil
}

// members reads the members of a gzip file. What follows the last one and is
// none is ignored, as by gzip(1): tapes and file systems pad.
type members struct {
	r        *bufio.Reader
	z        *gzip.Reader
	trailing bool // something was ignored
	done     bool
}

func (m *members) Read(b []byte) (int, error) {
	for !m.done {
		n, err := m.z.Read(b)
		if n > 0 || err == nil {
			return n, nil
		}
		if !errors.Is(err, io.EOF) {
			return 0, err
		}
		const magic = "\x1f\x8b"
		switch next, err := m.r.Peek(len(magic)); {
		case len(next) == 0 && errors.Is(err, io.EOF):
			m.done = true
		case len(next) == 0:
			return 0, err
		case string(next) != magic:
			m.done, m.trailing = true, true
		default:
			if err := m.z.Reset(m.r); err != nil {
				return 0, unexpected(err)
			}
			m.z.Multistream(false)
		}
	}
	return 0, io.EOF
}

// unexpected is err, where an end inside of a header is no good end.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func openZstd(r *bufio.Reader) (io.Reader, func(), error) {
	z, err := zstd.NewReader(r, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(maxWindow))
	if err != nil {
		return nil, nil, err
	}
	return z, z.Close, nil
}

func openLZ4(r *bufio.Reader) (io.Reader, func(), error) {
	return lz4.NewReader(r), func() {}, nil
}
