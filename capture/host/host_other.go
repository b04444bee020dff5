//go:build !linux

package host

import (
	"context"
	"errors"
	"io"

	"whydrop/capture"
)

// A Witness watches the host. On this system it cannot.
type Witness struct{}

// ErrSystem says that this system is not Linux.
var ErrSystem = errors.New("the host's evidence is that of Linux; there is none on this system")

// Open fails.
func Open(context.Context, Options) (*Witness, error) { return nil, ErrSystem }

// Frame does nothing.
func (w *Witness) Frame(uint64, int64, []byte, capture.LinkType, string) {}

// Now says nothing.
func (w *Witness) Now() Summary { return Summary{} }

// Halt does nothing.
func (w *Witness) Halt() {}

// SoFar says nothing.
func (w *Witness) SoFar() *capture.Testimony { return nil }

// Between says nothing.
func Between(_, _ *capture.Testimony) *capture.Testimony { return nil }

// Close fails.
func (w *Witness) Close() (*capture.Testimony, error) { return nil, ErrSystem }

// Serve fails.
func Serve(io.Reader, io.Writer) error { return ErrSystem }
