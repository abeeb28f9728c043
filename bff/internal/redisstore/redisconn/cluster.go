package redisconn

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// slotsEvery is how old the client's table of who keeps which slots may be. A
	// server that hangs, or whose host is gone, has its calls end after a second
	// each; go-redis' own interval is a minute.
	slotsEvery = 2 * time.Second
	// slotsPause is how soon calls that fail may have that table read again.
	slotsPause = 100 * time.Millisecond
)

func clusterDialer(raw string, l *login, own ownTLS) (clients, error) {
	o, err := redis.ParseClusterURL(raw)
	if err != nil {
		return nil, malformed(err)
	}
	if err := own.check(o.TLSConfig); err != nil {
		return nil, err
	}
	defaults(&o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout, &o.PoolTimeout, &o.ClientName)
	o.Dialer = own.dial(o.TLSConfig, o.DialTimeout)
	o.DialerRetries, o.ContextTimeoutEnabled, o.DisableIdentity = 1, true, true
	o.MaintNotificationsConfig = noMaintNotifications()
	o.CredentialsProviderContext = l.begin(o.Username, o.Password)
	o.ClusterStateReloadInterval = slotsEvery
	return func(pool int, connected func()) redis.UniversalClient {
		mine := *o
		// Each client appends the addresses it learns, in place: two clients over
		// one array wrote over each other's, and lost nodes.
		mine.Addrs = slices.Clone(o.Addrs)
		mine.OnConnect = onConnect(connected)
		if pool > 0 {
			mine.PoolSize, mine.MinIdleConns = pool, 0
		}
		c := redis.NewClusterClient(&mine)
		hook := &slotsHook{reload: c.ReloadState, pause: slotsPause}
		c.OnNewNode(func(node *redis.Client) {
			node.AddHook(hook)
			node.AddHook(loginHook{l})
		})
		return c
	}, nil
}

// slotsHook has the slots read again when a node gives no answer. go-redis does
// so after a MOVED, which a dead master does not say: for up to a minute after a
// replica had taken over, calls went to the dead one. It is on the nodes, not on
// the whole, so that the next attempt of the same call may find the new master.
type slotsHook struct {
	reload  func(context.Context) // returns at once; go-redis reads one at a time
	pause   time.Duration
	pausing atomic.Bool
}

// DialHook implements redis.Hook.
func (*slotsHook) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessPipelineHook implements redis.Hook.
func (*slotsHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// ProcessHook implements redis.Hook.
func (h *slotsHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		// The reading itself comes by here, and goes to the next node by itself.
		if err != nil && cmd.Name() != "cluster" && unanswered(err) {
			h.reloadSoon(ctx)
		}
		return err
	}
}

// reloadSoon is called by every call that fails, thousands a second.
func (h *slotsHook) reloadSoon(ctx context.Context) {
	if h.pausing.CompareAndSwap(false, true) {
		time.AfterFunc(h.pause, func() { h.pausing.Store(false) })
		h.reload(ctx)
	}
}

// unanswered distinguishes a node that did not answer from one that refused, and
// from a caller that has gone.
func unanswered(err error) bool {
	_, reply := errors.AsType[redis.Error](err)
	return !reply && !errors.Is(err, context.Canceled)
}
