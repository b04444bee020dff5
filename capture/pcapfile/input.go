package pcapfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"whydrop/capture"
)

// A counted reader knows how much of its file was read.
type counted struct {
	r       io.Reader
	close   func()
	size    int64         // or -1
	read    int64         // octets
	total   *atomic.Int64 // of all files; nil when only peeking
	err     error         // the file's own error, not a decoder's
	regular bool          // can be opened again and gives the same
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.read += int64(n)
	if c.total != nil {
		c.total.Add(int64(n))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}

// skipRest counts what will not be read as read.
func (c *counted) skipRest() {
	if left := c.size - c.read; c.total != nil && left > 0 {
		c.total.Add(left)
		c.read = c.size
	}
}

// stdin is the path that means standard input.
const stdin = "-"

// openInput opens path for reading.
func openInput(path string, o Options) (*counted, error) {
	if path == stdin {
		return &counted{r: stopping(o.Stdin, o.Done), size: -1}, nil
	}
	h, err := openFile(path, o.Done)
	if err != nil {
		return nil, &capture.FileError{Path: path, Err: plain(err), Help: helpFor(path, err)}
	}
	info, err := h.Stat()
	if err == nil && info.IsDir() {
		err = errors.New("is a directory")
	}
	if err != nil {
		h.Close()
		return nil, &capture.FileError{Path: path, Err: plain(err), Help: helpFor(path, err)}
	}
	c := &counted{r: stopping(h, o.Done), close: func() { h.Close() }, size: -1, regular: info.Mode().IsRegular()}
	if c.regular {
		c.size = info.Size()
	}
	return c, nil
}

// plain strips the operation and path from an error of package os: FileError has the path.
func plain(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// helpFor is a line to paste for an error of opening path, or "".
func helpFor(path string, err error) string {
	if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
		return fmt.Sprintf("whydrop analyze %s/*", Quote(filepath.Clean(path)))
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("sudo cat %s | whydrop analyze -", Quote(path))
	case errors.Is(err, fs.ErrNotExist):
		return nearName(path)
	}
	return ""
}

// nearName suggests the files whose names begin like path, as rotation makes them:
// tcpdump -C writes x.pcap, x.pcap1; dumpcap -b writes x_00001_20260102030405.pcapng.
func nearName(path string) string {
	pattern := strings.TrimSuffix(path, filepath.Ext(path)) + "*"
	if strings.ContainsAny(path, `*?[\`) {
		return ""
	}
	if found, err := filepath.Glob(pattern); err != nil || len(found) == 0 {
		return ""
	}
	return "ls " + pattern
}

// Quote makes a path safe to paste into a shell.
func Quote(path string) string {
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:,@%", r)
	}
	if path != "" && strings.IndexFunc(path, func(r rune) bool { return !safe(r) }) < 0 {
		return path
	}
	if strings.IndexFunc(path, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }) >= 0 {
		return ansiQuoted(path)
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// ansiQuoted is s as $'…' of bash, zsh and POSIX.1-2024 shells: what cannot be seen,
// or could move the cursor, is spelt out octet by octet.
func ansiQuoted(s string) string {
	var b strings.Builder
	b.WriteString("$'")
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\\' || r == '\'':
			b.WriteString(`\` + string(r))
		case unicode.IsPrint(r) && r != utf8.RuneError:
			b.WriteString(s[i : i+n])
		default:
			for _, octet := range []byte(s[i : i+n]) {
				fmt.Fprintf(&b, `\%03o`, octet)
			}
		}
		i += n
	}
	return b.String() + "'"
}
