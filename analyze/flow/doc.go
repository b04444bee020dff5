// Package flow is one tap's view of conversations: both halves of each, what
// is missing from them, and the symptoms that say so.
package flow
