// Package pcapfile reads and writes capture files: pcap in all its dialects,
// and pcapng, plain or compressed with gzip, zstd or lz4.
//
// Octets are read in blocks of about 1 MiB and frames are slices of these
// blocks: no packet is copied on its own, and none is allocated. A [capture.Batch]
// keeps its block alive until it is released.
//
// Files are untrusted. A file that is cut or damaged yields every frame before
// the damage, which is then said in [capture.Input]; only a file that cannot be
// opened, or is no capture, is an error, and that comes from [Open]. Nothing is
// guessed: behind damage nothing is read.
//
// The package decodes no packets and drops none: captures of link types that
// whydrop does not know are read like any other.
package pcapfile
