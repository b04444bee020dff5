package host

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
	"strconv"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"whydrop/capture"
)

// mostPaths bounds the destinations whose path MTU is told.
const mostPaths = 256

// Sizes and members of struct rtmsg and struct rta_cacheinfo, linux/rtnetlink.h.
const (
	routeMessage   = 12
	routeFlags     = 8 // of rtmsg: rtm_flags
	cacheExpires   = 8 // of rta_cacheinfo: rta_expires, signed
	cacheInfo      = 32
	metricMTU      = 2 // RTAX_MTU
	clockTick      = second / 100
	defaultExpires = 600 // s; net.ipv4.route.mtu_expires
)

// paths asks for what ICMP errors told this host of the MTU of paths: the exceptions in
// its routes (net/ipv4/route.c:update_or_create_fnhe), which `ip route show cache` shows.
func paths(e *eye) []capture.PathMTU {
	list := []capture.PathMTU{}
	c, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return list // that there is no rtnetlink is told already
	}
	defer func() { _ = c.Close() }() // nothing was written
	// Without it the kernel lists all routes, which may be a million.
	if c.SetOption(netlink.GetStrictCheck, true) != nil {
		return list
	}
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		ask := make([]byte, routeMessage)
		ask[0] = family
		binary.NativeEndian.PutUint32(ask[routeFlags:], unix.RTM_F_CLONED)
		answers, err := c.Execute(netlink.Message{
			Header: netlink.Header{Type: unix.RTM_GETROUTE, Flags: netlink.Request | netlink.Dump}, Data: ask,
		})
		if err != nil {
			continue
		}
		now, life := realtime(), mtuExpires(family)
		for _, a := range answers {
			if p, ok := pathOf(a.Data, now, life, e.links.name); ok {
				list = append(list, p)
			}
		}
	}
	// The newest first: they are what the capture can be about.
	slices.SortFunc(list, func(a, b capture.PathMTU) int {
		return cmp.Or(cmp.Compare(b.Learnt, a.Learnt), a.To.Compare(b.To), cmp.Compare(a.Interface, b.Interface))
	})
	return list[:min(len(list), mostPaths)]
}

// mtuExpires is for how long the kernel believes an error, ns.
func mtuExpires(family uint8) int64 {
	name := "net.ipv4.route.mtu_expires"
	if family == unix.AF_INET6 {
		name = "net.ipv6.route.mtu_expires"
	}
	text, _ := sysctl(name)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n * second
	}
	return defaultExpires * second
}

// pathOf reads one exception: who has an MTU and an end was told of by an ICMP error.
func pathOf(b []byte, now, life int64, name func(int) string) (p capture.PathMTU, ok bool) {
	if len(b) < routeMessage || binary.NativeEndian.Uint32(b[routeFlags:])&unix.RTM_F_CLONED == 0 {
		return p, false
	}
	ad, err := netlink.NewAttributeDecoder(b[routeMessage:])
	if err != nil {
		return p, false
	}
	for ad.Next() {
		switch v := ad.Bytes(); ad.Type() {
		case unix.RTA_DST:
			if a, valid := netip.AddrFromSlice(v); valid {
				p.To = a
			}
		case unix.RTA_OIF:
			p.Interface = name(int(ad.Uint32()))
		case unix.RTA_METRICS:
			p.MTU = metric(v)
		case unix.RTA_CACHEINFO:
			if len(v) >= cacheInfo {
				if left := int64(int32(binary.NativeEndian.Uint32(v[cacheExpires:]))); left > 0 {
					p.Learnt = now + left*clockTick - life
				}
			}
		}
	}
	return p, ad.Err() == nil && p.To.IsValid() && p.MTU > 0 && p.Learnt > 0
}

// metric is the MTU among the metrics of a route; 0 = none.
func metric(b []byte) int {
	ad, err := netlink.NewAttributeDecoder(b)
	if err != nil {
		return 0
	}
	for ad.Next() {
		if ad.Type() == metricMTU {
			return int(ad.Uint32())
		}
	}
	return 0
}
