// Package truth is what the lab knows of a capture that it made: the file
// NAME.truth.json beside each capture in testdata/pcap.
package truth

import (
	"encoding/json"
	"os"
)

// A Truth says what happened to the packets of one capture. Packets are wire
// packets; frames are 1-based numbers in the capture.
type Truth struct {
	Capture    string      `json:"capture"`
	Story      string      `json:"story"`
	Tap        string      `json:"tap"` // "sender", "receiver", "middle", for the direction with most data
	Frames     int         `json:"frames"`
	SnapLength int         `json:"snap_length"`
	Directions []Direction `json:"directions"`

	// Frames by what they are. A retransmission is a segment whose sender had
	// earlier sent the same or higher octets; it was not needed if all its
	// octets reached the receiver's stack by an earlier transmission.
	Retransmissions []Retransmission `json:"retransmissions"`
	Hidden          []int            `json:"hidden_retransmissions"` // nothing in this capture can show that they are
	Reordered       []int            `json:"reordered"`              // packets of the flow that were sent later had passed here
	NetworkCopies   []int            `json:"network_copies"`         // the second of two copies of one packet
	CaptureCopies   []int            `json:"capture_copies"`         // the same packet seen twice by the capture
	Damaged         []int            `json:"damaged"`                // their transport checksum is wrong
	LostHere        []int            `json:"lost_downstream_frames"`

	// Kinds are the retransmissions by source address and what set them
	// off, as the kernel counted; nil where that cannot be compared.
	Kinds map[string]map[string]int `json:"kinds,omitempty"`

	// State is the verdict's state: "nothing-lost", "lost", "cannot-tell".
	State string `json:"state"`
	// Causes that the verdict must name, and that it must not.
	Causes    []string `json:"causes"`
	NotCauses []string `json:"not_causes"`
	// Cannot names losses that one capture here cannot show (tcp-rules §5):
	// "ack downstream", "datagram downstream", "syn upstream" … whydrop must
	// not claim them, and they are not in Lost.
	Cannot map[string]int `json:"cannot"`
	// AtMost are losses of which this capture shows some, perhaps: whydrop may
	// claim up to so many.
	AtMost map[string]int `json:"at_most"`
	// Kernel holds the hosts' own counters, as a second witness of the truth.
	Kernel map[string]uint64 `json:"kernel"`
}

// A Direction is the truth of one direction of one flow.
type Direction struct {
	Src      string         `json:"src"`
	Dst      string         `json:"dst"`
	Protocol string         `json:"protocol"`
	Sent     int            `json:"sent"`
	Data     int            `json:"data"`
	Lost     map[string]int `json:"lost"` // by "what locus": "data downstream", "syn upstream", "ack capture"
	Zero     int            `json:"zero_window_episodes"`
}

// A Retransmission is a frame that carries octets again.
type Retransmission struct {
	Frame  int  `json:"frame"`
	Needed bool `json:"needed"`
	Lost   bool `json:"lost,omitempty"` // as the copy before it was
}

// Read reads a truth file.
func Read(path string) (*Truth, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t := new(Truth)
	return t, json.Unmarshal(text, t)
}

// Write writes t to path.
func (t *Truth) Write(path string) error {
	text, err := json.MarshalIndent(t, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
