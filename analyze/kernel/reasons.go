// Package kernel knows what the Linux kernel means when it says that it dropped
// a packet: the class, the place on the packet's way through the host, and the
// cause of each drop reason. Numbers of reasons change with each kernel, so
// everything here goes by name. The knowledge was measured on Linux 6.18; what a
// reason means stands in include/net/dropreason-core.h.
package kernel

import "whydrop/analyze/cause"

// A Class says what a drop event is to the packets of the network.
type Class uint8

// Classes.
const (
	Loss    Class = iota // a packet was lost here
	Symptom              // how protocols are: a consequence of what happened elsewhere
	Noise                // nobody misses it
)

// A Stage is where on its way through this host a packet was dropped, with
// respect to the place where a capture on the interface sees it: behind the
// driver and generic XDP on its way in (net/core/dev.c:__netif_receive_skb_core),
// in front of the driver and behind the queueing discipline on its way out
// (dev_queue_xmit_nit).
type Stage uint8

// Stages, in the order of the way.
const (
	Arriving  Stage = iota // on its way in, in front of the capture
	Arrived                // on its way in, behind the capture
	Leaving                // on its way out, in front of the capture
	Departing              // on its way out, behind the capture
)

// A reason is what is known of one.
type reason struct {
	class Class
	stage Stage
	cause cause.ID
}

