package cause

// Families of causes, as reports colour them. What is innocent has no colour.
const (
	FamilyQueue    = "queue"    // dropped because a queue or a rate limit was exceeded
	FamilyLine     = "line"     // lost or damaged on the way
	FamilyFilter   = "filter"   // refused by a rule
	FamilyHost     = "host"     // dropped, or held up, by a host
	FamilyRoute    = "route"    // no way to go on
	FamilyCapture  = "capture"  // the capture itself
	FamilyInnocent = "innocent" // looks like a loss and is none
	FamilyUnknown  = "unknown"
)

// catalogue is every cause, by ID.
var catalogue = [...]struct {
	id       ID
	family   string
	innocent bool
}{
	{AckLost, FamilyLine, false},
	{AddressConflict, FamilyHost, false},
	{BridgeFilter, FamilyFilter, false},
	{CaptureDropped, FamilyCapture, false},
	{CaptureDuplicates, FamilyInnocent, true},
	{CaptureTruncated, FamilyCapture, false},
	{ChecksumOffload, FamilyInnocent, true},
	{ConnectionRefused, FamilyInnocent, true},
	{ConnectionUnanswered, FamilyUnknown, false},
	{ConntrackFull, FamilyFilter, false},
	{ConntrackInvalid, FamilyFilter, false},
	{DNSUnanswered, FamilyUnknown, false},
	{FirewallDrop, FamilyFilter, false},
	{FirewallReject, FamilyFilter, false},
	{FirewallSilent, FamilyFilter, false},
	{FragmentLost, FamilyLine, false},
	{FragmentTimeout, FamilyHost, false},
	{HostUnreachable, FamilyRoute, false},
	{ICMPChecksum, FamilyLine, false},
	{IPChecksum, FamilyLine, false},
	{IPNoRoute, FamilyRoute, false},
	{KernelOther, FamilyHost, false},
	{LinkOutage, FamilyLine, false},
	{ListenOverflow, FamilyHost, false},
	{ListenQueue, FamilyHost, false},
	{LostRetransmission, FamilyLine, false},
	{MemoryPressure, FamilyHost, false},
	{MiddleboxMangled, FamilyHost, false},
	{MTUBlackHole, FamilyRoute, false},
	{MTUExceeded, FamilyRoute, false},
	{NeighbourUnresolved, FamilyRoute, false},
	{NICErrors, FamilyLine, false},
	{NICRing, FamilyQueue, false},
	{NoRoute, FamilyRoute, false},
	{NoSocket, FamilyHost, false},
	{OneWayCapture, FamilyCapture, false},
	{PAWSReject, FamilyHost, false},
	{PeerGone, FamilyHost, false},
	{Policer, FamilyQueue, false},
	{PortClosed, FamilyHost, false},
	{PortScan, FamilyInnocent, true},
	{QdiscDrop, FamilyQueue, false},
	{QueueOverflow, FamilyQueue, false},
	{RandomLoss, FamilyLine, false},
	{ReceiverHostDrop, FamilyHost, false},
	{ReceiverNotReading, FamilyHost, false},
	{Reordering, FamilyInnocent, true},
	{RequestUnanswered, FamilyUnknown, false},
	{RoutingLoop, FamilyRoute, false},
	{RPFilter, FamilyFilter, false},
	{SlowApplication, FamilyHost, false},
	{SocketFilter, FamilyFilter, false},
	{SoftnetBacklog, FamilyQueue, false},
	{SoftnetImbalance, FamilyQueue, false},
	{SpuriousRetransmission, FamilyInnocent, true},
	{SpuriousRTO, FamilyInnocent, true},
	{SYNFlood, FamilyInnocent, true},
	{TailLoss, FamilyLine, false},
	{TCPolicer, FamilyQueue, false},
	{TCPChecksum, FamilyLine, false},
	{TCPReceiveBuffer, FamilyHost, false},
	{TTLExpired, FamilyRoute, false},
	{UDPChecksum, FamilyLine, false},
	{UDPReceiveBuffer, FamilyHost, false},
	{Unknown, FamilyUnknown, false},
	{WindowUpdateLost, FamilyLine, false},
	{XDPDrop, FamilyFilter, false},
	{XfrmPolicy, FamilyFilter, false},
}

// IDs returns every cause, in ID order.
func IDs() []ID {
	ids := make([]ID, 0, len(catalogue))
	for _, c := range catalogue {
		ids = append(ids, c.id)
	}
	return ids
}
