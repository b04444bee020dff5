package flow

import "testing"

func TestListKeepsOrder(t *testing.T) {
	for _, n := range []int{0, 1, firstPart, firstPart + 1, 3 * lastPart} {
		var l List[int]
		for i := range n {
			l.Append(i)
		}
		if l.Len() != n {
			t.Errorf("%d values: length %d", n, l.Len())
		}
		all := l.Take()
		if len(all) != n || l.Len() != 0 {
			t.Errorf("%d values: %d taken, %d left", n, len(all), l.Len())
		}
		for i, v := range all {
			if v != i {
				t.Fatalf("value %d of %d is %d", i, n, v)
			}
		}
	}
}
