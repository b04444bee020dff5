package pcapfile

import "io"

// A stream hands out a sequence of octets as contiguous stretches of blocks.
//
//	block.buf:  [ sliced into frames | unread | free ]
//	                                 pos      end
type stream struct {
	r     io.Reader
	pool  *pool
	block *block
	pos   int    // first unread octet of block.buf
	end   int    // behind the last octet read
	base  uint64 // offset of block.buf[0] in the decompressed file
	err   error  // why no more octets will come: io.EOF or worse
}

func newStream(r io.Reader, p *pool) stream {
	return stream{r: r, pool: p, block: p.block(0)}
}

// offset is the place of the first unread octet in the decompressed file.
func (s *stream) offset() uint64 { return s.base + uint64(s.pos) }

// unread is what has been read and not been used.
func (s *stream) unread() []byte { return s.block.buf[s.pos:s.end] }

// fits reports whether n unread octets have room where the unread ones are now,
// so that more(n) moves nothing.
func (s *stream) fits(n int) bool { return s.pos+n <= len(s.block.buf) }

// more reads until at least n octets are unread. It returns false if the stream
// ends before; s.err then says why.
func (s *stream) more(n int) bool {
	for s.end-s.pos < n {
		if s.err != nil {
			return false
		}
		if !s.fits(n) && s.end == len(s.block.buf) || s.pos == len(s.block.buf) {
			s.move(n)
		}
		s.read()
	}
	return true
}

// read fills free room with what one read gives.
func (s *stream) read() {
	const patience = 100 // empty reads, as in bufio
	for range patience {
		n, err := s.r.Read(s.block.buf[s.end:])
		s.end += n
		s.err = err
		if n > 0 || err != nil {
			return
		}
	}
	s.err = io.ErrNoProgress
}

// move takes the unread octets to the start of a block that has room for more of
// n octets. It at most doubles what has arrived: the n of a lying length field
// must not cost memory that no octets fill.
func (s *stream) move(n int) {
	have := s.end - s.pos
	size := min(n, max(2*have, s.pool.octets))
	old := s.block
	if old.refs.Load() > 1 || size > len(old.buf) {
		s.block = s.pool.block(size)
	}
	copy(s.block.buf, old.buf[s.pos:s.end])
	if s.block != old {
		old.release()
	}
	s.base += uint64(s.pos)
	s.pos, s.end = 0, have
}

// close gives the block back. Slabs may still hold it.
func (s *stream) close() {
	if s.block != nil {
		s.block.release()
		s.block = nil
	}
}
