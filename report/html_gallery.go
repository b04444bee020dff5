package report

// A Gallery is what a second look at a capture gathered for the page.
type Gallery struct{}

func (g *Gallery) drawn(int) bool { return false }

func (g *Gallery) ladder(*Report, int) *pageLadder { return nil }

type pageLadder struct{}
type pageGraph struct{}
type pageTime struct{ Any bool }

func newPageTime(*builder, *Report, *Gallery) pageTime { return pageTime{} }

func (v *pageView) graphs(*builder, HTMLOptions) {}
func (v *pageView) data() any                    { return nil }
