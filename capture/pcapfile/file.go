package pcapfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/klauspost/compress/zstd"

	"whydrop/capture"
)

// A file is one input being read: octets from a stream, cut into frames by a format.
type file struct {
	input  capture.Input
	index  uint16
	raw    *counted
	stream stream
	format format
	number uint64 // of the last frame
	clock  int64  // time of the last frame
	timed  bool   // a frame with a time was seen
	done   bool
	padded bool     // zeros follow the last record
	gzip   *members // if compressed so
	closer []func()
}

// A format cuts frames out of the unread octets of f, and moves f.stream.pos behind
// what it has used.
type format interface {
	// slice appends frames to out until it is full. It returns how many contiguous
	// octets it must see to go on (0: out is full), or what is wrong with the record
	// that starts at f.stream.pos.
	slice(f *file, out []capture.Frame) (frames []capture.Frame, need int, wrong string)

	// record is what a file that is cut ends inside of.
	record() string
}

// newFile starts to read r, which is compressed or not, as the capture at path.
// The error is that it is no capture.
func newFile(path string, raw *counted, p *pool, bufferOctets int) (*file, error) {
	f := &file{raw: raw}
	f.input.Path = path
	if raw.close != nil {
		f.closer = append(f.closer, raw.close)
	}
	if raw.size >= 0 {
		bufferOctets = int(min(int64(bufferOctets), raw.size+1)) // and room to see the end
	}
	buffered := bufio.NewReaderSize(raw, bufferOctets)
	head, err := buffered.Peek(headMagic)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, f.fail(&capture.FileError{Path: path, Err: plain(err), Help: helpFor(path, err)})
	case len(head) == 0:
		return nil, f.fail(&capture.FileError{Path: path, Err: errors.New("is empty")})
	}
	var r io.Reader = buffered
	if c, ok := codecOf(head); ok {
		z, stop, err := c.open(buffered)
		f.input.Compression = c.name
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			f.cutEarly()
			return f, nil
		case err != nil:
			return nil, f.fail(&capture.FileError{Path: path, Err: fmt.Errorf("damaged %s data: %w", c.name, err)})
		}
		r = z
		f.gzip, _ = z.(*members)
		f.closer = append(f.closer, stop)
	}
	f.stream = newStream(r, p)
	f.closer = append(f.closer, f.stream.close)
	if err := f.recognise(); err != nil {
		return nil, f.fail(err)
	}
	return f, nil
}

// recognise reads the file header.
func (f *file) recognise() error {
	s := &f.stream
	if !s.more(headMagic) {
		if f.input.Compression != "" && errors.Is(s.err, io.ErrUnexpectedEOF) {
			f.cutEarly()
			return nil
		}
		return f.noHeader()
	}
	head := s.unread()
	if big.u32(head) == pcapngMagic {
		f.format, f.input.Format = &pcapng{}, "pcapng"
		return f.startSection()
	}
	if d, o, ok := dialectOf(head); ok {
		f.input.Format = "pcap"
		f.format = startClassic(f, d, o)
		return nil
	}
	const forNames = 16 // enough to tell the strangers
	s.more(forNames)
	help, err := errNoCapture(f.input.Path, s.unread())
	if outer := f.input.Compression; outer != "" {
		help = ""
		if c, ok := codecOf(s.unread()); ok {
			help, err = unpacked(outer, f.input.Path), fmt.Errorf("is compressed again, by %s; only one compression is undone", c.name)
		}
		err = fmt.Errorf("%s inside: %w", outer, err)
	}
	return &capture.FileError{Path: f.input.Path, Err: err, Help: help}
}

// cutEarly notes that a compressed file ends before it gives as much as a magic:
// its first block is not whole. What it held cannot be known, but that it is cut
// can, as of a plain file that ends inside its header.
func (f *file) cutEarly() {
	f.input.Format = "unknown"
	f.damage("ends inside its first block of "+f.input.Compression+" data", true)
}

