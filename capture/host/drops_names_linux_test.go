package host

import (
	"bytes"
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"whydrop/capture"
)

// kernelReasons are those of the running kernel.
func kernelReasons(t *testing.T) (*reasonNames, *btf.Spec) {
	t.Helper()
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		t.Skipf("no type information of this kernel: %v", err)
	}
	r, err := readReasons(spec)
	if err != nil {
		t.Skipf("this kernel has no drop reasons: %v", err)
	}
	return r, spec
}

// Every reason of the running kernel has a name, and what the program looks for is there.
func TestReasonsOfThisKernel(t *testing.T) {
	r, spec := kernelReasons(t)
	var enum *btf.Enum
	if err := spec.TypeByName("skb_drop_reason", &enum); err != nil {
		t.Fatal(err)
	}
	for _, v := range enum.Values {
		name := strings.TrimPrefix(v.Name, reasonPrefix)
		if name == "MAX" || name == "SUBSYS_MASK" {
			continue
		}
		if got := r.name(uint32(v.Value)); got != name || r.number(name) != uint32(v.Value) {
			t.Errorf("%d is %q, want %q", v.Value, got, name)
		}
		masked := v.Value < 256 && r.noise()[v.Value/64]>>(v.Value%64)&1 == 1
		if masked != isInnocent(name) {
			t.Errorf("%s: in the mask %t, innocent %t", name, masked, isInnocent(name))
		}
	}
	for _, name := range []string{"NOT_SPECIFIED", "NO_SOCKET", "NETFILTER_DROP"} {
		if n := r.number(name); n == ^uint32(0) || isInnocent(name) {
			t.Errorf("%s is %d", name, n)
		}
	}
	for _, name := range []string{"SKB_CONSUMED", "OTHERHOST"} {
		if _, known := r.numbers[name]; known && !isInnocent(name) {
			t.Errorf("%s is no loss", name)
		}
	}
}

