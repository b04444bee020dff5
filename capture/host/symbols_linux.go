package host

import (
	"bufio"
	"bytes"
	"cmp"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

const kallsyms = "/proc/kallsyms"

// A symbols knows the functions of the running kernel by their addresses.
type symbols struct {
	starts []uint64
	ends   []uint32 // where the name of each ends in names
	names  []byte
}

// symbolsReadable says whether this process is shown addresses: without
// CAP_SYSLOG, and kernel.kptr_restrict at its default, all are zero.
func symbolsReadable() bool {
	f, err := os.Open(kallsyms)
	if err != nil {
		return false
	}
	defer f.Close()
	first := make([]byte, 16)
	if _, err := io.ReadFull(f, first); err != nil {
		return false
	}
	for scan := bufio.NewScanner(io.LimitReader(f, 4096)); scan.Scan(); {
		addr, _, _ := strings.Cut(scan.Text(), " ")
		if n, err := strconv.ParseUint(addr, 16, 64); err == nil && n != 0 {
			return true
		}
	}
	return false
}

// readSymbols reads a table of the form of /proc/kallsyms.
func readSymbols(r io.Reader) (*symbols, error) {
	type symbol struct {
		start    uint64
		from, to uint32
	}
	var all []symbol
	var names []byte
	scan := bufio.NewScanner(r)
	for scan.Scan() {
		line := scan.Bytes()
		addr, rest, _ := bytes.Cut(line, []byte(" "))
		kind, name, ok := bytes.Cut(rest, []byte(" "))
		if !ok || len(kind) != 1 || !strings.Contains("tTwW", string(kind)) {
			continue
		}
		start, err := strconv.ParseUint(string(addr), 16, 64)
		if err != nil || start == 0 {
			continue
		}
		name, _, _ = bytes.Cut(name, []byte("\t")) // module
		from := uint32(len(names))
		names = append(names, plain(name)...)
		all = append(all, symbol{start, from, uint32(len(names))})
	}
	slices.SortStableFunc(all, func(a, b symbol) int { return cmp.Compare(a.start, b.start) })
	s := &symbols{starts: make([]uint64, len(all)), ends: make([]uint32, len(all)), names: make([]byte, 0, len(names))}
	for i, sym := range all {
		s.names = append(s.names, names[sym.from:sym.to]...)
		s.starts[i], s.ends[i] = sym.start, uint32(len(s.names))
	}
	return s, scan.Err()
}

// plain strips what compilers append to functions that they specialise:
// .constprop.0, .isra.0, .part.0, .cold, .llvm.123.
func plain(name []byte) []byte {
	if i := bytes.IndexByte(name, '.'); i > 0 {
		return name[:i]
	}
	return name
}

// name returns the function that an address lies in, or "".
func (s *symbols) name(addr uint64) string {
	if s == nil || addr == 0 {
		return ""
	}
	i, exact := slices.BinarySearch(s.starts, addr)
	if !exact {
		i--
	}
	if i < 0 {
		return ""
	}
	from := uint32(0)
	if i > 0 {
		from = s.ends[i-1]
	}
	return string(s.names[from:s.ends[i]])
}
