package host

// The object (one for every little-endian machine) and its Go side are committed, so that a build needs no clang. They are made again by
// make generate, with the clang that Debian 12 has: another one makes other octets.
//go:generate go run github.com/cilium/ebpf/cmd/bpf2go -cc clang-19 -strip llvm-strip-19 -target bpfel -tags linux -type sample -type slot -type work drop bpf/drop.bpf.c -- -O2 -g -Wall -Werror -Ibpf
