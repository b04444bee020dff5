package analyze

import (
	"testing"

	"whydrop/analyze/cause"
)

func TestLedgerBalances(t *testing.T) {
	l := NewLedger(10)
	l.Charge(Charge{Packets: 4, Locus: cause.Downstream, Cause: cause.Unknown})
	l.Charge(Charge{Packets: 3, Locus: cause.InCapture, Cause: cause.CaptureDropped})
	if l.Lost() != 4 || l.CaptureOnly() != 3 || l.Unexplained() != 3 {
		t.Errorf("lost %d, capture only %d, unexplained %d; want 4, 3, 3", l.Lost(), l.CaptureOnly(), l.Unexplained())
	}
	if sum := l.Lost() + l.CaptureOnly() + l.Unexplained(); sum != l.Missing() {
		t.Errorf("parts sum to %d, missing is %d", sum, l.Missing())
	}
	if l.Charges[1].ID != 2 {
		t.Errorf("second charge has ID %d, want 2", l.Charges[1].ID)
	}
}

func TestLedgerRefusesToOvercharge(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("charging 2 of 1 missing packets did not panic")
		}
	}()
	l := NewLedger(1)
	l.Charge(Charge{Packets: 2, Cause: cause.Unknown})
}