// reasons holds every reason that does not mean an ordinary loss behind the
// capture of which no more is known than its name.
var reasons = map[string]reason{
	"NO_SOCKET":                {Loss, Arrived, cause.NoSocket},
	"IP_NOPROTO":               {Loss, Arrived, cause.NoSocket},
	"SOCKET_FILTER":            {Loss, Arrived, cause.SocketFilter},
	"BPF_CGROUP_EGRESS":        {Loss, Leaving, cause.SocketFilter},
	"SOCKET_RCVBUFF":           {Loss, Arrived, cause.UDPReceiveBuffer},
	"SOCKET_BACKLOG":           {Loss, Arrived, cause.TCPReceiveBuffer},
	"TCP_ZEROWINDOW":           {Loss, Arrived, cause.TCPReceiveBuffer},
	"TCP_OFO_QUEUE_PRUNE":      {Loss, Arrived, cause.TCPReceiveBuffer},
	"TCP_OFO_DROP":             {Loss, Arrived, cause.TCPReceiveBuffer},
	"TCP_LISTEN_OVERFLOW":      {Loss, Arrived, cause.ListenOverflow},
	"TCP_CSUM":                 {Loss, Arrived, cause.TCPChecksum},
	"UDP_CSUM":                 {Loss, Arrived, cause.UDPChecksum},
	"IP_CSUM":                  {Loss, Arrived, cause.IPChecksum},
	"ICMP_CSUM":                {Loss, Arrived, cause.ICMPChecksum},
	"NETFILTER_DROP":           {Loss, Arrived, cause.FirewallDrop},
	"IP_RPFILTER":              {Loss, Arrived, cause.RPFilter},
	"XFRM_POLICY":              {Loss, Arrived, cause.XfrmPolicy},
	"PSP_INPUT":                {Loss, Arrived, cause.XfrmPolicy},
	"PSP_OUTPUT":               {Loss, Leaving, cause.XfrmPolicy},
	"PROTO_MEM":                {Loss, Arrived, cause.MemoryPressure},
	"NOMEM":                    {Loss, Arrived, cause.MemoryPressure},
	"PFMEMALLOC":               {Loss, Arrived, cause.MemoryPressure},
	"IP_OUTNOROUTES":           {Loss, Leaving, cause.IPNoRoute},
	"IP_INNOROUTES":            {Loss, Arrived, cause.IPNoRoute},
	"IP_INADDRERRORS":          {Loss, Arrived, cause.IPNoRoute},
	"BLACKHOLE":                {Loss, Arrived, cause.IPNoRoute},
	"NEIGH_CREATEFAIL":         {Loss, Leaving, cause.NeighbourUnresolved},
	"NEIGH_FAILED":             {Loss, Leaving, cause.NeighbourUnresolved},
	"NEIGH_QUEUEFULL":          {Loss, Leaving, cause.NeighbourUnresolved},
	"NEIGH_DEAD":               {Loss, Leaving, cause.NeighbourUnresolved},
	"NEIGH_HH_FILLFAIL":        {Loss, Leaving, cause.NeighbourUnresolved},
	"QDISC_DROP":               {Loss, Leaving, cause.QdiscDrop},
	"QDISC_OVERLIMIT":          {Loss, Leaving, cause.QdiscDrop},
	"QDISC_CONGESTED":          {Loss, Leaving, cause.QdiscDrop},
	"CAKE_FLOOD":               {Loss, Leaving, cause.QdiscDrop},
	"FQ_BAND_LIMIT":            {Loss, Leaving, cause.QdiscDrop},
	"FQ_HORIZON_LIMIT":         {Loss, Leaving, cause.QdiscDrop},
	"FQ_FLOW_LIMIT":            {Loss, Leaving, cause.QdiscDrop},
	"DUALPI2_STEP_DROP":        {Loss, Leaving, cause.QdiscDrop},
	"TC_EGRESS":                {Loss, Leaving, cause.TCPolicer},
	"TC_INGRESS":               {Loss, Arrived, cause.TCPolicer},
	"TC_COOKIE_ERROR":          {Loss, Arrived, cause.TCPolicer},
	"TC_CHAIN_NOTFOUND":        {Loss, Arrived, cause.TCPolicer},
	"TC_RECLASSIFY_LOOP":       {Loss, Arrived, cause.TCPolicer},
	"CPU_BACKLOG":              {Loss, Arriving, cause.SoftnetBacklog},
	"XDP":                      {Loss, Arriving, cause.XDPDrop},
	"FULL_RING":                {Loss, Departing, cause.NICRing},
	"SKB_GSO_SEG":              {Loss, Departing, cause.KernelOther},
	"DEV_HDR":                  {Loss, Departing, cause.KernelOther},
	"DEV_READY":                {Loss, Departing, cause.KernelOther},
	"TAP_FILTER":               {Loss, Departing, cause.KernelOther},
	"TAP_TXFILTER":             {Loss, Departing, cause.KernelOther},
	"TUNNEL_TXINFO":            {Loss, Departing, cause.KernelOther},
	"NO_TX_TARGET":             {Loss, Departing, cause.BridgeFilter},
	"BRIDGE_INGRESS_STP_STATE": {Loss, Arrived, cause.BridgeFilter},
	"VXLAN_VNI_NOT_FOUND":      {Loss, Arrived, cause.BridgeFilter},
	"VXLAN_ENTRY_EXISTS":       {Loss, Arrived, cause.BridgeFilter},
	"LOCAL_MAC":                {Loss, Arrived, cause.BridgeFilter},
	"PKT_TOO_BIG":              {Loss, Arrived, cause.MTUExceeded},
	"FRAG_REASM_TIMEOUT":       {Loss, Arrived, cause.FragmentTimeout},
	"FRAG_TOO_FAR":             {Loss, Arrived, cause.FragmentTimeout},
	"TCP_MINTTL":               {Loss, Arrived, cause.TTLExpired},

	// What protocols do with late, early and repeated packets. The packet that
	// was missing is another one.
	"SOCKET_CLOSE":             {class: Symptom},
	"TCP_ABORT_ON_DATA":        {class: Symptom},
	"TCP_OLD_DATA":             {class: Symptom},
	"TCP_OVERWINDOW":           {class: Symptom},
	"TCP_OFOMERGE":             {class: Symptom},
	"TCP_RFC7323_PAWS":         {class: Symptom},
	"TCP_RFC7323_PAWS_ACK":     {class: Symptom},
	"TCP_RFC7323_TW_PAWS":      {class: Symptom},
	"TCP_RFC7323_TSECR":        {class: Symptom},
	"TCP_OLD_SEQUENCE":         {class: Symptom},
	"TCP_INVALID_SEQUENCE":     {class: Symptom},
	"TCP_INVALID_END_SEQUENCE": {class: Symptom},
	"TCP_INVALID_ACK_SEQUENCE": {class: Symptom},
	"TCP_ACK_UNSENT_DATA":      {class: Symptom},
	"TCP_RESET":                {class: Symptom},
	"TCP_INVALID_SYN":          {class: Symptom},
	"TCP_CLOSE":                {class: Symptom},
	"TCP_FASTOPEN":             {class: Symptom},
	"TCP_OLD_ACK":              {class: Symptom},
	"TCP_TOO_OLD_ACK":          {class: Symptom},
	"DUP_FRAG":                 {class: Symptom},
	"QUEUE_PURGE":              {class: Symptom},

	// What was not for this host, or is no packet of a network.
	"SKB_CONSUMED":            {class: Noise},
	"OTHERHOST":               {class: Noise},
	"UNIX_DISCONNECT":         {class: Noise},
	"UNIX_SKIP_OOB":           {class: Noise},
	"IPV6DISABLED":            {class: Noise},
	"IPV6_NDISC_NS_OTHERHOST": {class: Noise},
	"UNHANDLED_PROTO":         {class: Noise},
	"PACKET_SOCK_ERROR":       {class: Noise},
	"ARP_PVLAN_DISABLE":       {class: Noise},
	"MAC_IEEE_MAC_CONTROL":    {class: Noise},
	"CAN_RX_INVALID_FRAME":    {class: Noise},
	"CANFD_RX_INVALID_FRAME":  {class: Noise},
	"CANXL_RX_INVALID_FRAME":  {class: Noise},
}

