package capture

import "testing"

func TestLinkTypeNames(t *testing.T) {
	for link, want := range map[LinkType]string{
		LinkEthernet: "Ethernet", LinkLinuxSLL: "Linux cooked", LinkLinuxSLL2: "Linux cooked v2",
		253: "netlink", 65000: "link type 65000",
	} {
		if got := link.String(); got != want {
			t.Errorf("link type %d is named %q, want %q", uint16(link), got, want)
		}
	}
	names := map[string]LinkType{}
	for link, name := range linkNames {
		if other, taken := names[name]; taken {
			t.Errorf("%d and %d are both named %q", link, other, name)
		}
		names[name] = link
	}
}
