package flow

// Thresholds of the TCP rules. Each was measured on captures of known fate;
// the section named is that of tcp-rules.md, with what happens without it.
const (
	millisecond = int64(1e6)
	second      = int64(1e9)

	// backOff is the least growth of the interval between two probes of a sender
	// that backs off: RFC 9293 §3.8.6.1 doubles it. goneProbes without an answer
	// at such intervals are no lost ACKs of a window that stays closed. b-11.
	backOff    = 1.5
	goneProbes = 3

	// stallLeast, ns: shorter pauses are those of the scheduler (a tick at HZ=250).
	stallLeast = 4 * millisecond

	// stallRTTs: nothing moved for more than this many round trips, or a timeout. b-27.
	stallRTTs = 2

	// firstRTO, ns, is a timeout where no round trip is known: RFC 6298 §2.1.
	firstRTO = second

	// reorderRTTs is the share of the shortest round trip below which a fill
	// was sent before what is above it: no repair is that fast. b-3.5.
	reorderRTTs = 0.9

	// clockedShare is the share of the round trip that is known which a sender must
	// have waited for an acknowledgement: sooner, it had more to send anyway.
	clockedShare = 0.75

	// initialSegments is the largest initial window, RFC 6928 §2.
	initialSegments = 10

	// noRTTReorder, ns, stands for it where no round trip is known. b-3.5.
	noRTTReorder = 3 * millisecond

	// equalTickRTT, ns: with equal timestamps a fill is late rather than a
	// repair if the round trip is longer than this. b-3.3; 6 false repairs without.
	// It stands for the tick of its sender's clock where that is not measured yet.
	equalTickRTT = 2 * millisecond

	// clockTicks is over how many ticks it is: the measure is then good to an eighth.
	clockTicks = 16

	// A clock of timestamps is measured over clockSpan, ns, at least; it is a usual one
	// that differs by less than the factor clockOff. What the path held up for long goes
	// into the measure, too.
	clockSpan = 100 * millisecond
	clockOff  = 1.5

	// tooSoonDown is the share of the shortest delay below the tap in which no
	// acknowledgement of a packet can come back. b-8.3; at the sender .949 without.
	tooSoonDown = 0.85

	// tooSoonFloor, ns: with less delay below the tap the rule above is noise. b-8.3.
	tooSoonFloor = millisecond / 5

	// lagUp is the share of the shortest delay above the tap by which the
	// sender's knowledge is older than ours. b-6; 43 more wrong kinds without.
	lagUp = 0.95

	// silence, ns, and silenceRTTs: a timer speaks only after this much silence. b-4.
	silence     = 150 * millisecond
	silenceRTTs = 1.1

	// answerSlack, ns: a reverse packet this recent, beyond 1.5 d_up, may have
	// triggered what follows; at most silence + d_up. b-4.
	answerSlack = 40 * millisecond

	// restartAfter, ns: without SACK, a head sent again this long after una
	// moved is a timeout: Linux' shortest is 200 ms. b-4, 107 more wrong without.
	restartAfter = 180 * millisecond

	// hiddenLeast: so many lost segments above a repair are a lost window, whose
	// other repairs follow it. Fewer may be copies of the one repair.
	hiddenLeast = 3

	// firstTimeout, ns: Linux' TCP_RTO_MIN, to which the round trip is added.
	firstTimeout = 200 * millisecond

	// stuckRTTs: or this long after the third duplicate acknowledgement. b-4.
	stuckRTTs = 1.6

	// probeRTTs is the shortest wait, in round trips, of a tail loss probe. b-5.
	probeRTTs = 1.2

	// tailRTTs and tailSilence, ns: how long a sender must have been silent
	// before a missing ID below its next packet can be a lost tail. c-11.
	tailRTTs    = 1.5
	tailSilence = 4 * millisecond

	// defaultRTT, ns, stands for a round trip that nothing measured. c-11.
	defaultRTT = 20 * millisecond

	// pushRTTs: without IDs, a sender that had more to say and was silent this
	// long repairs a lost tail. c-11, +5 right and 1 false.
	pushRTTs = 1.8

	// lateSYNACK, ns: a SYN-ACK this long after its SYN is a second one. §3, SYN-ACK first seen.
	lateSYNACK = 900 * millisecond

	// repairCopy, ns: a DSACK so soon after the acknowledgement was drawn by a
	// copy of the repair that the network made. b-8.6.
	repairCopy = 3 * millisecond

	// dsackWithin, ns, is how long after a repair a DSACK can still be its. b-8.6.
	dsackWithin = 3 * second

	// answerLate, ns, and answerLateDowns: a repair whose own answer came later
	// than this leaves open whether the packet or its ACK was lost. b-8.8.
	answerLate      = 60 * millisecond
	answerLateDowns = 1.5

	// heldShare: of what lies above a hole a receiver without SACK held so much; then a
	// repair of it, sent below further losses of the path, likelier repeats what had come.
	heldShare = 0.5

	// delayedAck, ns: a receiver may hold an acknowledgement back this long
	// (Linux; RFC 9293 §3.8.6.3 allows 500 ms), and then none was lost.
	delayedAck = 200 * millisecond

	// jumpSlack, octets: an acknowledgement that goes one segment and this much
	// beyond what drew it shows that the rest had been there. b-8.4.
	jumpSlack = 8

	// afterLoss, round trips: new data this soon after a timeout shows where
	// the sender's snd_nxt was. b-1; 28 more wrong kinds without.
	afterLoss    = 3
	afterLossRTT = 50 * millisecond

	// eifelOld, timestamp ticks: an echo this much younger than the repair
	// answers something sent later; the repair had no part in it. b-8.5.
	eifelOld = 50

	// Silence proves loss only if the capture goes on this long, ns. b-10.
	silentData   = second
	silentRepair = second / 2
	silentSYN    = 3 * second // RFC 6298 §2: an initial RTO of 1 s, doubled once

	// ignoredWait, ns: a SYN-ACK this long after its answer passed was not sent
	// before that came; timers of SYN-ACKs begin with a second.
	ignoredWait = second / 2

	// startRTTs round trips after the first packet of a half nothing is told any
	// more of what was in flight then; one second where none is known.
	startRTTs = 2

	// unheardLeast segments with new data after a repair and no word of the peer:
	// a sender that hears nothing sends at most a tail loss probe and two for F-RTO
	// (RFC 8985 §7.3, RFC 5682 §2.1).
	unheardLeast = 4

	// hostWait and hostWaitBlind, ns: a receiver that says nothing of a packet
	// for this long dropped it. c-1 row 12, RFC 9293 §3.8.6.3: ACK within 500 ms.
	hostWait      = 150 * millisecond
	hostWaitBlind = 250 * millisecond

	// hostSlack, ns, or hostSlackDowns times the delay below the tap: what a
	// receiver says after this long it says knowing of the packet.
	hostSlack      = 2 * millisecond
	hostSlackDowns = 3

	// delayedACK, ns: a receiver acknowledges a lone segment after this long at
	// the earliest, Linux' TCP_ATO_MIN. What it has not acknowledged by then,
	// and does not report as a duplicate, it never had.
	delayedACK = 40 * millisecond

	// nearShare: the tap is at an end if the delay to it is below this share of
	// the other; tapFloor, ns: both below, and nothing is told. c-0.
	nearShare = 0.2
	tapFloor  = 150_000

	// Copies: identical packets this close, ns, are one packet. b-2.
	copyWithID    = second
	copyWithTS    = 200 * millisecond
	copyBare      = 10 * millisecond
	CopyImmediate = millisecond // what a mirror port makes comes within this

	// ID classes: shares of neighbours within idNear, of the address and of
	// the direction, and how many neighbours it takes. b-22.
	idNear      = 1024
	idShare     = 0.98
	idShareHalf = 0.90
	idPairs     = 3
	idWrapNear  = 3    // ID 0 this near its neighbours is a number, not "none"
	idBadNear   = 64   // IDs of damaged headers must be this near
	idGapMost   = 1000 // missing numbers beyond this are not a loss but another counter

	// Missing numbers count packets if those that nothing explains are before
	// few packets only: idStrays, and idStrayShare of the rest. A capture of a
	// host with one counter for all has 35 %; acknowledgements are explained
	// where their successor goes idStride segments further for each.
	idStrays     = 1
	idStrayShare = 0.15
	idStride     = 2

	// idShared: so many numbers that other protocols had in between prove a
	// counter of the host; of those, idOthers are remembered.
	idShared = 2
	idOthers = 8

	// tailMost: more missing numbers than this are no lost tail. c-11.
	tailMost = 200

	// tailChain: where the peer repairs, too, or an ACK explains what is missing,
	// a lost tail is believed only within so many packets: among more of them a
	// lost duplicate ACK is likelier. 5 false among 190 in simulated bulk without.
	tailChain = 16

	// vainFew: so many repairs that were not needed, and not fewer than the others
	// of their kind, show a path that is late rather than lossy.
	vainFew = 2

	// promptShare: a side answers promptly if it did so this often as it paused. c-11.
	promptShare = 3

	// Super-frames: if this share of at least superFew lost ones was lost
	// whole, the path carries them whole. b-17; 424 for 134 without.
	superShare = 0.8
	superFew   = 3

	// fewHeads: so many IP headers of a sender, all with wrong checksums, were
	// captured before its NIC filled them in, or were rewritten. b-16.
	fewHeads = 3

	// plausible bounds how far from the top a sequence number makes sense:
	// RFC 7323 §2.3 limits windows to 1 GiB.
	plausible    = int64(1) << 30
	plausibleAck = int64(1) << 26 // acknowledged beyond what was seen
	plausibleBad = int64(1) << 21 // of a damaged segment

	// defaultMSS is Linux' segment with timestamps over Ethernet, where
	// neither a SYN nor the data tells. b-17.
	defaultMSS = 1448
	fewestMSS  = 500 // lengths below are no full segments
	mostMSS    = 1460
	tsOctets   = 12 // what timestamps cost per segment, RFC 7323 §3
)

