// Package score compares what whydrop says of a capture, in NDJSON, with what
// the lab knows of the run: packet by packet, as seen from that capture.
package score

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// An Answer is what whydrop said of one capture.
type Answer struct {
	Symptoms []Symptom
	Charges  []Charge
	Summary  json.RawMessage
	Causes   []Named // of the summary
}

// A Named cause is one that the summary names.
type Named struct {
	ID         string `json:"id"`
	Confidence string `json:"confidence"`
}

// A Symptom is a record of type symptom.
type Symptom struct {
	Frame  int    `json:"frame"`
	Kind   string `json:"kind"`
	Detail string `json:"detail"`
	Needed *bool  `json:"needed"`
	Src    string `json:"src"`
	Dst    string `json:"dst"`
}

// A Charge is a record of type charge.
type Charge struct {
	ID         int    `json:"id"`
	What       string `json:"what"`
	Packets    int    `json:"packets"`
	Src        string `json:"src"`
	Dst        string `json:"dst"`
	Protocol   string `json:"protocol"`
	Locus      string `json:"locus"`
	Cause      string `json:"cause"`
	Confidence string `json:"confidence"`
	Rule       string `json:"rule"`
	Frames     []int  `json:"frames"`
	RepairedBy int    `json:"repaired_by_frame"`
}

// Read reads the NDJSON of whydrop analyze --format ndjson.
func Read(r io.Reader) (*Answer, error) {
	a := new(Answer)
	d := json.NewDecoder(bufio.NewReader(r))
	for n := 1; ; n++ {
		var line json.RawMessage
		if err := d.Decode(&line); err == io.EOF {
			return a, nil
		} else if err != nil {
			return nil, fmt.Errorf("record %d: %w", n, err)
		}
		var kind struct {
			Type string `json:"type"`
		}
		err := json.Unmarshal(line, &kind)
		switch kind.Type {
		case "symptom":
			a.Symptoms = append(a.Symptoms, Symptom{})
			err = json.Unmarshal(line, &a.Symptoms[len(a.Symptoms)-1])
		case "charge":
			a.Charges = append(a.Charges, Charge{})
			err = json.Unmarshal(line, &a.Charges[len(a.Charges)-1])
		case "summary":
			a.Summary = line
			var summary struct {
				Causes []Named `json:"causes"`
			}
			err = json.Unmarshal(line, &summary)
			a.Causes = summary.Causes
		}
		if err != nil {
			return nil, fmt.Errorf("record %d: %w", n, err)
		}
	}
}
