package truth

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// Fates is what the lab knows of a run that it captured at three points at
// once: the file NAME.fates.gz beside NAME.a, NAME.m and NAME.b. It is JSON,
// a line for the run and one for each packet, in the order sent.
type Fates struct {
	Run     Run
	Packets []Packet
}

// A Run is one experiment. Host a is the client's, b the server's, and m lies
// between them.
type Run struct {
	Name    string     `json:"name"`
	Family  string     `json:"family"`
	Story   string     `json:"story"`
	Seed    uint64     `json:"seed"`
	RTT     float64    `json:"rtt_ms"`
	Options []string   `json:"options"` // "ipv6", "no-sack", "no-timestamps", "offload", "bbr" …
	Files   [3]string  `json:"files"`   // of a, m and b
	Frames  [3]int     `json:"frames"`
	Limits  []Limit    `json:"limits,omitempty"`
	Traced  bool       `json:"traced"` // kinds are the sending kernel's own
	Linux   string     `json:"linux"`
	Capture [3]float64 `json:"capture_loss"` // share of the frames that a file lacks

	// Shows are the causes that a capture of the run shows ("a|b": either), and
	// Never those that it does not. Kernel holds the hosts' own counters.
	Shows  []string          `json:"shows,omitempty"`
	Blind  [3]bool           `json:"blind"` // points whose capture shows nothing of it
	Never  []string          `json:"never,omitempty"`
	Spoilt bool              `json:"spoilt,omitempty"` // the receiving host dropped packets, and only its counters know how many
	Kernel map[string]uint64 `json:"kernel,omitempty"`
}

// A Limit is a rate that the path held somebody to.
type Limit struct {
	From  string  `json:"from"` // the host, a or b
	Half  int     `json:"half"` // 1 or 2, in the direction of travel
	Kind  string  `json:"kind"` // queue or policer
	Rate  float64 `json:"bits_per_second"`
	Depth int     `json:"octets"`
}

// A Packet is one wire packet and its fate. A copy that the network made is a
// packet of its own.
type Packet struct {
	ID       int    `json:"id"` // in the order sent by its host, from 0
	From     string `json:"from"`
	Src      string `json:"src"`
	Dst      string `json:"dst"`
	Protocol string `json:"protocol"`
	What     string `json:"what"` // the words of a charge
	Seq      uint32 `json:"seq"`
	Octets   int    `json:"octets"`
	Full     bool   `json:"full,omitempty"`     // a full segment of its flow
	Retx     bool   `json:"retx,omitempty"`     // its sender had sent these octets, or higher ones, before
	Kind     string `json:"kind,omitempty"`     // what set it off: rto, loss, fast, tlp, syn, synack
	Unneeded bool   `json:"unneeded,omitempty"` // all of it had reached the receiver's stack by earlier packets
	Copy     bool   `json:"copy,omitempty"`     // the network's second copy of ID
	Damaged  int    `json:"damaged,omitempty"`  // in this half of the path

	// Lost is where it ended: 0 delivered, 1 and 2 the halves of the path in
	// the direction of travel, 3 the receiving host; Why is the cause.
	Lost int    `json:"lost,omitempty"`
	Why  string `json:"why,omitempty"`

	// Frame is its frame number in a, m and b; 0 = it is not in that file.
	// Late says that packets of its flow that were sent later had passed there.
	Frame [3]int  `json:"frame"`
	Late  [3]bool `json:"late"`
}

// Stage is how many halves of the path lie between p's sender and point 0, 1
// or 2 (a, m, b).
func (p *Packet) Stage(point int) int {
	if p.From == "a" {
		return point
	}
	return 2 - point
}

// WriteFates writes f to path, compressed.
func (f *Fates) WriteFates(path string) error {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return err
	}
	e := json.NewEncoder(z)
	if err := e.Encode(f.Run); err != nil {
		return err
	}
	for i := range f.Packets {
		if err := e.Encode(&f.Packets[i]); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(path, out.Bytes(), 0o644)
}

// ReadFates reads what WriteFates wrote.
func ReadFates(path string) (*Fates, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	z, err := gzip.NewReader(bufio.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f := new(Fates)
	d := json.NewDecoder(z)
	if err := d.Decode(&f.Run); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for {
		var p Packet
		switch err := d.Decode(&p); err {
		case nil:
			f.Packets = append(f.Packets, p)
		case io.EOF:
			return f, nil
		default:
			return nil, fmt.Errorf("%s: packet %d: %w", path, len(f.Packets), err)
		}
	}
}
