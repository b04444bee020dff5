package filter

import (
	"fmt"
	"slices"

	"whydrop/capture"
)

// A filtered source passes on the frames of another that match.
type filtered struct {
	src    capture.Source
	filter *Filter
}

// Source returns a source of those frames of src that match the expression. It checks
// the expression before anything is read. Frames keep their numbers; Inputs still
// describes everything that was read. Closing it closes src.
func Source(src capture.Source, expression string) (capture.Source, error) {
	var links []capture.LinkType
	for _, in := range src.Inputs() {
		links = append(links, in.LinkTypes...)
	}
	f, err := Compile(expression, links)
	if err != nil {
		return nil, err
	}
	return &filtered{src: src, filter: f}, nil
}

// Next returns the next batch with a matching frame, which it keeps alone.
func (s *filtered) Next() (*capture.Batch, error) {
	for {
		b, err := s.src.Next()
		if err != nil {
			return nil, err
		}
		s.thin(b)
		if len(b.Frames) > 0 {
			return b, nil
		}
		b.Release()
	}
}

// thin removes from b what does not match. The batch is ours, and so are its frames.
func (s *filtered) thin(b *capture.Batch) {
	kept := b.Frames[:0]
	for i := range b.Frames {
		if s.filter.Match(&b.Frames[i]) {
			kept = append(kept, b.Frames[i])
		}
	}
	b.Frames = kept
}

// Inputs describes all that was read, matching or not, and which link types the
// expression was of no use for.
func (s *filtered) Inputs() []capture.Input {
	inputs := s.src.Inputs()
	for i := range inputs {
		for _, link := range inputs[i].LinkTypes {
			if err := s.filter.Refused(link); err != nil {
				note := fmt.Sprintf("frames of link type %d are left out, for the filter does not fit them: %v", link, err)
				inputs[i].Notes = append(slices.Clip(inputs[i].Notes), note)
			}
		}
	}
	return inputs
}

// Close closes the source underneath.
func (s *filtered) Close() error { return s.src.Close() }

// Progress is that of the source underneath, if it knows; -1 if not.
func (s *filtered) Progress() (read, total int64) {
	if p, ok := s.src.(interface{ Progress() (read, total int64) }); ok {
		return p.Progress()
	}
	return 0, -1
}
