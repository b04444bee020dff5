// Package pattern tells the causes of loss that no single packet shows: a full
// queue, a policer, losses at random, an outage of the link, and a path that
// swallows long packets. It looks at the course of all transmissions of a
// direction, and says nothing where that does not decide.
//
// The rules and all of their thresholds are those of loss-causes.md, which
// measured them; §4 has the order in which they are applied. One file a rule.
package pattern
