package flow

// Saw says what was seen on a segment. In-order segments show nothing.
type Saw uint32

// What can be seen on one segment at once.
const (
	SawCopy         Saw = 1 << iota // a copy of a packet that passed: nothing else is said of it
	SawGap                          // octets Lo–Hi are missing before it
	SawFill                         // it fills a gap, or a part of one
	SawUnseenAck                    // it acknowledges octets UnseenLo–UnseenHi that never passed
	SawDuplicateAck                 // the receiver still waits for octet Lo
	SawKeepAlive                    //
	SawProbe                        // of a closed window
	SawWindowOpen                   // the end of an episode of window 0 that began at Since
	SawWindowFull                   // all that the window allows
	SawBadTCP                       // checksum
	SawBadIP                        // checksum
	SawReset                        //
)

// An Event is what was seen on one segment.
type Event struct {
	Saw                Saw
	Lo, Hi             int64 // relative octets
	UnseenLo, UnseenHi int64
	Packets            int64 // that the gap or the copied segment stands for
	Ago                int64 // of a copy: how long ago the first one passed, ns
	Twin               bool  // of a copy: its TTL says that it was captured at a second point
	Since              int64 // of an episode of window 0
	Zero               Segment0
}

// Segment0 is the frame that began an episode of window 0.
type Segment0 struct {
	Frame FrameRef
	Time  int64
}

func (e *Event) note(s Saw) { e.Saw |= s }
