package host

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
)

const udpText = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops            
  373: 0100007F:238C 00000000:0000 07 00000000:00003F00 00:00000000 00000000     0        0 18245 2 0000000000000000 493
  374: 0100007F:238D 0200007F:0035 01 00000010:00000000 00:00000000 00000000   100        0 18246 2 0000000000000000 0
  bad: line
`

const raw6Text = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
   58: B80D0120000000000000000001000000:003A 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 9001 2 0000000000000000 7
`

func TestProcSockets(t *testing.T) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the texts are of a little-endian host")
	}
	ap := netip.MustParseAddrPort
	want := []procSocket{
		{local: ap("127.0.0.1:9100"), remote: ap("0.0.0.0:0"), state: 7, receive: 0x3f00, inode: 18245, drops: 493},
		{local: ap("127.0.0.1:9101"), remote: ap("127.0.0.2:53"), state: 1, send: 16, inode: 18246},
	}
	if got := procSockets(udpText); !slices.Equal(got, want) {
		t.Errorf("udp: got  %+v\nwant %+v", got, want)
	}
	want = []procSocket{{local: ap("[2001:db8::1]:58"), remote: ap("[::]:0"), state: 7, inode: 9001, drops: 7}}
	if got := procSockets(raw6Text); !slices.Equal(got, want) {
		t.Errorf("raw6: got  %+v\nwant %+v", got, want)
	}
}

func FuzzTexts(f *testing.F) {
	for _, s := range []string{udpText, raw6Text, nftListing, saved} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		procSockets(text)
		nftTexts(text)
		savedRules(text, "ip", true)
		parseStat(text)
		nicGroup(text)
		into := func(_, name string, _ uint64) {
			if len(name) > len(text)+len("flow_limit_count") {
				t.Errorf("a name of %d octets out of %d", len(name), len(text))
			}
		}
		for _, table := range tables {
			table.parse(text, into)
		}
		memoryInUse(text, into)
	})
}
