package upstream

import (
	"context"
	"testing"
	"time"
)

// ending is an exchange that ends between the two looks that package context
// takes at the parent of a new context: it holds that one's lock by then.
type ending struct{ *Cancellation }

func (e ending) Done() <-chan struct{} {
	done := make(chan struct{})
	e.Cancel(context.Canceled)
	return done
}

// Dialling derives contexts: one of them waited for itself, and its request for
// good, when the client left at the wrong moment.
func TestContextOfAnExchangeThatIsJustEnding(t *testing.T) {
	c := new(Cancellation)
	c.Attach(t.Context())
	defer c.Finish()
	derived := make(chan context.Context, 1)
	go func() {
		ctx, cancel := context.WithCancel(ending{c})
		defer cancel()
		<-ctx.Done()
		derived <- ctx
	}()
	select {
	case ctx := <-derived:
		if ctx.Err() == nil {
			t.Error("it goes on")
		}
	case <-time.After(25 * time.Second):
		t.Fatal("it waits for itself")
	}
}