// noHeader is the error of a file with fewer octets than a magic has.
func (f *file) noHeader() error {
	e := &capture.FileError{Path: f.input.Path}
	switch n := len(f.stream.unread()); {
	case errors.Is(f.stream.err, zstd.ErrWindowSizeExceeded):
		e.Err = fmt.Errorf("its zstd window is above the limit of %d MiB", maxWindow>>20)
		e.Help = unpacked("zstd --long=31", f.input.Path)
	case !errors.Is(f.stream.err, io.EOF) && f.input.Compression != "":
		e.Err = fmt.Errorf("damaged %s data: %w", f.input.Compression, f.stream.err)
	case !errors.Is(f.stream.err, io.EOF):
		e.Err = plain(f.stream.err)
	case n == 0:
		e.Err = fmt.Errorf("is empty inside its %s compression", f.input.Compression)
	default:
		e.Help, e.Err = errNoCapture(f.input.Path, f.stream.unread())
	}
	return e
}

// next returns the next frames of the file, or nil at its end.
func (f *file) next() *slab {
	if f.done {
		f.finish()
		return nil
	}
	out := f.stream.pool.slab()
	for {
		frames, need, wrong := f.format.slice(f, out.frames)
		out.frames = frames
		if wrong != "" {
			if other := anotherCapture(f.stream.unread()); other != "" && other != "pcapng" {
				wrong = "another capture (" + other + ") begins"
			}
			f.damage(wrong, f.padded)
		} else if need > 0 && (len(frames) == 0 || f.stream.fits(need)) {
			if f.stream.more(need) {
				continue
			}
			f.ended()
		}
		break
	}
	if len(out.frames) == 0 {
		out.release()
		f.finish()
		return nil
	}
	out.hold(f.stream.block)
	f.account(out)
	return out
}

// account counts the frames of s in the description of the input.
func (f *file) account(s *slab) {
	in := &f.input
	last := int64(math.MinInt64)
	for i := range s.frames {
		frame := &s.frames[i]
		in.Octets += uint64(len(frame.Data))
		last = max(last, frame.Time)
		switch {
		case !frame.HasTime:
		case !f.timed:
			f.timed = true
			in.First, in.Last = frame.Time, frame.Time
		default:
			in.First, in.Last = min(in.First, frame.Time), max(in.Last, frame.Time)
		}
	}
	s.latest = last
	in.Frames += uint64(len(s.frames))
}

// ended judges why the stream gave no more octets: at the end of a record the file
// is whole, inside of one it is cut.
func (f *file) ended() {
	switch err := f.stream.err; {
	case errors.Is(err, io.EOF) && len(f.stream.unread()) == 0:
		f.done = true
		if f.gzip != nil && f.gzip.trailing {
			f.note("octets behind the gzip data were ignored")
		}
	case errors.Is(err, io.EOF):
		f.damage("ends inside "+f.format.record(), true)
	case errors.Is(err, io.ErrUnexpectedEOF) && f.input.Compression != "":
		f.damage("its "+f.input.Compression+" data end too early", true)
	case f.input.Compression != "" && f.raw.err == nil:
		f.damage(fmt.Sprintf("its %s data are damaged: %v", f.input.Compression, err), false)
	default:
		f.damage(fmt.Sprintf("cannot be read further: %v", plain(err)), false)
	}
}

// damage notes why reading ends at the record that starts at the first unread octet.
func (f *file) damage(what string, cut bool) {
	f.input.Damage = &capture.Damage{Offset: f.stream.offset(), Frame: f.number + 1, What: what, Cut: cut}
	f.done = true
}

// note records a finding about the file itself, once.
func (f *file) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	for _, n := range f.input.Notes {
		if n == text {
			return
		}
	}
	if len(f.input.Notes) < maxNotes {
		f.input.Notes = append(f.input.Notes, text)
	}
}

// declare adds a link type and a snap length that the file announces.
func (f *file) declare(link capture.LinkType, snap uint32) {
	known := false
	for _, l := range f.input.LinkTypes {
		known = known || l == link
	}
	if !known {
		f.input.LinkTypes = append(f.input.LinkTypes, link)
	}
	if snap > 0 && (f.input.SnapLength == 0 || snap < f.input.SnapLength) {
		f.input.SnapLength = snap
	}
}

// finish gives everything back. What is left of the file counts as read.
func (f *file) finish() {
	f.done = true
	f.raw.skipRest()
	for i := len(f.closer) - 1; i >= 0; i-- {
		f.closer[i]()
	}
	f.closer = nil
}

func (f *file) fail(err error) error {
	f.finish()
	return err
}
