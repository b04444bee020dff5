package host

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/mdlayher/genetlink"
	mdnetlink "github.com/mdlayher/netlink"
	"github.com/safchain/ethtool"

	"whydrop/capture"
)

const (
	// mostNICs bounds the interfaces whose driver is asked.
	mostNICs = 32

	// mostNICCounters bounds the counters of one of them: some have thousands, most
	// of them packets per queue.
	mostNICCounters = 2048

	// nicPause is the time between two looks at the counters of a driver. Some
	// drivers ask their firmware, and that takes milliseconds.
	nicPause = 5 * second
)

// nics are the drivers of the interfaces.
type nics struct {
	tool    *ethtool.Ethtool // nil = cannot be had
	names   ethtool.EthtoolGStrings
	values  ethtool.EthtoolStats
	general *genetlink.Conn // nil = cannot be had
	family  genetlink.Family
	due     int64
	silent  map[string]bool // interfaces that have no such counters
}

// openNICs opens the sockets that ask them.
func openNICs(e *eye) *nics {
	n := &nics{silent: make(map[string]bool)}
	tool, err := ethtool.NewEthtool()
	if err != nil {
		e.lacks("counters of drivers", err.Error(), "losses in the ring of a network card cannot be told")
	} else {
		n.tool = tool
	}
	if c, err := genetlink.Dial(nil); err == nil {
		if f, err := c.GetFamily("netdev"); err == nil { // since 6.3; its statistics since 6.9
			n.general, n.family = c, f
		} else {
			_ = c.Close()
		}
	}
	return n
}

// watched are the interfaces whose driver is asked: those captured, and all network
// cards, since what a bridge, a bond or a VLAN misses was lost by the card below.
func (n *nics) watched(e *eye) (watched []*link) {
	captured := func(k *link) bool {
		return len(e.options.Interfaces) == 0 || slices.Contains(e.options.Interfaces, k.Name)
	}
	for _, k := range e.links.known {
		if (captured(k) || k.Kind == "") && !k.gone && k.Name != "lo" {
			watched = append(watched, k)
		}
	}
	slices.SortFunc(watched, func(a, b *link) int {
		if captured(a) != captured(b) {
			return map[bool]int{true: -1, false: 1}[captured(a)]
		}
		return cmp.Compare(a.Index, b.Index)
	})
	return watched[:min(len(watched), mostNICs)]
}

// look asks for the counters, if it is time.
func (n *nics) look(now int64, last bool, e *eye) {
	if now < n.due && !last {
		return
	}
	n.due = now + nicPause - second/2
	for _, k := range n.watched(e) {
		if n.tool != nil && !n.silent["S "+k.Name] {
			n.driver(k.Name, e)
		}
		if n.general != nil && !n.silent["q "+k.Name] {
			n.queues(k, e)
		}
	}
}

// driver reads what ethtool -S shows.
func (n *nics) driver(name string, e *eye) {
	values, err := n.tool.StatsWithBuffer(name, &n.names, &n.values)
	if err != nil || len(values) == 0 {
		n.silent["S "+name] = true
		return
	}
	room := mostNICCounters
	for counter, value := range values {
		group := nicGroup(counter)
		if group == "" {
			continue
		}
		if group == "ethtool" {
			if room--; room < 0 {
				continue
			}
		}
		e.counters.see(group, name, counter, value, true)
	}
}

// netdevQueueStats are the attributes of enum NETDEV_A_QSTATS_ that count losses.
var netdevQueueStats = map[uint16]string{12: "rx-alloc-fail", 13: "rx-hw-drops", 14: "rx-hw-drop-overruns",
	18: "rx-csum-bad", 23: "rx-hw-drop-ratelimits", 24: "tx-hw-drops", 25: "tx-hw-drop-errors", 32: "tx-hw-drop-ratelimits"}

