package decode

// A Seq is a TCP sequence number.
//
// It is a struct so that < does not compile: sequence space wraps, and
// RFC 9293 §3.4 orders it modulo 2^32 only. Use Before and Distance.
type Seq struct{ n uint32 }

// SeqOf makes a Seq of the number in a TCP header.
func SeqOf(n uint32) Seq { return Seq{n} }

// Before reports whether s comes before t. The two must be less than 2^31
// apart, which a window of at most 2^30 octets (RFC 7323 §2.3) guarantees.
func (s Seq) Before(t Seq) bool { return int32(s.n-t.n) < 0 }

// Distance is how far t lies behind s: negative if t comes before s.
func (s Seq) Distance(t Seq) int64 { return int64(int32(t.n - s.n)) }

// Add is s moved on by n octets.
func (s Seq) Add(n uint32) Seq { return Seq{s.n + n} }

// Value is the number as it stands in the header.
func (s Seq) Value() uint32 { return s.n }
