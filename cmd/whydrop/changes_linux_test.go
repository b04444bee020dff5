package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// onePacket is a pcap header, and a record to make others of.
func onePacket(t *testing.T) (head, record []byte) {
	t.Helper()
	one := recordedAs(t, handshake, "pcap")
	return one[:pcapHeader:pcapHeader], one[pcapHeader:recordsOf(one)[1]]
}

// recordAt is record n of many, a millisecond behind the one before.
func recordAt(record []byte, n int) []byte {
	r := slices.Clone(record)
	binary.LittleEndian.PutUint32(r, uint32(n/1000))
	binary.LittleEndian.PutUint32(r[4:], uint32(n%1000*1000))
	return r
}

// What is appended to a file while it is read is read as far as it is there; what is cut off
// is missing, and said where a packet was cut. The report covers each packet that is whole.
func TestFileChangesWhileItIsRead(t *testing.T) {
	const records, more = 60_000, 1000 // far more than is read ahead
	head, record := onePacket(t)
	all := slices.Clone(head)
	for n := range records + more {
		all = append(all, recordAt(record, n)...)
	}
	whole := func(n int) int { return pcapHeader + n*len(record) }
	for _, change := range []struct {
		name   string
		octets int // in the end
		frames int
		cut    bool
	}{
		{"grows by packets", whole(records + more), records + more, false},
		{"grows by half a packet, too", whole(records+more) - 7, records + more - 1, true},
		{"is cut in a packet", whole(records/2) + 7, records / 2, true},
		{"is cut between packets", whole(records / 2), records / 2, false}, // nothing in it says that there was more
	} {
		path := filepath.Join(t.TempDir(), "a.pcap")
		if err := os.WriteFile(path, all[:whole(records)], 0o600); err != nil {
			t.Fatal(err)
		}
		const others = 20
		stdout, stderr, code := heldUp(t, path, others, func() error {
			file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
			if err != nil {
				return err
			}
			if change.octets > whole(records) {
				_, err = file.Write(all[whole(records):change.octets])
			} else {
				err = file.Truncate(int64(change.octets))
			}
			return errors.Join(err, file.Close())
		})
		var told struct {
			Inputs []struct {
				Path      string
				Frames    int
				Truncated *struct{}
			}
		}
		if err := json.Unmarshal(stdout, &told); err != nil || len(told.Inputs) != 2 {
			t.Fatalf("%s: exit %d, stderr %q, %v", change.name, code, stderr, err)
		}
		in, other := told.Inputs[0], told.Inputs[1]
		if in.Path != path || in.Frames != change.frames || in.Truncated != nil != change.cut || other.Frames != others {
			t.Errorf("%s: %+v, want %d frames, cut %v", change.name, told.Inputs, change.frames, change.cut)
		}
		if said := strings.Contains(stderr, path+" ends inside frame"); said != change.cut || change.cut && code != exitIncomplete {
			t.Errorf("%s: exit %d, stderr %q", change.name, code, stderr)
		}
	}
}

// heldUp is a run on path and a pipe with some packets, more of which are due early in path
// and do not come. Meanwhile something happens.
func heldUp(t *testing.T, path string, packets int, meanwhile func() error) (stdout []byte, stderr string, code int) {
	t.Helper()
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := whydrop(t, "analyze", "--json", path, fifo)
	var out, notes bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &notes
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pipe, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	const due = 100 // in order of time, of the records of path
	head, record := onePacket(t)
	_, err = pipe.Write(append(head, bytes.Repeat(recordAt(record, due), packets)...))
	if err = errors.Join(err, meanwhile(), pipe.Close()); err != nil {
		t.Fatal(err)
	}
	code = codeOf(t, cmd)
	return out.Bytes(), notes.String(), code
}
