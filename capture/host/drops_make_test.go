//go:build linux

package host

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The committed object is the one that the source gives: make generate changes nothing.
func TestDropsAreGenerated(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles: left out by -short")
	}
	for _, tool := range []string{"clang-19", "llvm-strip-19"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs %s: apt-get install clang-19 llvm-19", tool)
		}
	}
	source, err := os.ReadFile("drops_gen_linux.go")
	if err != nil {
		t.Fatal(err)
	}
	_, line, ok := strings.Cut(string(source), "//go:generate ")
	if !ok {
		t.Fatal("drops_gen_linux.go generates nothing")
	}
	dir := t.TempDir()
	words := strings.Fields(line)
	words = append([]string{words[0], words[1], words[2], "-output-dir", dir, "-go-package", "host"}, words[3:]...)
	if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"drop_bpfel.go", "drop_bpfel.o"} {
		want, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what bpf/drop.bpf.c gives: run make generate", name)
		}
	}
}