// queues reads the standard statistics of queues, summed up over the device.
func (n *nics) queues(k *link, e *eye) {
	const (
		qstatsGet = 12 // NETDEV_CMD_QSTATS_GET
		ifindex   = 1  // NETDEV_A_QSTATS_IFINDEX
	)
	ae := mdnetlink.NewAttributeEncoder()
	ae.Uint32(ifindex, uint32(k.Index))
	request, err := ae.Encode()
	if err != nil {
		return
	}
	answers, err := n.general.Execute(genetlink.Message{
		Header: genetlink.Header{Command: qstatsGet, Version: n.family.Version}, Data: request,
	}, n.family.ID, mdnetlink.Request|mdnetlink.Dump)
	if err != nil || len(answers) == 0 {
		n.silent["q "+k.Name] = true
		return
	}
	for _, m := range answers {
		ad, err := mdnetlink.NewAttributeDecoder(m.Data)
		if err != nil {
			continue
		}
		for ad.Next() {
			name := netdevQueueStats[ad.Type()]
			if name == "" {
				continue
			}
			switch len(ad.Bytes()) { // a "uint": as long as it has to be
			case 4:
				e.counters.see("qstats", k.Name, name, uint64(ad.Uint32()), true)
			case 8:
				e.counters.see("qstats", k.Name, name, ad.Uint64(), true)
			}
		}
	}
}

// offloads are the features, as ETHTOOL_GFEATURES names them, that change what a
// capture sees or what a checksum means.
var offloads = []string{"rx-checksum", "tx-checksum-ip-generic", "tx-checksum-ipv4", "rx-gro", "rx-lro", "rx-gro-hw",
	"tx-generic-segmentation", "tx-tcp-segmentation", "rx-vlan-hw-parse", "tx-vlan-hw-insert"}

// settings are those of the devices.
func (n *nics) settings(e *eye) (all []capture.Setting) {
	for _, k := range n.watched(e) {
		add := func(name string, value, most uint32) {
			if most > 0 {
				all = append(all, capture.Setting{Name: k.Name + " " + name, Value: fmt.Sprint(value), Most: fmt.Sprint(most)})
			}
		}
		all = append(all, capture.Setting{Name: k.Name + " mtu", Value: strconv.Itoa(k.MTU)})
		all = append(all, steering(k)...)
		if n.tool == nil {
			continue
		}
		if d, err := n.tool.DriverName(k.Name); err == nil {
			k.Driver = d
		}
		if r, err := n.tool.GetRing(k.Name); err == nil {
			add("rx ring", r.RxPending, r.RxMaxPending)
			add("tx ring", r.TxPending, r.TxMaxPending)
		}
		if c, err := n.tool.GetChannels(k.Name); err == nil {
			add("rx channels", c.RxCount, c.MaxRx)
			add("tx channels", c.TxCount, c.MaxTx)
			add("combined channels", c.CombinedCount, c.MaxCombined)
		}
		features, err := n.tool.Features(k.Name)
		for _, f := range offloads {
			if on, known := features[f]; err == nil && known {
				all = append(all, capture.Setting{Name: k.Name + " " + f, Value: map[bool]string{true: "on", false: "off"}[on]})
			}
		}
	}
	return all
}

// steering is how the receive queues of a device are spread over processors. It
// stands in /sys, which shows the namespace in which it was mounted: it counts only
// if it knows this device.
func steering(k *link) (all []capture.Setting) {
	folder := "/sys/class/net/" + k.Name
	mac, err1 := os.ReadFile(folder + "/address")
	index, err2 := os.ReadFile(folder + "/ifindex")
	if err1 != nil || err2 != nil || strings.TrimSpace(string(mac)) != k.MAC ||
		strings.TrimSpace(string(index)) != strconv.Itoa(k.Index) {
		return nil
	}
	queues, err := os.ReadDir(folder + "/queues")
	if err != nil {
		return nil
	}
	const mostQueues = 64
	for _, q := range queues[:min(len(queues), mostQueues)] {
		if mask, err := os.ReadFile(folder + "/queues/" + q.Name() + "/rps_cpus"); err == nil {
			all = append(all, capture.Setting{Name: k.Name + " " + q.Name() + " rps_cpus", Value: strings.TrimSpace(string(mask))})
		}
	}
	return all
}

func (n *nics) close() {
	if n.tool != nil {
		n.tool.Close()
	}
	if n.general != nil {
		_ = n.general.Close()
	}
}
