package password

import "context"

// Occupy takes the place of one hash under way until release is called.
func (h *Hasher) Occupy(ctx context.Context) (release func(), err error) { return h.acquire(ctx) }
