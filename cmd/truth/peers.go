package main

import (
	"io"

	"whydrop/cmd/lab/score"
	"whydrop/cmd/lab/truth"
)

type peers struct{}

func newPeers() *peers { return nil }

func (p *peers) capture(path string, f *truth.Fates, point int) error { return nil }
func (p *peers) print(w io.Writer, ours *score.Card)                  {}
