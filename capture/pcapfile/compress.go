package pcapfile

import (
	"bufio"
	"bytes"
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

// openGzip reads all members, one after the other (RFC 1952 §2.2).
func openGzip(r *bufio.Reader) (io.Reader, func(), error) {
	z, err := gzip.NewReader(r)
	return z, func() {}, err
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
