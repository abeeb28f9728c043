package upstream

import (
	"sync"
	"time"
)

const (
	maxIdleConns    = 512 // to one address
	idleConnTimeout = 90 * time.Second
)

// idlePool holds the connections to one address that nobody uses. The last one
// that came is taken first, so that a crowd that is over lets the others age.
type idlePool struct {
	now func() time.Time

	mu    sync.Mutex
	conns []*inlineConn
	sweep *time.Timer // runs while there are any
}

// take gives a connection that is asked whether it is open when it is written
// to, or nil.
func (p *idlePool) take() *inlineConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.conns) - 1
	if last < 0 {
		return nil
	}
	c := p.conns[last]
	p.conns[last] = nil
	p.conns = p.conns[:last]
	c.unasked = true
	return c
}

func (p *idlePool) put(c *inlineConn) {
	c.since = p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.conns) == maxIdleConns {
		c.Close()
		return
	}
	p.conns = append(p.conns, c)
	switch {
	case p.sweep == nil:
		p.sweep = time.AfterFunc(idleConnTimeout, func() { p.expire(p.now()) })
	case len(p.conns) == 1:
		p.sweep.Reset(idleConnTimeout)
	}
}

// expire closes what has been idle for too long at now.
func (p *idlePool) expire(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for ; n < len(p.conns) && now.Sub(p.conns[n].since) >= idleConnTimeout; n++ {
		p.conns[n].Close()
	}
	p.conns = p.conns[:copy(p.conns, p.conns[n:])]
	clear(p.conns[len(p.conns):cap(p.conns)])
	if len(p.conns) > 0 && p.sweep != nil {
		p.sweep.Reset(idleConnTimeout - now.Sub(p.conns[0].since))
	}
}

func (p *idlePool) closeAll() { p.expire(p.now().Add(idleConnTimeout)) }
