package pcapfile

import "whydrop/capture"

// Lengths in a file are claims of a stranger. What exceeds these limits is
// damage; memory grows only as octets really arrive, so a lie in a short file
// costs nothing.
const (
	// blockOctets is how much is read at once. It is above the point where a
	// system call costs anything, and about the size of a level 2 cache.
	blockOctets = 1 << 18

	// batchFrames is the most frames in one batch: enough that handing it over
	// costs nothing per frame, few enough that all cores get some.
	batchFrames = 512

	// peekOctets is what is read of a file to learn when it starts.
	peekOctets = 16 << 10

	// maxBlock is the longest pcapng block, and the longest captured packet of any
	// format: a USB or D-Bus message may be that long (libpcap 1.10.3
	// pcap-common.c:max_snaplen_for_dlt has 128 MiB), a packet never is.
	maxBlock = 64 << 20

	// maxCaptured is the longest captured packet of a classic file that does not
	// announce longer ones: MAXIMUM_SNAPLEN of libpcap 1.10.3 pcap-int.h.
	maxCaptured = 262144

	// maxInterfaces bounds the interfaces of a file over all its sections. A
	// capture of 65 536 rotated files in one has as many.
	maxInterfaces = 1 << 16

	// maxSpans bounds the stretches of known capture drops kept for a file.
	// Those beyond are in the counters only, and counted in SpansOmitted.
	maxSpans = 4096

	// maxNotes bounds what is said about a file itself.
	maxNotes = 16

	// maxFiles is what Frame.File can tell apart.
	maxFiles = 1 << 16

	// maxWindow is the longest zstd window: what zstd --long=27 and -22 write.
	maxWindow = 128 << 20
)

// Link types whose messages may be longer than any packet.
const (
	linkUSBLinux       capture.LinkType = 189
	linkUSBLinuxMapped capture.LinkType = 220
	linkDBus           capture.LinkType = 231
	linkUSBPcap        capture.LinkType = 249
)

// longestRecord is the longest packet that a classic file with this snap length
// may hold. Files with longer packets than their snap length are common
// (0 and 65535 are written without meaning it), so it only ever raises the limit.
func longestRecord(link capture.LinkType, snap uint32) uint32 {
	switch link {
	case linkUSBLinux, linkUSBLinuxMapped, linkDBus, linkUSBPcap:
		return maxBlock
	}
	if snap > maxCaptured && snap <= maxBlock {
		return snap
	}
	return maxCaptured
}
