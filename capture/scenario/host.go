package scenario

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"whydrop/capture"
)

// hostSection begins what the kernel of the capturing host said: a
// capture.Testimony as JSON, with times in ns since the start of the capture.
const hostSection = "-- host --"

// cutHost takes that section out of the end of the capture. line is the one
// (0-based) on which it stands.
func cutHost(frames string) (rest, host string, line int) {
	i := marker(frames, hostSection)
	if i < 0 {
		return frames, "", 0
	}
	_, host, _ = strings.Cut(frames[i:], "\n")
	return frames[:i], host, strings.Count(frames[:i], "\n")
}

// parseHost reads the section. Names that a Testimony does not have are mistakes.
func parseHost(text string) (*capture.Testimony, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	t := new(capture.Testimony)
	if err := d.Decode(t); err != nil {
		return nil, fmt.Errorf("what the host said: %w", err)
	}
	return t, nil
}

// testimony is what the host said, at the times of this play of s.
func (s *Scenario) testimony() *capture.Testimony {
	if s.host == nil {
		return nil
	}
	text, err := json.Marshal(s.host)
	t := new(capture.Testimony)
	if err == nil {
		err = json.Unmarshal(text, t)
	}
	if err != nil {
		panic("whydrop: bug: scenario was not checked: " + err.Error())
	}
	start := epoch + int64(s.shift)
	move := func(times ...*int64) {
		for _, at := range times {
			*at += start
		}
	}
	move(&t.Start, &t.End)
	for i := range t.Drops {
		d := &t.Drops[i]
		move(&d.First, &d.Last)
		for k := range d.Samples {
			move(&d.Samples[k].Time)
		}
	}
	for i := range t.Moved {
		move(&t.Moved[i].First, &t.Moved[i].Last)
	}
	for i := range t.Paths {
		move(&t.Paths[i].Learnt)
	}
	for i := range t.Events {
		move(&t.Events[i].Time)
	}
	return t
}
