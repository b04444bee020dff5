package pcapfile

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"whydrop/capture"
)

// TestNoCapture checks what is said of files that are no capture.
func TestNoCapture(t *testing.T) {
	erf := "\x00\x11\x22\x33\x44\x55\x66\x4f\x02\x04\x00\x60\x00\x00\x00\x4c" + strings.Repeat("x", 80)
	tests := []struct{ name, octets, says, hint string }{
		{"empty", "", "is empty", ""},
		{"short", "\xa1\xb2", "not a capture: only 2 octets long", ""},
		{"one octet", "\xa1", "not a capture: only 1 octet long", ""},
		{"gzip twice", string(gz(t, gz(t, sample(300)))), "gzip inside: is compressed again, by gzip; only one", "gzip -dc %s | whydrop analyze -"},
		{"gzip of zstd", string(gz(t, zst(t, sample(300)))), "gzip inside: is compressed again, by zstd", "gzip -dc %s | whydrop analyze -"},
		{"lz4 of gzip", string(lz(t, gz(t, sample(300)))), "lz4 inside: is compressed again, by gzip", "lz4 -dc %s | whydrop analyze -"},
		{"zstd, long window", "\x28\xb5\x2f\xfd\x00\xf8\x01\x00\x00", "its zstd window is above the limit of 128 MiB", "zstd --long=31 -dc %s"},
		{"noise", "\x01\x02\x03\x04\x05", "not a capture: starts with 0x01020304", ""},
		{"text", "package main", `not a capture: starts with 0x7061636b, the text "pack"`, ""},
		{"xz", "\xfd7zXZ\x00\x00\x04", "is xz-compressed, which is not read", "xz -dc %s | whydrop analyze -"},
		{"bzip2", "BZh91AY&SY", "is bzip2-compressed, which is not read", "bzip2 -dc %s | whydrop analyze -"},
		{"snoop", "snoop\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x04", "is a snoop capture (Solaris), which is not read", "editcap"},
		{"network monitor", "GMBU\x00\x02", "is a Microsoft Network Monitor 2 capture, which is not read", "editcap"},
		{"ERF", erf, "not a capture that is read: looks like Endace ERF", "editcap"},
		{"Navtel", "\xa1\x2b\x3c\x4d\x00\x02\x00\x04", "is a capture by Navtel's tcpdump, which is not read", ""},
		{"Mesquita", "\xcd\x34\xb2\xa1\x00\x02\x00\x04", "is a capture by Francisco", ""},
		{"JSON", `{"a":1}`, "is JSON text, which is not read", ""},
		{"half a pcapng", "\x0a\x0d\x0d\x0a\x00\x00\x00\x1c\x01\x02\x03\x04", "its byte order mark is 0x01020304", ""},
		{"gzip of text", string(gz(t, []byte("package main"))), "gzip inside: not a capture", ""},
		{"gzip of nothing", string(gz(t, nil)), "is empty inside its gzip compression", ""},
		{"gzip of noise", "\x1f\x8b\x08\x00" + strings.Repeat("\xff", 40), "damaged gzip data", ""},
		{"zstd of noise", "\x28\xb5\x2f\xfd\xff\xff\xff\xff\xff\xff", "damaged zstd data", ""},
		{"lz4 of noise", "\x04\x22\x4d\x18" + strings.Repeat("\xff", 40), "damaged lz4 data", ""},
	}
	for _, tt := range tests {
		path := save(t, "it is.pcap", []byte(tt.octets))
		_, err := Open([]string{path}, Options{})
		var f *capture.FileError
		if !errors.As(err, &f) || f.Path != path || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.says)
			continue
		}
		hint := strings.Replace(tt.hint, "%s", "'"+path+"'", 1)
		if !strings.HasPrefix(f.Hint(), hint) || hint == "" && f.Hint() != "" {
			t.Errorf("%s: hint %q, want %q", tt.name, f.Hint(), hint)
		}
	}
}

// TestCannotOpen checks files that cannot be opened, alone and among good ones.
func TestCannotOpen(t *testing.T) {
	good := save(t, "good.pcap", le().pcap(0xa1b2c3d4, 96, 1).b)
	dir := t.TempDir()
	tests := []struct{ name, path, says, hint string }{
		{"directory", dir, "is a directory", "whydrop analyze " + dir + "/*"},
		{"missing", filepath.Join(dir, "x.pcap"), "no such file", ""},
		{"missing, rotated", filepath.Join(filepath.Dir(good), "go.pcap"), "no such file", "ls "},
	}
	for _, tt := range tests {
		for _, paths := range [][]string{{tt.path}, {good, tt.path}, {tt.path, good}} {
			_, err := Open(paths, Options{})
			var f *capture.FileError
			if !errors.As(err, &f) || f.Path != tt.path || !strings.Contains(err.Error(), tt.says) ||
				!strings.HasPrefix(f.Hint(), tt.hint) {
				t.Errorf("%s: got %v, hint %v", tt.name, err, f)
			}
		}
	}
	if _, err := Open(nil, Options{}); err == nil {
		t.Error("no files: no error")
	}
}

// TestNotPermitted needs a user who can be refused something.
func TestNotPermitted(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read every file")
	}
	path := save(t, "secret.pcap", le().pcap(0xa1b2c3d4, 96, 1).b)
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	_, err := Open([]string{path}, Options{})
	var f *capture.FileError
	if !errors.As(err, &f) || f.Hint() != "sudo cat "+path+" | whydrop analyze -" {
		t.Errorf("got %v", err)
	}
}

// TestCutHeader checks that a file cut inside its header is a capture, and damaged.
func TestCutHeader(t *testing.T) {
	for _, whole := range [][]byte{
		le().pcap(0xa1b2c3d4, 96, 1).b, be().pcap(0x1c0001ac, 96, 1).u32(0).b, le().shb().b, be().shb().b,
	} {
		for n := headMagic; n < len(whole); n++ {
			_, in := read(t, whole[:n], Options{})
			if d := in.Damage; d == nil || !d.Cut || d.Offset != 0 || d.Frame != 1 {
				t.Errorf("%x: damage %+v", whole[:n], d)
			}
		}
	}
	_, in := read(t, le().pcap(0xa1b2c3d4, 96, 1).b[:20], Options{})
	if in.Damage.What != "ends inside the file header" {
		t.Errorf("got %q", in.Damage.What)
	}
}

func TestQuotePath(t *testing.T) {
	for path, want := range map[string]string{
		"a/b-1.pcap": "a/b-1.pcap", "it's": `'it'\''s'`, "a b": "'a b'", "": "''", "$(x)": "'$(x)'",
	} {
		if got := Quote(path); got != want {
			t.Errorf("%q: got %s, want %s", path, got, want)
		}
	}
}

// TestStdinIsNotSeeked checks that a pipe does, and that it is not closed.
func TestStdinIsNotSeeked(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer w.Close()
		for _, o := range sample(300) { // one octet at a time
			if _, err := w.Write([]byte{o}); err != nil {
				return
			}
		}
	}()
	frames, in := readAll(t, []string{"-"}, Options{Stdin: r})
	want, _ := read(t, sample(300), Options{})
	if len(frames) != len(want) || in[0].Damage != nil || !bytes.Equal(frames[0].Data, want[0].Data) {
		t.Errorf("%d frames, want %d; damage %v", len(frames), len(want), in[0].Damage)
	}
	if err := r.Close(); err != nil {
		t.Errorf("standard input was closed: %v", err)
	}
}
