package pcapfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// headMagic is how many octets decide what a file is.
const headMagic = 4

// pcapngMagic is the type of a Section Header Block, the same in both byte orders
// (draft-ietf-opsawg-pcapng §4.1).
const pcapngMagic = 0x0a0d0d0a

// A dialect is a kind of classic pcap file, told by its first four octets.
type dialect struct {
	magic  uint32
	name   string
	nano   bool // fractions of a second are nanoseconds
	extra  int  // octets between the file header and the first record
	record layout
}

// dialects are the classic formats that are read. The first is the usual one.
var dialects = [...]dialect{
	{0xa1b2c3d4, "pcap", false, 0, standard},
	{0xa1b23c4d, "pcap", true, 0, standard},
	// Alexey Kuznetsov's libpcap patches, Linux 2.0 and 2.2.
	{0xa1b2cd34, "pcap (modified by Kuznetzov)", false, 0, kuznetzov},
	// IXIA's lcap, from hardware and software: one more word after the file header, the
	// length of all records (wireshark wiretap/libpcap.h).
	{0x1c0001ac, "pcap (IXIA hardware)", true, 4, standard},
	{0x1c0001ab, "pcap (IXIA software)", false, 4, standard},
	// netsniff-ng -T 0xa1e2cb12 (netsniff-ng pcap_io.h: struct pcap_pkthdr_bkm).
	{0xa1e2cb12, "pcap (netsniff-ng)", true, 0, borkmann},
}

// A stranger is a format that is recognised and not read.
type stranger struct {
	magic string // first octets of the file
	name  string
	hint  string // %s is the path
}

const useWireshark = "editcap -F pcapng %s out.pcapng && whydrop analyze out.pcapng"

// strangers are other captures, other compressions and what people pick by mistake.
var strangers = [...]stranger{
	{"\xfd7zXZ\x00", "xz-compressed", "xz -dc %s | whydrop analyze -"},
	{"BZh", "bzip2-compressed", "bzip2 -dc %s | whydrop analyze -"},
	{"\x5d\x00\x00", "LZMA-compressed", "xz --format=lzma -dc %s | whydrop analyze -"},
	{"\x1f\x9d", "compressed by compress(1)", "gzip -dc %s | whydrop analyze -"},
	{"\xff\x06\x00\x00sNaPpY", "snappy-compressed", ""},
	{"\x89LZO\x00", "lzop-compressed", "lzop -dc %s | whydrop analyze -"},
	{"PK\x03\x04", "a zip archive", "unzip -p %s | whydrop analyze -"},
	{"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "7z x -so %s | whydrop analyze -"},
	{"Rar!", "a RAR archive", ""},
	{"snoop\x00\x00\x00", "a snoop capture (Solaris)", useWireshark},
	{"RTSS", "a Microsoft Network Monitor 1 capture", useWireshark},
	{"GMBU", "a Microsoft Network Monitor 2 capture", useWireshark},
	{"TRSNIFF data", "a Sniffer capture", useWireshark},
	{"XCP\x00", "a NetXRay or Sniffer capture", useWireshark},
	{"\x7fver", "an EtherPeek or OmniPeek capture", useWireshark},
	{"btsnoop\x00", "a btsnoop (Bluetooth) capture", ""},
	{"iptrace 1.0", "an AIX iptrace capture", useWireshark},
	{"iptrace 2.0", "an AIX iptrace capture", useWireshark},
	{"\x05VNF", "a Visual Networks capture", useWireshark},
	{"\xaa\xaa\xaa\xaa", "an Accellent 5Views capture", useWireshark},
	{"ObserverPktBuff", "a Network Instruments Observer capture", useWireshark},
	{"\x7fELF", "a program", ""},
	{"<?xml", "XML text, perhaps PDML", ""},
	{"{", "JSON text", ""},
	{"[", "JSON text", ""},
}

// Magics that libpcap names and refuses (libpcap 1.10.3 sf-pcap.c), for the layout
// of their records is not known.
var namedOnly = map[uint32]string{
	0xa1b234cd: "a capture by Francisco Mesquita's tcpdump",
	0xa12b3c4d: "a capture by Navtel's tcpdump",
}

// dialectOf finds the classic format and byte order of a file by its first octets.
func dialectOf(head []byte) (dialect, order, bool) {
	for _, d := range dialects {
		switch d.magic {
		case binary.LittleEndian.Uint32(head):
			return d, little, true
		case binary.BigEndian.Uint32(head):
			return d, big, true
		}
	}
	return dialect{}, little, false
}

// anotherCapture reports what capture begins where a record should: files that
// were put together by cat. A pcap needs its version, too: its magic alone is a
// time in the year 2055.
func anotherCapture(octets []byte) string {
	const magics, ngHead = 8, 12
	if len(octets) < magics {
		return ""
	}
	const version, swappedVersion = 0x00020004, 0x02000400 // 2.4
	if v := big.u32(octets[4:]); v == version || v == swappedVersion {
		if d, o, ok := dialectOf(octets); ok && o.u16(octets[4:]) == 2 && o.u16(octets[6:]) == 4 {
			return d.name
		}
	}
	const byteOrderMagic = 0x1a2b3c4d
	if big.u32(octets) == pcapngMagic && len(octets) >= ngHead &&
		(big.u32(octets[8:]) == byteOrderMagic || little.u32(octets[8:]) == byteOrderMagic) {
		return "pcapng"
	}
	return ""
}

// errNoCapture says what a file that is no capture is instead, with what helps.
func errNoCapture(path string, head []byte) (hint string, err error) {
	for _, s := range strangers {
		if bytes.HasPrefix(head, []byte(s.magic)) {
			if s.hint != "" {
				hint = fmt.Sprintf(s.hint, Quote(path))
			}
			return hint, fmt.Errorf("is %s, which is not read", s.name)
		}
	}
	if len(head) == 1 {
		return "", errors.New("not a capture: only 1 octet long")
	}
	if len(head) < headMagic {
		return "", fmt.Errorf("not a capture: only %d octets long", len(head))
	}
	for _, word := range []uint32{binary.BigEndian.Uint32(head), binary.LittleEndian.Uint32(head)} {
		if name, ok := namedOnly[word]; ok {
			return "", fmt.Errorf("is %s, which is not read", name)
		}
	}
	if looksLikeERF(head) {
		return fmt.Sprintf(useWireshark, Quote(path)), errors.New("not a capture that is read: looks like Endace ERF")
	}
	word := binary.BigEndian.Uint32(head)
	if first := string(head[:headMagic]); isText(first) {
		return "", fmt.Errorf("not a capture: starts with 0x%08x, the text %q", word, first)
	}
	return "", fmt.Errorf("not a capture: starts with 0x%08x", word)
}

// isText reports whether s is of printable ASCII.
func isText(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}

// looksLikeERF recognises an Endace ERF record, which has no magic: a little-endian
// 32.32 time stamp, a type, flags, a record length, a loss count and a wire length
// (Endace EDM 11-01). Only the plain Ethernet and HDLC types are told.
func looksLikeERF(head []byte) bool {
	const (
		erfHeader  = 16
		typeHDLC   = 1
		typeEther  = 2
		typeColour = 11 // Ethernet with a colour
	)
	if len(head) < erfHeader {
		return false
	}
	kind := head[8] & 0x7f // bit 7: extension headers follow
	length := int(binary.BigEndian.Uint16(head[10:]))
	wire := int(binary.BigEndian.Uint16(head[14:]))
	known := kind == typeHDLC || kind == typeEther || kind == typeColour
	return known && wire > 0 && length >= erfHeader && length <= wire+2*erfHeader
}
