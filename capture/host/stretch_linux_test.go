package host

import (
	"testing"

	"whydrop/capture"
)

func TestBetween(t *testing.T) {
	before := &capture.Testimony{End: 50, Moved: []capture.Moved{{Group: "snmp", Name: "a", From: 1, By: 4, First: 10, Last: 20}, {Group: "snmp", Name: "b", By: 2, First: 10, Last: 40}}}
	after := &capture.Testimony{End: 90, Moved: []capture.Moved{
		{Group: "snmp", Name: "a", From: 1, By: 9, First: 10, Last: 80}, {Group: "snmp", Name: "b", By: 2, First: 10, Last: 40}, {Group: "link", Name: "c", By: 3, First: 60, Last: 70},
	}}
	got := Between(before, after)
	if len(got.Moved) != 2 || got.Start != 50 || got.End != 90 {
		t.Fatalf("%+v", got)
	}
	if a := got.Moved[0]; a.From != 5 || a.By != 5 || a.First != 50 || a.Last != 80 {
		t.Errorf("%+v", a)
	}
	if c := got.Moved[1]; c.By != 3 || c.First != 60 {
		t.Errorf("%+v", c)
	}
	if Between(nil, after) != nil || Between(before, nil) != nil {
		t.Error("something of nothing")
	}
}
