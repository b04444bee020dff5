package flow

import (
	"cmp"
	"slices"
)

// All trails of a capture share TrailsMost transmissions. Which are kept must not
// depend on how the flows were spread over shards: it is those whose flows began
// first, up to the first for which there is no room. What a shard drops by this
// rule has no room in the whole capture either, so the rule can be applied to
// each shard, to bound its memory, and then to all together.

// roomSlack is the part of the room by which a shard exceeds it before it sorts
// and cuts.
const roomSlack = 4

// size is how many transmissions and holes t has.
func (t *Trail) size() int {
	return len(t.chunks)*chunkSent + len(t.odd) + len(t.Holes) + len(t.Stones)
}

func compareTrails(a, b Trail) int {
	return cmp.Or(
		cmp.Compare(a.begun, b.begun), cmp.Compare(a.frame.File, b.frame.File),
		cmp.Compare(a.frame.Number, b.frame.Number), cmp.Compare(a.Dir, b.Dir))
}

// CutTrails sorts list and keeps those for which there is room; 0 is the default.
func CutTrails(list []Trail, room int) (kept []Trail, gaveUp uint64) {
	if room == 0 {
		room = TrailsMost
	}
	slices.SortFunc(list, compareTrails)
	n := 0
	for ; n < len(list) && room >= list[n].size(); n++ {
		room -= list[n].size()
	}
	gaveUp = uint64(len(list) - n)
	clear(list[n:]) // their chunks are garbage
	return list[:n], gaveUp
}

// leave keeps t, as long as there is room.
func (l *Log) leave(t Trail) bool {
	room := l.MaxTrails
	if room == 0 {
		room = TrailsMost
	}
	if l.full && compareTrails(t, l.fullAt) >= 0 {
		l.GaveUp.Trails++
		return false
	}
	l.trailed += t.size()
	l.Trails = append(l.Trails, t)
	if l.trailed > room+room/roomSlack {
		l.cut(room)
	}
	return true
}

// cut drops the trails for which there is no room, and notes from where on there
// will be none.
func (l *Log) cut(room int) {
	all := slices.Clone(l.Trails)
	slices.SortFunc(all, compareTrails)
	kept, gaveUp := CutTrails(l.Trails, room)
	if gaveUp > 0 {
		l.full, l.fullAt = true, all[len(kept)]
		l.fullAt.chunks, l.fullAt.odd, l.fullAt.Holes, l.fullAt.Loads, l.fullAt.Stones = nil, nil, nil, nil, nil
	}
	l.Trails, l.trailed = kept, 0
	l.GaveUp.Trails += gaveUp
	for i := range kept {
		l.trailed += kept[i].size()
	}
}