func TestReasonsWithoutName(t *testing.T) {
	r := &reasonNames{names: map[uint32]string{3: "NO_SOCKET"}, numbers: map[string]uint32{"NO_SOCKET": 3}}
	for n, want := range map[uint32]string{3: "NO_SOCKET", 250: "REASON_250", 2<<16 | 5: "SUBSYSTEM_2_5"} {
		if got := r.name(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
	if n := r.number("QUEUE_PURGE"); n != ^uint32(0) {
		t.Errorf("a reason that this kernel lacks has the number %d", n)
	}
}

func TestNoise(t *testing.T) {
	for _, c := range []struct {
		reason, function string
		protocol         uint8
		want             bool
	}{
		{"NOT_SPECIFIED", "ip6_mc_input", 58, true},
		{"NOT_SPECIFIED", "ip_rcv_finish_core", 2, true},
		{"NOT_SPECIFIED", "ip_rcv_finish_core", 17, false},
		{"NOT_SPECIFIED", "ip_error", 17, false},
		{"NOT_SPECIFIED", "", 17, false},
		{"UNIX_DISCONNECT", "", 0, true},
		{"UNHANDLED_PROTO", "__netif_receive_skb_core", 0, true},
		{"TCP_OLD_DATA", "tcp_data_queue", 6, false},
		{"NETFILTER_DROP", "nft_do_chain", 6, false},
	} {
		if got := isNoise(c.reason, c.function, c.protocol); got != c.want {
			t.Errorf("%s at %s of protocol %d: noise %t", c.reason, c.function, c.protocol, got)
		}
	}
}

const someSymbols = `ffffffff81000000 T _stext
ffffffff81000100 t ip_rcv_core.isra.0
ffffffff81000200 D data_is_no_function
ffffffff81000300 W __netif_receive_skb_core.constprop.0
ffffffffc0000400 t nft_do_chain	[nf_tables]
ffffffff81000180 T ip_rcv
broken
0000000000000000 T hidden
`

func TestSymbols(t *testing.T) {
	s, err := readSymbols(strings.NewReader(someSymbols))
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[uint64]string{
		0xffffffff81000100: "ip_rcv_core", 0xffffffff8100017f: "ip_rcv_core", 0xffffffff81000190: "ip_rcv",
		0xffffffff81000350: "__netif_receive_skb_core", 0xffffffffc0000410: "nft_do_chain", 0x1000: "", 0: "",
	} {
		if got := s.name(addr); got != want {
			t.Errorf("%#x lies in %q, want %q", addr, got, want)
		}
	}
	if got := (*symbols)(nil).name(1); got != "" {
		t.Errorf("without a table: %q", got)
	}
}

// The functions that are looked for in stacks exist, so that a kernel which renamed
// one is noticed. IPv6, iptables and tc need not be there.
func TestSymbolsOfThisKernel(t *testing.T) {
	if !symbolsReadable() {
		t.Skip("the addresses of this kernel are hidden")
	}
	f, err := os.Open(kallsyms)
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	s, err := readSymbols(f)
	if err != nil || len(s.starts) < 1000 {
		t.Fatalf("%d functions: %v", len(s.starts), err)
	}
	for _, name := range []string{"ip_rcv", "ip_local_deliver", "ip_forward", "__ip_local_out", "ip_output", "nf_hook_slow"} {
		if !bytes.Contains(s.names, []byte(name)) || name != "nf_hook_slow" && hooks[name] == "" {
			t.Errorf("%s is no function of this kernel, or no hook", name)
		}
	}
}

func TestHookOf(t *testing.T) {
	input := []string{"bpf_trace_run4", "sk_skb_reason_drop", "nft_do_chain", "nft_do_chain_inet", "nf_hook_slow", "ip_local_deliver", "handle_softirqs", "do_syscall_64"}
	output := []string{"nf_hook_slow", "__ip_local_out", "ip_send_skb", "udp_send_skb", "udp_sendmsg", "do_syscall_64", "entry_SYSCALL_64_after_hwframe"}
	for _, c := range []struct {
		reason, function string
		stack            []string
		hook, via        string
		called           bool
	}{
		{"NETFILTER_DROP", "nft_do_chain", input, "INPUT", "", false},
		{"NETFILTER_DROP", "nf_hook_slow", output, "OUTPUT", "", true},
		{"NETFILTER_DROP", "nft_do_chain", []string{"nft_do_chain", "nft_do_chain_netdev", "__netif_receive_skb_core"}, "INGRESS", "", false},
		{"NETFILTER_DROP", "sk_skb_reason_drop", input, "INPUT", "nft_do_chain", false},
		{"NOT_SPECIFIED", "kfree_skb_list", []string{"do_xdp_generic"}, "", "do_xdp_generic", false},
		{"NETFILTER_DROP", "nft_do_chain", nil, "", "", false},
	} {
		hook, via := hookOf(c.reason, c.function, c.stack)
		if hook != c.hook || via != c.via || fromSystemCall(c.stack) != c.called {
			t.Errorf("%s at %s: hook %q via %q, called %t", c.reason, c.function, hook, via, fromSystemCall(c.stack))
		}
	}
}

func TestReadSample(t *testing.T) {
	frame := tcpPacket(t, 77, false)
	raw := make([]byte, sampleOctets)
	le := binary.LittleEndian
	le.PutUint64(raw, 0xffffffff81000100)
	le.PutUint32(raw[8:], 12)
	le.PutUint32(raw[12:], 3)
	le.PutUint16(raw[20:], 5000)
	copy(raw[24:], []byte{10: 0xff, 11: 0xff, 12: 10, 15: 1})
	le.PutUint16(raw[56:], etherIPv4)
	raw[58] = 6
	le.PutUint64(raw[64:], 1000)
	le.PutUint32(raw[72:], 44)
	le.PutUint16(raw[76:], 2)
	le.PutUint16(raw[78:], 44)
	copy(raw[80:], frame[etherHeader:])
	key, s, ok := readSample(raw, 500)
	if !ok || key.Function != 0xffffffff81000100 || key.Reason != 12 || key.Ifindex != 3 || key.Iif != 0 ||
		mapped(key.Src, key.Sport).String() != "10.0.0.1:5000" || key.Ether != etherIPv4 || key.Proto != 6 {
		t.Errorf("%t %+v", ok, key)
	}
	want := capture.DropSample{Time: 1500, Seq: 77, ID: 77, Octet: 44, Segs: 2, Flags: 0x10}
	if got := s.told(); got != want || !s.known {
		t.Errorf("%+v, want %+v", got, want)
	}
	for n := range raw {
		if _, _, ok := readSample(raw[:n], 0); ok {
			t.Fatalf("%d octets are a sample", n)
		}
	}
}

func TestTracedLines(t *testing.T) {
	d := &tracedDrops{counts: map[tracedKey]*capture.Drop{}, offset: 1e9}
	for line := range strings.Lines(`          <idle>-0       [001] ..s2.   100.500000: kfree_skb: skbaddr=00000000a rx_sk=00000000b protocol=2048 location=__udp4_lib_rcv+0x4bc/0xd00 reason: NO_SOCKET
          <idle>-0       [001] ..s2.   101.500000: kfree_skb: skbaddr=00000000a rx_sk=00000000b protocol=2048 location=__udp4_lib_rcv+0x4bc/0xd00 reason: NO_SOCKET
          <idle>-0       [001] ..s2.   101.600000: kfree_skb: skbaddr=00000000a protocol=35020 location=__netif_receive_skb_core.constprop.0+0x1/0x2 reason: UNHANDLED_PROTO
          <idle>-0       [001] ..s2.   101.600000: kfree_skb: skbaddr=00000000a protocol=34525 location=ip6_mc_input+0x1/0x2 reason: NOT_SPECIFIED
CPU:1 [LOST 5 EVENTS]
`) {
		d.line(line)
	}
	got := d.counts[tracedKey{"NO_SOCKET", "__udp4_lib_rcv"}]
	if len(d.counts) != 1 || got == nil || got.Events != 2 || got.First != 101.5e9 || got.Last != 102.5e9 {
		t.Errorf("%+v in %d rows", got, len(d.counts))
	}
}
