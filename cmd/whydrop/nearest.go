package main

import "strings"

// maxSlips is how many slips of the finger a word may hold and still be taken
// for another, for each four letters begun: farther apart, a guess annoys.
const maxSlipsPerFourLetters = 1

// nearest returns the one of words that typed was probably meant to be.
func nearest(typed string, words []string) (string, bool) {
	best, slips := "", (len(typed)+3)/4*maxSlipsPerFourLetters+1
	for _, w := range words {
		d := distance(strings.ToLower(typed), w)
		if len(typed) >= 3 && strings.HasPrefix(w, typed) {
			d = min(d, 1) // a word begun
		}
		if d < slips {
			best, slips = w, d
		}
	}
	return best, best != ""
}

// distance is the number of letters to insert, delete, change or swap with
// their neighbour to turn a into b.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}