// A place is a reason and the function that freed the packet.
type place struct{ reason, function string }

// unspecified is the reason of those who gave none.
const unspecified = "NOT_SPECIFIED"

// places are reasons that mean something else in some functions. All were
// measured; the functions are those that call kfree_skb or its like.
var places = map[place]reason{
	{"IP_INHDR", "ip_forward"}:                     {Loss, Arrived, cause.TTLExpired},
	{"IP_INHDR", "ip6_forward"}:                    {Loss, Arrived, cause.TTLExpired},
	{"NO_SOCKET", "cookie_v4_check"}:               {Loss, Arrived, cause.ListenOverflow},
	{"NO_SOCKET", "cookie_v6_check"}:               {Loss, Arrived, cause.ListenOverflow},
	{"NO_SOCKET", "tcp_v4_rcv"}:                    {class: Symptom}, // it was answered by a reset
	{"NO_SOCKET", "tcp_v6_rcv"}:                    {class: Symptom}, //
	{"SOCKET_RCVBUFF", "packet_rcv"}:               {class: Noise},   // the capture's own socket, or another's
	{"SOCKET_RCVBUFF", "tpacket_rcv"}:              {class: Noise},   //
	{"SOCKET_RCVBUFF", "tcp_add_backlog"}:          {Loss, Arrived, cause.TCPReceiveBuffer},
	{"SOCKET_RCVBUFF", "tcp_data_queue"}:           {Loss, Arrived, cause.TCPReceiveBuffer},
	{unspecified, "ip_error"}:                      {Loss, Arrived, cause.IPNoRoute}, // blackhole, prohibit, unreachable
	{unspecified, "dst_discard"}:                   {Loss, Arrived, cause.IPNoRoute},
	{unspecified, "do_xdp_generic"}:                {Loss, Arriving, cause.XDPDrop},
	{unspecified, "veth_xdp_rcv_skb"}:              {Loss, Arriving, cause.XDPDrop},
	{unspecified, "veth_xmit"}:                     {Loss, Departing, cause.NICRing}, // the ring of the other end is full
	{unspecified, "__dev_forward_skb2"}:            {Loss, Departing, cause.MTUExceeded},
	{unspecified, "neigh_invalidate"}:              {Loss, Leaving, cause.NeighbourUnresolved},
	{unspecified, "tbf_enqueue"}:                   {class: Noise},   // a super-frame of which every segment was dropped, and told
	{unspecified, "tcp_v4_rcv"}:                    {class: Symptom}, // late, of a connection that is gone
	{unspecified, "tcp_v6_rcv"}:                    {class: Symptom},
	{unspecified, "tcp_rcv_state_process"}:         {class: Symptom}, // an ACK that was read, of a connection half closed
	{unspecified, "tcp_rcv_established"}:           {class: Symptom},
	{unspecified, "ip6_mc_input"}:                  {class: Noise}, // a group that nobody here joined
	{unspecified, "ip6_rcv_core"}:                  {class: Noise},
	{unspecified, "virtio_transport_recv_pkt"}:     {class: Noise},
	{unspecified, "skb_queue_purge_reason"}:        {class: Noise},
	{"QUEUE_PURGE", "skb_queue_purge_reason"}:      {class: Noise},
	{unspecified, "unix_release_sock"}:             {class: Noise},
	{unspecified, "netlink_broadcast_filtered"}:    {class: Noise},
	{"PKT_TOO_BIG", "ip_output"}:                   {Loss, Leaving, cause.MTUExceeded},
	{"PKT_TOO_BIG", "ip6_fragment"}:                {Loss, Leaving, cause.MTUExceeded},
	{"NETFILTER_DROP", "nf_hook_direct_egress"}:    {Loss, Leaving, cause.FirewallDrop},
	{"NETFILTER_DROP", "__netif_receive_skb_core"}: {Loss, Arrived, cause.FirewallDrop},
}