// Bounds on what is remembered. Beyond them old things are forgotten and
// counted in GaveUp.
const (
	keepAcked     = 32   // transmissions kept after their acknowledgement, older than keepShort
	keepAckedMost = 4096 // and at any age
	keepRTTs      = 2    // round trips for which everything is kept …
	keepAtLeast   = second
	keepShort     = 10 * millisecond // beyond keepAcked: as long as copies take
	maxOdd        = 2048             // retransmissions, late ones and what they overlap, per half
	maxGaps       = 512              // runs of missing IDs, per half
	maxSpans      = 1024             // ranges in an interval set
	maxUnseen     = 1024             // acknowledged, never seen
	maxDSACKs     = 1024
	maxHistory    = 64
	maxAbove      = 32 // transmissions above a fill that are compared with it
	maxRecent     = 256
	maxEchoes     = 32
	keepStalls    = 3       // longest stalls that are told with their frames, per conversation
	maxBacks      = 64      // stalls that wait for the verdict on a retransmission
	maxFree       = 1 << 14 // chunks that a Pool keeps for the next conversations
	maxWaiting    = 1 << 16 // transmissions not acknowledged, per half
	trailHoles    = 4096    // runs of packets that never passed, per half
	trailMost     = 20_000  // transmissions of a half from which causes are told: loss-causes.md §3
	TrailsMost    = 1 << 20 // of all halves together, when they are over
	maxCrumbs     = 1 << 16 // chunks of them while they last
	maxLoads      = 64      // Loads of one half
	trailLosses   = 2       // of fewer losses nothing is told
)
