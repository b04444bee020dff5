package checksum

import (
	"math/rand"
	"testing"
)

// reference is RFC 1071 §1 read aloud: slow, and obviously right.
func reference(b []byte) uint16 {
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		word := uint32(b[i]) << 8
		if i+1 < len(b) {
			word |= uint32(b[i+1])
		}
		sum += word
		if sum > 0xffff {
			sum = sum&0xffff + 1
		}
	}
	return uint16(sum)
}

func TestSumOfRFC1071(t *testing.T) {
	// RFC 1071 §3 adds these up to ddf2.
	b := []byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}
	if got := Sum(0).Add(b).Fold(); got != 0xddf2 {
		t.Errorf("Sum(%x) = %#04x, want 0xddf2", b, got)
	}
}

func TestSumEdges(t *testing.T) {
	ones := make([]byte, 4096)
	for i := range ones {
		ones[i] = 0xff
	}
	for n := 0; n <= 300; n++ {
		if got, want := Sum(0).Add(ones[:n]).Fold(), reference(ones[:n]); got != want {
			t.Errorf("%d octets of ff: %#04x, want %#04x", n, got, want)
		}
		if got := Sum(0).Add(make([]byte, n)).Fold(); got != 0 {
			t.Errorf("%d zero octets: %#04x, want 0", n, got)
		}
	}
	// The largest sum meets the largest words: the final carry chain is at its limit.
	if got := Sum(^uint64(0)).Add(ones).Fold(); got != 0xffff {
		t.Errorf("all ones upon all ones: %#04x, want 0xffff", got)
	}
	if got := Sum(^uint64(0)).Plus(Sum(^uint64(0))).Fold(); got != 0xffff {
		t.Errorf("all ones plus all ones: %#04x, want 0xffff", got)
	}
	if got, want := Sum(0).AddUint32(0x01020304).Fold(), uint16(0x0406); got != want {
		t.Errorf("AddUint32: %#04x, want %#04x", got, want)
	}
}

func TestSumIsTheReference(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	buf := make([]byte, 9100)
	for i := range 20000 {
		r.Read(buf[:64])
		if i%100 == 0 {
			r.Read(buf)
		}
		at := r.Intn(9)
		n := r.Intn(200)
		if i%10 == 0 {
			n = r.Intn(9000)
		}
		b := buf[at : at+n]
		cut := r.Intn(n+1) &^ 1
		got := Sum(0).Add(b[:cut]).Add(b[cut:]).Fold()
		if want := reference(b); got != want {
			t.Fatalf("%d octets at %d, cut at %d: %#04x, want %#04x", n, at, cut, got, want)
		}
		if got := Sum(0).Add(b[:cut]).Plus(Sum(0).Add(b[cut:])).Fold(); got != reference(b) {
			t.Fatalf("%d octets at %d, joined at %d: %#04x, want %#04x", n, at, cut, got, reference(b))
		}
	}
}

func FuzzSum(f *testing.F) {
	f.Add([]byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}, uint(3)) // RFC 1071 §3
	f.Add([]byte{0xff}, uint(0))
	f.Fuzz(func(t *testing.T, b []byte, cut uint) {
		i := int(cut%uint(len(b)+1)) &^ 1 // every piece but the last is even
		got := Sum(0).Add(b[:i]).Add(b[i:]).Fold()
		if want := reference(b); got != want {
			t.Errorf("Sum(%x | %x) = %#04x, want %#04x", b[:i], b[i:], got, want)
		}
	})
}

func BenchmarkSum(b *testing.B) {
	for _, n := range []int{20, 64, 512, 1460, 9000, 65536} {
		buf := make([]byte, n)
		b.Run(size(n), func(b *testing.B) {
			b.SetBytes(int64(n))
			var s Sum
			for b.Loop() {
				s = s.Add(buf)
			}
			if s != 0 {
				b.Fatal("zeros do not add up to zero")
			}
		})
	}
}

func size(n int) string {
	digits := ""
	for ; n > 0; n /= 10 {
		digits = string(rune('0'+n%10)) + digits
	}
	return digits
}
